"""A table for any number of rows: only the lines in sight are ever made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events, work
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.columns import Cell, Column, fit, sample_of, share, wanted_widths
from tui.widgets.plain import grouped
from tui.widgets.rows import Row, Rows

__all__ = ["Cell", "Column", "Row", "Table"]

_GUTTER = 2
_HEADER = 1
_NOTHING = Style.null()
_SLICE = 2000  # rows whose texts are made ready between two keystrokes


class Table(ScrollView, Generic[Row], can_focus=True):
    """Rows under a fixed header, with a cursor, marks, a filter and a sort order.

    `cells` gives a row's cells and is called for rows in sight; strings are made printable here,
    of a `Text` its text and its own style count, not its spans. `key` names a row, so that cursor
    and marks stay with it when rows are loaded again. There is no scroll bar: it would cost a
    slow line more bytes than the rows.
    """

    DEFAULT_CSS = """
    Table { overflow-x: hidden; overflow-y: scroll; scrollbar-size: 0 0; }
    Table > .table--header { text-style: bold underline; }
    Table > .table--cursor { background: $panel-lighten-2; }
    Table:focus > .table--cursor { background: $primary; color: auto 100%; }
    Table:ansi:focus > .table--cursor { color: $text; }
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

    position = reactive("0 of 0", init=False, repaint=False)

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
        self._model = Rows(cells, key)
        self._wanted = wanted_widths(columns, ())
        self._widths: list[int] = []
        self._styles = (Style(), Style(), Style())

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._model.current

    @property
    def cursor_line(self) -> int:
        """The line of the view that the cursor is in."""
        return self._model.cursor - self.scroll_offset.y + _HEADER

    @property
    def marked(self) -> list[Row]:
        """The marked rows, filtered out ones included."""
        model = self._model
        return [row for row in model.all if model.is_marked(row)] if model.marks else []

    @property
    def has_marks(self) -> bool:
        """Whether any row is marked."""
        return bool(self._model.marks)

    @property
    def rows(self) -> list[Row]:
        """The rows that pass the filter, as they are ordered."""
        return [self._model.all[index] for index in self._model.shown]

    def load(self, rows: Sequence[Row]) -> None:
        """Show `rows`; the cursor and the marks stay with their rows."""
        model = self._model
        model.load(rows)
        sample = [model.cells(rows[index]) for index in sample_of(len(rows))]
        self._wanted = wanted_widths(self._columns, sample)
        self._show()

    def filter(self, needle: str) -> None:
        """Show only the rows with `needle` in a cell, or after `!` those without."""
        self._model.filter(needle)
        self._show()

    @work(exclusive=True, group="prepare")
    async def prepare_filter(self) -> None:
        """Make the rows' texts ready, so that the first keystroke in a filter finds them so."""
        while self._model.prepare(_SLICE):
            await asyncio.sleep(0)

    def sort_by_next(self) -> None:
        """Order by the next column; after the last one as loaded."""
        column = self._model.column
        following = 0 if column is None else column + 1
        self._sort(following if following < len(self._columns) else None)

    def reverse_sort(self) -> None:
        """Turn the order of the sorted column round."""
        self._sort(self._model.column, descending=not self._model.descending)

    @property
    def is_sorted(self) -> bool:
        """Whether the rows are ordered by a column."""
        return self._model.column is not None

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or unmark it, and go on to the next one."""
        self._model.toggle_mark()
        self.refresh_current()
        self._tell()
        self.action_move(1)

    def toggle_all_marks(self) -> None:
        """Mark all rows that pass the filter; unmark them if they are all marked already."""
        self._model.toggle_all()
        self.refresh()
        self._tell()

    def clear_marks(self) -> None:
        """Unmark all rows."""
        self._model.marks.clear()
        self.refresh()
        self._tell()

    def refresh_current(self) -> None:
        """Draw the row under the cursor again."""
        self._refresh_row(self._model.cursor)

    def refresh_cells(self) -> None:
        """Draw all rows again: their cells have changed."""
        self._model.forget_texts()
        self.refresh()

    def action_move(self, rows: int) -> None:
        """Move the cursor by that many rows."""
        self._go(self._model.cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by that many screens."""
        self._go(self._model.cursor + pages * self._page)

    def action_go_to(self, index: int) -> None:
        """Move the cursor to the first row (0) or the last one (-1)."""
        self._go(index if index >= 0 else len(self._model.shown) - 1)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self._resize_rows()

    def on_click(self, event: events.Click) -> None:
        """Go to the row that is clicked; a click on a title sorts by its column."""
        if event.y >= _HEADER:
            self._go(self.scroll_offset.y + event.y - _HEADER)
            return
        left = _GUTTER
        for column, width in enumerate(self._widths):
            if left <= event.x < left + width:
                turned = column == self._model.column and not self._model.descending
                self._sort(column, descending=turned)
            left += width

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a part of the view; they share their styles."""
        style = self.rich_style
        header, cursor = map(self.get_component_rich_style, ("table--header", "table--cursor"))
        self._styles = style, style + header, style + cursor
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the view: the header, then the rows from the scroll offset on."""
        style, header, cursor = self._styles
        if y < _HEADER:
            return self._line(self._titles(), "", header)
        place = self.scroll_offset.y + y - _HEADER
        if place >= len(self._model.shown):
            return Strip.blank(self.scrollable_content_region.width, style)
        row = self._model.at(place)
        over = _NOTHING
        if place == self._model.cursor:
            style = cursor
            over = Style(color=style.color, dim=False)  # other colours cannot be read on the bar
        mark = "*" if self._model.is_marked(row) else ""
        return self._line(self._model.cells(row), mark, style, over)

    def _titles(self) -> list[str]:
        arrow = "▼ " if self._model.descending else "▲ "
        titles = enumerate(column.title for column in self._columns)
        return [arrow + title if at == self._model.column else title for at, title in titles]

    def _line(
        self, cells: Sequence[Cell], mark: str, style: Style, over: Style = _NOTHING
    ) -> Strip:
        """Return a line of as few segments as it has styles: each one costs bytes.

        `over` goes over the cells' own styles.
        """
        segments = []
        text = mark.ljust(_GUTTER)
        for cell, width in zip(cells, self._widths, strict=True):
            shown = fit(cell, width)
            if isinstance(cell, Text) and cell.style:
                word = shown.rstrip()
                segments += [Segment(text, style), Segment(word, style + _style(cell) + over)]
                text = shown[len(word) :]
            else:
                text += shown
        segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(self.scrollable_content_region.width, style)

    def _sort(self, column: int | None, *, descending: bool = False) -> None:
        self._model.sort(column, descending=descending)
        self._show()

    def _show(self) -> None:
        self._resize_rows()
        self.refresh()
        self._tell()
        self._tell_moved()

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - _HEADER)

    def _resize_rows(self) -> None:
        width = self.scrollable_content_region.width
        self._widths = share(self._columns, self._wanted, max(0, width - _GUTTER))
        self.virtual_size = Size(width, len(self._model.shown) + _HEADER)
        self._scroll_to_cursor()

    def _go(self, cursor: int) -> None:
        cursor = max(0, min(cursor, len(self._model.shown) - 1))
        old = self._model.cursor
        if cursor == old:
            return
        self._model.cursor = cursor
        self._refresh_row(old)
        self._refresh_row(cursor)
        self._scroll_to_cursor()
        self._tell()
        self._tell_moved()

    def _tell_moved(self) -> None:
        """Send `Moved` as the table's own, or it would end at a parent that called for it."""
        self.post_message(self.Moved().set_sender(self))

    def _scroll_to_cursor(self) -> None:
        top, cursor = self.scroll_offset.y, self._model.cursor
        wanted = max(min(top, cursor), cursor - self._page + 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    def _refresh_row(self, place: int) -> None:
        line = place - self.scroll_offset.y + _HEADER
        self.refresh(Region(0, line, self.size.width, 1))

    def _tell(self) -> None:
        shown, total = len(self._model.shown), len(self._model.all)
        position = f"{grouped(min(self._model.cursor + 1, shown))} of {grouped(shown)}"
        if shown != total:
            position += f" (all: {grouped(total)})"
        if self._model.marks:
            position += f", {grouped(len(self._model.marks))} marked"
        self.position = position


def _style(cell: Text) -> Style:
    return cell.style if isinstance(cell.style, Style) else Style.parse(cell.style)
