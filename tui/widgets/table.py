"""A table for any number of rows: only the lines in sight are ever made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Generic

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events, work
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from store.text import printable
from tui.actions import ROWS, bindings_for
from tui.texts.plain import grouped
from tui.widgets.columns import (
    SORTED,
    Cell,
    Column,
    around,
    fit,
    sample_of,
    share,
    wanted_widths,
)
from tui.widgets.rows import Row, Rows

__all__ = ["Cell", "Column", "Row", "Table"]

_GUTTER = 2
_HEADER = 1
_NOTHING = Style.null()
_HIT = Style(bold=True, underline=True)
_DOUBLE = 2  # clicks
_SLICE = 2000  # rows whose texts are made ready between two keystrokes


class Table(ScrollView, Generic[Row], can_focus=True):
    """Rows under a fixed header, with a cursor, marks, a filter and a sort order.

    `cells` gives a row's cells and is called for rows in sight; strings are made printable here,
    of a `Text` its text and its own style count, not its spans. `key` names a row, so that cursor
    and marks stay with it when rows are loaded again. What a filter looks for is underlined in the
    rows; a text `beside` the cells for which a row is shown takes the place of the cell in the
    column `beside_in`; the one that names a row is `name_in`. There is no scroll bar: it would cost
    a slow line more bytes than the rows.
    """

    DEFAULT_CSS = """
    Table { overflow-x: hidden; overflow-y: scroll; scrollbar-size: 0 0; }
    Table > .table--header { background: $panel; color: $text-muted; text-style: bold; }
    Table > .table--cursor { background: $block-cursor-blurred-background; }
    Table:focus > .table--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    """
    COMPONENT_CLASSES = {"table--header", "table--cursor"}
    SCOPES = (ROWS,)
    BINDINGS = bindings_for(*SCOPES)

    position = reactive("0 of 0", init=False, repaint=False)

    class Moved(Message):
        """The row under the cursor is another one, or was loaded again."""

    class Opened(Message):
        """A row is to be opened, by a double click."""

    class Copied(Message):
        """A text went to the terminal's clipboard, if the terminal has one."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Row], Sequence[Cell]],
        key: Callable[[Row], str],
        *,
        beside: Callable[[Row], Iterable[str]] = lambda _: (),
        beside_in: int = 0,
        name_in: int = 0,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._model = Rows(cells, key, beside, columns)
        self._beside_in = beside_in
        self._name_in = name_in
        self._wanted = wanted_widths(columns, ())
        self._widths: list[int] = []
        self._styles = (Style(), Style(), Style())

    @property
    def filter_hint(self) -> str:
        """What can be entered as a filter."""
        words = [f"{column.word}:" for column in self._columns if column.word]
        return " ".join(["text", "!text", *words])

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
        """Show only the rows that a filter lets pass, as `tui.widgets.row_filter` reads it."""
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
        places = range(0 if column is None else column + 1, len(self._columns))
        self._sort(next((place for place in places if self._widths[place]), None))

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

    def action_up(self) -> None:
        """Move the cursor to the row above."""
        self.action_move(-1)

    def action_down(self) -> None:
        """Move the cursor to the row below."""
        self.action_move(1)

    def action_page_up(self) -> None:
        """Move the cursor up by a screen."""
        self.action_move(-self._page)

    def action_page_down(self) -> None:
        """Move the cursor down by a screen."""
        self.action_move(self._page)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.action_go_to(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.action_go_to(-1)

    def action_copy(self) -> None:
        """Copy what names the row under the cursor."""
        self._copy(slice(self._name_in, self._name_in + 1))

    def action_copy_row(self) -> None:
        """Copy the cells of the row under the cursor."""
        self._copy(slice(None))

    def _copy(self, which: slice) -> None:
        """Send the cells to the terminal's clipboard (OSC 52), and say so."""
        if self.current is not None:
            text = "\t".join(map(printable, self._model.cells(self.current)[which]))
            self.app.copy_to_clipboard(text)
            self.post_message(self.Copied(text).set_sender(self))

    def action_go_to(self, index: int) -> None:
        """Move the cursor to the first row (0) or the last one (-1)."""
        self._go(index if index >= 0 else len(self._model.shown) - 1)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self._resize_rows()

    def on_click(self, event: events.Click) -> None:
        """Go to the row that is clicked; a click on a title sorts by its column."""
        if event.y >= _HEADER:
            place = self.scroll_offset.y + event.y - _HEADER
            self._go(place)
            if event.chain == _DOUBLE and place < len(self._model.shown):
                self.post_message(self.Opened().set_sender(self))
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
        cells = list(self._model.cells(row))
        if hit := self._model.hit_beside(row):
            cells[self._beside_in] = hit
        return self._line(cells, mark, style, over, self._model.wanted)

    def _titles(self) -> list[str]:
        titles, place = [column.title for column in self._columns], self._model.column
        if place is not None:
            mark = SORTED[self._model.descending]
            titles[place] = fit(titles[place], self._widths[place] - len(mark)).rstrip() + mark
        return titles

    def _line(
        self,
        cells: Sequence[Cell],
        mark: str,
        style: Style,
        over: Style = _NOTHING,
        wanted: str = "",
    ) -> Strip:
        """Return a line of as few segments as it has styles: each one costs bytes.

        `over` goes over the cells' own styles. `wanted` is underlined.
        """
        parts = [(mark.ljust(_GUTTER), style)]
        for cell, width in zip(cells, self._widths, strict=True):
            if not width:
                continue
            own = style + _style(cell) + over if isinstance(cell, Text) and cell.style else style
            for text, hit in _marked(cell, width, wanted):
                word = text.rstrip() if own != style else text
                parts += [(word, own + hit), (text[len(word) :], style)]
        segments = [
            Segment("".join(text for text, _ in same), both)
            for both, same in groupby(filter(itemgetter(0), parts), itemgetter(1))
        ]
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


def _marked(cell: Cell, width: int, wanted: str) -> Iterator[tuple[str, Style]]:
    """Yield the pieces of a cell that fits, each with the style that tells whether it is a hit."""
    text, place = around(printable(cell), wanted, width) if wanted else (cell, -1)
    shown = fit(text, width)
    if place < 0:
        yield shown, _NOTHING
        return
    end = place + len(wanted)
    yield shown[:place], _NOTHING
    yield shown[place:end], _HIT
    yield shown[end:], _NOTHING


def _style(cell: Text) -> Style:
    return cell.style if isinstance(cell.style, Style) else Style.parse(cell.style)
