"""What the store's one row and the small tables say: everything of a `Snapshot` but its users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from store.errors import StoreDamaged
from store.files.folder_work import FolderWork
from store.history import History
from store.interface import Snapshot
from store.models import Settings, UserRow
from store.postgres.connection import put
from store.postgres.runs import figures, history_from

if TYPE_CHECKING:
    from store.postgres.connection import Connection

NO_STAMP = "00000000-0000-0000-0000-000000000000"
KEPT_WRITES = 1000  # a session that is farther behind reads all users again
CHANNEL = "mailroster"

_MARK = "SELECT schema, stamp::text FROM store"
_STATE = """
    SELECT json_build_object(
        'schema', store.schema,
        'generation', store.generation,
        'stamp', store.stamp::text,
        'store_id', store.store_id,
        'archive_marked', store.archive_marked,
        'settings', store.settings,
        'history', store.history,
        'runs', (
            SELECT coalesce(json_agg(newest.summary ORDER BY newest.generation), '[]')
            FROM (
                SELECT summary, generation FROM runs
                ORDER BY generation DESC LIMIT (store.history->>'runs')::integer
            ) AS newest
        ),
        'folder_work', (
            SELECT coalesce(json_agg(json_build_object(
                'act', act, 'folder', folder, 'to', target, 'generation', generation
            ) ORDER BY id), '[]')
            FROM folder_work
        )
    )
    FROM store
"""


@dataclass(frozen=True, slots=True)
class State:
    """The store at one write, which `stamp` tells from all others; see `Snapshot`."""

    schema: int
    generation: int = 0
    stamp: str = NO_STAMP
    store_id: str = ""
    archive_marked: bool = False
    settings: Settings = field(default_factory=Settings)
    history: History = field(default_factory=History)
    folder_work: tuple[FolderWork, ...] = ()

    def with_users(self, users: Mapping[str, UserRow]) -> Snapshot:
        """Return the snapshot of this state."""
        return Snapshot(
            self.store_id,
            self.generation,
            self.settings,
            users,
            self.history,
            self.folder_work,
            self.archive_marked,
        )


def read_state(connection: Connection, seen: State) -> State:
    """Return the state of now, which is `seen` if nothing was written since.

    Raises `StoreDamaged` where its row is gone.
    """
    found = connection.execute(_MARK).fetchone()
    if found is None:
        raise StoreDamaged(
            "The row in the table “store” is gone.", "Restore a backup of the database."
        )
    schema, stamp = found
    if stamp == seen.stamp:
        return seen if schema == seen.schema else replace(seen, schema=schema)
    (stored,) = connection.execute(_STATE).fetchone() or ({},)
    try:
        return State(
            stored["schema"],
            stored["generation"],
            stored["stamp"],
            stored["store_id"],
            stored["archive_marked"],
            Settings.from_stored(stored["settings"]),
            history_from(stored["history"], stored["runs"]),
            tuple(map(FolderWork.from_stored, stored["folder_work"])),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StoreDamaged(
            f"The row in the table “store” is not in the form that mailroster makes: {error!r}.",
            "Restore a backup of the database.",
        ) from None


def goes_on_from(connection: Connection, seen: State) -> bool:
    """Tell whether what was written after `seen` is all known, and nothing of it was lost."""
    return (
        connection.execute(
            "SELECT FROM writes WHERE generation = %s AND stamp = %s::uuid",
            [seen.generation, seen.stamp],
        ).rowcount
        > 0
    )


def write_state(connection: Connection, before: State, after: State, gone: list[str]) -> None:
    """Make `after` the state of now, and notify sessions that listen."""
    parameters = {
        "generation": after.generation,
        "stamp": after.stamp,
        "store_id": after.store_id,
        "archive_marked": after.archive_marked,
        "settings": orjson.dumps(after.settings.to_stored()).decode(),
        "history": figures(after.history),
        "gone": gone,
        "oldest": after.generation - KEPT_WRITES,
        "channel": CHANNEL,
        "told": str(after.generation),
    }
    done = after.folder_work[0].generation if after.folder_work else after.generation + 1
    connection.execute("DELETE FROM folder_work WHERE generation < %s", [done])
    known = set(before.folder_work)
    new = [astuple(item) for item in after.folder_work if item not in known]
    if new:
        put(connection, "folder_work (act, folder, target, generation)", new)
    connection.execute(
        """
        UPDATE store SET generation = %(generation)s, stamp = %(stamp)s, store_id = %(store_id)s,
            archive_marked = %(archive_marked)s, settings = %(settings)s, history = %(history)s;
        INSERT INTO writes (generation, stamp, gone)
            VALUES (%(generation)s, %(stamp)s, %(gone)s::text[]);
        DELETE FROM writes WHERE generation <= %(oldest)s;
        SELECT pg_notify(%(channel)s, %(told)s)
        """,
        parameters,
    )
