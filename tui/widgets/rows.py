"""The rows behind a table: which are shown, in which order, where the cursor is, what is marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from store.names import match_key
from tui.widgets.columns import Cell, Column
from tui.widgets.row_filter import BETWEEN, RowFilter, read_filter

Row = TypeVar("Row")


class Rows(Generic[Row]):
    """Rows under a filter and a sort order, made for 100 000 of them.

    The cursor is a place among the shown ones. It stays with its row as long as that is shown.
    `beside` gives texts of a row that no cell shows, but a filter looks at. Case makes no
    difference to a filter, nor does the Unicode form of accents.
    """

    def __init__(
        self,
        cells: Callable[[Row], Sequence[Cell]],
        key: Callable[[Row], str],
        beside: Callable[[Row], Iterable[str]] = lambda _: (),
        columns: Sequence[Column] = (),
    ) -> None:
        self._columns = columns
        self.cells = cells
        self.key = key
        self._beside = beside
        self.all: Sequence[Row] = ()
        self.shown: Sequence[int] = ()
        self.cursor = 0
        self.marks: set[str] = set()
        self._filtered = RowFilter()
        self.column: int | None = None
        self.descending = False
        self._order: Sequence[int] = ()
        self._haystack: list[str] = []

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.at(self.cursor) if self.shown else None

    def at(self, place: int) -> Row:
        """Return a shown row."""
        return self.all[self.shown[place]]

    def load(self, rows: Sequence[Row]) -> None:
        """Take other rows; without the cursor's row the cursor stays at its place."""
        index = self.shown[self.cursor] if self.shown else 0
        stay = self.key(self.all[index]) if self.shown else None
        self.all = rows
        self.forget_texts()
        if self.marks:
            self.marks &= set(map(self.key, rows))
        self._sort()
        if stay is not None and not (index < len(rows) and self.key(rows[index]) == stay):
            keys = enumerate(map(self.key, rows))
            index = next((place for place, key in keys if key == stay), -1)
        self._filter(self._order, index, otherwise=self.cursor)

    def filter(self, needle: str) -> None:
        """Show the rows that pass the filter that was entered."""
        before, self._filtered = self._filtered, read_filter(needle, self._columns)
        among = self.shown if self._filtered.is_within(before) else self._order
        self._filter(among, self._index, otherwise=0)

    @property
    def wanted(self) -> str:
        """What shown rows contain under the filter, as `match_key` spells it; empty for nothing."""
        return "" if self._filtered.inverse else self._filtered.text

    def hit_beside(self, row: Row) -> str:
        """Return the text beside the cells for which a row is shown; empty if a cell is why."""
        wanted = self.wanted
        if not wanted or any(wanted in match_key(str(cell)) for cell in self.cells(row)):
            return ""
        return next((text for text in self._beside(row) if wanted in match_key(text)), "")

    def sort(self, column: int | None, *, descending: bool = False) -> None:
        """Order by the text of a column, or by None as loaded."""
        index = self._index
        self.column, self.descending = column, descending
        self._sort()
        self._filter(self._order, index, otherwise=0)

    def forget_texts(self) -> None:
        """Take notice that cells have other texts now."""
        self._haystack = []

    def prepare(self, count: int) -> bool:
        """Make the texts of that many more rows ready to be filtered; tell if there are more."""
        done = len(self._haystack)
        cells, beside = self.cells, self._beside
        self._haystack += [
            match_key(BETWEEN.join((*map(str, cells(row)), *beside(row))))
            for row in self.all[done : done + count]
        ]
        return len(self._haystack) < len(self.all)

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or unmark it."""
        if self.current is not None:
            self.marks ^= {self.key(self.current)}

    def toggle_all(self) -> None:
        """Mark all shown rows; unmark them if they are all marked already."""
        keys = {self.key(self.all[index]) for index in self.shown}
        self.marks = self.marks - keys if keys <= self.marks else self.marks | keys

    def is_marked(self, row: Row) -> bool:
        """Tell whether the row is marked."""
        return bool(self.marks) and self.key(row) in self.marks

    @property
    def _index(self) -> int:
        return self.shown[self.cursor] if self.shown else -1

    def _sort(self) -> None:
        self._order = range(len(self.all))
        column = self.column
        if column is not None:
            cells = self.cells
            texts = [str(cells(row)[column]).casefold() for row in self.all]
            self._order = sorted(self._order, key=texts.__getitem__, reverse=self.descending)

    def _filter(self, among: Sequence[int], index: int, otherwise: int) -> None:
        wanted = self._filtered
        self.shown = among
        if wanted.text or wanted.conditions:
            passed: Sequence[int] = among
            self.prepare(len(self.all))
            haystack = self._haystack
            if text := wanted.text:
                passed = [place for place in among if text in haystack[place]]
            for column, passes in wanted.conditions:
                passed = [
                    place
                    for place in passed
                    if passes(haystack[place].split(BETWEEN, column + 1)[column])
                ]
            if wanted.inverse:
                out = set(passed)
                passed = [place for place in among if place not in out]
            self.shown = passed
        try:
            self.cursor = self.shown.index(index)
        except ValueError:
            self.cursor = max(0, min(otherwise, len(self.shown) - 1))
