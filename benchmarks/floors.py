"""The floors of the screens: the least that a program on Textual has to do."""

from __future__ import annotations

import sys

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static

READY = "The floor is ready"


class MinimalApp(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """Build the line."""
        yield Static(READY)


class Lines(ScrollView, can_focus=True):
    """The least table on the Line API: a list of texts, a list of places, a cursor."""

    BINDINGS = [Binding("pagedown", "page_down", show=False)]

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self.rows = rows
        self.shown = list(range(len(rows)))
        self.cursor = 0
        self.virtual_size = Size(80, len(rows))

    def show(self, needle: str) -> None:
        """Filter."""
        self.shown = [place for place, row in enumerate(self.rows) if needle in row]
        self.virtual_size = Size(80, len(self.shown))
        self.refresh()

    def action_page_down(self) -> None:
        """Scroll by a page."""
        self.cursor += self.size.height
        self.scroll_to(y=self.cursor, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        place = self.scroll_offset.y + y
        text = self.rows[self.shown[place]] if place < len(self.shown) else ""
        style = self.rich_style + Style(reverse=place == self.cursor)
        return Strip([Segment(text.ljust(self.size.width)[: self.size.width], style)])


class TableApp(App[None]):
    """A table and a field that filters it."""

    BINDINGS = [Binding("slash", "filter")]

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self.lines = Lines(rows)

    def compose(self) -> ComposeResult:
        """Build both."""
        yield self.lines
        yield Static(READY)
        yield Input(compact=True)

    def on_mount(self) -> None:
        """Start in the table."""
        self.query_one(Input).cursor_blink = False
        self.lines.focus()

    def action_filter(self) -> None:
        """Go to the field."""
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        self.lines.show(event.value)


if __name__ == "__main__":
    if sys.argv[1] == "minimal":
        MinimalApp().run()
    elif sys.argv[1] == "table":
        names = (f"user{number:06} User {number}" for number in range(int(sys.argv[2])))
        TableApp([f"{name} {name}@example.com" for name in names]).run()
