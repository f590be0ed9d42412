"""Who of the managed users is gone from the directory, and who is kept although gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from store.interface import Snapshot
from store.models import DIRECTORY_SERVICES, FilterRule, UserRow
from store.names import RESERVED_NAME, match_key
from store.privileges import ADMIN
from store.text import printable
from sync.directory.listing import DirectoryUser, Listing
from sync.planning.changes import quoted
from sync.planning.filters import Scope, as_listed, scope_of, skipped_by

Managed = Callable[[str, UserRow], bool]  # by key and row

_ABSENT = "absent from the directory"
_OUT_OF_SCOPE = "out of the filters' scope"


def managed_by(rules: Sequence[FilterRule]) -> Managed:
    """Return the test for managed users: those whom a sync may delete."""
    is_skipped = skipped_by(rules)
    if is_skipped is None:
        return may_go
    return lambda key, row: may_go(key, row) and not is_skipped(as_listed(row))


def may_go(key: str, row: UserRow) -> bool:
    """Tell whether a sync may ever delete the user, whatever the filters."""
    return (
        row["authentication"] == DIRECTORY_SERVICES
        and not row.get("pinned")
        and ADMIN not in row["privileges"]
        and key != RESERVED_NAME
    )


def find_deletions(
    snapshot: Snapshot,
    listing: Listing,
    users: Mapping[str, UserRow],
    is_managed: Managed,
    present: Mapping[str, DirectoryUser],
    scope: set[str],
    left_alone: set[str],
) -> tuple[dict[str, str], list[str]]:
    """Return the keys that are gone with their reasons, and warnings about who is kept.

    `users` are those who are not known to be listed as they are. `present` are the directory's
    usable records, `scope` the keys of those that the filters let in, `left_alone` of those of whom
    nothing is decided. A refused name keeps its user; see `sync.planning.doubt` for other doubts.
    """
    gone = [
        key
        for key, row in users.items()
        if key not in scope
        and key not in left_alone
        and row["authentication"] == DIRECTORY_SERVICES
    ]
    bad_keys = {match_key(bad.user_name) for bad in listing.invalid if bad.user_name}
    former = snapshot.history.filters
    was_in_scope = None if former in (None, snapshot.settings.filters) else scope_of(former or ())
    deletes: dict[str, str] = {}
    warnings: list[str] = []
    for key in gone:
        if key in bad_keys:
            continue
        reason = _reason(present.get(key), was_in_scope)
        row = users[key]
        if is_managed(key, row):
            deletes[key] = reason
        elif kept := _why_kept(key, row):
            name = printable(row["user_name"])
            warnings.append(f"“{name}” is {reason}, but {kept}.")
    return deletes, warnings


def who_stays(users: Mapping[str, UserRow], gone: Collection[str]) -> str:
    """Return the warning that these users stay, because automatic deletion is off."""
    names = quoted(users[key]["user_name"] for key in sorted(gone))
    return f"Gone or out of scope, and kept because automatic deletion is off: {names}."


def _reason(record: DirectoryUser | None, was_in_scope: Scope | None) -> str:
    if record is None:
        return _ABSENT
    if was_in_scope and was_in_scope(record):
        return f"{_OUT_OF_SCOPE}, which changed since the last sync"
    return _OUT_OF_SCOPE


def _why_kept(key: str, row: UserRow) -> str | None:
    if ADMIN in row["privileges"] or key == RESERVED_NAME:
        return "an administrator is never deleted by a sync"
    if row.get("pinned"):
        return (
            "pinned, as an undo brought the user back; release the user (F7 p r, or `mailroster "
            "history release NAME`) to let syncs delete it again"
        )
    return None
