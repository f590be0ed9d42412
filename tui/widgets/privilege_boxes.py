"""Checkboxes for privileges; `none` and `admin` exclude all others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Grid
from textual.content import Content
from textual.message import Message
from textual.widgets import Checkbox

from store.privileges import ADMIN, NONE
from tui.widgets.fields import Tick

_ALONE = (NONE, ADMIN)
_COLUMNS = 2


class PrivilegeBoxes(Grid):
    """One checkbox for each privilege of `known` (identifier to label).

    A letter that is underlined in a label ticks that box. `mixed` are privileges that some of
    several users have; each user keeps them as they are until the box is changed.
    """

    DEFAULT_CSS = """
    PrivilegeBoxes { grid-size: 2; grid-rows: 1; height: auto; }
    PrivilegeBoxes Checkbox { width: 100%; }
    """

    BINDINGS = [
        Binding("up", "step(-2)", show=False),
        Binding("down", "step(2)", show=False),
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
    ]

    class Changed(Message):
        """Other privileges are chosen."""

    def __init__(
        self,
        known: Mapping[str, str],
        value: Collection[str] = (),
        *,
        mixed: Collection[str] = (),
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        places = letter_places(known.values())
        self._letters = {
            label[place].casefold(): name
            for (name, label), place in zip(known.items(), places, strict=True)
        }
        self._boxes = {
            name: Tick(_underlined(label, place), name in value, mixed=name in mixed, name=name)
            for (name, label), place in zip(known.items(), places, strict=True)
        }

    def compose(self) -> ComposeResult:
        """Build the checkboxes."""
        yield from self._boxes.values()

    def action_step(self, boxes: int) -> None:
        """Go on by so many boxes, or out of them at their ends."""
        among = list(self._boxes.values())
        here = next((place for place, box in enumerate(among) if box.has_focus), 0)
        if 0 <= here + boxes < len(among):
            among[here + boxes].focus()
        elif abs(boxes) == _COLUMNS:
            end = among[-1] if boxes > 0 else among[0]
            self.screen.set_focus(end)
            self.screen.focus_next() if boxes > 0 else self.screen.focus_previous()

    def on_key(self, event: events.Key) -> None:
        """Tick the box of this letter, or take the tick away."""
        if name := self._letters.get(event.character or ""):
            event.stop()
            self._boxes[name].focus()
            self._boxes[name].toggle()

    @property
    def mixed(self) -> tuple[str, ...]:
        """The identifiers that stay as they are for each user."""
        return tuple(name for name, box in self._boxes.items() if box.is_mixed)

    @property
    def value(self) -> tuple[str, ...]:
        """The identifiers that are checked."""
        return tuple(name for name, box in self._boxes.items() if box.value)

    @value.setter
    def value(self, chosen: Collection[str]) -> None:
        for name, box in self._boxes.items():
            box.put(name in chosen)

    @on(Checkbox.Changed)
    def _keep_alone(self, event: Checkbox.Changed) -> None:
        event.stop()
        if event.value:
            alone = event.checkbox.name in _ALONE
            for name, box in self._boxes.items():
                gives_way = alone or (name in _ALONE and not box.is_mixed)
                if box is not event.checkbox and gives_way:
                    box.put(False)
        self.post_message(self.Changed())


def letter_places(labels: Iterable[str]) -> list[int]:
    """Return where in each label the letter is that is its key: the first that no other has."""
    taken: set[str] = set()
    places = []
    for label in labels:
        place = next(
            place
            for place, letter in enumerate(label.casefold())
            if letter.isalpha() and letter not in taken
        )
        taken.add(label[place].casefold())
        places.append(place)
    return places


def _underlined(label: str, place: int) -> Content:
    return Content(label).stylize("underline", place, place + 1)
