"""The log of the small servers: one line for each request, what repeats summed up."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

FIRST = 5  # lines that are alike and written one by one
SECONDS = 60.0
MOST = 10_000  # different lines in that time
_OTHERS = "other lines"


def to_stderr(line: str) -> None:
    """Write one line with the time (UTC) to stderr."""
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}", file=sys.stderr, flush=True)


class SummedLog:
    """Writes lines, of those that are alike the first `FIRST` within `SECONDS`, and then a sum.

    So nobody can fill the disk by asking. Threads may share it; `tick` is to be called now and
    then, as sums wait for it, and `close` at the end.
    """

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._mutex = threading.Lock()
        self._counts: dict[str, int] = {}
        self._end = clock() + SECONDS

    def __call__(self, line: str) -> None:
        """Write the line, or count it."""
        with self._mutex:
            self._sum_up_in_time()
            if line not in self._counts and len(self._counts) >= MOST:
                line = _OTHERS
            self._counts[line] = count = self._counts.get(line, 0) + 1
            if count <= FIRST:
                self._write(line)

    def tick(self) -> None:
        """Write the sums if it is time."""
        with self._mutex:
            self._sum_up_in_time()

    def close(self) -> None:
        """Write the sums so far."""
        with self._mutex:
            self._sum_up()

    def _sum_up_in_time(self) -> None:
        if self._clock() >= self._end:
            self._sum_up()

    def _sum_up(self) -> None:
        counts, self._counts = self._counts, {}
        self._end = self._clock() + SECONDS
        for line, count in counts.items():
            if count > FIRST:
                self._write(f"{count - FIRST} more within {SECONDS:.0f} s: {line}")
