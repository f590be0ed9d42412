"""How many users filter rules let in, and which users join or leave the scope."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from store.models import FilterRule
from store.text import printable
from sync.directory.listing import Listing
from sync.planning.filters import scope_of
from tui.texts.plain import counted, grouped, lines

_NAMES_LENGTH = 90


def scope_text(listing: Listing, before: Sequence[FilterRule], after: Sequence[FilterRule]) -> Text:
    """Return how many listed users are in scope under `after`, and which join or leave it."""
    was, now = scope_of(before), scope_of(after)
    inside = 0
    come: list[str] = []
    leave: list[str] = []
    for user in listing.users:
        is_in = now(user)
        inside += is_in
        if is_in != was(user):
            (come if is_in else leave).append(user.user_name)
    now_in = f"{grouped(inside)} of {counted(len(listing.users), 'listed user')}"
    if not (come or leave):
        return Text(f"In scope: {now_in}.")
    return lines(
        f"With this filter {counted(len(leave), 'user')} would leave the scope and "
        f"{grouped(len(come))} would join it.",
        f"In scope then: {now_in}.",
        *(
            Text.assemble((f"{word}: ", colour), _names(names))
            for word, colour, names in (("+ join", "green", come), ("- leave", "red", leave))
            if names
        ),
    )


def _names(names: list[str]) -> Text:
    """Return as many of `names` as two lines of a narrow terminal hold."""
    shown: list[str] = []
    length = 0
    for name in names:
        shown.append(printable(name, 40))
        length += len(shown[-1]) + 2
        if length > _NAMES_LENGTH:
            break
    rest = len(names) - len(shown)
    return Text(", ".join(shown) + (f" and {grouped(rest)} more" if rest else ""))
