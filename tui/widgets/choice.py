"""A word out of a few, chosen in one cell of a line."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from tui.texts.plain import plain


class Choice(Static, can_focus=True):
    """One of `words`: arrows and Space go through them, a first letter goes to the next such."""

    BINDINGS = [
        Binding("right,space", "step(1)", show=False),
        Binding("left", "step(-1)", show=False),
    ]

    value = reactive("")

    class Changed(Message):
        """Another word is chosen."""

    def __init__(self, words: Sequence[str], *, classes: str = "") -> None:
        super().__init__(markup=False, classes=classes)
        self._words = words

    def watch_value(self, value: str) -> None:
        """Show the word."""
        self.update(plain(value))
        self.post_message(self.Changed())

    def action_step(self, step: int) -> None:
        """Go on by one word, or back."""
        self.value = self._from_here(step)[0]

    def on_key(self, event: events.Key) -> None:
        """Go to the next word with this first letter."""
        for word in self._from_here(1):
            if word[0] == event.character:
                event.stop()
                self.value = word
                break

    def _from_here(self, step: int) -> list[str]:
        """Return the words in the order in which they are reached; the chosen one comes last."""
        words = list(self._words)[::step]
        place = words.index(self.value) + 1 if self.value in words else 0
        return words[place:] + words[:place]
