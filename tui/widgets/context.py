"""The line at the top of wide screens: store, directory, last sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.widgets import Static

if TYPE_CHECKING:
    from tui.app import MailrosterApp

_BESIDE = 32  # cells of the position that the short form stands beside


class ContextLine(Static):
    """Program, administrator and host, store, directory and last sync; or the `short` form."""

    def __init__(self, *, short: bool = False) -> None:
        super().__init__(markup=False, classes="-short" if short else "")
        self._short = short
        self._shown = Text()

    def on_mount(self) -> None:
        """Show what is known already."""
        self.tell()

    def on_resize(self) -> None:
        """Show as much as fits."""
        self.tell()

    def tell(self) -> None:
        """Show what is known now."""
        context = cast("MailrosterApp", self.app).context
        if context is None:
            return
        from tui.texts.context import context_text  # slow

        width = self.app.size.width - (_BESIDE if self._short else 2)
        text = context_text(context, width, short=self._short)
        if text != self._shown or text.spans != self._shown.spans:
            self._shown = text
            self.update(text, layout=self._short)
