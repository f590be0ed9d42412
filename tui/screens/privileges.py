"""Default privileges: the privileges of users that a sync creates."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget
from textual.widgets import Static

from store.privileges import FOLDER_PRIVILEGES, PRIVILEGES
from tui.actions import bindings_for
from tui.screens.settings_form import SettingsForm
from tui.widgets.fields import Tick
from tui.widgets.privilege_boxes import PrivilegeBoxes


class PrivilegesScreen(SettingsForm):
    """The default privileges, and the default rights on the own archive."""

    NAME = "privileges"
    SCOPES = ("form",)
    BINDINGS = bindings_for(*SCOPES)

    def rows(self) -> Iterator[Widget]:
        """Yield the privileges, and the rights on the own archive."""
        yield Static("Default privileges", classes="section")
        yield Static(
            "A sync gives these to users that it creates, and to nobody else. None and "
            "Administrator exclude all others. Press an underlined letter to tick its box.",
            classes="note",
        )
        yield PrivilegeBoxes(PRIVILEGES, id="default_privileges")
        yield Static("On the own archive", classes="section")
        yield PrivilegeBoxes(FOLDER_PRIVILEGES, id="default_folder_privileges")

    def on_screen_suspend(self) -> None:
        """Start at the top the next time: a letter is that of the group with the cursor."""
        if self.app.current_mode != self.NAME:
            self.set_focus(self.query(Tick).first())

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        return "default privileges" if self.changes() else ""
