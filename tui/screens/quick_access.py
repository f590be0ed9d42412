"""Quick Access: users without Administrator see their own details and change their password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static
from typing_extensions import override

from store.errors import Problem
from store.interface import Snapshot
from store.models import User
from store.privileges import may_enter
from sync.errors import LogOnRefused
from sync.logon.quick_access import change_own_password, password_change_problem
from tui.actions import bindings_for
from tui.screens.base import BaseScreen
from tui.screens.dialogs import PASSWORD_RULE, Dialog, new_password_problem
from tui.texts.plain import plain
from tui.texts.problems import told
from tui.texts.user_fields import rights_of
from tui.widgets.fields import PasswordField, row
from tui.widgets.user_details import rights_table, user_text


class QuickAccessScreen(BaseScreen):
    """The fields and rights of the user who logged on, to be read only.

    It follows the store: a user who loses the right to log on is logged off.
    """

    SCOPES = ("quick",)
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user
        self._table = rights_table()
        self._logged_off = False

    def body(self) -> ComposeResult:
        """Build fields and table."""
        with VerticalScroll(id="fields"):
            yield Static("Quick Access", classes="section")
            yield Static(markup=False, id="user")
            yield Static(markup=False, id="own_password")
        yield self._table

    def on_mount(self) -> None:
        """Show the user."""
        self.follow_store(self.app.snapshot)
        self._table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the user as stored now; log off a user who lost the right to log on."""
        user = snapshot.find(self.user.user_name)
        if user is None or not may_enter(user):
            self._log_off()
            return
        self.user = user
        self.query_one("#user", Static).update(user_text(user, snapshot))
        problem = password_change_problem(user)
        self.query_one("#own_password", Static).update(plain(problem or ""))
        self.query_one("#own_password").display = problem is not None
        self._table.load(rights_of(user))

    @override
    def why_not(self, name: str) -> str | None:
        if name == "change_password":
            return password_change_problem(self.user)
        return super().why_not(name)

    async def go_back(self) -> None:
        """Log off."""
        self.dismiss()

    def action_change_password(self) -> None:
        """Change the own password."""
        self.app.push_screen(OwnPassword(self.user.user_name, self._change), self._changed)

    async def _change(self, current: str, new: str) -> None:
        await change_own_password(self.app.workspace, self.user.user_name, current, new)

    def _changed(self, done: bool | None) -> None:
        if done:
            self.app.refresh_store()
            self.app.say("Changed your password.")

    def _log_off(self) -> None:
        if not self._logged_off:
            self._logged_off = True
            name = self.user.user_name
            self.app.call_later(
                self.app.log_off,
                f"{name} was deleted, renamed, or lost the right to log on. Ask an administrator.",
            )


class OwnPassword(Dialog[bool]):
    """The current password and a new one, entered twice; `change` is called with both."""

    SCOPES = ("entry", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    _changing = False

    def __init__(self, user_name: str, change: Callable[[str, str], Awaitable[None]]) -> None:
        super().__init__("Change your password", PASSWORD_RULE)
        self._user_name = user_name
        self._change = change

    def fields(self) -> Iterator[Widget]:
        """Yield the three fields."""
        yield row("Current password", PasswordField(id="current"))
        yield row("New password", PasswordField(id="password"))
        yield row("Once more", PasswordField(id="again"))

    @override
    def why_not(self, name: str) -> str | None:
        if self._changing:
            return "mailroster is changing the password. Wait a moment."
        return self._problem() or None if name == "accept" else None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check while typing."""
        event.stop()
        if not self._changing:
            self.show_problem(self._problem())
        self.refresh_bindings()

    @work(exclusive=True)
    async def action_accept(self) -> None:
        """Change the password; what fails is shown, and the new password stays entered."""
        self._changing = True
        self.show_problem(Text("Changing ..."))
        self.refresh_bindings()
        try:
            await self._change(self._value("current"), self._value("password"))
        except LogOnRefused:
            problem = "The current password is wrong. Nothing was changed. Enter it again."
        except Problem as error:
            problem = told(error)
        else:
            problem = ""
        self._changing = False
        if not self.is_current:
            return  # the session has ended meanwhile
        if not problem:
            self.dismiss(True)
            return
        current = self.query_one("#current", PasswordField)
        with self.prevent(Input.Changed):
            current.value = ""
        current.focus()
        self.show_problem(problem)
        self.refresh_bindings()

    def _problem(self) -> str:
        if not self._value("current"):
            return "Enter the current password."
        return new_password_problem(self._value("password"), self._value("again"), self._user_name)

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value
