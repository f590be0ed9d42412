"""A store that no product file knows: in memory, shared by the sessions on the same `Memory`."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from store.administrators import check_administrator_remains
from store.chain import digest
from store.differences import differences
from store.errors import NotFound, StoreBusy, StoreConflict
from store.files.lock import WAIT_SECONDS
from store.history import MIB, History, Run, RunSummary, folded, is_recent, with_run
from store.interface import Batch, Snapshot
from store.lockout import Failures, Standing
from store.models import Settings, UserRow
from store.names import match_key
from store.owners import check_addresses_free
from store.records import run_bytes

LIMIT = 5


class MemoryAttempts:
    """Failed log-ons of users; nothing is forgotten by time."""

    def __init__(self) -> None:
        self._failed: dict[str, int] = {}

    def is_locked(self, user: str, source: str | None, *, known: bool = True) -> bool:
        return self.failures(user, source).user.locked

    def failures(self, user: str, source: str | None) -> Standing:
        failed = self._failed.get(user, 0)
        none = Failures(0, 0.0, False, LIMIT)
        return Standing(none, Failures(failed, 60.0, failed >= LIMIT, LIMIT), none)

    def of_user(self, user: str) -> dict[str, Failures]:
        return {}

    def locked_users(self) -> int:
        return sum(failed >= LIMIT for failed in self._failed.values())

    def is_exempt(self, user: str, source: str | None) -> bool:
        return False

    def settle(
        self,
        user: str,
        source: str | None,
        *,
        right: bool,
        known: bool = True,
        password: str | None = None,
    ) -> bool:
        accepted = right and not self.is_locked(user, source)
        if accepted:
            self.unlock(user)
        else:
            self._failed[user] = self._failed.get(user, 0) + 1
        return accepted

    def unlock(self, user: str | None = None, source: str | None = None) -> int:
        return self._failed.pop(user or "", 0)


@dataclass(eq=False)
class Memory:
    """What all sessions share."""

    state: Snapshot = field(default_factory=lambda: Snapshot("", 0, Settings(), {}))
    records: dict[str, Run] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    attempts: MemoryAttempts = field(default_factory=MemoryAttempts)
    writing: threading.RLock = field(default_factory=threading.RLock)
    locks: dict[str, threading.Lock] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)


class MemoryStore:
    """A session on a `Memory`."""

    where = short_name = "memory"

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._seen = memory.state
        self.on_wait: Callable[[str], None] | None = None

    @property
    def attempts(self) -> MemoryAttempts:
        return self._memory.attempts

    @property
    def generation(self) -> int:
        return self._seen.generation

    def snapshot(self) -> Snapshot:
        self._seen = self._memory.state
        return self._seen

    def find(self, user_name: str) -> Snapshot:
        key, state = match_key(user_name), self._memory.state
        return replace(state, users={key: state.users[key]} if key in state.users else {})

    def find_for_log_on(self, user_name: str, source: str | None) -> tuple[Snapshot, bool]:
        return self.find(user_name), self.attempts.is_locked(match_key(user_name), source)

    def apply(self, batch: Batch) -> Snapshot:
        with self._memory.writing:
            before = self.snapshot()
            if changed := differences(before, batch):
                raise StoreConflict(changed)
            if not batch.is_to_be_written(before):
                return before
            settings = batch.settings_after(before)
            generation = before.generation + 1
            users = _edited(before, batch, generation)
            check_addresses_free(before.users, users, batch.edits)
            check_administrator_remains(before.users, users, {edit.key for edit in batch.edits})
            self._memory.state = Snapshot(
                before.store_id or batch.store_id or uuid.uuid4().hex,
                generation,
                settings,
                users,
                self._recorded(before.history, batch.run, generation, settings.history_max_mib),
                batch.work_after(before, generation),
                before.archive_marked or batch.archive_marked,
            )
            return self.snapshot()

    def runs(self) -> Sequence[RunSummary]:
        return self._memory.state.history.runs

    def has_run(self, run_id: str) -> bool:
        return run_id in self._memory.records

    def run(self, run_id: str) -> Run:
        if run_id not in self._memory.records:
            raise NotFound(f"The history has no run “{run_id}”.", "")
        return self._memory.records[run_id]

    def record(self, run_id: str) -> bytes:
        return self._memory.stored[run_id]

    @contextmanager
    def lock(self, name: str, busy: str, wait: float = WAIT_SECONDS) -> Iterator[None]:
        lock = self._memory.locks.setdefault(name, threading.Lock())
        silent = min(wait, 1.0)
        if not lock.acquire(timeout=silent):
            if self.on_wait and wait > silent:
                self.on_wait(f"{busy} another session. Waiting for it.")
            if not lock.acquire(timeout=wait - silent):
                raise StoreBusy(f"{busy} another session.", "Try again in a moment.")
        try:
            yield
        finally:
            lock.release()

    def note(self, name: str) -> Mapping[str, Any]:
        return self._memory.notes.get(name, {})

    def keep_note(self, name: str, content: Mapping[str, Any]) -> None:
        if self._memory.state.store_id:
            self._memory.notes[name] = orjson.loads(orjson.dumps(content))

    async def watch(self) -> AsyncIterator[Snapshot]:
        seen = self._seen
        while True:
            await asyncio.sleep(0.01)
            if self.snapshot() is not seen:
                seen = self._seen
                yield seen

    def close(self) -> None:
        pass

    def _recorded(self, history: History, run: Run | None, generation: int, limit: int) -> History:
        if run is None:
            return history
        run = replace(run, summary=replace(run.summary, generation=generation))
        records = self._memory.records
        records[run.summary.id] = run
        stored = self._memory.stored
        data = stored[run.summary.id] = run_bytes(run, history.head)
        history = with_run(history, run, len(data), digest(data))
        while history.size > limit * MIB and len(history.runs) > 1:
            oldest = history.runs[0]
            if is_recent(oldest, run.summary.at):
                break
            del records[oldest.id]
            data = stored.pop(oldest.id)
            history = folded(history, [oldest], len(data), digest(data))
            history = replace(history, runs=history.runs[1:], dropped=())
        return history


def _edited(before: Snapshot, batch: Batch, generation: int) -> dict[str, UserRow]:
    users = dict(before.users)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for edit in batch.edits:
        if edit.rev:
            del users[edit.key]
    for edit in batch.edits:
        row = edit.row_after(before.users, generation, now)
        if row is None:
            continue
        if (key := match_key(row["user_name"])) in users:
            raise StoreConflict([f"the name “{row['user_name']}” is taken"])
        users[key] = row
    return users
