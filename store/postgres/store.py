"""The user database in PostgreSQL."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from store.administrators import check_administrator_remains
from store.differences import differences
from store.errors import InvalidValue, StoreBusy, StoreConflict
from store.files.folder_work import FolderWork
from store.files.lock import WAIT_SECONDS
from store.history import Run, RunSummary, no_such_run
from store.interface import Batch, Clock, Edit, Snapshot, utc_now
from store.lockout import source_key
from store.models import UserRow, copied
from store.names import match_key
from store.owners import check_addresses_free
from store.postgres import copy, notes, rows, runs
from store.postgres.address import Address
from store.postgres.attempts import PostgresAttempts
from store.postgres.commit import commit
from store.postgres.connection import WRITE_SECONDS, Database, patient, sendable
from store.postgres.locks import Locks
from store.postgres.schema import check_schema, check_server, migrate, migrations, schema_of
from store.postgres.state import (
    State,
    goes_on_from,
    read_state,
    write_state,
)
from store.postgres.watch import watch
from store.progress import OnProgress, untold
from store.text import printable

if TYPE_CHECKING:
    from store.postgres.connection import Connection
    from store.upkeep import Whole

_FIND = (
    f"SELECT store.schema, store.stamp::text, {', '.join(f'users.{name}' for name in rows.ROW)} "  # noqa: S608
    "FROM store LEFT JOIN users ON users.key = %(user)s;"
)
_NOTHING = State(0)
_EMPTY = _NOTHING.with_users({})
_TRY_SECONDS = 1.0


class PostgresStore:
    """A `Store` in the tables of `migrations/`, which several hosts may share.

    Users are kept in memory as far as they were read; of a store that was written since, only what
    is new is read. `steps` are the migrations, `clock` tells the time of a write, `on_progress`
    is told how many users and records are written.
    """

    def __init__(
        self,
        url: str,
        on_wait: Callable[[str], None] | None = None,
        *,
        clock: Clock = utc_now,
        on_progress: OnProgress = untold,
        steps: Sequence[str] | None = None,
    ) -> None:
        self.on_wait = on_wait
        self.address = Address.parse(url)
        self.database = Database(self.address, self._prepare)
        self.attempts = PostgresAttempts(self.database)
        self._locks = Locks(self.database, self._make_schema)
        self._clock = clock
        self._on_progress = on_progress
        self._steps = migrations() if steps is None else steps
        self._schema = 0
        self._seen = _NOTHING  # the newest state that was read
        self._state = _NOTHING  # that of the snapshot
        self._snapshot = _EMPTY

    @property
    def where(self) -> str:
        """The address without secrets, and which of its servers this is, for messages."""
        return self.database.where

    @property
    def short_name(self) -> str:
        """The name of the database, or of the service that names it."""
        return self.address.name

    @property
    def generation(self) -> int:
        """The number of writes so far, as of the last snapshot."""
        return self._snapshot.generation

    def snapshot(self) -> Snapshot:
        """Return the current state; users are read only as far as they are new."""
        return self.database.run(self._current)

    def find(self, user_name: str) -> Snapshot:
        """Return the current state with that user alone, by one statement."""
        return self.database.run(partial(self._found, key=match_key(user_name)))[0]

    def find_for_log_on(self, user_name: str, source: str | None) -> tuple[Snapshot, bool]:
        """Return what `find` does and whether that user is locked, by one round trip."""
        find = partial(self._found, key=match_key(user_name), source=source_key(source))
        return self.database.run(find)

    def apply(self, batch: Batch) -> Snapshot:
        """Write the batch in one transaction; see `Store.apply`.

        Raises `StoreUnreachable` as well, and `OutcomeUnknown` where the server went away just
        when it was to make the write last.
        """
        with self.database.mutex:
            self.snapshot()  # so that a large store is not read while others wait
            return self.database.run(partial(self._apply, batch=batch, stamp=str(uuid.uuid4())))

    def runs(self) -> Sequence[RunSummary]:
        """Return all runs that are kept; see `Store.runs`."""
        return self.database.run(lambda db: runs.summaries(db) if self._is_made(db) else [])

    def has_run(self, run_id: str) -> bool:
        """Tell whether there is a record of this run; see `Store.has_run`."""
        return self.database.run(lambda db: self._is_made(db) and runs.has(db, run_id))

    def run(self, run_id: str) -> Run:
        """Return a run in full; see `Store.run`."""
        return self.database.run(lambda db: runs.read(db, self._kept(db, run_id)))

    def record(self, run_id: str) -> bytes:
        """Return the bytes of a run's record; see `Store.record`."""
        return self.database.run(lambda db: runs.record(db, self._kept(db, run_id)))

    def note(self, name: str) -> Mapping[str, Any]:
        """Return the note of that name; see `Store.note`."""
        return self.database.run(lambda db: notes.read(db, name) if self._is_made(db) else {})

    def keep_note(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace that note; see `Store.keep_note`."""
        self.database.run(self._make_schema)
        self.database.run(lambda db: notes.write(db, name, content))

    def lock(
        self, name: str, busy: str, wait: float = WAIT_SECONDS
    ) -> AbstractContextManager[None]:
        """Hold the lock of that name against all hosts; see `Store.lock`."""
        return self._locks.hold(name, busy, wait, self.on_wait)

    def watch(self) -> AsyncIterator[Snapshot]:
        """Yield the new state whenever another session, on any host, wrote."""
        return watch(self.address, self.snapshot, lambda: self._snapshot)

    def close(self) -> None:
        """Let go of the connection and of what was read."""
        with self.database.mutex:
            self.database.drop()
            self._seen = self._state = _NOTHING
            self._snapshot = _EMPTY

    def make_schema(self) -> int:
        """Make the tables, or bring them up to date; return the schema that was there."""
        return self.database.run(self._make_schema)

    def whole(self) -> Whole:
        """Return all of the store, of one moment."""
        return self.database.run(lambda db: copy.read_whole(db, self._is_made(db)))

    def fill(self, whole: Whole, run: Run | None = None, work: Iterable[FolderWork] = ()) -> None:
        """Put all of another store into this one, with a `run` that says so, and its folder work.

        Raises `StoreUnwritable` if anything is here already.
        """

        def write(db: Connection) -> None:
            self._make_schema(db)
            self._begin(db)
            stamp = copy.fill(db, self.where, whole, run, work, self._on_progress)
            commit(self.database, db, stamp)

        self.database.run(write)

    def _prepare(self, connection: Connection) -> None:
        """Look over a new connection; tables of an older schema are brought up to date."""
        check_server(connection, self.where)
        self._schema = schema_of(connection)
        check_schema(self._schema, self.where, self._steps)
        if self._schema:
            self._make_schema(connection)

    def _make_schema(self, db: Connection) -> int:
        if self._schema == len(self._steps):
            return self._schema
        before = migrate(db, self.where, self._steps)
        self._schema = len(self._steps)
        return before

    def _kept(self, db: Connection, run_id: str) -> str:
        """Return the id where a record may be; without tables there is none."""
        if not self._is_made(db):
            raise no_such_run(run_id)
        return run_id

    def _is_made(self, db: Connection) -> bool:
        """Tell whether the tables are there, which another host may have made."""
        self._schema = self._schema or schema_of(db)
        return bool(self._schema)

    def _newest(self, db: Connection) -> State:
        state = read_state(db, self._seen)
        check_schema(state.schema, self.where, self._steps)
        self._seen = state
        return state

    def _current(self, db: Connection) -> Snapshot:
        if not self._is_made(db):
            return _EMPTY
        if self._newest(db).stamp == self._state.stamp:
            return self._snapshot
        db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = self._refreshed(db)
        db.execute("COMMIT")
        return snapshot

    def _refreshed(self, db: Connection) -> Snapshot:
        """Return the state of now, read within one transaction as far as it is new."""
        state = self._newest(db)
        if state.stamp == self._state.stamp:
            return self._snapshot
        if goes_on_from(db, self._state):
            users = rows.read_newer(db, self._snapshot.users, self._state.generation)
        else:
            users = rows.read_all(db)
        return self._keep(state, state.with_users(users))

    def _keep(self, state: State, snapshot: Snapshot) -> Snapshot:
        self._seen = self._state = state
        self._snapshot = snapshot if state.store_id else _EMPTY
        return self._snapshot

    def _found(self, db: Connection, key: str, source: str | None = None) -> tuple[Snapshot, bool]:
        """Return the user, and whether it is locked for a `source`.

        A session that has seen the last write needs one round trip.
        """
        if not self._is_made(db):
            return _EMPTY, False
        look = None
        while True:
            if source:
                look = self.attempts.look(db, key, source, before=_FIND)
                found = look.before
            else:
                found = db.execute(_FIND.encode(), {"user": sendable(key)}).fetchone()
            schema, stamp, *user = found or (None, None)
            if stamp != self._seen.stamp or schema != self._seen.schema:
                self._newest(db)
            if found is None or stamp == self._seen.stamp:  # else written meanwhile
                is_there = len(user) > 1 and user[1] is not None
                users = dict([rows.row_from(user)]) if is_there else {}
                if look:
                    look.known = is_there
                return self._seen.with_users(users), bool(look and look.is_locked)

    def _apply(self, db: Connection, batch: Batch, stamp: str) -> Snapshot:
        self._make_schema(db)
        self._begin(db)
        before = self._refreshed(db)
        state = self._state
        self._locks.check(db)
        if changed := differences(before, batch):
            raise StoreConflict(changed)
        if not batch.is_to_be_written(before):
            return before
        settings = batch.settings_after(before)
        generation = state.generation + 1
        edited = edited_rows(before, batch.edits, generation, self._clock())
        users = copied(before.users)
        for edit in batch.edits:
            if edit.rev and edit.key not in edited:
                del users[edit.key]
        users.update(edited)
        check_addresses_free(_concerned(db, before, edited, batch.edits), users, batch.edits)
        check_administrator_remains(before.users, users, {edit.key for edit in batch.edits})
        with patient(db, WRITE_SECONDS):
            self._write_users(db, before, batch.edits, edited, generation)
            history = state.history
            if batch.run is not None:
                run = replace(batch.run, summary=replace(batch.run.summary, generation=generation))
                history = runs.add(db, history, run, settings.history_max_mib)
            after = replace(
                state,
                generation=generation,
                stamp=stamp,
                store_id=state.store_id or batch.store_id or uuid.uuid4().hex,
                archive_marked=state.archive_marked or batch.archive_marked,
                settings=settings,
                history=history,
                folder_work=batch.work_after(before, generation),
            )
            gone = [edit.key for edit in batch.edits if edit.rev and edit.key not in users]
            write_state(db, state, after, gone)
            commit(self.database, db, stamp)
        return self._keep(after, after.with_users(users))

    def _begin(self, db: Connection) -> None:
        """Begin a write, as the only one; raises `StoreBusy`."""
        import psycopg

        deadline = time.monotonic() + WAIT_SECONDS
        told = False
        while True:
            seconds = min(_TRY_SECONDS, max(deadline - time.monotonic(), 0.01))
            try:
                db.execute(
                    "BEGIN;"
                    "SELECT set_config('lock_timeout', %s, true),"
                    " set_config('idle_in_transaction_session_timeout', '30s', true);"
                    "SELECT FROM store FOR UPDATE",
                    [f"{seconds * 1000:.0f}ms"],
                )
                return
            except psycopg.errors.LockNotAvailable:
                db.execute("ROLLBACK")
            if time.monotonic() >= deadline:
                raise StoreBusy(
                    f"The store is being written by another session ({self.where}).",
                    "Try again in a moment.",
                )
            if self.on_wait and not told:
                self.on_wait("The store is being written by another session. Waiting for it.")
                told = True

    def _write_users(
        self,
        db: Connection,
        before: Snapshot,
        edits: Sequence[Edit],
        edited: dict[str, UserRow],
        generation: int,
    ) -> None:
        import psycopg

        leaving = {edit.key: edit.rev for edit in edits if edit.rev}
        positions = rows.remove(db, leaving) if leaving else {}
        if len(positions) < len(leaving):
            self._state = _NOTHING  # so that all is read again
            other = [printable(key, 60) for key in leaving if key not in positions]
            raise StoreConflict([f"user “{name}” was changed by another program" for name in other])
        homes = {edit.user.key: positions[edit.key] for edit in edits if edit.user and edit.rev}
        try:
            rows.add(db, edited, homes, generation, self._on_progress)
            rows.own_addresses(db, {key: before.users[key] for key in leaving}, edited)
        except psycopg.errors.UniqueViolation as error:
            self._state = _NOTHING
            if error.diag.constraint_name == "addresses_pkey":
                raise InvalidValue(
                    "An address of this change belongs to another user.",
                    "Look at the current state and try again.",
                ) from None
            raise StoreConflict(["another program took a name"]) from None


def _concerned(
    db: Connection, before: Snapshot, edited: Mapping[str, UserRow], edits: Sequence[Edit]
) -> dict[str, UserRow]:
    """Return those of the users who are edited, or hold an address that an edited one gets."""
    leaving = {edit.key: before.users[edit.key] for edit in edits if edit.rev}
    holders = rows.holders(db, rows.owners(edited).keys() - rows.owners(leaving).keys())
    return leaving | {key: before.users[key] for key in holders if key in before.users}


def edited_rows(
    before: Snapshot, edits: Sequence[Edit], generation: int, at: datetime
) -> dict[str, UserRow]:
    """Return the rows of all who are new or changed, by key; raises `StoreConflict`."""
    leaving = {edit.key for edit in edits if edit.rev}
    now = at.isoformat(timespec="seconds")
    edited: dict[str, UserRow] = {}
    for edit in edits:
        row = edit.row_after(before.users, generation, now)
        if row is None:
            continue
        key = match_key(row["user_name"])
        if key in edited or (key in before.users and key not in leaving):
            raise StoreConflict([f"the name “{printable(row['user_name'])}” is taken"])
        edited[key] = row
    return edited
