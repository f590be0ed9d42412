"""Log-ons that were accepted a moment ago, so that a page of 40 requests costs one check."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable

from store.interface import Snapshot
from store.models import Settings, User

SECONDS = 10.0


class AcceptedBefore:
    """Remembers accepted log-ons for `SECONDS`, in memory only. Threads may share it.

    One counts for the same name, password and source, and while the user and the settings are as
    they were. It is kept under a digest, with a key that only this process has.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._mutex = threading.Lock()
        self._known: dict[bytes, tuple[float, User, Settings]] = {}  # the oldest first

    def add(
        self, user_name: str, password: str, source: str | None, user: User, settings: Settings
    ) -> None:
        """Remember that this log-on let the user in, under these settings."""
        digest, now = self._digest(user_name, password, source), self._clock()
        with self._mutex:
            self._forget(now)
            self._known.pop(digest, None)
            self._known[digest] = (now + SECONDS, user, settings)

    def find(self, user_name: str, password: str, source: str | None, now: Snapshot) -> User | None:
        """Return the user whom this very log-on let in a moment ago, or None."""
        with self._mutex:
            self._forget(self._clock())
            kept = self._known.get(self._digest(user_name, password, source))
        if kept is None:
            return None
        _, user, settings = kept
        return user if (user, settings) == (now.find(user_name), now.settings) else None

    def _forget(self, now: float) -> None:
        while self._known:
            oldest = next(iter(self._known))
            if self._known[oldest][0] > now:
                return
            del self._known[oldest]

    def _digest(self, user_name: str, password: str, source: str | None) -> bytes:
        text = ascii((user_name, password, source))
        return hashlib.blake2b(text.encode(), key=self._key).digest()
