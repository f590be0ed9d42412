"""The rule who gets a worker, without a server; test_login_server has the rule at work."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from queue import Queue

import pytest

from sync.logon.login import Need
from sync.logon.turns import OF_ONE_SOURCE, QUEUE_OF_ONE_SOURCE, WORKERS, Busy, Turns


def impatient() -> Turns:
    return Turns(patience=0.01)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def take(held: ExitStack, desk: Turns, need: Need, *sources: str | None) -> int:
    """Return how many of these get a turn; they keep it."""
    taken = 0
    for source in sources:
        try:
            held.enter_context(desk.turn(source, need))
            taken += 1
        except Busy:
            pass
    return taken


@pytest.mark.parametrize(
    ("need", "source", "most"),
    [
        ("check", "192.0.2.1", OF_ONE_SOURCE),
        ("check", "2001:db8::1", OF_ONE_SOURCE),
        ("check", None, WORKERS),
        ("check", "127.0.0.1", WORKERS),
        ("check", "nonsense", WORKERS),
        ("directory", "192.0.2.1", OF_ONE_SOURCE * 3 // 4),
        ("directory", None, WORKERS * 3 // 4),
        ("nothing", "192.0.2.1", OF_ONE_SOURCE),
    ],
)
def test_one_source(held: ExitStack, need: Need, source: str | None, most: int) -> None:
    desk = impatient()
    assert take(held, desk, need, *[source] * 50) == most
    assert take(held, desk, need, "2001:db8:1::1") == (most <= OF_ONE_SOURCE)
    held.close()
    assert take(held, desk, need, *[source] * 50) == most


def test_it_forgets_the_sources_that_have_gone(held: ExitStack) -> None:
    desk = Turns(workers=0, patience=0)
    take(held, desk, "check", "192.0.2.1")
    tracemalloc.start()
    try:
        for number in range(5000):
            take(held, desk, "check", f"2001:db8:{number:x}::1")
            with desk.turn(f"2001:db8:{number:x}::1", "nothing"):
                pass
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000


def test_a_share_is_kept_from_what_waits_for_the_directory(held: ExitStack) -> None:
    desk = impatient()
    many = [f"192.0.2.{number}" for number in range(100)]
    assert take(held, desk, "directory", *many) == WORKERS * 3 // 4
    assert take(held, desk, "check", *many) == WORKERS // 4
    assert take(held, desk, "check", "198.51.100.1") == 0
    assert take(held, desk, "nothing", *many) == 100  # who is locked needs no worker


def test_whoever_waits_in_the_queue_gets_the_next_turn(held: ExitStack) -> None:
    desk = Turns(patience=20)
    assert take(held, desk, "check", *["192.0.2.1"] * OF_ONE_SOURCE) == OF_ONE_SOURCE
    served: list[int] = []
    refused: Queue[str] = Queue()

    def wait(number: int) -> None:
        try:
            with desk.turn("192.0.2.1", "check"):
                served.append(number)
        except Busy as busy:
            refused.put(str(busy))

    threads = [threading.Thread(target=wait, args=(n,)) for n in range(QUEUE_OF_ONE_SOURCE + 1)]
    for thread in threads:
        thread.start()
    # One is too many, so by then the others stand in the queue.
    assert "too many log-ons from 192" in refused.get(timeout=10)
    held.close()
    for thread in threads:
        thread.join(20)
    assert len(served) == QUEUE_OF_ONE_SOURCE
    assert refused.empty()


@pytest.mark.parametrize("patience", [None, 0.1])
def test_a_crowd_is_served_in_its_turn(patience: float | None) -> None:
    """50 clients of this machine, whose log-ons take a while; the control is impatient."""
    desk = Turns() if patience is None else Turns(patience=patience)
    served = []

    def log_on(number: int) -> None:
        with suppress(Busy), desk.turn(None, "check"):
            time.sleep(2.5)
            served.append(number)

    threads = [threading.Thread(target=log_on, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(served) == (50 if patience is None else WORKERS)
