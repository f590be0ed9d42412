"""Columns of a table: how wide each one is, and how a cell is made to fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from store.text import printable

Cell = str | Text

GAP = 1
_WIDEST = 160
_FIRST, _SPREAD = 40, 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `width` cells, or else of what its contents need and `weight` lets it have."""

    title: str
    weight: int = 1
    width: int = 0


def wanted_widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    """Return the width that each column needs for its title and for these rows."""
    wanted = [cell_len(column.title) + GAP for column in columns]
    for cells in rows:
        for place, cell in enumerate(cells):
            wanted[place] = max(wanted[place], cell_len(printable(cell, _WIDEST)) + GAP)
    return wanted


def sample_of(count: int) -> list[int]:
    """Return which of so many rows decide about the widths: the first ones, and some of all."""
    return sorted({*range(min(count, _FIRST)), *range(0, count, count // _SPREAD + 1)})


def share(columns: Sequence[Column], wanted: Sequence[int], space: int) -> list[int]:
    """Divide `space`: who wants less than a share by weight gets that, the others the rest."""
    widths = [column.width for column in columns]
    left = space - sum(widths)
    open_ones = [place for place, width in enumerate(widths) if not width]
    while open_ones:
        weights = sum(columns[place].weight for place in open_ones)
        modest = [
            place for place in open_ones if wanted[place] * weights < left * columns[place].weight
        ]
        if len(modest) in (0, len(open_ones)):
            break
        for place in modest:
            widths[place] = wanted[place]
            left -= wanted[place]
            open_ones.remove(place)
    for place in open_ones:
        weight = columns[place].weight
        widths[place] = max(2, left * weight // weights)
        left, weights = left - widths[place], weights - weight
    return widths


def fit(cell: Cell, width: int) -> str:
    """Return the printable text of a cell, cut or padded to a column's width."""
    room = width - GAP
    text = printable(cell, room + 1)
    if text.isascii():
        if len(text) > room:
            text = f"{text[: max(0, room - 1)]}…"
        return text.ljust(width)[:width]
    if cell_len(text) > room:
        text = f"{set_cell_size(text, max(0, room - 1))}…"
    return set_cell_size(text, width)
