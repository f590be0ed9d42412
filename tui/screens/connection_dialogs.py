"""The dialogs of Connection: the server's certificate, and a log-on that is only tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Literal

from rich.text import Text
from textual import work
from textual.widget import Widget
from textual.widgets import Input
from typing_extensions import override

from store.errors import Problem
from sync.directory.certificate import Certificate, fingerprint
from sync.directory.listing import Listing
from sync.directory.preview import Mapped, preview
from sync.logon.explain import Step
from tui.actions import bindings_for
from tui.screens.dialogs import Dialog
from tui.texts.log_on import steps_text
from tui.texts.plain import lines, plain
from tui.texts.problems import told
from tui.widgets.fields import Field, PasswordField, row

_HALF_FINGERPRINT = 16 * 3
_COMPARE = (
    "Compare the fingerprint with the server's administrator before you pin it. From then "
    "on mailroster trusts this certificate and no other, under any host name, until it expires."
)


class CertificateDialog(Dialog[Literal["pin", "ca_file"]]):
    """What the server's certificate says, with the choice to trust it or its issuer."""

    SCOPES = ("certificate", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, certificate: Certificate, refusal: Problem | None, pinned: str) -> None:
        self._certificate = certificate
        self._pinned = pinned
        parts: list[Text | str] = [plain(refusal.what, "yellow"), ""] if refusal else []
        if certificate.time_problem:
            parts += [plain(certificate.time_problem, "red"), ""]
        super().__init__(
            "The server's certificate",
            lines(*parts, certificate_text(certificate), "", _COMPARE),
        )

    @override
    def why_not(self, name: str) -> str | None:
        if name == "pin":
            if fingerprint(self._pinned) == self._certificate.fingerprint:
                return "It is pinned already."
            return self._certificate.time_problem or None
        return None

    def action_pin(self) -> None:
        """Trust this certificate."""
        self.dismiss("pin")

    def action_ca_file(self) -> None:
        """Trust a CA."""
        self.dismiss("ca_file")


def certificate_text(certificate: Certificate) -> Text:
    """Return what a person compares."""
    digits = certificate.fingerprint
    return Text("\n").join(
        Text.assemble((f"{label:<12}", "bold"), plain(value, limit=200))
        for label, value in (
            ("Subject", certificate.subject or "(empty)"),
            ("Issuer", certificate.issuer or "(empty)"),
            ("Valid from", f"{certificate.valid_from:%Y-%m-%d %H:%M} UTC"),
            ("Valid until", f"{certificate.valid_until:%Y-%m-%d %H:%M} UTC"),
            ("SHA-256", digits[:_HALF_FINGERPRINT]),
            ("", digits[_HALF_FINGERPRINT:]),
        )
    )


def mapping_text(listing: Listing, sources: Mapping[str, str]) -> Text:
    """Return the first users of a list, value by value, with the attribute each came from."""
    return Text("\n\n").join(
        Text("\n").join(
            Text.assemble(
                (f"{item.label:<11}", "bold"), plain(item.value, limit=300), _source_text(item)
            )
            for item in values
        )
        for values in preview(listing, sources)
    )


def _source_text(item: Mapped) -> Text:
    return plain(f"  ({item.source})") if item.source else Text()


class TryLogOn(Dialog[None]):
    """A user name and a password, and how a log-on with them goes; it keeps neither."""

    SCOPES = ("trial", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    _trying = False

    def __init__(self, explain: Callable[[str, str | None], Awaitable[list[Step]]]) -> None:
        super().__init__(
            "Try a log-on",
            "Leave the password empty to check everything but the password.",
        )
        self._explain = explain

    def fields(self) -> Iterator[Widget]:
        """Yield the two fields."""
        yield row("User name", Field(id="user_name"))
        yield row("Password", PasswordField(id="password"))

    @override
    def why_not(self, name: str) -> str | None:
        if name == "accept":
            if self._trying:
                return "mailroster is trying the log-on. Wait a moment."
            if not self.query_one("#user_name", Input).value:
                return "Enter a user name."
        return None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Grey what cannot be done yet."""
        event.stop()
        self.refresh_bindings()

    @work(exclusive=True)
    async def action_accept(self) -> None:
        """Try the log-on."""
        name, password = (field.value for field in self.query(Field))
        self._trying = True
        self.show_problem(Text("Trying ..."))
        self.refresh_bindings()
        try:
            shown = steps_text(await self._explain(name, password or None))
        except Problem as error:
            shown = plain(told(error), "red")
        finally:
            self._trying = False
        if not self.query(Field):
            return  # the session has ended meanwhile
        self.query_one("#password", Input).value = ""
        self.query_one("#password").focus()
        self.show_problem(shown)
        self.refresh_bindings()
