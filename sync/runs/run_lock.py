"""One run at a time: the lock that a sync holds, beside the store's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from store.errors import StoreBusy
from store.files.lock import WAIT_SECONDS
from store.interface import Store
from sync.errors import SyncRunning
from sync.workspace import Workspace


class _Held(threading.local):
    def __init__(self) -> None:
        self.stores: set[Store] = set()


_held = _Held()


@contextmanager
def run_lock(workspace: Workspace, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock against other runs on this store, waiting at most `wait` seconds for it.

    Within the same thread it may be taken again. It is never held while a question is open.
    Raises `SyncRunning`, naming the holder, or `StoreUnwritable`.
    """
    store = workspace.store
    if store in _held.stores:
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(store.lock("sync", "Another sync is running,", wait))
        except StoreBusy as busy:
            raise SyncRunning(busy.what, busy.advice) from None
        _held.stores.add(store)
        try:
            yield
        finally:
            _held.stores.discard(store)
