"""A user's fields as text, and the rights on archive folders as a table."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from store.interface import Snapshot
from store.models import User
from tui.colours import KEY
from tui.texts.plain import plain
from tui.texts.user_fields import FolderRow, all_fields, fields_of, folder_cells
from tui.widgets.table import Column, Table


def user_text(user: User, snapshot: Snapshot) -> Text:
    """Return the fields of a user, a line each, but never the hash."""
    text = Text()
    for label, value in fields_of(user, snapshot):
        text.append_text(plain(f"{label}: ".ljust(20), "bold"))
        text.append_text(plain(value)).append("\n")
    text.rstrip()
    return text


def user_grid(user: User, snapshot: Snapshot) -> Group:
    """Return the fields of a user and the rights on folders, for a pane beside the list."""
    grid = Grid.grid(padding=(0, 1))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for label, value in all_fields(user, snapshot):
        grid.add_row(plain(label), plain(value))
    return Group(plain(user.user_name, KEY, limit=300), "", grid)


def rights_table() -> Table[FolderRow]:
    """Return an empty table for `rights_of` a user."""
    columns = [Column("Archive folder of", 1), Column("Rights", 1)]
    return Table(columns, folder_cells, lambda row: row[0])
