"""Users as questions and notes name them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from store.models import User
from tui.widgets.plain import grouped, lines, plain


def how_many(users: Sequence[User]) -> str:
    """Return who or how many these users are."""
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
