"""How far a long work is, for callers that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

Item = TypeVar("Item")
# What is counted, how many are done, of how many: None where nobody knows.
OnProgress = Callable[[str, int, int | None], None]


def untold(_what: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


def with_progress(items: Collection[Item], what: str, on_progress: OnProgress) -> Iterator[Item]:
    """Yield the items, and tell after each of them how many are done."""
    for number, item in enumerate(items, 1):
        yield item
        on_progress(what, number, len(items))
