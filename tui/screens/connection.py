"""Connection: how the directory service is reached."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

from rich.text import Text
from textual import on, work
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select
from textual.worker import Worker, get_current_worker
from typing_extensions import override

from store.errors import Problem
from store.models import Settings
from sync.directory.connect import fetch
from sync.directory.types import NONE, TYPES, all_fields, insecurity, type_at
from sync.directory.types.directory_type import DirectoryType
from sync.errors import CertificateRefused
from sync.logon.explain import explain
from tui.actions import bindings_for
from tui.screens.connection_dialogs import CertificateDialog, TryLogOn, mapping_text
from tui.screens.dialogs import Message
from tui.screens.progress import telling_progress
from tui.screens.settings_form import SettingsForm
from tui.texts.plain import counted, lines, plain
from tui.texts.problems import told
from tui.texts.warnings import one_a_kind
from tui.widgets.fields import row
from tui.widgets.pinned_certificate import PinnedCertificate
from tui.widgets.setting_row import SettingRow

T = TypeVar("T")

_ASKING = ("check", "certificate")


class ConnectionScreen(SettingsForm):
    """The directory service, its URL and credentials, and a check of the connection."""

    NAME = "connection"
    SCOPES = ("connection", "form")
    SECRET = "password"  # noqa: S105 - the name of a setting
    BINDINGS = bindings_for(*SCOPES)
    _asking: Worker[object] | None = None
    _shown: DirectoryType | None = None
    _drafted: Settings | None = None  # what was entered and right last
    _guessed = NONE  # the type that was last chosen by what was typed

    def rows(self) -> Iterator[Widget]:
        """Yield the fields."""
        services = [("None", NONE), *((kind.label, kind.name) for kind in TYPES.values())]
        yield row(
            "Directory service",
            Select(services, allow_blank=False, id="directory_service"),
        )
        for field in all_fields():
            yield SettingRow(field)

    def on_mount(self) -> None:
        """Start where the work begins as long as nothing is set up."""
        if self.app.snapshot.settings.directory_service == NONE:
            self.query_one("#url").focus()

    @on(Input.Changed)
    def _follow_typing(self, event: Input.Changed) -> None:
        """Choose a type for what is entered without one, and turn on what the setting is for."""
        if not event.value or not event.input.has_focus:
            return
        self._guess_type()
        for field in self._kind.fields:
            if field.key == event.input.id and field.turns_on:
                self.put(field.turns_on, True)

    def _guess_type(self) -> None:
        """Choose the type that the URL is one of, unless one was saved or chosen by hand."""
        chosen = self.query_one("#directory_service", Select).value
        if self.opened.directory_service == NONE and chosen in (NONE, self._guessed):
            self._guessed = type_at(self.query_one("#url", Input).value).name
            self.put("directory_service", self._guessed)

    async def follow_save(self, before: Settings) -> None:
        """Offer Test Settings once a directory service is set up."""
        if before.directory_service != NONE or self.opened.directory_service == NONE:
            return
        text = "It asks the directory and shows what a sync would change. It applies nothing."
        if await self.confirm("Saved. Test Settings now?", text):
            await self.app.do_on("synchronize", "test")

    @property
    def _kind(self) -> DirectoryType:
        """The chosen type; without one the first, which most people choose."""
        chosen = self.query_one("#directory_service", Select).value
        return TYPES.get(str(chosen)) or next(iter(TYPES.values()))

    def follow_entry(self) -> None:
        """Show the fields of the chosen type, and those alone."""
        kind = self._kind
        if kind is self._shown:
            return
        self._shown = kind
        wanted = {field.key: field for field in kind.fields}
        for setting_row in self.query(SettingRow):
            setting_row.follow(wanted.get(setting_row.key))

    @property
    def _pinned(self) -> str:
        return self.query_one(PinnedCertificate).value

    def secret_hint(self, settings: Settings) -> str:
        """Return where the password comes from, or whether one is stored."""
        if settings.password_command:
            return "(from the password command)"
        if settings.password_file:
            return "(from the password file)"
        return super().secret_hint(settings)

    def follow_draft(self, settings: Settings) -> None:
        """Warn while passwords would be at risk."""
        self._drafted = settings
        self.set_warning(insecurity(settings))

    def show_warning(self) -> None:
        """Warn about what is entered rather than about what is saved."""

    @override
    def why_not(self, name: str) -> str | None:
        if name in _ASKING:
            if self._asking is not None:
                return "mailroster is asking the directory already. Press Esc to cancel."
            if self._problem:
                return self._problem
        if name == "certificate":
            reason = self._kind.why_no_certificate(self._drafted or self.opened)
            if reason:
                return reason
        if name == "unpin" and not self._pinned:
            return "No certificate is pinned."
        if name == "forget_password":
            return self.why_not_forget()
        if name == "try_log_on" and self.unsaved():
            return "Save or discard the changes first. A trial uses the saved settings."
        return super().why_not(name)

    def why_not_forget(self) -> str | None:
        """Return why the password cannot be forgotten."""
        settings = self.opened
        if settings.password_command or settings.password_file:
            return "The password is not stored here. It comes from a file or a command."
        if not settings.password:
            return "No password is stored."
        return super().why_not_forget()

    @work(exclusive=True, group="check", exit_on_error=False)
    async def action_check(self) -> None:
        """Ask the directory with what is entered, and say what came of it."""
        try:
            kind, settings = self._kind, self.draft()
            listing = await self._answer(
                fetch(
                    self.app.workspace,
                    settings,
                    telling_progress(self.show_message),
                    password=self.secret(),
                )
            )
        except CertificateRefused as error:
            await self._offer_certificate(error)
        except Problem as error:
            self.show_message(plain(told(error), "red"))
        else:
            self.app.last_listing = listing
            self.show_message(
                lines(
                    plain(
                        f"Reached: {counted(listing.listed, 'user')} listed, "
                        f"{counted(len(listing.warnings) + len(listing.invalid), 'warning')}.",
                        "green",
                    ),
                    *(["Not saved yet."] if self.unsaved() else []),
                    *one_a_kind(listing.warnings)[:4],
                )
            )
            if sources := kind.sources(settings):
                text = mapping_text(listing, sources)
                await self.ask(Message("The first entries, as users", text))

    @work(exclusive=True, group="check", exit_on_error=False)
    async def action_certificate(self) -> None:
        """Show the server's certificate."""
        await self._offer_certificate(None)

    async def _offer_certificate(self, refusal: CertificateRefused | None) -> None:
        try:
            certificate = await self._answer(self._kind.fetch_certificate(self.draft()))
        except Problem as error:
            self.show_message(plain(told(refusal or error), "red"))
            return
        self.check()
        if refusal:
            self.show_message(plain(told(refusal), "red"))
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
        """Wait for the server's answer; Esc cancels."""
        self._asking = get_current_worker()
        self.hide_note()
        self.show_message(Text("Asking the directory ... Esc cancels."))
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
            self.app.say("Stopped asking the directory. Nothing was changed.")

    def action_unpin(self) -> None:
        """Stop trusting the pinned certificate."""
        self.put("pinned_certificate", "")
        self.check()

    def action_forget_password(self) -> None:
        """Remove the stored password when the form is saved."""
        self.forget_secret()

    def action_try_log_on(self) -> None:
        """Check a log-on step by step."""
        self.app.push_screen(TryLogOn(partial(explain, self.app.workspace)))
