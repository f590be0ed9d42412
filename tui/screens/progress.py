"""How far the directory's answer has arrived, told not too often for a slow line."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.text import Text

from sync.directory.listing import Progress
from tui.texts.plain import counted, grouped

_SECONDS = 0.1


def progress_text(progress: Progress) -> Text:
    """Return how far the directory's answer has arrived."""
    size = f"{grouped(progress.received_bytes)} bytes"
    if progress.total_bytes:
        part = progress.received_bytes * 100 // progress.total_bytes
        size = f"{size} of {grouped(progress.total_bytes)} ({part} %)"
    return Text(
        f"Asking the directory: {counted(progress.users, 'user')}, {size}. Esc cancels.",
    )


def telling_progress(tell: Callable[[Text], None]) -> Callable[[Progress], None]:
    """Return what tells of progress in words, ten times a second at most."""
    told = 0.0

    def on_progress(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= _SECONDS:
            told = time.monotonic()
            tell(progress_text(progress))

    return on_progress
