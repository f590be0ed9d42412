"""The line of screens at the top, and the line of keys at the bottom."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import events
from textual.widgets import Static

from tui.actions import APP, actions_of, reason_against, shown_key

SCREENS = ("connection", "options", "privileges", "synchronize", "users", "history")
_IN_KEY_LINE = ("help", "command_palette", "back", "quit")


class ScreenLine(Static):
    """The screens with their keys, the current one highlighted."""

    DEFAULT_CSS = "ScreenLine { height: 1; background: $panel; }"

    def __init__(self, current: str) -> None:
        super().__init__(markup=False)
        self._current = current

    def on_mount(self) -> None:
        """Show the screens with their keys."""
        text = Text(no_wrap=True)
        for action in actions_of(APP):
            if action.name in SCREENS:
                style = "bold reverse" if action.name == self._current else ""
                text.append(f" {shown_key(action, self.app)} {action.label} ", style)
        self.update(text)


class KeyLine(Static):
    """The keys of the screen; what cannot be done now is dimmed."""

    DEFAULT_CSS = "KeyLine { dock: bottom; height: auto; max-height: 3; background: $panel; }"

    def __init__(self, *scopes: str) -> None:
        super().__init__(markup=False)
        self._actions = [action for action in actions_of(*scopes) if not action.rare]
        self._shown = Text()

    def on_mount(self) -> None:
        """Follow the screen's state."""
        self.screen.bindings_updated_signal.subscribe(self, self._show)

    def on_resize(self, event: events.Resize) -> None:
        """Break the line anew, once there is one."""
        if self._shown:
            self._show()

    def _show(self, _screen: Any = None) -> None:
        width = self.size.width or self.app.size.width
        shown, used = Text(), 0
        for action in self._actions:
            if action.scope == APP and action.name not in _IN_KEY_LINE:
                continue
            dim = "dim " if reason_against(action, self.screen) else ""
            key = shown_key(action, self.app)
            length = len(key) + len(action.label) + 3
            if used + length > width:
                shown.append("\n")
                used = 0
            shown.append(f" {key}", dim + "bold")
            shown.append(f" {action.label} ", dim)
            used += length
        if shown != self._shown or shown.spans != self._shown.spans:
            same_height = self._shown and _lines_of(shown) == _lines_of(self._shown)
            self._shown = shown
            self.update(shown, layout=not same_height)


def _lines_of(text: Text) -> int:
    return text.plain.count("\n") + 1
