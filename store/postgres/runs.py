"""The runs: their records, and the figures that the store itself holds of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from store.chain import digest
from store.errors import StoreDamaged
from store.history import (
    MIB,
    PAGE,
    History,
    Run,
    RunSummary,
    folded,
    is_recent,
    no_such_run,
    summary_from,
    with_run,
    without_page,
)
from store.postgres.connection import sendable
from store.records import run_bytes, run_from
from store.text import printable

if TYPE_CHECKING:
    from store.postgres.connection import Connection


def figures(history: History) -> str:
    """Return what the store's row holds: all but the runs, and how many of those are listed."""
    stored = history.to_stored() | {"runs": len(history.runs)}
    return orjson.dumps(stored).decode()


def history_from(stored: dict[str, object] | None, runs: list[dict[str, object]]) -> History:
    """Build the history from the store's row and the summaries of the runs that it lists."""
    return History.from_stored({**stored, "runs": runs}) if stored else History()


def add(connection: Connection, history: History, run: Run, limit: int) -> History:
    """Write the record of `run`; return the history with it.

    Of records over `limit` MiB in all the oldest are folded into counts, but never those of the
    last day.
    """
    data = run_bytes(run, history.head)
    history = with_run(history, run, len(data), digest(data))
    while len(history.runs) >= 2 * PAGE:
        history, _ = without_page(history)
    put(connection, [(run.summary, data)])
    while history.size > limit * MIB and history.count > 1:
        first, end = history.pages
        oldest = _oldest(connection, PAGE if first < end else 1)
        if is_recent(oldest[-1], run.summary.at):
            break
        history = _fold(connection, history, oldest)
    return history


def put(connection: Connection, records: Iterable[tuple[RunSummary, bytes]]) -> None:
    """Add records as they are."""
    with connection.cursor() as cursor:
        for summary, data in records:
            cursor.execute(
                "INSERT INTO runs (id, generation, at, kind, who, summary, record) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    summary.id,
                    summary.generation,
                    summary.at,
                    summary.kind,
                    summary.who,
                    orjson.dumps(summary.to_stored()).decode(),
                    data,
                ],
            )


def summaries(connection: Connection) -> list[RunSummary]:
    """Return all runs that are kept, oldest first."""
    rows = connection.execute("SELECT summary FROM runs ORDER BY generation").fetchall()
    return [summary_from(summary) for (summary,) in rows]


def has(connection: Connection, run_id: str) -> bool:
    """Tell whether there is a record of this run."""
    return connection.execute("SELECT FROM runs WHERE id = %s", [sendable(run_id)]).rowcount > 0


def record(connection: Connection, run_id: str) -> bytes:
    """Return the record of a run; raises `NotFound`."""
    found = connection.execute(
        "SELECT record FROM runs WHERE id = %s", [sendable(run_id)]
    ).fetchone()
    if found is None:
        raise no_such_run(run_id)
    return bytes(found[0])


def read(connection: Connection, run_id: str) -> Run:
    """Return a run in full; raises `NotFound` or `StoreDamaged`."""
    data = record(connection, run_id)
    try:
        return run_from(data)
    except (ValueError, LookupError, TypeError):
        raise StoreDamaged(
            f"The record of the run {printable(run_id, 60)} cannot be read.",
            "Bring it back from a backup of the database; the other runs are not affected.",
        ) from None


def _oldest(connection: Connection, count: int) -> list[RunSummary]:
    rows = connection.execute("SELECT summary FROM runs ORDER BY generation LIMIT %s", [count])
    return [summary_from(summary) for (summary,) in rows.fetchall()]


def _fold(connection: Connection, history: History, oldest: list[RunSummary]) -> History:
    ids = [run.id for run in oldest]
    size = connection.execute(
        "SELECT coalesce(sum(length(record)), 0) FROM runs WHERE id = ANY(%s)", [ids]
    ).fetchone()
    last = digest(record(connection, ids[-1]))
    connection.execute("DELETE FROM runs WHERE id = ANY(%s)", [ids])
    history = folded(history, oldest, int(size[0]) if size else 0, last)
    first, end = history.pages
    if first < end:
        return replace(history, pages=(first + 1, end), dropped=())
    return replace(history, runs=history.runs[1:], dropped=())
