"""The problem for an error of the program itself: where it happened, without any value."""

from __future__ import annotations

import traceback

from store.errors import Problem
from store.text import printable


class Crash(Problem):
    """An error of the program, with the places that led to it, for its developers.

    Neither variables nor the exception's own message are shown: they quote values, passwords
    and what steers a terminal among them.
    """

    kind = "unexpected"
    untouched = "Changes that were written are complete; the rest was left as it was."

    def __init__(self, error: BaseException) -> None:
        lines = "".join(traceback.format_tb(error.__traceback__)).splitlines()
        name = type(error).__name__
        super().__init__(
            "Something unexpected went wrong. This is a fault of mailroster.",
            "\n".join(
                [
                    "Please report these lines:",
                    "Traceback (most recent call last):",
                    *map(printable, lines),
                    f"{name} (its message is left out: it may quote a password)",
                ]
            ),
        )
