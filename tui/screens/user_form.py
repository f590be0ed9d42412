"""The form that adds a user by hand."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, Select, Static
from typing_extensions import override

from store.models import AUTHENTICATION_LABELS, DIRECTORY_SERVICES, INTEGRATED, User
from store.names import check_user_name, name_problem
from store.privileges import HAND_MADE_PRIVILEGES, PRIVILEGES
from sync.runs.by_hand import add_user
from tui.actions import bindings_for
from tui.screens.base import BEING_SAVED, EntryScreen
from tui.screens.dialogs import PASSWORD_RULE, new_password_problem, sentence
from tui.screens.user_dialogs import NO_PRIVILEGE
from tui.texts.plain import plain
from tui.widgets.fields import Field, PasswordField, row
from tui.widgets.privilege_boxes import PrivilegeBoxes

METHODS = tuple((label, method) for method, label in AUTHENTICATION_LABELS.items())


class NewUserScreen(EntryScreen):
    """The form that adds a user by hand."""

    NAME = "users"
    SCOPES = ("form",)
    BINDINGS = bindings_for(*SCOPES)

    def body(self) -> ComposeResult:
        """Build the form."""
        with VerticalScroll(classes="form", can_focus=False):
            yield Static("New user", classes="section")
            yield row("User name", Field(id="user_name"))
            yield row("Full name", Field(id="full_name"))
            yield row(
                "E-mail addresses", Field(placeholder="the primary one first", id="addresses")
            )
            yield row(
                "Authentication method",
                Select(METHODS, allow_blank=False, id="authentication"),
            )
            yield row("Password", PasswordField(id="password"))
            yield row("Once more", PasswordField(id="again"))
            yield Static(PASSWORD_RULE, classes="note", id="rule")
            yield Static("Privileges", classes="section")
            yield PrivilegeBoxes(PRIVILEGES, HAND_MADE_PRIVILEGES, id="privileges")
        yield Static(markup=False, id="message")

    def on_mount(self) -> None:
        """Start with the user name."""
        self.query_one("#user_name").focus()

        self.check()

    @on(Input.Changed)
    @on(Select.Changed)
    @on(PrivilegeBoxes.Changed)
    def check(self) -> None:
        """Show what is still wrong, and no password fields where there is no password."""
        for selector in ("#password", "#again"):
            self.query_one(selector).disabled = not self._integrated
        self.query_one("#rule").display = self._integrated
        message = self.why_not("save") if self.unsaved() else ""
        self.query_one("#message", Static).update(plain(message or "", "red"))
        self.refresh_bindings()

    @override
    def why_not(self, name: str) -> str | None:
        if name != "save":
            return None
        if self.is_writing:
            return BEING_SAVED
        if problem := name_problem(self._text("user_name")):
            return sentence(problem)
        if not self.query_one("#privileges", PrivilegeBoxes).value:
            return NO_PRIVILEGE
        if self._integrated:
            password, again = self._text("password"), self._text("again")
            return new_password_problem(password, again, self._text("user_name")) or None
        return None

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        fields = ("user_name", "full_name", "addresses", "password", "again")
        return "the new user" if any(map(self._text, fields)) else ""

    async def go_back(self) -> None:
        """Back to the users; ask first if something was entered."""
        if self.is_writing:
            self.app.say(BEING_SAVED, error=True)
        elif self.unsaved():
            self._ask_to_leave()
        else:
            self.dismiss()

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        """Add the user."""
        name = self._text("user_name")
        check_user_name(name)
        user = User(
            user_name=name,
            full_name=self._text("full_name").strip() or None,
            email_addresses=self._text("addresses").replace(",", " ").split(),
            authentication=INTEGRATED if self._integrated else DIRECTORY_SERVICES,
            privileges=list(self.query_one("#privileges", PrivilegeBoxes).value),
        )
        password = self._text("password") if self._integrated else None
        await self.write(lambda: add_user(self.app.workspace, user, password))
        self.leave()
        self.app.say(f"Added {name}.")

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def _ask_to_leave(self) -> None:
        if await self.confirm("Discard the new user?", "Nothing was saved."):
            self.leave()

    @property
    def _integrated(self) -> bool:
        return bool(self.query_one("#authentication", Select).value == INTEGRATED)

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value
