"""Users as questions and notes name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from rich.text import Text

from store.models import User
from store.privileges import PRIVILEGES, with_changes
from tui.texts.plain import counted, grouped, lines, plain


def how_many(users: Sequence[User]) -> str:
    """Return the name of a single user, or how many users these are."""
    return users[0].user_name if len(users) == 1 else f"{grouped(len(users))} users"


def listed_names(names: list[str], most: int = 10) -> Text:
    """Return `names` one a line, the first few of them."""
    shown = lines(*(plain(f"  {name}", limit=70) for name in names[:most]))
    if len(names) > most:
        shown.append(f"\n  and {len(names) - most} more")
    return shown


def names_of_several(users: Sequence[User]) -> list[Text]:
    """Return the names below a question, unless its title says the only one."""
    return [listed_names([user.user_name for user in users])] if len(users) > 1 else []


def privileges_text(
    users: Sequence[User], given: Collection[str], taken: Collection[str]
) -> Text | None:
    """Return what this changes, and for how many users; None if it changes nothing."""
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    changed = []
    for user in users:
        new = with_changes(user.privileges, given, taken)
        gained.update({*new} - {*user.privileges})
        lost.update({*user.privileges} - {*new})
        if new != user.privileges:
            changed.append(user)
    if not changed:
        return None
    same = len(users) - len(changed)
    return lines(
        *_counts("+", "green", gained),
        *_counts("-", "red", lost),
        *([f"Unchanged: {counted(same, 'user')}."] if same else []),
        *names_of_several(changed),
    )


def _counts(sign: str, colour: str, found: Counter[str]) -> list[Text]:
    return [
        plain(f"{sign} {PRIVILEGES.get(name, name)}: {counted(found[name], 'user')}", colour)
        for name in (*PRIVILEGES, *sorted(found.keys() - PRIVILEGES.keys()))
        if found[name]
    ]
