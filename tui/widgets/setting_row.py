"""One setting of a directory type in a form, made from what the type says of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select, Static

from store.models import Settings
from sync.directory.types.directory_type import SettingField
from tui.widgets.fields import Field, PasswordField, Tick, row
from tui.widgets.pinned_certificate import PinnedCertificate


class SettingRow(Vertical):
    """A label and a field, whose id is the setting's key, below the heading that begins there."""

    def __init__(self, field: SettingField) -> None:
        super().__init__()
        self.key = field.key
        self._field = field

    def compose(self) -> ComposeResult:
        """Build heading and row."""
        field, shown = self._field, _widget(self._field)
        yield Static(field.section, markup=False, classes="section")
        yield row("" if isinstance(shown, Checkbox) else field.label, shown)

    def follow(self, field: SettingField | None) -> None:
        """Show the setting as another type has it; None hides it."""
        self.display = field is not None
        if field is None:
            return
        heading, shown = self.query_one(".section", Static), self.query_one(f"#{self.key}")
        heading.update(field.section)
        heading.display = bool(field.section)
        if not isinstance(shown, Checkbox):
            self.query_one(".row > Label", Label).update(field.label)
        if isinstance(shown, Input) and field.kind != "secret":
            shown.placeholder = field.placeholder


def _widget(field: SettingField) -> Widget:
    if field.kind == "secret":
        return PasswordField(id=field.key)
    if field.kind == "certificate":
        return PinnedCertificate(id=field.key)
    if field.choices:
        return Select(field.choices, allow_blank=False, id=field.key)
    value = field.value(Settings())
    if isinstance(value, bool):
        return Tick(field.label, id=field.key)
    classes = "number" if isinstance(value, int | float) else ""
    return Field(placeholder=field.placeholder, id=field.key, classes=classes)
