"""Bulk loads and the garbage collector."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from store.collector import LARGE, bulk_load, collector_paused

Pause = Callable[[], AbstractContextManager[None]]
PAUSES = [collector_paused, partial(bulk_load, 0), partial(bulk_load, LARGE)]


class Node:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("pause", PAUSES)
def test_a_pause_ends_also_after_an_error(pause: Pause) -> None:
    @pause()
    def fail() -> None:
        assert not gc.isenabled()
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()


@pytest.mark.parametrize("pause", PAUSES)
def test_a_pause_within_a_pause_does_not_end_it(pause: Pause) -> None:
    with collector_paused():
        with pause():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_loaded_is_never_walked_over() -> None:
    with bulk_load(LARGE):
        rows: list[dict[str, list[str]]] = [{"a": []} for _ in range(1000)]
    assert not any(item is rows for item in gc.get_objects())
    control: list[str] = []
    assert any(item is control for item in gc.get_objects())


def test_garbage_that_was_set_aside_goes_with_the_next_load() -> None:
    with bulk_load(LARGE):
        node = Node()
    alive = weakref.ref(node)
    del node
    gc.collect()
    assert alive() is not None  # the control: set aside, the collector does not see it
    with bulk_load(LARGE):
        pass
    assert alive() is None


def test_a_small_load_sets_nothing_aside_and_looks_for_no_garbage() -> None:
    with bulk_load(LARGE):
        node = Node()
    alive, frozen = weakref.ref(node), gc.get_freeze_count()
    del node
    with bulk_load(LARGE - 1):
        rows: list[list[str]] = [[]]
    assert any(item is rows for item in gc.get_objects())
    assert alive() is not None
    assert gc.get_freeze_count() <= frozen
