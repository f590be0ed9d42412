"""Checkboxes for privileges, of which `none` and `admin` stand alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid
from textual.message import Message
from textual.widgets import Checkbox

from store.privileges import ADMIN, NONE
from tui.widgets.fields import Tick

_ALONE = (NONE, ADMIN)


class PrivilegeBoxes(Grid):
    """One checkbox for each privilege of `known` (identifier to label)."""

    DEFAULT_CSS = """
    PrivilegeBoxes { grid-size: 2; grid-rows: 1; height: auto; }
    PrivilegeBoxes Checkbox { width: 100%; }
    """

    class Changed(Message):
        """Other privileges are chosen."""

    def __init__(
        self,
        known: Mapping[str, str],
        value: Collection[str] = (),
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._boxes = {name: Tick(label, name in value, name=name) for name, label in known.items()}

    def compose(self) -> ComposeResult:
        """Build the checkboxes."""
        yield from self._boxes.values()

    @property
    def value(self) -> tuple[str, ...]:
        """The identifiers that are checked."""
        return tuple(name for name, box in self._boxes.items() if box.value)

    @value.setter
    def value(self, chosen: Collection[str]) -> None:
        for name, box in self._boxes.items():
            box.value = name in chosen

    @on(Checkbox.Changed)
    def _keep_alone(self, event: Checkbox.Changed) -> None:
        event.stop()
        if event.value:
            alone = event.checkbox.name in _ALONE
            for name, box in self._boxes.items():
                if box is not event.checkbox and (alone or name in _ALONE):
                    box.value = False
        self.post_message(self.Changed())
