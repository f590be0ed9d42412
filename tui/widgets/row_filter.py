"""What a filter asks for: a text anywhere in a row, and conditions on single columns.

`auth:integrated changed:>2026-11-01 meier` lets rows pass that fulfil all three; `!` before it all
lets pass those that do not. Texts are compared as `match_key` spells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import eq, ge, gt, le, lt

from store.names import match_key
from tui.widgets.columns import Column

INVERSE = "!"
BETWEEN = "\x1e"  # the cells of a row in the text that is looked through
_COMPARISONS = {">=": ge, "<=": le, ">": gt, "<": lt, "=": eq}
_COMPARED = re.compile("([<>]=?|=)(.*)")

Passes = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class RowFilter:
    """`text` is looked for in the whole row, each of `conditions` (column and test) in its cell."""

    text: str = ""
    conditions: tuple[tuple[int, Passes], ...] = ()
    inverse: bool = False

    def is_within(self, before: RowFilter) -> bool:
        """Tell whether all rows that pass have passed `before` too."""
        plain = not (self.conditions or before.conditions or self.inverse or before.inverse)
        return plain and before.text != "" and self.text.startswith(before.text)


def read_filter(entered: str, columns: Sequence[Column]) -> RowFilter:
    """Return the filter that was entered; a word before a colon that names no column is text."""
    inverse, entered = entered.startswith(INVERSE), entered.removeprefix(INVERSE)
    places = {column.word: place for place, column in enumerate(columns) if column.word}
    conditions, texts = [], []
    for part in entered.split(" "):
        word, _, value = part.partition(":")
        if (place := places.get(word.casefold())) is None or not value:
            texts.append("" if place is not None else part)
        else:
            conditions.append((place, cache(_test(columns[place], match_key(value)))))
    text = " ".join(texts)
    return RowFilter(match_key(text.strip() if conditions else text), tuple(conditions), inverse)


def _test(column: Column, value: str) -> Passes:
    if value in _COMPARISONS:
        return lambda _: True  # what it is compared with is still being entered
    if compared := _COMPARED.fullmatch(value):
        compare, limit = _COMPARISONS[compared[1]], compared[2]
        return lambda cell: compare(cell[: len(limit)], limit)
    labels = {match_key(label) for name, label in column.known.items() if match_key(name) == value}
    if labels:
        return lambda cell: not labels.isdisjoint(cell.split(", "))
    return lambda cell: value in cell
