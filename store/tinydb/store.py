"""The user database in a TinyDB file."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import compress, count
from pathlib import Path
from typing import Any

from store.administrators import check_administrator_remains
from store.differences import differences
from store.errors import (
    StoreConflict,
    StoreDamaged,
    StoreTooNew,
    StoreUnwritable,
)
from store.files.attempts import Lockout
from store.files.folder_work import FolderWork
from store.files.lock import WAIT_SECONDS, writer_lock
from store.files.notes import Notes
from store.history import History, Run, RunSummary, no_such_run, record_name
from store.interface import Batch, Clock, Edit, Snapshot, utc_now
from store.models import Settings, UserRow, copied
from store.names import match_key
from store.owners import check_addresses_free
from store.text import printable
from store.tinydb.file_format import USERS, Tables
from store.tinydb.history_files import HistoryFiles
from store.tinydb.migrations import SCHEMA, migrated
from store.tinydb.soundness import Unsound, check_meta, check_settings, check_users
from store.tinydb.storage import DurableStorage

_WATCH_SECONDS = 0.5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONLY = "1"  # the document id in the tables that hold a single document
Rows = list[tuple[str, UserRow | None]]  # by document id

_EMPTY = Snapshot("", 0, Settings(), {})


class TinyDBStore:
    """A `Store` on one JSON file that stock TinyDB opens too.

    Users are the documents of TinyDB's default table; `meta` holds schema, store id and
    generation, `settings` the settings. Fields that this version does not know survive a write.
    `lock_wait` is how many seconds a write waits for another one, `on_wait` is told whom it waits
    for if that takes long. `check_all` has every field of the file checked, also of one that is
    as mailroster left it. `clock` tells the time of a write. Users who are alike among those of
    `like`, which were checked, are the same objects and not checked again.
    """

    def __init__(
        self,
        path: Path,
        lock_wait: float = WAIT_SECONDS,
        check_all: bool = False,
        on_wait: Callable[[str], None] | None = None,
        clock: Clock = utc_now,
        like: Mapping[str, UserRow] | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self.on_wait = on_wait
        self._write_lock = partial(writer_lock, path.with_name(f"{path.name}.lock"), lock_wait)
        self.attempts = Lockout(path)
        self._like = like or {}
        self._storage = DurableStorage(path, check_all, self._like)
        self._history = HistoryFiles(path)
        self._notes = Notes(path)
        self._mutex = threading.RLock()
        self._tables: Tables = {}
        self._snapshot = _EMPTY
        self._kept_for = ""  # why the file that was read stays among the backups for good

    @property
    def where(self) -> str:
        """The path of the file, for messages."""
        return printable(self._path)

    @property
    def short_name(self) -> str:
        """The name of the file."""
        return printable(self._path.name)

    @property
    def generation(self) -> int:
        """The number of writes so far, as of the last snapshot."""
        return self._snapshot.generation

    def snapshot(self) -> Snapshot:
        """Return the current state, read again only if the file was replaced."""
        with self._mutex:
            if self._storage.changed():
                self._load()
            return self._snapshot

    def find(self, user_name: str) -> Snapshot:
        """Return the current state with that user alone, of a file read by its index if it can."""
        key = match_key(user_name)
        with self._mutex:
            if self._storage.changed():
                tables = self._storage.read_user(key)
                if tables is not None and (state := self._state_of_one(tables)):
                    return state
                self._load()
                if not self._kept_for:
                    self._storage.write_index(self._snapshot.users)
            state = self._snapshot
        row = state.users.get(key)
        return replace(state, users={} if row is None else {key: row})

    def find_for_log_on(self, user_name: str, source: str | None) -> tuple[Snapshot, bool]:
        """Return what `find` does, and whether that user is locked for that source."""
        state, key = self.find(user_name), match_key(user_name)
        return state, self.attempts.is_locked(key, source, known=key in state.users)

    def apply(self, batch: Batch) -> Snapshot:
        """Write the batch in one durable write; see `Store.apply`."""
        with self._mutex, self._write_lock(on_wait=self.on_wait):
            before = self.snapshot()
            if changed := differences(before, batch):
                raise StoreConflict(changed)
            if not batch.is_to_be_written(before):
                return before
            settings = batch.settings_after(before)
            generation = before.generation + 1
            users, rows = self._edited(batch.edits, generation)
            touched = {edit.key for edit in batch.edits}
            check_addresses_free(before.users, users, batch.edits)
            check_administrator_remains(before.users, users, touched)
            after = Snapshot(
                before.store_id or batch.store_id or uuid.uuid4().hex,
                generation,
                settings,
                users,
                self._recorded(before.history, batch.run, generation, settings),
                batch.work_after(before, generation),
                before.archive_marked or batch.archive_marked,
            )
            self._write(after, rows)
            with suppress(OSError):  # else a later write removes it
                self._notes.sweep()
            if batch.run is not None:
                with suppress(StoreUnwritable):  # else the next write gives the record its name
                    self._history.settle(after.history)
        return after

    def runs(self) -> Sequence[RunSummary]:
        """Return all runs that are kept; see `Store.runs`."""
        history = self.snapshot().history
        older = [run for number in range(*history.pages) for run in self._history.page(number)]
        return [*older, *history.runs]

    def has_run(self, run_id: str) -> bool:
        """Tell whether there is a record of this run; see `Store.has_run`."""
        return self._history.has(run_id) or self.snapshot().history.find(run_id) is not None

    def run(self, run_id: str) -> Run:
        """Return a run in full; see `Store.run`."""
        history = self.snapshot().history
        is_kept = self._history.has(run_id) and record_name(run_id) not in history.dropped
        if not is_kept and all(run.id != run_id for run in self.runs()):
            raise no_such_run(run_id)
        return self._history.read(run_id)

    def record(self, run_id: str) -> bytes:
        """Return the bytes of the run's file; see `Store.record`."""
        return self._history.stored(run_id)

    def lock(
        self, name: str, busy: str, wait: float = WAIT_SECONDS
    ) -> AbstractContextManager[None]:
        """Hold the lock of that name, a file beside the store's; see `Store.lock`."""
        path = self._path.with_name(f"{self._path.name}.{name}.lock")
        return writer_lock(path, wait, busy, self.on_wait)

    def note(self, name: str) -> Mapping[str, Any]:
        """Return the note in the file `<store>.NAME`; see `Store.note`."""
        return self._notes.read(name)

    def keep_note(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace that file; see `Store.keep_note`."""
        self._notes.write(name, content)

    async def watch(self) -> AsyncIterator[Snapshot]:
        """Yield the new state whenever another process or session replaced the file."""
        seen = self._snapshot
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._storage.changed():
                await asyncio.to_thread(self.snapshot)
            if self._snapshot is not seen:
                seen = self._snapshot
                yield seen

    def close(self) -> None:
        """Let go of the file and of what was read from it."""
        self._storage.close()
        self._tables, self._snapshot = {}, _EMPTY

    def _load(self) -> None:
        try:
            self._tables, self._snapshot = self._read()
        except StoreDamaged:
            self._storage.close()  # so that it is read, and refused, again
            raise

    def _read(self) -> tuple[Tables, Snapshot]:
        tables = self._storage.read()
        if tables is None:
            return {}, _EMPTY
        try:
            meta = tables["meta"][_ONLY]
            if meta["schema"] > SCHEMA:
                raise StoreTooNew(
                    f"The store {printable(self._path)} was written by a newer mailroster "
                    f"(schema {meta['schema']}, this one knows {SCHEMA}).",
                    "Use the newer version.",
                )
            if self._storage.is_foreign:
                check_meta(meta)
            self._kept_for = "" if meta["schema"] == SCHEMA else f"schema{meta['schema']}"
            tables = migrated(tables, meta["schema"])
            meta, table = tables["meta"][_ONLY], tables[USERS]
            if self._storage.is_foreign:
                known = set(map(id, self._like.values()))
                check_users({at: row for at, row in table.items() if id(row) not in known})
            users: dict[str, UserRow] = {match_key(row["user_name"]): row for row in table.values()}
            settings = Settings.from_stored(tables["settings"][_ONLY])
            if len(users) < len(table):
                raise Unsound("holds two users of the same name")
            if self._storage.is_foreign:
                check_settings(settings)
            snapshot = _state(meta, settings, users, self._history_in(meta))
        except Unsound as problem:
            raise self._storage.damaged(str(problem)) from None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._storage.damaged(f"is not a mailroster store: {error!r}") from None
        self._storage.check_exposure()
        return tables, snapshot

    def _state_of_one(self, tables: Tables) -> Snapshot | None:
        """Return the state in tables of this schema, which were sound when the index was made."""
        try:
            meta = tables["meta"][_ONLY]
            if meta["schema"] != SCHEMA:
                return None
            users: dict[str, UserRow] = {
                match_key(row["user_name"]): row for row in tables[USERS].values()
            }
            settings = Settings.from_stored(tables["settings"][_ONLY])
            history = History.from_stored(meta["history"]) if meta.get("history") else History()
            return _state(meta, settings, users, history)
        except (LookupError, TypeError, ValueError, AttributeError):
            return None

    def _history_in(self, meta: Mapping[str, Any]) -> History:
        if not (stored := meta.get("history")):
            return History()
        history = History.from_stored(stored)
        if not self._kept_for:
            return history
        return replace(history, size=self._history.size(history.runs))

    def _documents(self, after: Snapshot) -> Tables:
        kept_meta = self._tables.get("meta", {}).get(_ONLY, {})
        meta: dict[str, Any] = {
            "schema": SCHEMA,
            "store_id": after.store_id,
            "generation": after.generation,
            "written": (self._clock() - _EPOCH) // timedelta(microseconds=1) * 1000,
            "archive_marked": after.archive_marked,
        }
        if after.history != self._snapshot.history or self._kept_for:
            meta["history"] = after.history.to_stored()
        if after.folder_work or "folder_work" in kept_meta:
            meta["folder_work"] = [item.to_stored() for item in after.folder_work]
        return {
            "meta": {_ONLY: {**kept_meta, **meta}},
            "settings": {_ONLY: after.settings.to_stored()},
        }

    def _recorded(
        self, history: History, run: Run | None, generation: int, settings: Settings
    ) -> History:
        """Write the run's record and return the history that lists it; only that makes it count."""
        self._history.settle(history)
        if run is None:
            return history
        run = replace(run, summary=replace(run.summary, generation=generation))
        return self._history.add(history, run, settings.history_max_mib)

    def _edited(self, edits: Sequence[Edit], generation: int) -> tuple[dict[str, UserRow], Rows]:
        """Return the users after `edits`, and the rows to put into the table, None to remove.

        Done in their order, they leave users and table in one order. Nothing is touched here.
        """
        before, table = self._snapshot.users, self._tables.get(USERS, {})
        users = copied(before)
        edited = {edit.key for edit in edits if edit.rev}
        places = zip(users, table, strict=True)
        ids = dict(compress(places, map(edited.__contains__, users)))
        after_last = map(str, count(int(next(reversed(table), 0)) + 1))
        free_ids = (doc_id for doc_id in after_last if doc_id not in table)
        now = self._clock().isoformat(timespec="seconds")
        rows: Rows = []
        for edit in edits:
            if edit.rev and (edit.user is None or edit.user.key != edit.key):
                del users[edit.key]
                rows.append((ids[edit.key], None))
        for edit in edits:
            row = edit.row_after(before, generation, now)
            if row is None:
                continue
            key = match_key(row["user_name"])
            if key in users and not (edit.rev and key == edit.key):
                raise StoreConflict([f"the name “{printable(row['user_name'])}” is taken"])
            rows.append((ids.pop(edit.key) if edit.rev else next(free_ids), row))
            users[key] = row
        return users, rows

    def _write(self, after: Snapshot, rows: Rows) -> None:
        """Write the new state; where that fails, the next snapshot is read from the disk."""
        table = self._tables.get(USERS, {})
        tables = {**self._tables, USERS: table, **self._documents(after)}
        try:
            for doc_id, row in rows:
                if row is None:
                    del table[doc_id]
                else:
                    table[doc_id] = row
            self._storage.write(tables, self._kept_for)
        except BaseException:
            self._storage.close()
            raise
        self._kept_for = ""
        self._tables, self._snapshot = tables, after


def _state(
    meta: Mapping[str, Any], settings: Settings, users: Mapping[str, UserRow], history: History
) -> Snapshot:
    return Snapshot(
        meta["store_id"],
        meta["generation"],
        settings,
        users,
        history,
        tuple(map(FolderWork.from_stored, meta.get("folder_work", ()))),
        bool(meta.get("archive_marked")),
    )
