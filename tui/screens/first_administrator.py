"""The first start: the creation of the first administrator."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static
from typing_extensions import override

from store.names import name_problem
from sync.runs.by_hand import add_administrator
from tui.actions import bindings_for
from tui.screens.base import BEING_SAVED, EntryScreen
from tui.screens.dialogs import PASSWORD_RULE, new_password_problem, sentence
from tui.texts.plain import counted, plain
from tui.widgets.fields import Field, PasswordField, row


class FirstAdministratorScreen(EntryScreen):
    """No administrator of the store has a local password: the first one is created."""

    SCOPES = ("first",)
    DONE = "create"
    BINDINGS = bindings_for(*SCOPES)

    def body(self) -> ComposeResult:
        """Build the form."""
        with Vertical(classes="logon"):
            yield Static("mailroster: the first administrator", classes="section")
            yield Static(plain(f"{self.app.workspace.store.where} has {self._lacks()} yet."))
            yield Static(PASSWORD_RULE, classes="note")
            yield row("User name", Field(id="user_name"))
            yield row("Password", PasswordField(id="password"))
            yield row("Once more", PasswordField(id="again"))
            yield Static(markup=False, id="message")

    def _lacks(self) -> str:
        """Return what the store has, and what it lacks."""
        users = len(self.app.snapshot.users)
        if not users:
            return "no users"
        return f"{counted(users, 'user')}, but no administrator with a local password"

    @override
    def why_not(self, name: str) -> str | None:
        if name == "create":
            if self.is_writing:
                return BEING_SAVED
            user_name, password, again = (field.value for field in self.query(Field))
            if problem := name_problem(user_name):
                return sentence(problem)
            return new_password_problem(password, again, user_name) or None
        return None

    async def go_back(self) -> None:
        """Say how to quit, as this screen is the first."""
        self.app.say("Press q to quit." if self.focused is None else "Press ^Q to quit.")

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#message", Static).update(plain(self.why_not("create") or "", "red"))
        self.refresh_bindings()

    @work(exclusive=True, group="first", exit_on_error=False)
    async def action_create(self) -> None:
        """Create the administrator and log on with the new account."""
        user_name, password, _ = (field.value for field in self.query(Field))
        user = await self.write(lambda: add_administrator(self.app.workspace, user_name, password))
        self.app.enter(user)
