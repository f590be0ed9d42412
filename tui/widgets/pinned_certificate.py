"""The pinned certificate in a form: told by its fingerprint, changed by actions alone."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from sync.directory.certificate import fingerprint
from tui.texts.plain import plain

_SHOWN = 12 * 3 - 1


class PinnedCertificate(Static):
    """Shows the start of the fingerprint of `value`, a certificate as PEM, or none."""

    value = reactive("")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(markup=False, id=id)

    def watch_value(self, value: str) -> None:
        """Show the certificate's fingerprint."""
        shown = fingerprint(value)[:_SHOWN]
        text = plain(f"SHA-256 {shown}…" if shown else "unreadable, pin it again", "bold")
        self.update(text if value else Text("none", "dim"))
