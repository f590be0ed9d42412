"""A short note above the line of keys, which covers nothing."""

from __future__ import annotations

from textual.timer import Timer
from textual.widgets import Static

from tui.texts.plain import plain

_SECONDS = 6.0


class Note(Static):
    """Shows one note at a time, for a few seconds."""

    DEFAULT_CSS = """
    Note { display: none; height: auto; max-height: 5; padding: 0 1; background: $panel; }
    Note.-error { color: $text-error; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._hiding: Timer | None = None

    def show(self, text: str, *, error: bool) -> None:
        """Show `text`, in place of the note before."""
        if self._hiding is not None:
            self._hiding.stop()
        self.set_class(error, "-error")
        self.update(plain(text))
        self.display = True
        self._hiding = self.set_timer(_SECONDS, self.hide)

    def hide(self) -> None:
        """Take the note away."""
        self.display = False
