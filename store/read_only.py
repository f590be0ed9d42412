"""A store that is looked at and never written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from store.errors import StoreUnwritable
from store.files.lock import WAIT_SECONDS
from store.history import Run, RunSummary
from store.interface import Batch, LogOnAttempts, Snapshot, Store


class ReadOnlyStore:
    """Any store, of which every write is refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.on_wait: Callable[[str], None] | None = None

    @property
    def attempts(self) -> LogOnAttempts:
        """The failed log-ons, which are counted however the users are looked at."""
        return self._store.attempts

    @property
    def where(self) -> str:
        """Where the store is, for messages."""
        return self._store.where

    @property
    def short_name(self) -> str:
        """What tells the store from others."""
        return self._store.short_name

    @property
    def generation(self) -> int:
        """The number of writes so far, as of the last snapshot."""
        return self._store.generation

    def snapshot(self) -> Snapshot:
        """Return the current state."""
        return self._store.snapshot()

    def find(self, user_name: str) -> Snapshot:
        """Return the current state with that user alone."""
        return self._store.find(user_name)

    def find_for_log_on(self, user_name: str, source: str | None) -> tuple[Snapshot, bool]:
        """Return that, and whether the user is locked for that source."""
        return self._store.find_for_log_on(user_name, source)

    def apply(self, batch: Batch) -> Snapshot:
        """Refuse to write."""
        raise StoreUnwritable(
            "The user database was opened read-only.",
            "Start mailroster without --readonly.",
        )

    def runs(self) -> Sequence[RunSummary]:
        """Return all runs that are kept."""
        return self._store.runs()

    def has_run(self, run_id: str) -> bool:
        """Tell whether there is a record of this run."""
        return self._store.has_run(run_id)

    def run(self, run_id: str) -> Run:
        """Return a run of the history in full."""
        return self._store.run(run_id)

    def record(self, run_id: str) -> bytes:
        """Return the stored bytes of a run's record."""
        return self._store.record(run_id)

    def lock(
        self, name: str, busy: str, wait: float = WAIT_SECONDS
    ) -> AbstractContextManager[None]:
        """Hold the lock of that name."""
        return self._store.lock(name, busy, wait)

    def note(self, name: str) -> Mapping[str, Any]:
        """Return a document that is kept with the store."""
        return self._store.note(name)

    def keep_note(self, name: str, content: Mapping[str, Any]) -> None:
        """Refuse to write."""
        self.apply(Batch())

    def watch(self) -> AsyncIterator[Snapshot]:
        """Yield the new state after each change by someone else."""
        return self._store.watch()

    def close(self) -> None:
        """Let go of files."""
        self._store.close()
