"""Users: all users of the archive, and how each of them logs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from rich.console import RenderableType
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static
from typing_extensions import override

from store.errors import StoreError
from store.history import RunSummary, undone
from store.interface import Snapshot
from store.models import AUTHENTICATION_LABELS, Authentication, Settings, User, UserRow
from store.privileges import PRIVILEGES, privilege_labels
from sync.planning.leavers import leaving_on
from sync.runs.by_hand import switch_authentication
from sync.runs.undo import take_back
from tui.actions import bindings_for
from tui.screens.base import BEING_SAVED
from tui.screens.dialogs import Message
from tui.screens.table_screen import TableScreen
from tui.screens.user import Beside, UserScreen
from tui.screens.user_actions import OF_USERS, UserActions
from tui.screens.user_form import NewUserScreen
from tui.texts.plain import counted, lines
from tui.texts.problems import told
from tui.texts.users import how_many, listed_names
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.pane import Pane
from tui.widgets.table import Cell, Column, Table
from tui.widgets.user_details import user_grid

_NEEDS_USER = ("details", "mark", "mark_all")


class UsersScreen(UserActions, TableScreen):
    """All users in a table, with the actions on one or on all marked ones.

    A switch of methods shows at once, as being saved; if the write fails it is taken back.
    """

    NAME = "users"
    SCOPES = ("user", "users", "table")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self.table: Table[UserRow] = Table(
            [
                Column("User name", 4, word="name"),
                Column("Full name", 3, word="full", rank=1),
                Column("Primary address", 4, rank=2),
                Column("Authentication", 4, word="auth", known=AUTHENTICATION_LABELS),
                Column("Privileges", 2, word="priv", known=PRIVILEGES, rank=3),
                Column("Changed", width=11, word="changed", rank=4),
            ],
            self._cells,
            _name,
            beside=_beside,
            beside_in=2,
        )
        self._saving: dict[str, str] = {}
        self._leaving_on = leaving_on(Settings())

    def body(self) -> ComposeResult:
        """Build the table."""
        with Container(classes="split"):
            yield self.list_of("Users")
            yield Pane()
        yield Static(markup=False, id="status")

    def on_mount(self) -> None:
        """Fill the table."""
        self.follow_store(self.app.snapshot)
        self.table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the users as they are now."""
        self._leaving_on = leaving_on(snapshot.settings)
        self.table.load(list(snapshot.users.values()))

    @property
    def current(self) -> User | None:
        """The user under the cursor."""
        row = self.table.current
        return None if row is None else User.from_row(row)

    def chosen(self) -> list[User]:
        """Return the marked users, or the one under the cursor."""
        marked = self.table.marked
        return [User.from_row(row) for row in marked] if marked else super().chosen()

    def show_written(self, users: Sequence[User]) -> None:
        """Unmark all users, unless it was one user beside the marked ones."""
        if len(users) != 1 or len(self.table.marked) == 1:
            self.table.clear_marks()

    @override
    def why_not(self, name: str) -> str | None:
        if name in _NEEDS_USER and self.table.current is None:
            return "This list is empty."
        if name == "undo_switch" and self.is_writing:
            return BEING_SAVED
        if self._saving and name in (*OF_USERS, "details") and self._is_being_saved():
            return BEING_SAVED
        if name == "undo_switch" and self._last_switch is None:
            return "No switch of an authentication method is left to undo."
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
        if self.asking is not None:
            self.asking.cancel()
        elif self.table.has_marks and not self.query_one(FilteredTable).has_class("-filtering"):
            self.table.clear_marks()
        else:
            await super().go_back()

    def on_table_moved(self) -> None:
        """Tell of the user under the cursor beside the list."""
        self.query_one(Pane).follow(self._details)

    def _details(self) -> RenderableType:
        row = self.table.current
        return user_grid(User.from_row(row), self.app.snapshot) if row else ""

    def action_mark(self) -> None:
        """Mark the user under the cursor, or unmark it."""
        self.table.toggle_mark()

    def action_mark_all(self) -> None:
        """Mark all users that are shown, or unmark them all."""
        self.table.toggle_all_marks()

    def action_details(self) -> None:
        """Show everything about the user under the cursor."""
        self._open_page()

    def action_explain(self) -> None:
        """Show beside the user under the cursor why the user can or cannot log on."""
        self._open_page("explain")

    def action_story(self) -> None:
        """Show beside the user under the cursor what was done to the user."""
        self._open_page("story")

    def _open_page(self, beside: Beside | None = None) -> None:
        if user := self.current:
            self.app.push_screen(UserScreen(user, beside))

    def action_new(self) -> None:
        """Add a user by hand."""
        self.app.push_screen(NewUserScreen())

    # Authentication methods

    async def write_switch(
        self, users: Sequence[User], method: Authentication, password: str | None
    ) -> None:
        """Show the methods at once, and write them while the keyboard goes on."""
        label = AUTHENTICATION_LABELS[method]
        self._write_methods(
            dict.fromkeys((user.user_name for user in users), label),
            lambda: switch_authentication(self.app.workspace, users, method, password),
            f"Switched {how_many(users)} to {label}.",
        )

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_undo_switch(self) -> None:
        """Undo the last switch."""
        workspace, run = self.app.workspace, self._last_switch
        if run is None:
            return
        record = await asyncio.to_thread(workspace.store.run, run.id)
        labels = {
            change["user_name"]: AUTHENTICATION_LABELS[change["old"]["authentication"]]
            for change in record.changes
            if change["old"]
        }
        who, method = listed_names(list(labels)), next(iter(labels.values()))
        text = lines(
            f"{counted(len(labels), 'user')}: back to {method}, with the password from before.",
            who,
        )
        if await self.confirm("Undo the last switch?", text):
            self._write_methods(
                labels,
                lambda: take_back(workspace, run.id, old_passwords=True),
                f"Switched {_named(labels)} back to {method}.",
            )

    @property
    def _last_switch(self) -> RunSummary | None:
        """The last run that switched authentication methods, unless it was taken back."""
        runs = self.app.snapshot.history.runs
        taken_back = undone(runs)
        last = next((run for run in reversed(runs) if run.kind == "authentication"), None)
        return None if last is None or last.id in taken_back else last

    @work(group="write", exit_on_error=False)
    async def _write_methods(
        self,
        labels: Mapping[str, str],
        write: Callable[[], Sequence[User]],
        done: str,
    ) -> None:
        """Show the methods as being saved, write them, and take them back if that fails."""
        self._saving.update(labels)
        self.table.clear_marks()
        self._show_saving()
        failure = None
        try:
            after = await asyncio.to_thread(write)
            self.app.wrote({user.key: user for user in after})
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
            kept = "keeps its" if len(labels) == 1 else "keep their"
            text = lines(f"{_named(labels)} {kept} authentication method.", told(failure))
            await self.ask(Message("Not done: Authentication", text))

    def _show_saving(self) -> None:
        self.table.refresh_cells()
        count = len(self._saving)
        self._show_status(f"Saving {counted(count, 'user')} ..." if count else "")
        self.refresh_bindings()

    def _show_status(self, text: str) -> None:
        status = self.query_one("#status", Static)
        status.update(text)
        status.display = bool(text)

    def show_asking(self, text: str) -> None:
        """Show that the directory is being asked."""
        self._show_status(text)

    # Rows

    def _is_being_saved(self) -> bool:
        return any(user.user_name in self._saving for user in self.chosen())

    def _cells(self, row: UserRow) -> tuple[Cell, ...]:
        name = row["user_name"]
        addresses = row["email_addresses"]
        method: Cell = AUTHENTICATION_LABELS[row["authentication"]]
        if self._saving and name in self._saving:
            method = Text(f"saving: {self._saving[name]}", "italic yellow")
        elif row.get("pinned"):
            method = f"pinned, {method}"
        elif day := self._leaving_on(row):
            method = f"leaving {day}"  # as wide as the methods are
        return (
            name,
            row["full_name"] or "",
            addresses[0] if addresses else "",
            method,
            _privileges(tuple(row["privileges"])),
            row["changed"][:10],
        )


_privileges = cache(privilege_labels)  # users have few combinations


def _beside(row: UserRow) -> tuple[str, ...]:
    """Return the other addresses and the distinguished name, which no column shows."""
    return (*row["email_addresses"][1:], row["distinguished_name"] or "")


def _name(row: UserRow) -> str:
    return row["user_name"]


def _named(labels: Mapping[str, str]) -> str:
    return next(iter(labels)) if len(labels) == 1 else counted(len(labels), "user")
