"""The user database in a TinyDB file."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from store.administrators import check_administrator_remains
from store.collector import bulk_load
from store.differences import differences
from store.errors import InvalidValue, StoreConflict, StoreDamaged, StoreTooNew
from store.history import History, Run, with_run
from store.history_files import HistoryFiles, run_bytes
from store.interface import Batch, Edit, Snapshot
from store.lock import WAIT_SECONDS, writer_lock
from store.migrations import SCHEMA, migrated
from store.models import Settings, UserRow
from store.names import match_key
from store.soundness import Unsound, check_meta, check_settings, check_users
from store.storage import DurableStorage
from store.tables_file import USERS, Tables
from store.text import printable

_WATCH_SECONDS = 0.5
_ONLY = "1"  # the document id in the tables that hold a single document
Rows = list[tuple[str, UserRow | None]]  # by document id

_EMPTY = Snapshot("", 0, Settings(), {})


class TinyDBStore:
    """A `Store` on one JSON file that stock TinyDB opens too.

    Users are the documents of TinyDB's default table; `meta` holds schema, store id and
    generation, `settings` the settings. Fields that this version does not know survive a write.
    `lock_wait` is how many seconds a write waits for another one, `on_wait` is told whom it waits
    for if that takes long. `check_all` has every field of the file checked, also of one that is
    as mailroster left it.
    """

    def __init__(
        self,
        path: Path,
        lock_wait: float = WAIT_SECONDS,
        check_all: bool = False,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self._path = path
        self.on_wait = on_wait
        self._lock = partial(writer_lock, path.with_name(f"{path.name}.lock"), lock_wait)
        self._storage = DurableStorage(path, check_all)
        self._history = HistoryFiles(path)
        self._mutex = threading.RLock()
        self._tables: Tables = {}
        self._snapshot = _EMPTY
        self._kept_for = ""  # why the file that was read stays among the backups for good

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

    def apply(self, batch: Batch) -> Snapshot:
        """Write the batch in one durable write; see `Store.apply`."""
        with self._mutex, self._lock(on_wait=self.on_wait):
            before = self.snapshot()
            if changed := differences(before, batch):
                raise StoreConflict(changed)
            settings = before.settings if batch.settings is None else batch.settings
            if not batch.edits and settings == before.settings and before.store_id:
                return before
            generation = before.generation + 1
            users, rows = self._edited(batch.edits, generation)
            touched = {edit.key for edit in batch.edits}
            check_administrator_remains(before.users, users, touched)
            store_id = before.store_id or uuid.uuid4().hex
            history = before.history
            self._history.sweep([kept.id for kept in history.runs])
            if batch.run is not None:
                history = self._record(history, batch.run, generation, settings)
            after = Snapshot(store_id, generation, settings, users, history)
            self._write(after, rows)
        return after

    def run(self, run_id: str) -> Run:
        """Return a run in full; see `Store.run`."""
        if self.snapshot().history.find(run_id) is None:
            raise InvalidValue(
                f"There is no run “{printable(run_id, 60)}” in the history. Nothing was changed. "
                "`mailroster history list` shows all."
            )
        return self._history.read(run_id)

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
        """Let go of the file."""
        self._storage.close()

    def _load(self) -> None:
        try:
            with bulk_load(self._storage.size()):
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
                    f"(schema {meta['schema']}, this one knows {SCHEMA}). It was left as it is. "
                    "Use the newer version."
                )
            if self._storage.is_foreign:
                check_meta(meta)
            self._kept_for = "" if meta["schema"] == SCHEMA else f"schema{meta['schema']}"
            tables = migrated(tables, meta["schema"])
            meta, table = tables["meta"][_ONLY], tables[USERS]
            if self._storage.is_foreign:
                check_users(table)
            users: dict[str, UserRow] = {match_key(row["user_name"]): row for row in table.values()}
            settings = Settings.from_stored(tables["settings"][_ONLY])
            if len(users) < len(table):
                raise ValueError("fewer names than users")
            if self._storage.is_foreign:
                check_settings(settings)
            kept = meta.get("history")
            history = History.from_stored(kept) if kept else History()
            snapshot = Snapshot(meta["store_id"], meta["generation"], settings, users, history)
        except Unsound as problem:
            raise self._storage.damaged(str(problem)) from None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._storage.damaged(
                f"is not a mailroster store, or two users have the same name ({error!r})"
            ) from None
        self._storage.check_exposure()
        return tables, snapshot

    def _documents(self, after: Snapshot) -> Tables:
        kept_meta = self._tables.get("meta", {}).get(_ONLY, {})
        kept_settings = self._tables.get("settings", {}).get(_ONLY, {})
        meta: dict[str, Any] = {
            "schema": SCHEMA,
            "store_id": after.store_id,
            "generation": after.generation,
            "written": time.time_ns(),
        }
        if after.history is not self._snapshot.history:
            meta["history"] = after.history.to_stored()
        return {
            "meta": {_ONLY: {**kept_meta, **meta}},
            "settings": {_ONLY: {**kept_settings, **after.settings.to_stored()}},
        }

    def _record(self, history: History, run: Run, generation: int, settings: Settings) -> History:
        """Write the run's file and return the history that lists it; only that makes it count."""
        run = replace(run, summary=replace(run.summary, generation=generation))
        data = run_bytes(run)
        sizes = {**self._history.sizes(), run.summary.id: len(data)}
        self._history.write(run, data)
        return with_run(history, run, sizes, settings.history_max_mib << 20)

    def _edited(self, edits: Sequence[Edit], generation: int) -> tuple[dict[str, UserRow], Rows]:
        """Return the users after `edits`, and the rows to put into the table, None to remove.

        Done in their order, they leave users and table in one order. Nothing is touched here.
        """
        before, table = self._snapshot.users, self._tables.get(USERS, {})
        users = dict(before)
        edited = {edit.key for edit in edits if edit.rev}
        ids = {key: doc_id for key, doc_id in zip(users, table, strict=True) if key in edited}
        after_last = map(str, count(int(next(reversed(table), 0)) + 1))
        free_ids = (doc_id for doc_id in after_last if doc_id not in table)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        rows: Rows = []
        for edit in edits:
            if edit.rev and (edit.user is None or edit.user.key != edit.key):
                del users[edit.key]
                rows.append((ids[edit.key], None))
        for edit in edits:
            if edit.user is None:
                continue
            key = edit.user.key
            if key in users and not (edit.rev and key == edit.key):
                raise StoreConflict([f"the name “{printable(edit.user.user_name)}” is taken"])
            row = edit.user.to_row()
            if edit.rev:
                row = {**before[edit.key], **row}
            row["rev"] = generation
            row["changed"] = now
            row["created"] = row["created"] or now
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
