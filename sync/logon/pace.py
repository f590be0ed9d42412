"""How long it takes to find a password wrong on this machine now, for those who wait for that.

They wait without a check of their own: beside other work a check takes longer, which would tell.
A right password tells nothing of that, as its hash may be an older and cheaper one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from functools import partial

_LATE_SECONDS = 0.001  # by which the system may wake a sleeper, which would tell of a lock
_FRESH_SECONDS = 60.0


class Pace:
    """Knows the times of the last checks that it started. Threads may share it."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque(maxlen=8)  # when, and seconds

    def timed(self, check: Callable[[], bool]) -> asyncio.Future[bool]:
        """Start the check in a thread at once; note how long it takes if the password is wrong."""
        return _in_a_thread(partial(self._timed, check, time.perf_counter()))

    def as_long_as(self, check: Callable[[], bool]) -> asyncio.Future[bool]:
        """Start to take the time of one of the last; the result is False.

        Where no password was found wrong in the last minute, this check is started.
        """
        now = time.perf_counter()
        fresh = [taken for ended, taken in self._recent.copy() if ended > now - _FRESH_SECONDS]
        if not fresh:
            return self.timed(check)
        return _in_a_thread(partial(_idle_until, now + secrets.choice(fresh)))

    def _timed(self, check: Callable[[], bool], started: float) -> bool:
        right = check()
        if not right:
            ended = time.perf_counter()
            self._recent.append((ended, ended - started))
        return right


def _in_a_thread(check: Callable[[], bool]) -> asyncio.Future[bool]:
    return asyncio.get_running_loop().run_in_executor(None, check)


def _idle_until(end: float) -> bool:
    time.sleep(max(end - time.perf_counter() - _LATE_SECONDS, 0.0))
    while time.perf_counter() < end:
        pass
    return False
