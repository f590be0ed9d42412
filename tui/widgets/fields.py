"""One-line input fields that do not blink, and rows of a label and a field."""

from __future__ import annotations

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label

from store.text import printable


class Field(Input):
    """A compact field; what is pasted or put into it cannot steer the terminal."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(value, placeholder, compact=True, id=id, select_on_focus=False)
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Make control and format characters visible."""
        return printable(value)


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
    """A checkbox whose state shows without colours."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    def __init__(
        self,
        label: str,
        value: bool = False,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(label, value, name=name, id=id, compact=True)
        self._draw()

    def watch_value(self) -> None:
        """Draw the new state."""
        self._draw()
        super().watch_value()

    def _draw(self) -> None:
        self.BUTTON_INNER = "[x]" if self.value else "[ ]"


def row(label: str, field: Widget) -> Horizontal:
    """Return a line of a form: `label` and its field."""
    return Horizontal(Label(label, markup=False), field, classes="row")
