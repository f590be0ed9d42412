"""A store that is looked at and never written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from store.errors import StoreUnwritable
from store.history import Run
from store.interface import Batch, Snapshot, Store


class ReadOnlyStore:
    """Any store, of which every write is refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.on_wait: Callable[[str], None] | None = None

    @property
    def generation(self) -> int:
        """The number of writes so far, as of the last snapshot."""
        return self._store.generation

    def snapshot(self) -> Snapshot:
        """Return the current state."""
        return self._store.snapshot()

    def apply(self, batch: Batch) -> Snapshot:
        """Refuse to write."""
        raise StoreUnwritable(
            "The user database was opened read-only. Nothing was written. "
            "Start mailroster without --readonly."
        )

    def run(self, run_id: str) -> Run:
        """Return a run of the history in full."""
        return self._store.run(run_id)

    def watch(self) -> AsyncIterator[Snapshot]:
        """Yield the new state after each change by someone else."""
        return self._store.watch()

    def close(self) -> None:
        """Let go of files."""
        self._store.close()
