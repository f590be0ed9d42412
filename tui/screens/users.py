"""Users: who is in the archive, and how each of them logs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from time import monotonic
from typing import NamedTuple

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from store.errors import StoreError
from store.interface import Snapshot
from store.models import AUTHENTICATION_LABELS, INTEGRATED, Settings, User, UserRow
from store.names import match_key
from store.privileges import PRIVILEGES
from sync.directory.connect import fetch
from sync.directory.listing import Listing
from sync.users.by_hand import set_password, switch_authentication
from sync.users.several import delete_users, take_back_switch
from tui.actions import bindings_for
from tui.screens.base import BEING_SAVED
from tui.screens.dialogs import Message, NewPassword
from tui.screens.switching import ask_switch
from tui.screens.table_screen import TableScreen
from tui.screens.user import UserScreen, ask_deletion
from tui.screens.user_form import NewUserScreen
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.plain import grouped, lines
from tui.widgets.table import Cell, Column, Table
from tui.widgets.user_names import how_many, names_of_several

_NEEDS_USER = ("switch_authentication", "delete", "set_password", "details", "mark", "mark_all")
_ANSWER_SECONDS = 60.0
_WRITES = ("switch_authentication", "delete", "set_password", "details")
_EXCLUSIVE = ("switch_authentication", "undo_switch", "delete", "set_password")


class _Answer(NamedTuple):
    """The names that the directory listed, under which settings, and when."""

    settings: Settings
    keys: Collection[str]
    at: float

    def serves(self, settings: Settings, users: Sequence[User]) -> bool:
        """Tell whether it is fresh enough and leaves nothing to ask about these users."""
        return (
            settings == self.settings
            and monotonic() - self.at < _ANSWER_SECONDS
            and all(user.key in self.keys for user in users)
        )


class UsersScreen(TableScreen):
    """All users in a table, with what is done to one or to all marked ones.

    A switch of methods shows at once, as being saved; if the write fails it is taken back.
    """

    NAME = "users"
    SCOPES = ("users", "table")
    CSS_PATH = "users.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self.table: Table[UserRow] = Table(
            [
                Column("User name", 4),
                Column("Full name", 3),
                Column("Primary address", 4),
                Column("Authentication", 4),
                Column("Privileges", 2),
                Column("Changed", width=11),
            ],
            self._cells,
            _name,
        )
        self._saving: dict[str, str] = {}
        self._undo: tuple[Sequence[User], Sequence[User]] | None = None
        self._asking: Worker[object] | None = None
        self._answer: _Answer | None = None

    def body(self) -> ComposeResult:
        """Build the table."""
        yield FilteredTable(self.table)
        yield Static(markup=False, id="status")

    def on_mount(self) -> None:
        """Fill the table."""
        self.follow_store(self.app.snapshot)
        self.table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the users as they are now."""
        self.table.load(list(snapshot.users.values()))

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        current = self.table.current
        if name in _NEEDS_USER and current is None:
            return "There is no user in this list."
        if name in _EXCLUSIVE and self.is_writing:
            return BEING_SAVED
        if name in _WRITES and self._saving and self._is_being_saved():
            return BEING_SAVED
        if name == "set_password" and current and current["authentication"] != INTEGRATED:
            return (
                f"The password of {current['user_name']} is the directory's. "
                "Switch the authentication method (a) first."
            )
        if name == "undo_switch" and self._undo is None:
            return "No authentication method was switched since this screen was opened."
        return super().why_not(name)

    @property
    def is_busy(self) -> bool:
        """Whether users are being written; methods are while the keyboard goes on."""
        return self.is_writing or bool(self._saving)

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        return "the users" if self.is_busy else ""

    async def go_back(self) -> None:
        """Give up asking the directory, take the marks away, or back out."""
        if self._asking is not None:
            self._asking.cancel()
        elif self.table.has_marks and not self.query_one(FilteredTable).has_class("-filtering"):
            self.table.clear_marks()
        else:
            await super().go_back()

    def action_mark(self) -> None:
        """Mark the user under the cursor, or take the mark away."""
        self.table.toggle_mark()

    def action_mark_all(self) -> None:
        """Mark all users that are shown, or unmark them all."""
        self.table.toggle_all_marks()

    def action_details(self) -> None:
        """Show everything about the user under the cursor."""
        self.app.push_screen(UserScreen(self._chosen(marked=False)[0]))

    def action_new(self) -> None:
        """Add a user by hand."""
        self.app.push_screen(NewUserScreen())

    # Authentication methods

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_switch_authentication(self) -> None:
        """Give the chosen users the other method, after showing what that means."""
        switch = await ask_switch(self, self._chosen(), self._ask_directory)
        if switch is None:
            return
        label = AUTHENTICATION_LABELS[switch.method]
        self._write_methods(
            switch.users,
            dict.fromkeys(map(_name_of, switch.users), label),
            lambda: switch_authentication(
                self.app.workspace, switch.users, switch.method, switch.password
            ),
            f"Authentication is {label} now: {how_many(switch.users)}.",
            can_be_undone=True,
        )

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_undo_switch(self) -> None:
        """Take the last switch back."""
        if self._undo is None:
            return
        before, after = self._undo
        labels = {user.user_name: AUTHENTICATION_LABELS[user.authentication] for user in before}
        method = next(iter(labels.values()))
        text = lines(
            f"{how_many(before)}: {method} again, with the password from before.",
            *names_of_several(before),
        )
        if await self.confirm("Take the last switch back?", text):
            self._write_methods(
                before,
                labels,
                lambda: take_back_switch(self.app.workspace, before, after),
                f"Authentication is {method} again: {how_many(before)}.",
            )

    @work(group="write", exit_on_error=False)
    async def _write_methods(
        self,
        users: Sequence[User],
        labels: Mapping[str, str],
        write: Callable[[], Sequence[User]],
        done: str,
        *,
        can_be_undone: bool = False,
    ) -> None:
        """Show the methods as being saved, write them, and take them back if that fails."""
        self._saving.update(labels)
        self.table.clear_marks()
        self._show_saving()
        failure = None
        try:
            after = await asyncio.to_thread(write)
            self.app.wrote({user.key: user for user in after})
            self._undo = (users, after) if can_be_undone else None
        except StoreError as error:
            failure = error
        finally:
            for name in labels:
                self._saving.pop(name, None)
            self._show_saving()
        await self.app.reload()
        if failure is None:
            self.app.say(done)
        else:
            what = f"Taken back: {how_many(users)} {'has' if len(users) == 1 else 'have'} the "
            text = lines(f"{what}authentication method from before.", str(failure))
            await self.ask(Message("Not done: Authentication", text))

    def _show_saving(self) -> None:
        self.table.refresh_cells()
        count = len(self._saving)
        self._show_status(f"Saving {grouped(count)} of the users ..." if count else "")
        self.refresh_bindings()

    def _show_status(self, text: str) -> None:
        status = self.query_one("#status", Static)
        status.update(text)
        status.display = bool(text)

    async def _ask_directory(self, users: Sequence[User]) -> Collection[str]:
        """Return the keys of the names that the directory lists.

        The last answer serves for a minute where it knows all of `users`.
        """
        settings = self.app.snapshot.settings
        if self._answer is not None and self._answer.serves(settings, users):
            return self._answer.keys
        self._asking = get_current_worker()
        self._show_status("Asking the directory ... Esc gives up.")
        try:
            listing = await fetch(self.app.workspace, settings)
            keys = await asyncio.to_thread(_keys, listing)
        finally:
            self._asking = None
            self._show_status("")
        self._answer = _Answer(settings, keys, monotonic())
        return keys

    # Other writes

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_delete(self) -> None:
        """Delete the chosen users, after saying what becomes of their archives."""
        users = self._chosen()
        if not await ask_deletion(self, users):
            return
        kept = await self.write(lambda: delete_users(self.app.workspace, users))
        self.table.clear_marks()
        self.app.say(f"Deleted: {how_many(users)}. Archives kept: {grouped(len(kept))}.")

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_set_password(self) -> None:
        """Set a new local password."""
        (user,) = self._chosen(marked=False)
        name = user.user_name
        password = await self.ask(NewPassword(f"New password for {name}", name))
        if password is not None:
            await self.write(lambda: set_password(self.app.workspace, user, password))
            self.app.say(f"The password of {name} was changed.")

    # Rows

    def _chosen_rows(self, *, marked: bool = True) -> list[UserRow]:
        rows = self.table.marked if marked else []
        current = self.table.current
        return rows or ([] if current is None else [current])

    def _chosen(self, *, marked: bool = True) -> list[User]:
        """Return the marked users, or the one under the cursor."""
        return [User.from_row(row) for row in self._chosen_rows(marked=marked)]

    def _is_being_saved(self) -> bool:
        return any(row["user_name"] in self._saving for row in self._chosen_rows())

    def _cells(self, row: UserRow) -> tuple[Cell, ...]:
        name = row["user_name"]
        addresses = row["email_addresses"]
        method: Cell = AUTHENTICATION_LABELS[row["authentication"]]
        if self._saving and name in self._saving:
            method = Text(f"saving: {self._saving[name]}", "italic yellow")
        elif row.get("pinned"):
            method = f"pinned, {method}"
        return (
            name,
            row["full_name"] or "",
            addresses[0] if addresses else "",
            method,
            _privileges(tuple(row["privileges"])),
            row["changed"][:10],
        )


def _keys(listing: Listing) -> frozenset[str]:
    return frozenset(match_key(user.user_name) for user in listing.users)


@cache
def _privileges(names: tuple[str, ...]) -> str:
    return ", ".join(PRIVILEGES.get(name, name) for name in names)


def _name(row: UserRow) -> str:
    return row["user_name"]


def _name_of(user: User) -> str:
    return user.user_name
