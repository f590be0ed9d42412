"""The line on a terminal that shows the progress of long work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

_SILENT_SECONDS = 1.0
_EVERY_SECONDS = 0.2
_WIDTH = 60


class Progress:
    """Shows on stderr, if that is a terminal, how many of how many are done, after a second.

    The cursor stays at the line's beginning, so that what is written next takes its place.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._clock = clock
        self._what = ""
        self._next = 0.0  # when to write
        self._is_shown = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Show it if it is time, and take the line away at the end."""
        if not self._is_terminal:
            return
        now = self._clock()
        if what != self._what:
            self._what, self._next = what, now + _SILENT_SECONDS
        if total is not None and done >= total:
            self._what = ""
            if self._is_shown:
                self._is_shown = False
                self._write("")
        elif now >= self._next:
            self._next, self._is_shown = now + _EVERY_SECONDS, True
            self._write(f"{what}: {done}" if total is None else f"{what}: {done} of {total}")

    def _write(self, text: str) -> None:
        self._stream.write(f"{text:<{_WIDTH}}\r")
        self._stream.flush()
