"""A user's fields as text, and the rights on archive folders as a table."""

from __future__ import annotations

from rich.text import Text

from store.history import History
from store.models import AUTHENTICATION_LABELS, User
from store.privileges import FOLDER_PRIVILEGES, PRIVILEGES, delete_gap
from store.text import shown_time
from tui.widgets.plain import plain
from tui.widgets.table import Column, Table

FolderRow = tuple[str, list[str]]


def user_text(user: User, history: History) -> Text:
    """Return the fields of a user, but never the hash; `history` tells of a pinned one's undo."""
    addresses = user.email_addresses
    gap = delete_gap(user.privileges, user.folder_privileges)
    text = Text()
    for label, value in (
        ("User name", user.user_name),
        ("Full name", user.full_name or "(none)"),
        ("Distinguished name", user.distinguished_name or "(none)"),
        ("Primary address", addresses[0] if addresses else "(none)"),
        ("Other addresses", ", ".join(addresses[1:]) or "(none)"),
        ("Authentication", AUTHENTICATION_LABELS[user.authentication]),
        *((("Pinned", _pin(user, history)),) if user.pinned else ()),
        ("Local password", "set" if user.password_hash else "none"),
        ("Privileges", ", ".join(PRIVILEGES.get(name, name) for name in user.privileges)),
        *((("Note", gap),) if gap else ()),
        ("Created", shown_time(user.created)),
        ("Changed", shown_time(user.changed)),
    ):
        text.append_text(plain(f"{label}: ".ljust(20), "bold"))
        text.append_text(plain(value)).append("\n")
    text.rstrip()
    return text


def _pin(user: User, history: History) -> str:
    undo = next((run for run in history.runs if run.generation == user.rev), None)
    which = (
        f"the undo of {undo.undoes}, {shown_time(undo.at)}" if undo and undo.undoes else "an undo"
    )
    return f"kept by {which}: no sync deletes the user until released"


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
