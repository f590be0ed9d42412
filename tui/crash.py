"""What is shown of an error of the program itself: where it happened, and no value."""

from __future__ import annotations

import traceback

from store.text import printable


def crash_report(error: BaseException) -> str:
    """Return the places in the program that led to `error`, for whoever mends it.

    Neither variables nor the exception's own message are shown: they quote values, passwords
    and what steers a terminal among them.
    """
    lines = "".join(traceback.format_tb(error.__traceback__)).splitlines()
    return "\n".join(
        [
            "Something unexpected went wrong. This is a fault of mailroster. What was written is "
            "whole, the rest was left as it was. Please report these lines:",
            "Traceback (most recent call last):",
            *map(printable, lines),
            f"{type(error).__name__} (its message is left out: it may quote a password)",
        ]
    )
