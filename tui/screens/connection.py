"""Connection: how the directory service is reached."""

from __future__ import annotations

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, Select, Static

from store.errors import InvalidValue, StoreError
from store.models import Settings
from sync.check_connection import check_connection
from sync.errors import SyncError
from tui.actions import bindings_for
from tui.insecure import connection_warning
from tui.screens.settings_form import SettingsForm
from tui.widgets.fields import Field, PasswordField, Tick, row
from tui.widgets.plain import lines, plain

SERVICES = (("None", "none"), ("Application Integration", "application_integration"))


class ConnectionScreen(SettingsForm):
    """The directory service, its URL and credentials, and a check of the connection."""

    NAME = "connection"
    SCOPES = ("connection", "form")
    CSS_PATH = "connection.tcss"
    BINDINGS = bindings_for(*SCOPES)
    KEYS = (
        "directory_service",
        "url",
        "requires_authentication",
        "user_name",
        "ignore_ssl_warnings",
        "ca_file",
        "auth_command",
        "auth_user_field",
        "auth_password_field",
        "auth_success_field",
        "list_timeout",
        "login_timeout",
    )

    def body(self) -> ComposeResult:
        """Build the form."""
        with VerticalScroll(classes="form", can_focus=False):
            yield row(
                "Directory service",
                Select(SERVICES, allow_blank=False, compact=True, id="directory_service"),
            )
            yield row("URL", Field(placeholder="https://host:port/path", id="url"))
            yield row("", Tick("Ignore SSL warnings", id="ignore_ssl_warnings"))
            yield row("CA file", Field(placeholder="the system's authorities", id="ca_file"))
            yield row(
                "",
                Tick("Server requires authentication", id="requires_authentication"),
            )
            yield row("User name", Field(id="user_name"))
            yield row("Password", PasswordField(id="password"))
            yield Static("Advanced", classes="section")
            yield row("Log-on command", Field(id="auth_command"))
            yield row("Field of the user name", Field(id="auth_user_field"))
            yield row("Field of the password", Field(id="auth_password_field"))
            yield row("Field of success", Field(id="auth_success_field"))
            yield row("List timeout (s)", Field(id="list_timeout"))
            yield row("Log-on timeout (s)", Field(id="login_timeout"))
        yield Static(markup=False, id="message")

    def load(self, settings: Settings) -> None:
        """Show `settings`; of the password only whether there is one."""
        field = self.query_one("#password", Input)
        field.value = ""
        field.placeholder = _password_hint(settings)
        super().load(settings)

    def password(self) -> str | None:
        """Return the password that was typed, None to keep the one there is."""
        return self.query_one("#password", Input).value or None

    def follow_draft(self, settings: Settings) -> None:
        """Warn while passwords would be at risk."""
        self.set_warning(connection_warning(settings))

    def show_warning(self) -> None:
        """Warn about what is entered rather than about what is saved."""

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name == "check":
            if self._checking:
                return "The directory is being asked already."
            return self._problem or None
        return super().why_not(name)

    _checking = False

    @work(exclusive=True, group="check", exit_on_error=False)
    async def action_check(self) -> None:
        """Ask the directory with what is entered, and say what came of it."""
        self._checking = True
        self.refresh_bindings()
        self.show_message(Text("Asking the directory ..."))
        try:
            listing = await check_connection(self.app.workspace, self.draft(), self.password())
        except (InvalidValue, StoreError, SyncError) as error:
            self.show_message(plain(error, "red"))
        else:
            self.show_message(
                lines(
                    plain(
                        f"Reached: {listing.listed} users listed, "
                        f"{len(listing.warnings) + len(listing.invalid)} warnings.",
                        "green",
                    ),
                    *listing.warnings[:5],
                )
            )
        finally:
            self._checking = False
            self.refresh_bindings()


def _password_hint(settings: Settings) -> str:
    if settings.password_command:
        return "(from the password command)"
    if settings.password_file:
        return "(from the password file)"
    return "(set) leave empty to keep it" if settings.password else "(empty)"
