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
from typing_extensions import override

from store.errors import InvalidSetting, InvalidValue
from store.interface import Snapshot
from store.models import Settings
from sync.configure import configure, draft
from sync.directory.types import setting, setting_keys
from tui.screens.base import BEING_SAVED, EntryScreen
from tui.texts.plain import plain
from tui.texts.problems import told
from tui.widgets.privilege_boxes import PrivilegeBoxes


class SettingsForm(EntryScreen):
    """A form: its fields are the widgets that have a setting's key as their id, and a `value`.

    What is entered stays while other screens are shown, and on top of what someone else saves.
    `SECRET` is a setting whose field is never filled: it is typed anew, kept, or forgotten.
    """

    SECRET = ""
    opened = Settings()
    _loaded: Mapping[str, Any] = {}
    _problem = ""
    _forget = False

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
        """The fields by setting key, without the secret's."""
        keys = [key for key in setting_keys() if key != self.SECRET]
        return {field.id: field for field in self.query("*") if field.id in keys}

    @cached_property
    def _secret_field(self) -> Input | None:
        return self.query_one(f"#{self.SECRET}", Input) if self.SECRET else None

    def load(self, settings: Settings) -> None:
        """Show `settings`, of a secret only whether there is one; changes are made from them."""
        self.opened, self._forget = settings, False
        if field := self._secret_field:
            field.value, field.placeholder = "", self.secret_hint(settings)
        for key in self.fields:
            self.put(key, setting(settings, key))
        self._loaded = self._values()
        self.check()

    def _load_under(
        self, entered: Mapping[str, Any], secret: str | None, settings: Settings
    ) -> None:
        """Show `settings`, and on top of them what is entered and not saved."""
        self.load(settings)
        for key, value in entered.items():
            self.put(key, value)
        if secret == "":
            self.forget_secret()
        elif secret and self._secret_field:
            self._secret_field.value = secret

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

    def secret(self) -> str | None:
        """Return the secret that was typed, "" to forget the one there is, None to keep it."""
        field = self._secret_field
        return (field and field.value) or ("" if self._forget else None)

    def secret_hint(self, settings: Settings) -> str:
        """Return what stands in the secret's field while nothing is typed."""
        return "(set) leave empty to keep it" if setting(settings, self.SECRET) else "(empty)"

    def why_not_forget(self) -> str | None:
        """Return why the secret cannot be forgotten."""
        if not setting(self.opened, self.SECRET):
            return "It is not set."
        return "It is forgotten as soon as you save." if self._forget else None

    def forget_secret(self) -> None:
        """Remove the secret when the form is saved."""
        self._forget = True
        if field := self._secret_field:
            field.value, field.placeholder = "", "(forgotten as soon as you save)"
        self.check()

    def draft(self) -> Settings:
        """Return the settings as entered; raises `InvalidValue`."""
        return draft(self.opened, self.changes())

    @on(Input.Changed)
    @on(Checkbox.Changed)
    @on(Select.Changed)
    @on(PrivilegeBoxes.Changed)
    def check(self) -> None:
        """Check what is entered and say what is wrong with it."""
        self.follow_entry()
        try:
            self._check_numbers()
            settings = self.draft()
        except InvalidValue as error:
            self._problem = self._text_of_problem(error)
            self.show_message(plain(self._problem, "red"))
        else:
            self._problem = ""
            self.show_message(Text("Not saved yet." if self.unsaved() else ""))
            self.follow_draft(settings)
        self.refresh_bindings()

    def _check_numbers(self) -> None:
        for key, field in self.fields.items():
            is_number = isinstance(field, Input) and type(setting(self.opened, key)) is int
            if is_number and not field.value.strip().isdecimal():
                raise InvalidSetting(
                    key,
                    f"is “{field.value}”, not a whole number.",
                    "Enter digits only.",
                )

    def _text_of_problem(self, problem: InvalidValue) -> str:
        """Return what is shown, with the field's label in place of the setting's key."""
        if not isinstance(problem, InvalidSetting):
            return told(problem)
        field = self._secret_field if problem.key == self.SECRET else self.fields.get(problem.key)
        if field is None or not isinstance(field.parent, Horizontal):
            return told(problem)
        label = " … ".join(str(part.render()).strip() for part in field.parent.query(Label))
        return told(problem, f"“{label}” {problem.rest}")

    def follow_entry(self) -> None:
        """Show what follows from what is entered, right or not."""

    def follow_draft(self, settings: Settings) -> None:
        """Show what follows from the settings as entered."""

    def show_message(self, text: Text) -> None:
        """Show this under the form."""
        self.query_one("#message", Static).update(text)

    @override
    def why_not(self, name: str) -> str | None:
        if name == "save":
            if self.is_writing:
                return BEING_SAVED
            return self._problem or (None if self.unsaved() else "Nothing was changed.")
        return None

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        changed = self._loaded and (self.changes() or self.secret() is not None)
        return f"changes on {self.NAME.capitalize()}" if changed else ""

    async def go_back(self) -> None:
        """Go home; ask first if there are changes."""
        if self.is_writing:
            self.app.say(BEING_SAVED, error=True)
        elif self.unsaved():
            self._ask_to_leave()
        else:
            await super().go_back()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Take over what others saved; what was entered here stays entered."""
        if snapshot.settings == self.opened:
            return
        self._load_under(self.changes(), self.secret(), snapshot.settings)
        if unsaved := self.unsaved():
            self.app.say(f"The saved settings changed. Not saved, and kept: {unsaved}.")

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        """Save what is entered; what is entered while that lasts stays, unsaved."""
        sent, secret, before = self._values(), self.secret(), self.opened
        with self.writing():
            settings = await asyncio.to_thread(
                configure,
                self.app.workspace,
                self.changes(),
                secrets={} if secret is None else {self.SECRET: secret},
                based_on=self.opened,
            )
        later = {key: value for key, value in self._values().items() if value != sent[key]}
        typed = self.secret()
        self._load_under(later, None if typed == secret else typed, settings)
        self.app.refresh_store()
        self.app.say("Saved.")
        await self.follow_save(before)

    async def follow_save(self, before: Settings) -> None:
        """Do what follows when other settings than `before` are stored."""

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def _ask_to_leave(self) -> None:
        if await self.confirm("Discard the changes?", f"Not saved: {self.unsaved()}."):
            self.load(self.app.snapshot.settings)
            self.app.go_home()
