"""Pinned users, which syncs do not delete until an administrator releases them."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.widgets import Static
from typing_extensions import override

from store.interface import Snapshot
from store.models import User
from sync.runs.by_hand import pinned_users, release
from tui.actions import bindings_for
from tui.screens.base import BEING_SAVED
from tui.screens.table_screen import TableScreen
from tui.screens.user import UserScreen
from tui.texts.plain import lines
from tui.texts.users import how_many, listed_names
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.table import Cell, Column, Table

_NEEDS_USER = ("release", "details", "mark", "mark_all")


class PinnedScreen(TableScreen):
    """The pinned users, to look at and to release."""

    NAME = "history"
    SCOPES = ("pinned", "table")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self.table: Table[User] = Table(
            [
                Column("Pinned user", 3, word="name"),
                Column("Full name", 3, word="full"),
                Column("Changed", width=11, word="changed"),
            ],
            _cells,
            lambda user: user.key,
        )

    def body(self) -> ComposeResult:
        """Build what pinned means, and the table."""
        yield Static(markup=False, id="meaning")
        yield self.list_of("Pinned users")

    def on_mount(self) -> None:
        """Fill the table."""
        self.follow_store(self.app.snapshot)
        self.table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show who is pinned now."""
        users = pinned_users(snapshot)
        self.table.load(users)
        self.query_one("#meaning", Static).update(
            "Syncs do not delete these users until you release them."
            if users
            else "No user is pinned. An undo pins the users that it brings back."
        )

    @override
    def why_not(self, name: str) -> str | None:
        if name in _NEEDS_USER and self.table.current is None:
            return "This list is empty."
        if name == "release" and self.is_writing:
            return BEING_SAVED
        return super().why_not(name)

    async def go_back(self) -> None:
        """Take the marks away, leave the filter, or go back to the runs."""
        if self.is_writing:
            self.app.say(BEING_SAVED, error=True)
            return
        if self.query_one(FilteredTable).close_filter():
            return
        if self.table.has_marks:
            self.table.clear_marks()
        else:
            self.dismiss()

    def action_mark(self) -> None:
        """Mark the user under the cursor, or unmark it."""
        self.table.toggle_mark()

    def action_mark_all(self) -> None:
        """Mark all users that are shown, or unmark them all."""
        self.table.toggle_all_marks()

    def action_details(self) -> None:
        """Show everything about the user under the cursor."""
        if user := self.table.current:
            self.app.push_screen(UserScreen(user))

    @work(exclusive=True, group="release", exit_on_error=False)
    async def action_release(self) -> None:
        """Let syncs delete the chosen users again."""
        current = self.table.current
        users = self.table.marked or ([current] if current else [])
        names = [user.user_name for user in users]
        if not names:
            return
        who = how_many(users)
        them = "this user" if len(names) == 1 else "them"
        text = lines("After that a sync may delete them, if the directory does not list them:")
        if await self.confirm(f"Release {who}?", lines(text, listed_names(names))):
            await self.write(lambda: release(self.app.workspace, *names))
            self.table.clear_marks()
            self.app.say(f"Released {who}. Syncs may delete {them} again.")


def _cells(user: User) -> tuple[Cell, ...]:
    return user.user_name, user.full_name or "", user.changed[:10]
