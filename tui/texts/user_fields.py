"""A user's fields with the labels that people read, for the screens and the command line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from store.history import History
from store.interface import Snapshot
from store.models import AUTHENTICATION_LABELS, DIRECTORY_SERVICES, Settings, User
from store.names import match_key
from store.privileges import FOLDER_PRIVILEGES, delete_gap, privilege_labels
from store.text import printable, shown_time
from sync.directory.types import NONE, directory_text
from sync.planning.changes import WHERE_RELEASED
from sync.planning.filters import as_listed, scope_of
from sync.planning.leavers import leaving_on

FolderRow = tuple[str, list[str]]
SYNC_REPLACES = "The next sync replaces these fields with what the directory lists."


def rename_there_too(user: User) -> str:
    """Return what the directory's administrator is to do once this user is renamed here."""
    if user.authentication != DIRECTORY_SERVICES:
        return ""
    otherwise = (
        "log-ons ask it for the new name, and the next sync takes the old name for a new user"
        if user.directory_id is None
        else "the next sync gives this user the old name back"
    )
    return f"Rename this user in the directory too. Otherwise {otherwise}."


def archive_text(*, is_kept: bool, is_here: bool) -> str:
    """Return what became of a deleted user's archive, which this host may be said not to have."""
    if not is_here:
        return "a host that has the archive keeps the folder if it holds mail"
    return "kept the archive with its mail" if is_kept else "the archive held no mail"


def fields_of(user: User, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield labels and values.

    `snapshot` has the undo that pinned a user, and the day on which a leaver goes.
    """
    day = leaving_on(snapshot.settings)(user.to_row())
    addresses = user.email_addresses
    gap = delete_gap(user.privileges, user.folder_privileges)
    yield from (
        ("User name", user.user_name),
        ("Full name", user.full_name or "(none)"),
        ("Distinguished name", user.distinguished_name or "(none)"),
        ("Primary address", addresses[0] if addresses else "(none)"),
        ("Other addresses", ", ".join(addresses[1:]) or "(none)"),
        ("Authentication", AUTHENTICATION_LABELS[user.authentication]),
        *((("Id", _id(user)),) if user.directory_id else ()),
        *((("Log-on refused", _suspension(user)),) if user.is_suspended else ()),
        *((("Pinned", _pin(user, snapshot.history)),) if user.pinned else ()),
        *((("Leaving on", _leaving(user, day)),) if day else ()),
        ("Local password", "set" if user.password_hash else "none"),
        ("Privileges", privilege_labels(user.privileges)),
        *((("Note", gap),) if gap else ()),
        ("Created", shown_time(user.created)),
        ("Changed", shown_time(user.changed)),
    )


def _id(user: User) -> str:
    return f"{user.directory_id} ({directory_text(user.directory or '')})"


def all_fields(user: User, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield labels and values, then the rights on each folder."""
    yield from fields_of(user, snapshot)
    for row in rights_of(user):
        yield "Rights on folder", ": ".join(folder_cells(row))


def _suspension(user: User) -> str:
    return f"the directory lists this name with the id {user.other_id}; Synchronize asks"


def _leaving(user: User, day: str) -> str:
    return f"{day}: not listed since {user.absent_since}; deleted then unless listed again"


def _pin(user: User, history: History) -> str:
    undo = next((run for run in history.runs if run.generation == user.rev), None)
    which = (
        f"the undo of {undo.undoes}, {shown_time(undo.at)}"
        if undo and undo.undoes
        else "hand or an undo"
    )
    return f"by {which}; syncs will not delete this user until you release it {WHERE_RELEASED}"


def rights_of(user: User) -> list[FolderRow]:
    """Return the user's rights, by the names of the folders' owners."""
    return sorted(user.folder_privileges.items())


def folder_cells(row: FolderRow) -> tuple[str, str]:
    """Return the owner of a folder, and the rights on it."""
    owner, rights = row
    return owner, ", ".join(FOLDER_PRIVILEGES.get(right, right) for right in rights)


def coming_back_text(users: Sequence[User], settings: Settings) -> str:
    """Return whom of the deleted `users` the next sync may make again, or nothing."""
    in_scope = scope_of(settings.filters)
    back = [
        user
        for user in users
        if user.authentication == DIRECTORY_SERVICES and in_scope(as_listed(user.to_row()))
    ]
    if not back or settings.directory_service == NONE:
        return ""
    who, them = f"{len(back)} of them", "them"
    if len(users) == 1:
        who, them = printable(users[0].user_name), "this user"
    return (
        f"If the directory still lists {who}, the next sync brings {them} back, unless a filter "
        f"skips {them}."
    )


def privileges_now(user: User) -> str:
    """Return the privileges that a user has by now, by the names that one types."""
    return f"{printable(user.user_name)} now has the privileges {', '.join(user.privileges)}."


def given_text(user: User, privileges: Collection[str], owners: Iterable[str]) -> str:
    """Return what the user has by now of the `privileges` and the owners' folders that were set."""
    parts = [privileges_now(user)] if privileges else []
    name = printable(user.user_name)
    for owner in owners:
        rights = user.folder_privileges.get(match_key(owner))
        has = f"the rights {', '.join(rights)}" if rights else "no rights"
        parts.append(f"{name} now has {has} on the archive folder of {printable(owner, 60)}.")
    return " ".join(parts)
