"""Columns of a table: how wide each one is, and how a cell is made to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from unicodedata import normalize

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from store.names import match_key
from store.text import printable

Cell = str | Text

GAP = 1
SORTED = (" ▲", " ▼")  # behind the title of the column that rows are ordered by
_WIDEST = 160
_ENOUGH = 18  # cells of a column that may be cut short
_FIRST, _SPREAD = 40, 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `width` cells, or else of what its contents need and `weight` lets it have.

    A filter names it by `word`. `known` are the identifiers of what its cells list by labels.
    Where there is no room for all, the columns with the highest `rank` are left out; 0 stays.
    """

    title: str
    weight: int = 1
    width: int = 0
    rank: int = 0
    word: str = ""
    known: Mapping[str, str] = field(default_factory=dict, hash=False)


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
    """Divide `space`: who wants less than a share by weight gets that, the others the rest.

    A column that is left out has the width 0.
    """
    kept = _kept(columns, wanted, space)
    widths = [column.width if place in kept else 0 for place, column in enumerate(columns)]
    left = space - sum(widths)
    open_ones = [place for place in kept if not widths[place]]
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


def _kept(columns: Sequence[Column], wanted: Sequence[int], space: int) -> list[int]:
    """Return the places of the columns for which there is room."""
    kept = list(range(len(columns)))
    needs = [
        column.width or min(want, _ENOUGH) for column, want in zip(columns, wanted, strict=True)
    ]
    while sum(needs[place] for place in kept) > space:
        last = max(kept, key=lambda place: columns[place].rank)
        if not columns[last].rank:
            break
        kept.remove(last)
    return kept


def around(text: str, wanted: str, width: int) -> tuple[str, int]:
    """Return `text` so that `wanted` is within a column's width, and where in it that begins.

    `wanted` is as `match_key` spells it. The place is -1 where it is not, or cannot be told since
    the two spellings differ in length (ß is ss).
    """
    text = normalize("NFC", text)
    folded = match_key(text)
    place = folded.find(wanted) if len(folded) == len(text) else -1
    start = place + len(wanted) + GAP + 1 - width
    if place > 0 and start > 0:
        start = min(start + 1, place)
        return f"…{text[start:]}", place - start + 1
    return text, place


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
