"""A pane beside or below a list that tells of the row under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from time import monotonic

from rich.console import RenderableType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

_IDLE_SECONDS = 0.15  # after which a move is followed at once
_MOVING_SECONDS = 0.06  # held keys move further within it, and a slow line is spared


class Pane(ScrollView, can_focus=True):
    """What is told follows the cursor; while that moves fast, once it rests.

    Lines that stay are not sent again.
    """

    DEFAULT_CSS = """
    Pane {
        padding: 0 1; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    """

    def __init__(self, title: str = "Details") -> None:
        super().__init__()
        self.border_title = title
        self._content: Callable[[], RenderableType] = str
        self._lines: list[Strip] = []
        self._timer: Timer | None = None
        self._moved = 0.0

    def on_show(self) -> None:
        """Tell of the row under the cursor, where there was no room before."""
        self._tell()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._tell()

    def follow(self, content: Callable[[], RenderableType]) -> None:
        """Show this soon; `content` is called if it is still wanted by then."""
        self._content = content
        if not self.display:
            return
        is_idle = monotonic() - self._moved > _IDLE_SECONDS
        self._moved = monotonic()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if is_idle:
            self._tell()
        else:
            self._timer = self.set_timer(_MOVING_SECONDS, self._tell)

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the view."""
        style, width = self.rich_style, self.scrollable_content_region.width
        place = y + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(width, style)
        return self._lines[place].apply_style(style).adjust_cell_length(width, style)

    def _tell(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        console, before = self.app.console, self._lines
        options = console.options.update(width=width, height=None)
        found = console.render_lines(self._content(), options, pad=False)
        self._lines = [Strip(line) for line in found]
        self.virtual_size = Size(width, len(found))
        top = self.scroll_offset.y
        if top and before[:1] != self._lines[:1]:
            self.scroll_to(y=0, animate=False, force=True)
        for place, (old, new) in enumerate(zip_longest(before, self._lines)):
            if old != new:
                self.refresh(Region(0, place - top, width, 1))
