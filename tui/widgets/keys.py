"""The line of screens at the top, and the line of keys at the bottom; both answer to clicks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import events
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character
from textual.widgets import Input, Static

from tui.actions import ACTIONS, APP, Action, actions_of, key_text, reason_against, shown_key
from tui.colours import CURRENT, CURRENT_WITHOUT_COLOURS, KEY
from tui.modes import MODES

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

SCREENS = tuple(MODES)
_LONG_NAMES = {short: name for name, short in KEY_NAME_REPLACEMENTS.items()}
_IN_KEY_LINE = ("help", "command_palette", "back", "quit")
_BY_SUBMITTING = ("accept", "log_on")
_BY_ID = {action.id: action for action in ACTIONS}


class ActionLine(Static):
    """A line of actions that a click runs."""

    def __init__(self) -> None:
        super().__init__(markup=False)

    async def on_click(self, event: events.Click) -> None:
        """Run the action under the mouse, as its key would."""
        if action := _BY_ID.get(event.style.meta.get("action", "")):
            focused = self.screen.focused
            owners = [self.app, self.screen, *([focused] if focused else [])]
            owner = next((node for node in owners if action.scope in scopes_of(node)), None)
            await self.app.run_action(action.name, owner)


class ScreenLine(ActionLine):
    """The screens with their keys, the current one highlighted."""

    DEFAULT_CSS = "ScreenLine { height: 1; background: $panel; }"

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def on_mount(self) -> None:
        """Show the screens with their keys."""
        text = Text(no_wrap=True)
        current = CURRENT_WITHOUT_COLOURS if self.app.no_color else CURRENT
        for action in actions_of(APP):
            if action.name in SCREENS:
                key, label = f" {shown_key(action, self.app)}", f" {action.label} "
                is_current = action.name == self._current
                styles = (current, current) if is_current else (KEY, "")
                _append(text, action, *zip((key, label), styles, strict=True))
        self.update(text)


class KeyLine(ActionLine):
    """The keys of the screen as they work now; what cannot be done now is dimmed.

    In a field that takes letters as text, actions show the key that does not, or are left out.
    """

    DEFAULT_CSS = "KeyLine { dock: bottom; height: auto; max-height: 3; background: $panel; }"

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self._scopes = scopes
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
        scopes = (*scopes_of(self.screen.focused), *self._scopes)
        bound, said = self.screen.active_bindings, set[str]()
        for action in actions_of(*dict.fromkeys(scopes)):
            if action.rare or (action.scope == APP and action.name not in _IN_KEY_LINE):
                continue
            dim = "dim " if reason_against(action, self.screen) else ""
            key, label = self._key_now(action, bound, is_greyed=bool(dim))
            if key in said or not key:
                continue
            said.add(key)
            length = len(key) + len(label) + 3
            if used + length > width:
                shown.append("\n")
                used = 0
            _append(shown, action, (f" {key}", dim + KEY), (f" {label} ", dim))
            used += length
        if shown != self._shown or shown.spans != self._shown.spans:
            same_height = self._shown and _lines_of(shown) == _lines_of(self._shown)
            self._shown = shown
            self.update(shown, layout=not same_height)

    def _key_now(
        self, action: Action, bound: Mapping[str, ActiveBinding], *, is_greyed: bool
    ) -> tuple[str, str]:
        """Return the first key that leads to the action where the focus is, and what it does.

        In a field Enter goes on to the next one, and from the last one does what is to be done.
        """
        focused = self.screen.focused
        for key in self.app.keys.get(action.id, action.key).split(","):  # type: ignore[attr-defined]
            found = bound.get(key)
            if focused is not None and focused.check_consume_key(key, _character_of(key)):
                continue
            is_untouched = is_greyed and not isinstance(focused, Input)
            if is_untouched or (found and found.binding.action == action.name):
                return key_text(key), self._label(action)
            if found and found.binding.action == "submit" and action.name in _BY_SUBMITTING:
                goes_on = action.name == "accept" and focused is not self.screen.query(Input).last()
                return key_text(key), "Next" if goes_on else self._label(action)
        return "", ""

    def _label(self, action: Action) -> str:
        """Return what the action is called, by the dialog's own word if it has one."""
        own: Mapping[str, str] = getattr(self.screen, "labels", {})
        return own.get(action.id, action.label)


def _character_of(key: str) -> str | None:
    """Return what a key types, None for one that types nothing."""
    return key_to_character(_LONG_NAMES.get(key, key))


def scopes_of(node: object) -> tuple[str, ...]:
    """Return the scopes of actions that a screen, a widget or the application has."""
    scopes: tuple[str, ...] = getattr(node, "scopes", ()) or getattr(node, "SCOPES", ())
    return scopes


def _append(text: Text, action: Action, *parts: tuple[str, str]) -> None:
    start = len(text)
    for part, style in parts:
        text.append(part, style)
    text.apply_meta({"action": action.id}, start)


def _lines_of(text: Text) -> int:
    return text.plain.count("\n") + 1
