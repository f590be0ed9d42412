"""A user's fields as text, and the rights on archive folders as a table."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from store.history import History
from store.interface import Snapshot
from store.models import AUTHENTICATION_LABELS, User
from store.privileges import FOLDER_PRIVILEGES, PRIVILEGES, delete_gap
from store.text import shown_time
from sync.planning.leavers import leaving_on
from tui.colours import KEY
from tui.texts.plain import plain
from tui.widgets.table import Column, Table

FolderRow = tuple[str, list[str]]


def user_text(user: User, snapshot: Snapshot) -> Text:
    """Return the fields of a user, a line each, but never the hash."""
    text = Text()
    for label, value in _fields(user, snapshot):
        text.append_text(plain(f"{label}: ".ljust(20), "bold"))
        text.append_text(plain(value)).append("\n")
    text.rstrip()
    return text


def user_grid(user: User, snapshot: Snapshot) -> Group:
    """Return the fields of a user and the rights on folders, for a pane beside the list."""
    grid = Grid.grid(padding=(0, 1))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for label, value in _fields(user, snapshot):
        grid.add_row(plain(label), plain(value))
    for row in rights_of(user):
        owner, rights = _folder_cells(row)
        grid.add_row("Rights on folder", plain(f"{owner}: {rights}", limit=200))
    return Group(plain(user.user_name, KEY, limit=300), "", grid)


def _fields(user: User, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
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
        *((("Id", f"{user.directory_id} ({user.directory})"),) if user.directory_id else ()),
        *((("Log-on refused", _suspension(user)),) if user.is_suspended else ()),
        *((("Pinned", _pin(user, snapshot.history)),) if user.pinned else ()),
        *((("Leaving on", _leaving(user, day)),) if day else ()),
        ("Local password", "set" if user.password_hash else "none"),
        ("Privileges", ", ".join(PRIVILEGES.get(name, name) for name in user.privileges)),
        *((("Note", gap),) if gap else ()),
        ("Created", shown_time(user.created)),
        ("Changed", shown_time(user.changed)),
    )


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
    return f"by {which}; syncs will not delete this user until you release it (F7, p, r)"


def rights_table() -> Table[FolderRow]:
    """Return an empty table for `rights_of` a user."""
    columns = [Column("Archive folder of", 1), Column("Rights", 1)]
    return Table(columns, _folder_cells, lambda row: row[0])


def rights_of(user: User) -> list[FolderRow]:
    """Return the user's rights, by the names of the folders' owners."""
    return sorted(user.folder_privileges.items())


def _folder_cells(row: FolderRow) -> tuple[str, str]:
    owner, rights = row
    return owner, ", ".join(FOLDER_PRIVILEGES.get(right, right) for right in rights)
