"""A table for any number of rows: only the lines in sight are ever made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from store.text import printable

Row = TypeVar("Row")
Cell = str | Text

_GUTTER = 2
_HEADER = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `width` cells, or else of a share by `weight` of what the others leave."""

    title: str
    weight: int = 1
    width: int = 0


class Table(ScrollView, Generic[Row], can_focus=True):
    """Rows under a fixed header, with a cursor, marks and a filter.

    `cells` gives a row's cells and is called for rows in sight; strings are made printable here.
    `key` names a row, so that cursor and marks stay with it when rows are loaded again.
    """

    DEFAULT_CSS = """
    Table { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    Table > .table--header { text-style: bold underline; }
    Table > .table--cursor { background: $panel-lighten-2; }
    Table:focus > .table--cursor { background: $primary; color: $text; }
    """
    COMPONENT_CLASSES = {"table--header", "table--cursor"}
    BINDINGS = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move_page(-1)", show=False),
        Binding("pagedown", "move_page(1)", show=False),
        Binding("home", "go_to(0)", show=False),
        Binding("end", "go_to(-1)", show=False),
    ]

    position = reactive("0 of 0", init=False)

    class Moved(Message):
        """The row under the cursor is another one, or was loaded again."""

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Row], Sequence[Cell]],
        key: Callable[[Row], str],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._cells = cells
        self._key = key
        self._rows: Sequence[Row] = ()
        self._shown: Sequence[int] = ()
        self._cursor = 0
        self._marks: set[str] = set()
        self._needle = ""
        self._haystack: list[str] | None = None

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._shown[self._cursor]] if self._shown else None

    @property
    def marked(self) -> list[Row]:
        """The marked rows, filtered out ones included."""
        if not self._marks:
            return []
        return [row for row in self._rows if self._key(row) in self._marks]

    @property
    def rows(self) -> list[Row]:
        """The rows that pass the filter."""
        return [self._rows[index] for index in self._shown]

    def load(self, rows: Sequence[Row]) -> None:
        """Show `rows`; the cursor and the marks stay with their rows."""
        stay = self._current_key()
        self._rows, self._haystack = rows, None
        if self._marks:
            self._marks &= {self._key(row) for row in rows}
        self._show(self._matching(range(len(rows))), stay)

    def filter(self, needle: str) -> None:
        """Show only the rows with `needle` in a cell, whatever the case."""
        needle = needle.casefold()
        narrower = self._needle and needle.startswith(self._needle)
        among = self._shown if narrower else range(len(self._rows))
        self._needle = needle
        self._show(self._matching(among), self._current_key())

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or unmark it, and go on to the next one."""
        key = self._current_key()
        if key is not None:
            self._marks ^= {key}
            self._refresh_row(self._cursor)
            self._tell()
            self.action_move(1)

    def clear_marks(self) -> None:
        """Unmark all rows."""
        self._marks.clear()
        self.refresh()
        self._tell()

    def refresh_current(self) -> None:
        """Draw the row under the cursor again."""
        self._refresh_row(self._cursor)

    def action_move(self, rows: int) -> None:
        """Move the cursor by that many rows."""
        self._go(self._cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by that many screens."""
        self._go(self._cursor + pages * self._page)

    def action_go_to(self, index: int) -> None:
        """Move the cursor to the first row (0) or the last one (-1)."""
        self._go(index if index >= 0 else len(self._shown) - 1)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self._resize_rows()

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the view: the header, then the rows from the scroll offset on."""
        width = self.scrollable_content_region.width
        style = self.rich_style
        if y < _HEADER:
            titles = [column.title for column in self._columns]
            return self._line(titles, "", style + self._component("table--header"), width)
        index = self.scroll_offset.y + y - _HEADER
        if index >= len(self._shown):
            return Strip.blank(width, style)
        row = self._rows[self._shown[index]]
        if index == self._cursor:
            style += self._component("table--cursor")
        mark = "*" if self._marks and self._key(row) in self._marks else ""
        return self._line(self._cells(row), mark, style, width)

    def _component(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _line(self, cells: Sequence[Cell], mark: str, style: Style, width: int) -> Strip:
        segments = [Segment(mark.ljust(_GUTTER))]
        for cell, space in zip(cells, self._widths(width), strict=True):
            text = cell.copy() if isinstance(cell, Text) else Text(printable(cell, space + 1))
            text.truncate(space - 1, overflow="ellipsis", pad=True)
            segments += text.render(self.app.console, end=" ")
        return Strip(segments).adjust_cell_length(width).apply_style(style)

    def _widths(self, width: int) -> list[int]:
        free = width - _GUTTER - sum(column.width for column in self._columns)
        weights = sum(column.weight for column in self._columns if not column.width)
        return [column.width or max(2, free * column.weight // weights) for column in self._columns]

    def _matching(self, among: Sequence[int]) -> Sequence[int]:
        if not self._needle:
            return among
        if self._haystack is None:
            self._haystack = [
                "\n".join(map(str, self._cells(row))).casefold() for row in self._rows
            ]
        haystack, needle = self._haystack, self._needle
        return [index for index in among if needle in haystack[index]]

    def _current_key(self) -> str | None:
        return None if self.current is None else self._key(self.current)

    def _show(self, shown: Sequence[int], stay: str | None) -> None:
        self._shown = shown
        rows, key = self._rows, self._key
        among = enumerate(shown) if stay is not None else ()
        found = (place for place, index in among if key(rows[index]) == stay)
        self._cursor = next(found, max(0, min(self._cursor, len(shown) - 1)))
        self._resize_rows()
        self.refresh()
        self._tell()
        self.post_message(self.Moved())

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - _HEADER)

    def _resize_rows(self) -> None:
        width = self.scrollable_content_region.width
        self.virtual_size = Size(width, len(self._shown) + _HEADER)
        self._scroll_to_cursor()

    def _go(self, cursor: int) -> None:
        cursor = max(0, min(cursor, len(self._shown) - 1))
        if cursor == self._cursor:
            return
        old, self._cursor = self._cursor, cursor
        self._refresh_row(old)
        self._refresh_row(cursor)
        self._scroll_to_cursor()
        self._tell()
        self.post_message(self.Moved())

    def _scroll_to_cursor(self) -> None:
        top = self.scroll_offset.y
        wanted = max(min(top, self._cursor), self._cursor - self._page + 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    def _refresh_row(self, index: int) -> None:
        line = index - self.scroll_offset.y + _HEADER
        self.refresh(Region(0, line, self.size.width, 1))

    def _tell(self) -> None:
        shown, total = len(self._shown), len(self._rows)
        position = f"{min(self._cursor + 1, shown)} of {shown}"
        if shown != total:
            position += f" (all: {total})"
        if self._marks:
            position += f", {len(self._marks)} marked"
        self.position = position
