"""One-line input fields that do not blink, and rows of a label and a field."""

from __future__ import annotations

from typing import Self

from textual import events
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label

from store.text import printable


class Field(Input):
    """A compact field; what is pasted or put into it cannot steer the terminal."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002
        classes: str = "",
    ) -> None:
        super().__init__(value, placeholder, id=id, classes=classes, select_on_focus=False)
        self._given = value
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Make control and format characters visible."""
        return printable(value)

    def entered(self) -> str:
        """Return what was entered; what nobody touched is as it was given, not as it is shown."""
        return self._given if self.value == printable(self._given) else self.value


class PasswordField(Field):
    """A field that hides its value and gives it to no clipboard."""

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(placeholder=placeholder, id=id)
        self.password = True

    def validate_value(self, value: str) -> str:
        """Leave a password byte for byte as it was typed; it is shown as dots."""
        return value

    def action_copy(self) -> None:
        """Copy nothing: the clear text would reach the clipboard."""

    def action_cut(self) -> None:
        """Cut nothing, for the same reason."""


class NumberField(Field):
    """A field for digits; other keys go on to the screen."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Tell that only digits are typed here."""
        return character is not None and character in "0123456789"

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()


class Tick(Checkbox):
    """A checkbox whose state shows without colours.

    `mixed` it stands for several things of which some have it: it leaves each as it is. Space goes
    on to yes, no, and back to that.
    """

    BUTTON_LEFT = BUTTON_RIGHT = ""

    def __init__(
        self,
        label: str | Content,
        value: bool = False,
        *,
        mixed: bool = False,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        self._may_be_mixed = self.is_mixed = mixed
        super().__init__(label, value, name=name, id=id)
        self._draw()

    def put(self, value: bool) -> None:
        """Be ticked or not, and mixed no longer."""
        self.is_mixed = False
        self.value = value
        self._draw()

    def toggle(self) -> Self:
        """Go on to the next state."""
        if self._may_be_mixed and not self.value and not self.is_mixed:
            self.is_mixed = True
            self._draw()
            self.post_message(self.Changed(self, self.value))
        else:
            self.put(not self.value)
        return self

    def watch_value(self) -> None:
        """Draw the new state."""
        self._draw()
        super().watch_value()

    def _draw(self) -> None:
        self.BUTTON_INNER = "[~]" if self.is_mixed else "[x]" if self.value else "[ ]"
        self.refresh()


def row(label: str, field: Widget, unit: str = "") -> Horizontal:
    """Return a line of a form: `label`, its field and, if given, what the number in it counts."""
    units = [Label(unit, markup=False, classes="unit")] if unit else []
    return Horizontal(Label(label, markup=False), field, *units, classes="row")
