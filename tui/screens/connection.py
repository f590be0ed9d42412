"""Connection: how the directory service is reached."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

from rich.text import Text
from textual import work
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static
from textual.worker import Worker, get_current_worker

from store.errors import StoreError
from store.interface import Snapshot
from store.models import Settings
from store.text import quantity
from sync.directory.certificate import fetch_certificate
from sync.directory.connect import fetch
from sync.errors import CertificateRefused, SyncError
from sync.logon.explain import explain
from tui.actions import bindings_for
from tui.insecure import connection_warning
from tui.screens.connection_dialogs import CertificateDialog, TryLogOn
from tui.screens.progress import telling_progress
from tui.screens.settings_form import SettingsForm
from tui.widgets.fields import Field, PasswordField, Tick, row
from tui.widgets.pinned_certificate import PinnedCertificate
from tui.widgets.plain import lines, plain

T = TypeVar("T")

_ASKING = ("check", "certificate")
SERVICES = (("None", "none"), ("Application Integration", "application_integration"))


class ConnectionScreen(SettingsForm):
    """The directory service, its URL and credentials, and a check of the connection."""

    NAME = "connection"
    SCOPES = ("connection", "form")
    CSS_PATH = "connection.tcss"
    BINDINGS = bindings_for(*SCOPES)
    _forget = False
    _asking: Worker[object] | None = None

    def rows(self) -> Iterator[Widget]:
        """Yield the fields."""
        yield row(
            "Directory service",
            Select(SERVICES, allow_blank=False, compact=True, id="directory_service"),
        )
        yield row("URL", Field(placeholder="https://host:port/path", id="url"))
        yield row("CA file", Field(placeholder="the system's authorities", id="ca_file"))
        yield row("Pinned certificate", PinnedCertificate(id="pinned_certificate"))
        yield row("", Tick("Ignore SSL warnings", id="ignore_ssl_warnings"))
        yield row("", Tick("Server requires authentication", id="requires_authentication"))
        yield row("User name", Field(id="user_name"))
        yield row("Password", PasswordField(id="password"))
        yield Static("Advanced: how a log-on is checked, and limits", classes="section")
        yield row("Log-on command", Field(id="auth_command"))
        yield row("User name field", Field(id="auth_user_field"))
        yield row("Password field", Field(id="auth_password_field"))
        yield row("Success field", Field(id="auth_success_field"))
        yield row("List timeout, seconds", Field(id="list_timeout"))
        yield row("Log-on timeout, seconds", Field(id="login_timeout"))
        yield row("Largest answer, MiB", Field(id="max_answer_mib"))
        yield row("Most users", Field(id="max_users"))

    def load(self, settings: Settings) -> None:
        """Show `settings`; of the password only whether there is one."""
        self._forget = False
        field = self.query_one("#password", Input)
        field.value = ""
        field.placeholder = _password_hint(settings)
        super().load(settings)

    @property
    def _pinned(self) -> str:
        return self.query_one(PinnedCertificate).value

    def password(self) -> str | None:
        """Return the password that was typed, "" to forget the one there is, None to keep it."""
        return self.query_one("#password", Input).value or ("" if self._forget else None)

    def follow_store(self, snapshot: Snapshot) -> None:
        """Take over what others saved, and keep a password that was typed."""
        field, forget = self.query_one("#password", Input), self._forget
        typed = field.value
        super().follow_store(snapshot)
        field.value = typed
        if forget:
            self.action_forget_password()

    def follow_draft(self, settings: Settings) -> None:
        """Warn while passwords would be at risk."""
        self.set_warning(connection_warning(settings))

    def show_warning(self) -> None:
        """Warn about what is entered rather than about what is saved."""

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name in _ASKING:
            if self._asking is not None:
                return "The directory is being asked already; Esc gives up."
            if self._problem:
                return self._problem
        if name == "certificate" and not self.query_one("#url", Input).value.lower().startswith(
            "https:"
        ):
            return "The URL does not start with https://, so there is no certificate."
        if name == "unpin" and not self._pinned:
            return "No certificate is pinned."
        if name == "forget_password":
            return self._why_not_forget()
        if name == "try_log_on" and self.unsaved():
            return "Save or discard the changes first: a log-on is tried with what is saved."
        return super().why_not(name)

    def _why_not_forget(self) -> str | None:
        settings = self.opened
        if settings.password_command or settings.password_file:
            return "The password is not stored here; settings name where it comes from."
        if not settings.password:
            return "No password is stored."
        return "It is forgotten as soon as you save." if self._forget else None

    @work(exclusive=True, group="check", exit_on_error=False)
    async def action_check(self) -> None:
        """Ask the directory with what is entered, and say what came of it."""
        try:
            listing = await self._answer(
                fetch(
                    self.app.workspace,
                    self.draft(),
                    telling_progress(self.show_message),
                    password=self.password(),
                )
            )
        except CertificateRefused as error:
            await self._offer_certificate(str(error))
        except (StoreError, SyncError) as error:
            self.show_message(plain(error, "red"))
        else:
            self.app.last_listing = listing
            self.show_message(
                lines(
                    plain(
                        f"Reached: {quantity(listing.listed, 'user')} listed, "
                        f"{quantity(len(listing.warnings) + len(listing.invalid), 'warning')}.",
                        "green",
                    ),
                    *(["Not saved yet."] if self.unsaved() else []),
                    *listing.warnings[:4],
                )
            )

    @work(exclusive=True, group="check", exit_on_error=False)
    async def action_certificate(self) -> None:
        """Show the server's certificate."""
        await self._offer_certificate("")

    async def _offer_certificate(self, refusal: str) -> None:
        try:
            certificate = await self._answer(fetch_certificate(self.draft()))
        except (StoreError, SyncError) as error:
            self.show_message(plain(refusal or error, "red"))
            return
        self.check()
        if refusal:
            self.show_message(plain(refusal, "red"))
        answer = await self.ask(CertificateDialog(certificate, refusal, self._pinned))
        if answer == "pin":
            self.query_one("#ignore_ssl_warnings", Checkbox).value = False
            self.put("pinned_certificate", certificate.pem)
            self.check()
            self.action_check()
        elif answer == "ca_file":
            self.put("pinned_certificate", "")
            self.check()
            self.query_one("#ca_file").focus()
            self.show_message(Text("Enter the path of the CA's file (PEM), then check again."))

    async def _answer(self, question: Coroutine[Any, Any, T]) -> T:
        """Wait for the server's answer; Esc gives up."""
        self._asking = get_current_worker()
        self.show_message(Text("Asking the directory ... Esc gives up."))
        self.refresh_bindings()
        try:
            return await question
        finally:
            self._asking = None
            self.refresh_bindings()

    async def go_back(self) -> None:
        """Give up asking the directory, or leave."""
        if self._asking is None:
            await super().go_back()
        else:
            self._asking.cancel()
            self.check()
            self.app.say("The directory is asked no longer. Nothing was changed.")

    def action_unpin(self) -> None:
        """Trust the pinned certificate no longer."""
        self.put("pinned_certificate", "")
        self.check()

    def action_forget_password(self) -> None:
        """Remove the stored password when the form is saved."""
        self._forget = True
        field = self.query_one("#password", Input)
        field.value = ""
        field.placeholder = "(forgotten as soon as you save)"
        self.check()

    def action_try_log_on(self) -> None:
        """Show what a log-on meets."""
        self.app.push_screen(TryLogOn(partial(explain, self.app.workspace)))


def _password_hint(settings: Settings) -> str:
    if settings.password_command:
        return "(from the password command)"
    if settings.password_file:
        return "(from the password file)"
    return "(set) leave empty to keep it" if settings.password else "(empty)"
