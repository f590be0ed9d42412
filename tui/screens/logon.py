"""Log on."""

from __future__ import annotations

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static
from typing_extensions import override

from store.errors import Problem
from store.privileges import ADMIN
from sync.errors import LogOnRefused
from tui.actions import bindings_for
from tui.screens.base import EntryScreen
from tui.texts.plain import lines, plain
from tui.texts.problems import told
from tui.widgets.fields import Field, PasswordField, row


class LogOnScreen(EntryScreen):
    """User name and password."""

    SCOPES = ("logon",)
    DONE = "log_on"
    BINDINGS = bindings_for(*SCOPES)

    _busy = False

    def body(self) -> ComposeResult:
        """Build the form."""
        with Vertical(classes="logon"):
            yield Static("mailroster", classes="section")
            yield row("User name", Field(id="user_name"))
            yield row("Password", PasswordField(id="password"))
            yield Static(markup=False, id="message")

    @override
    def why_not(self, name: str) -> str | None:
        if name == "log_on":
            if self._busy:
                return "mailroster is checking the password. Wait a moment."
            if not all(field.value for field in self.query(Field)):
                return "Enter the user name and the password."
        return None

    async def go_back(self) -> None:
        """Empty the form."""
        for field in self.query(Field):
            field.value = ""
        self.query_one("#user_name").focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.refresh_bindings()

    @work(exclusive=True, group="logon", exit_on_error=False)
    async def action_log_on(self) -> None:
        """Check the password."""
        from sync.logon.login import log_on  # slow, and not for the first frame

        message = self.query_one("#message", Static)
        name, password = (field.value for field in self.query(Field))
        self._busy = True
        message.update(Text("Checking ..."))
        self.refresh_bindings()
        try:
            user = await log_on(self.app.workspace, name, password)
        except LogOnRefused as error:
            message.update(plain(told(error), "red"))
        except Problem as error:
            message.update(
                lines(
                    plain("mailroster cannot check the password now. Try again later.", "yellow"),
                    told(error),
                )
            )
        else:
            if ADMIN in user.privileges:
                self.app.enter(user)
            else:
                self.app.open_quick_access(user)
            message.update("")
        finally:
            self.query_one("#password", Input).value = ""
            self._busy = False
            self.refresh_bindings()
