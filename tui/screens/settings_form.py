"""A form over some of the settings: checked while typing, saved in one write."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.widgets import Checkbox, Input, Select, Static
from textual.widgets.select import InvalidSelectValueError

from store.errors import InvalidValue
from store.interface import Snapshot
from store.models import Settings
from sync.configure import configure, draft
from tui.screens.base import BaseScreen
from tui.widgets.plain import plain
from tui.widgets.privilege_boxes import PrivilegeBoxes


class SettingsForm(BaseScreen):
    """A form whose fields have the setting keys of `KEYS` as their ids.

    What is entered stays while other screens are shown, and on top of what someone else saves.
    """

    KEYS: ClassVar[tuple[str, ...]] = ()

    opened = Settings()
    _loaded: Mapping[str, Any] = {}
    _problem = ""

    def on_mount(self) -> None:
        """Fill the form."""
        self.load(self.app.snapshot.settings)

    def load(self, settings: Settings) -> None:
        """Show `settings`; they are what the form's changes are made from."""
        self.opened = settings
        for key in self.KEYS:
            self.put(key, getattr(settings, key))
        self._loaded = self.values()
        self.check()

    def put(self, key: str, value: Any) -> None:
        """Show the value of one setting."""
        field = self.query_one(f"#{key}")
        if isinstance(field, Input):
            field.value = str(value)
        elif isinstance(field, Checkbox | Select | PrivilegeBoxes):
            with suppress(InvalidSelectValueError):  # the file may say anything
                field.value = value

    def get(self, key: str) -> Any:
        """Return what is entered for one setting."""
        return getattr(self.query_one(f"#{key}"), "value")  # noqa: B009

    def values(self) -> dict[str, Any]:
        """Return what is entered."""
        return {key: self.get(key) for key in self.KEYS}

    def changes(self) -> dict[str, Any]:
        """Return what is entered and not saved."""
        return {key: value for key, old in self._loaded.items() if (value := self.get(key)) != old}

    def password(self) -> str | None:
        """Return the directory's new password, None if it stays."""
        return None

    def draft(self) -> Settings:
        """Return the settings as entered; raises `InvalidValue`."""
        return draft(self.opened, self.changes())

    @on(Input.Changed)
    @on(Checkbox.Changed)
    @on(Select.Changed)
    @on(PrivilegeBoxes.Changed)
    def check(self) -> None:
        """Check what is entered and say what is wrong with it."""
        try:
            settings = self.draft()
        except InvalidValue as error:
            self._problem = str(error)
            self.show_message(plain(error, "red"))
        else:
            self._problem = ""
            self.show_message(Text("Not saved yet." if self.unsaved() else ""))
            self.follow_draft(settings)
        self.refresh_bindings()

    def follow_draft(self, settings: Settings) -> None:
        """Show what follows from the settings as entered."""

    def show_message(self, text: Text) -> None:
        """Show this under the form."""
        self.query_one("#message", Static).update(text)

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name == "save":
            return self._problem or (None if self.unsaved() else "Nothing was changed.")
        return None

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        changed = self._loaded and (self.changes() or self.password() is not None)
        return f"changes on {self.NAME.capitalize()}" if changed else ""

    async def go_back(self) -> None:
        """Go home; ask first if there are changes."""
        if self.unsaved():
            self._ask_to_leave()
        else:
            await super().go_back()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Take over what others saved; what was entered here stays entered."""
        if snapshot.settings == self.opened:
            return
        mine = self.changes()
        self.load(snapshot.settings)
        for key, value in mine.items():
            self.put(key, value)
        if mine:
            self.app.say("Someone changed the settings. What you entered here is kept, unsaved.")

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        """Save what is entered."""
        settings = await asyncio.to_thread(
            configure,
            self.app.workspace,
            self.changes(),
            password=self.password(),
            based_on=self.opened,
        )
        self.load(settings)
        self.app.refresh_store()
        self.app.say("Saved.")

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def _ask_to_leave(self) -> None:
        if await self.confirm("Discard the changes?", f"Not saved: {self.unsaved()}."):
            self.load(self.app.snapshot.settings)
            self.app.go_home()
