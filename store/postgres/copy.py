"""All of the store at once: read within one transaction, and written into empty tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from store.errors import InvalidValue, StoreUnwritable
from store.files.folder_work import FolderWork
from store.history import Run, summary_from
from store.lockout import KINDS, Attempts
from store.postgres import rows, runs
from store.postgres.connection import WRITE_SECONDS, patient, put
from store.postgres.state import State, read_state, write_state
from store.progress import OnProgress, with_progress
from store.upkeep import Whole

if TYPE_CHECKING:
    from store.postgres.connection import Connection

_NOTHING = State(0)


def read_whole(connection: Connection, is_made: bool) -> Whole:
    """Return all of the store, nothing where there are no tables."""
    if not is_made:
        return Whole(_NOTHING.with_users({}), [], Attempts(0.0), {})
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    state = read_state(connection, _NOTHING)
    users = rows.read_all(connection)
    records = connection.execute("SELECT summary, record FROM runs ORDER BY generation").fetchall()
    sources = connection.execute("SELECT digest, day FROM known_sources").fetchall()
    attempts = _attempts(connection)
    connection.execute("COMMIT")
    return Whole(
        state.with_users(users),
        [(summary_from(summary), bytes(record)) for summary, record in records],
        attempts,
        {bytes(digest): day for digest, day in sources},
    )


def fill(
    connection: Connection,
    where: str,
    whole: Whole,
    run: Run | None,
    work: Iterable[FolderWork],
    on_progress: OnProgress,
) -> str:
    """Put all of `whole` into empty tables within a write; return the stamp to commit.

    With a `run`, that is recorded as the last one. Raises `StoreUnwritable` where the tables are
    not empty, and `InvalidValue` for an address that two users have.
    """
    import psycopg

    before = read_state(connection, _NOTHING)
    if before.store_id or connection.execute("SELECT FROM users LIMIT 1").rowcount:
        raise StoreUnwritable(
            f"The database {where} holds a user database already.",
            "Give an empty database; mailroster adds nothing to one that is in use.",
        )
    state, generation = whole.state, whole.state.generation + (run is not None)
    with patient(connection, WRITE_SECONDS):
        rows.add(connection, state.users, {}, generation, on_progress)
        try:
            rows.own_addresses(connection, {}, state.users)
        except psycopg.errors.UniqueViolation:
            raise InvalidValue(
                "An address belongs to two users, which the database does not allow.",
                "Run `mailroster store check` on the store that you copy; it names them.",
            ) from None
        runs.put(connection, with_progress(whole.records, "Runs written", on_progress))
        history = state.history
        if run is not None:
            run = replace(run, summary=replace(run.summary, generation=generation))
            history = runs.add(connection, history, run, state.settings.history_max_mib)
        _put_attempts(connection, whole)
        new_work = (replace(item, generation=generation) for item in work)
        after = State(
            before.schema,
            generation,
            str(uuid.uuid4()),
            state.store_id,
            state.archive_marked,
            state.settings,
            history,
            (*state.folder_work, *new_work),
        )
        write_state(connection, before, after, [])
    return after.stamp


def _attempts(connection: Connection) -> Attempts:
    """Return all counts that still count."""
    now, key = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp())::float8, attempts_key FROM store"
    ).fetchone() or (0.0, b"")
    stored: dict[str, object] = {"key": bytes(key).hex(), **{kind: {} for kind in KINDS}}
    counts = connection.execute(
        "SELECT kind, who, failed, until, locked_until, tried FROM failed_log_ons"
    ).fetchall()
    for kind, who, *count in counts:
        stored[kind][who] = count  # type: ignore[index]
    return Attempts.from_stored(stored, now)


def _put_attempts(connection: Connection, whole: Whole) -> None:
    connection.execute("UPDATE store SET attempts_key = %s", [whole.attempts.key])
    counts = (
        (kind, who, *count[:3], list(count.tried))
        for kind in KINDS
        for who, count in getattr(whole.attempts, kind).items()
    )
    put(connection, "failed_log_ons", counts)
    put(connection, "known_sources", whole.known_sources.items())
