"""The sign that long work has ended: the terminal's title and a bell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

DEFAULT_SECONDS = 10.0
_KEEP_TITLE = "\x1b[22;2t"
_TITLE_BACK = "\x1b[23;2t"


class EndSign:
    """Says through `write` that work has ended if it took `after` seconds; 0 turns it off."""

    def __init__(self, after: float, write: Callable[[str], None]) -> None:
        self._after = after
        self._write = write
        self._has_title = False

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Say how the work that is done meanwhile ended; `what` is a name of our own."""
        started, outcome = time.monotonic(), ""
        try:
            yield
            outcome = "done"
        except Exception:  # who gives up knows it without a sign
            outcome = "failed"
            raise
        finally:
            if outcome and self._after and time.monotonic() - started >= self._after:
                self._tell(f"mailroster: {what} {outcome} {datetime.now():%H:%M}")

    def take_back(self) -> None:
        """Give the terminal the title that it had."""
        if self._has_title:
            self._has_title = False
            self._write(_TITLE_BACK)

    def _tell(self, title: str) -> None:
        if not self._has_title:
            self._has_title = True
            self._write(_KEEP_TITLE)
        self._write(f"\x1b]2;{title}\x07\x07")
