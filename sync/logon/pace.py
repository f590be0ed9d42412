"""How long it takes to refuse a password on this machine now, for those who wait for that.

They wait without a check of their own: beside other work a check takes longer, which would tell.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque

_FRESH_SECONDS = 60.0
_LATE_SECONDS = 0.003  # by which the system may wake a sleeper, which would tell who slept


class Pace:
    """Knows how long the last refusals after a check took. Threads may share it."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque(maxlen=8)  # when, and seconds

    def note(self, started: float) -> None:
        """Note a refusal that began then, by `time.perf_counter`, and ends now."""
        now = time.perf_counter()
        self._recent.append((now, now - started))

    def of_the_last(self) -> float | None:
        """Return the seconds that a refusal of the last minute took, or None if there was none."""
        oldest = time.perf_counter() - _FRESH_SECONDS
        fresh = [seconds for ended, seconds in self._recent.copy() if ended > oldest]
        return secrets.choice(fresh) if fresh else None


async def wait_until(end: float) -> None:
    """Return at that time of `time.perf_counter`, to the tenth of a millisecond."""
    await asyncio.sleep(max(end - time.perf_counter() - _LATE_SECONDS, 0.0))
    while time.perf_counter() < end:
        pass
