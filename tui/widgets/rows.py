"""The rows behind a table: which are shown, in which order, where the cursor is, what is marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from tui.widgets.columns import Cell

Row = TypeVar("Row")
INVERSE = "!"


class Rows(Generic[Row]):
    """Rows under a filter and a sort order, made for 100 000 of them.

    The cursor is a place among the shown ones. It stays with its row as long as that is shown.
    """

    def __init__(self, cells: Callable[[Row], Sequence[Cell]], key: Callable[[Row], str]) -> None:
        self.cells = cells
        self.key = key
        self.all: Sequence[Row] = ()
        self.shown: Sequence[int] = ()
        self.cursor = 0
        self.marks: set[str] = set()
        self.needle = ""
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
        """Show the rows with `needle` in a cell, or after `!` those without, whatever the case."""
        needle = needle.casefold()
        before, self.needle = self.needle, needle
        narrower = before and needle.startswith(before) and not needle.startswith(INVERSE)
        self._filter(self.shown if narrower else self._order, self._index, otherwise=0)

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
        cells = self.cells
        self._haystack += [
            "\n".join(map(str, cells(row))).casefold() for row in self.all[done : done + count]
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
        inverse = self.needle.startswith(INVERSE)
        needle = self.needle.removeprefix(INVERSE)
        self.shown = among
        if needle:
            self.prepare(len(self.all))
            haystack = self._haystack
            self.shown = [place for place in among if (needle in haystack[place]) != inverse]
        try:
            self.cursor = self.shown.index(index)
        except ValueError:
            self.cursor = max(0, min(otherwise, len(self.shown) - 1))
