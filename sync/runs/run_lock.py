"""One run at a time: the lock that a sync holds, beside the store's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.lock import WAIT_SECONDS, writer_lock
from sync.workspace import Workspace


class _Held(threading.local):
    def __init__(self) -> None:
        self.paths: set[Path] = set()


_held = _Held()


@contextmanager
def run_lock(workspace: Workspace, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock against other runs on this store, waiting at most `wait` seconds for it.

    Within the same thread it may be taken again. It is never held while a question is open.
    Raises `StoreBusy`, naming the holder, or `StoreUnwritable`.
    """
    path = workspace.path.with_name(f"{workspace.path.name}.sync.lock")
    if path in _held.paths:
        yield
        return
    with writer_lock(path, wait, "Another sync is running,", workspace.store.on_wait):
        _held.paths.add(path)
        try:
            yield
        finally:
            _held.paths.discard(path)
