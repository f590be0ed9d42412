"""The rule that a local administrator always remains, so that no outage locks everybody out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from store.errors import LastAdministrator
from store.models import INTEGRATED, UserRow
from store.privileges import ADMIN


def is_local_administrator(row: UserRow) -> bool:
    """Tell whether this user is an administrator who can log on without the directory."""
    return (
        row["authentication"] == INTEGRATED
        and ADMIN in row["privileges"]
        and bool(row["password_hash"])
    )


def needs_administrator(users: Mapping[str, UserRow]) -> bool:
    """Tell whether nobody could administer without the directory, so that somebody must be made."""
    return not any(map(is_local_administrator, users.values()))


def check_administrator_remains(
    before: Mapping[str, UserRow], after: Mapping[str, UserRow], touched: Iterable[str]
) -> None:
    """Raise `LastAdministrator` if the edits to the `touched` keys take the last one away."""
    lost = [
        key
        for key in touched
        if key in before
        and is_local_administrator(before[key])
        and not (key in after and is_local_administrator(after[key]))
    ]
    if lost and needs_administrator(after):
        raise LastAdministrator(
            f"“{before[lost[0]]['user_name']}” is the last administrator who can log on with a "
            "local password.",
            "Make another integrated user an administrator with a password first.",
        )
