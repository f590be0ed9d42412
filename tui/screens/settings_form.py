"""A form over some of the settings: checked while typing, saved in one write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select, Static
from textual.widgets.select import InvalidSelectValueError

from store.errors import InvalidValue
from store.interface import Snapshot
from store.models import SETTING_KEYS, Settings
from sync.configure import configure, draft
from tui.screens.base import BaseScreen
from tui.widgets.plain import plain
from tui.widgets.privilege_boxes import PrivilegeBoxes


class SettingsForm(BaseScreen):
    """A form: its fields are the widgets that have a setting's key as their id, and a `value`.

    What is entered stays while other screens are shown, and on top of what someone else saves.
    """

    opened = Settings()
    _loaded: Mapping[str, Any] = {}
    _problem = ""

    def body(self) -> ComposeResult:
        """Build the rows, which scroll, over what stays in sight."""
        with VerticalScroll(classes="form", can_focus=False):
            yield from self.rows()
        yield from self.below()
        yield Static(markup=False, id="message")

    def rows(self) -> Iterator[Widget]:
        """Yield the rows of the form."""
        yield from ()

    def below(self) -> Iterator[Widget]:
        """Yield what does not scroll with the rows."""
        yield from ()

    def on_mount(self) -> None:
        """Fill the form."""
        self.load(self.app.snapshot.settings)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The fields by setting key; a password is none of them, it is never shown."""
        found = self.query("*").exclude("#password")
        return {field.id: field for field in found if field.id in SETTING_KEYS}

    def load(self, settings: Settings) -> None:
        """Show `settings`; they are what the form's changes are made from."""
        self.opened = settings
        for key in self.fields:
            self.put(key, getattr(settings, key))
        self._loaded = self._values()
        self.check()

    def _load_under(self, entered: Mapping[str, Any], settings: Settings) -> None:
        """Show `settings`, and on top of them what is entered and not saved."""
        self.load(settings)
        for key, value in entered.items():
            self.put(key, value)

    def _values(self) -> dict[str, Any]:
        return {key: field.value for key, field in self.fields.items()}

    def put(self, key: str, value: Any) -> None:
        """Show the value of one setting."""
        field = self.fields[key]
        with suppress(InvalidSelectValueError):  # the file may say anything
            field.value = str(value) if isinstance(field, Input) else value

    def changes(self) -> dict[str, Any]:
        """Return what is entered and not saved."""
        if not self._loaded:
            return {}
        return {key: value for key, value in self._values().items() if value != self._loaded[key]}

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
            self._check_numbers()
            settings = self.draft()
        except InvalidValue as error:
            self._problem = self._with_label(str(error))
            self.show_message(plain(self._problem, "red"))
        else:
            self._problem = ""
            self.show_message(Text("Not saved yet." if self.unsaved() else ""))
            self.follow_draft(settings)
        self.refresh_bindings()

    def _check_numbers(self) -> None:
        for key, field in self.fields.items():
            is_number = isinstance(field, Input) and type(getattr(self.opened, key)) is int
            if is_number and not field.value.strip().isdecimal():
                raise InvalidValue(
                    f"{key} is “{field.value}”, which is no whole number. Nothing was written. "
                    "Enter digits alone."
                )

    def _with_label(self, problem: str) -> str:
        """Return the text of a problem with the field's label in place of the setting's key."""
        key, space, rest = problem.partition(" ")
        if key not in self.fields or not isinstance(self.fields[key].parent, Horizontal):
            return problem
        label = str(self.fields[key].parent.query_one(Label).render()).strip()
        return f"“{label}”{space}{rest}"

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
        self._load_under(mine, snapshot.settings)
        if mine:
            self.app.say("Someone changed the settings. What you entered here is kept, unsaved.")

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        """Save what is entered; what is entered while that lasts stays, unsaved."""
        sent = self._values()
        with self.writing():
            settings = await asyncio.to_thread(
                configure,
                self.app.workspace,
                self.changes(),
                password=self.password(),
                based_on=self.opened,
            )
        later = {key: value for key, value in self._values().items() if value != sent[key]}
        self._load_under(later, settings)
        self.app.refresh_store()
        self.app.say("Saved.")

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def _ask_to_leave(self) -> None:
        if await self.confirm("Discard the changes?", f"Not saved: {self.unsaved()}."):
            self.load(self.app.snapshot.settings)
            self.app.go_home()
