"""Which log-on is next: no source, and no wait, takes all the workers of a server."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from store.errors import InvalidValue
from store.lockout import LOCAL, source_key
from sync.logon.login import Need

WORKERS = 32
OF_ONE_SOURCE = 8
QUEUE = 128
QUEUE_OF_ONE_SOURCE = 32
QUEUE_SECONDS = 8.0  # in which two cores check 50 passwords; mail servers wait longer
_ALL = "*"  # every source


class Busy(Exception):
    """Nobody can work on this log-on soon; the text says why."""


class Turns:
    """Hands out a server's workers.

    A source has at most `OF_ONE_SOURCE` of them; log-ons that name none, or this machine, are not
    told apart and may have them all. Of a source's and of all workers a quarter is kept from
    what waits for the directory, so local users get in while it hangs. A log-on that finds none
    waits in a short queue. A log-on that is locked needs no worker and does not queue; a source
    has no more of those at once than it may have workers. There are `workers`; the queue is left
    after `patience` seconds.
    """

    def __init__(self, workers: int = WORKERS, patience: float = QUEUE_SECONDS) -> None:
        self._workers = workers
        self._patience = patience
        self._changed = threading.Condition()
        self._at_work: Counter[tuple[str, Need]] = Counter()
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def turn(self, source: str | None, need: Need) -> Iterator[None]:
        """Wait for a worker and keep it within the block; raises `Busy`."""
        try:
            key = source_key(source)
        except InvalidValue:
            key = LOCAL
        with self._changed:
            if not self._is_free(key, need):
                self._queue_up(key, need)
            self._count(key, need, 1)
        try:
            yield
        finally:
            with self._changed:
                self._count(key, need, -1)
                self._changed.notify_all()

    def _queue_up(self, source: str, need: Need) -> None:
        named = "" if source == LOCAL else f" from {source}"
        is_full = self._waiting.total() >= QUEUE or self._waiting[source] >= QUEUE_OF_ONE_SOURCE
        if need == "nothing" or is_full:
            raise Busy(f"too many log-ons{named} at once")
        self._waiting[source] += 1
        try:
            if not self._changed.wait_for(lambda: self._is_free(source, need), self._patience):
                raise Busy(f"log-ons{named} waited {self._patience:g} s for a worker")
        finally:
            self._waiting[source] -= 1
            self._waiting += Counter()  # without those who no longer wait

    def _is_free(self, source: str, need: Need) -> bool:
        workers = self._workers if source == LOCAL else OF_ONE_SOURCE
        if need == "nothing":
            return self._at_work[source, need] < workers
        for whose, bound in ((source, workers), (_ALL, self._workers)):
            asking = self._at_work[whose, "directory"]
            if asking + self._at_work[whose, "check"] >= bound:
                return False
            if need == "directory" and asking >= bound * 3 // 4:
                return False
        return True

    def _count(self, source: str, need: Need, change: int) -> None:
        for whose in (source, _ALL):
            self._at_work[whose, need] += change
        if change < 0:
            self._at_work += Counter()  # without sources that have nothing at work
