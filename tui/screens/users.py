"""Users: who is in the archive, and how each of them logs on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from store.errors import StoreError
from store.interface import Snapshot
from store.models import AUTHENTICATION_LABELS, DIRECTORY_SERVICES, INTEGRATED, User, UserRow
from store.names import match_key
from store.privileges import PRIVILEGES
from sync.errors import SyncError
from sync.users import (
    delete_user,
    other_method,
    set_password,
    switch_authentication,
    unknown_to_directory,
)
from tui.actions import bindings_for
from tui.screens.base import BaseScreen, listed_names
from tui.screens.dialogs import NewPassword
from tui.screens.user_form import NewUserScreen, UserScreen
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.plain import lines, plain
from tui.widgets.table import Column, Table

_NEEDS_USER = ("switch_authentication", "delete", "set_password", "details", "mark")


class UsersScreen(BaseScreen):
    """All users in a table, with what is done to one or to all marked ones."""

    NAME = "users"
    SCOPES = ("users",)
    CSS_PATH = "users.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self._table: Table[UserRow] = Table(
            [
                Column("User name", 4),
                Column("Full name", 3),
                Column("Primary address", 4),
                Column("Authentication", width=19),
                Column("Privileges", width=11),
            ],
            _cells,
            lambda row: match_key(row["user_name"]),
        )

    def body(self) -> ComposeResult:
        """Build the table."""
        yield FilteredTable(self._table)
        yield Static(markup=False, id="status")

    def on_mount(self) -> None:
        """Fill the table."""
        self.follow_store(self.app.snapshot)
        self._table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the users as they are now."""
        self._table.load(list(snapshot.users.values()))

    def on_table_moved(self) -> None:
        """Another user is under the cursor."""
        self.refresh_bindings()

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        current = self._table.current
        if name in _NEEDS_USER and current is None:
            return "There is no user in this list."
        if name == "set_password" and current and current["authentication"] != INTEGRATED:
            return (
                f"The password of {current['user_name']} is the directory's. "
                "Switch the authentication method (a) first."
            )
        return None

    async def go_back(self) -> None:
        """Take the marks away, or back out."""
        if self._table.marked and not self.query_one(FilteredTable).has_class("-filtering"):
            self._table.clear_marks()
        else:
            await super().go_back()

    def action_mark(self) -> None:
        """Mark the user under the cursor, or take the mark away."""
        self._table.toggle_mark()

    def action_filter(self) -> None:
        """Open the filter box."""
        self.query_one(FilteredTable).open_filter()

    def action_details(self) -> None:
        """Show everything about the user under the cursor."""
        self.app.push_screen(UserScreen(self._chosen(marked=False)[0]))

    def action_new(self) -> None:
        """Add a user by hand."""
        self.app.push_screen(NewUserScreen())

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_switch_authentication(self) -> None:
        """Give the chosen users the method that the first of them does not have."""
        chosen = self._chosen()
        method = other_method(chosen[0])
        users = [user for user in chosen if user.authentication != method]
        label = AUTHENTICATION_LABELS[method]
        password = None
        if method == DIRECTORY_SERVICES:
            text = await self._what_the_directory_knows(users)
        else:
            without = [user for user in users if not user.password_hash]
            if without and len(users) > 1:
                self.app.say(
                    f"{len(without)} of {len(users)} users have no local password. Switch these "
                    f"one at a time: {', '.join(user.user_name for user in without[:5])}",
                    error=True,
                )
                return
            if without:
                name = users[0].user_name
                password = await self.ask(NewPassword(f"Local password for {name}", name))
                if password is None:
                    return
            text = Text("They log on with a local password then.")
        if not await self.confirm(
            f"Switch to {label}?", lines(listed_names([u.user_name for u in users]), text)
        ):
            return
        await asyncio.to_thread(switch_authentication, self.app.workspace, users, method, password)
        self._done(f"Authentication is {label} now: {_how_many(users)}.")

    async def _what_the_directory_knows(self, users: Sequence[User]) -> Text:
        status = self.query_one("#status", Static)
        status.update("Asking the directory ...")
        status.display = True
        try:
            unknown = await unknown_to_directory(self.app.workspace, users)
        except (StoreError, SyncError) as error:
            return lines(plain("The directory could not be asked:", "yellow"), str(error))
        finally:
            status.display = False
        if not unknown:
            return Text(f"The directory knows {_how_many(users)}.", "green")
        return lines(
            plain("The directory does NOT know these, so they could not log on:", "red"),
            listed_names([user.user_name for user in unknown]),
        )

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_delete(self) -> None:
        """Delete the chosen users, after saying what becomes of their archives."""
        users = self._chosen()
        archives = self.app.workspace.archives(self.app.snapshot.settings)

        def count() -> dict[str, int]:
            return {user.user_name: archives.messages(user.user_name) for user in users}

        messages = await asyncio.to_thread(count)
        full = [f"{name}: {number} messages" for name, number in messages.items() if number]
        text = lines(
            listed_names([user.user_name for user in users]),
            *(
                ("Archives that hold mail stay:", listed_names(full))
                if full
                else ("Their archives hold no mail; empty folders are removed too.",)
            ),
        )
        if not await self.confirm(f"Delete {_how_many(users)}?", text):
            return
        kept = 0
        try:
            for user in users:
                kept += await asyncio.to_thread(delete_user, self.app.workspace, user)
        finally:
            self.app.refresh_store()
        self._done(f"Deleted: {_how_many(users)}. Archives kept: {kept}.")

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_set_password(self) -> None:
        """Set a new local password."""
        (user,) = self._chosen(marked=False)
        name = user.user_name
        password = await self.ask(NewPassword(f"New password for {name}", name))
        if password is not None:
            await asyncio.to_thread(set_password, self.app.workspace, user, password)
            self._done(f"The password of {name} was changed.")

    def _chosen(self, *, marked: bool = True) -> list[User]:
        """Return the marked users, or the one under the cursor."""
        rows = self._table.marked if marked else []
        current = self._table.current
        if not rows and current is not None:
            rows = [current]
        return [User.from_row(row) for row in rows]

    def _done(self, text: str) -> None:
        self._table.clear_marks()
        self.app.refresh_store()
        self.app.say(text)


def _cells(row: UserRow) -> tuple[str, ...]:
    return (
        row["user_name"],
        row["full_name"] or "",
        row["email_addresses"][0] if row["email_addresses"] else "",
        AUTHENTICATION_LABELS[row["authentication"]],
        ", ".join(PRIVILEGES.get(name, name) for name in row["privileges"]),
    )


def _how_many(users: Sequence[User]) -> str:
    return users[0].user_name if len(users) == 1 else f"{len(users)} users"
