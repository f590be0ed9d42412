"""Making a write last, and finding out whether it does where the answer was lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from store.errors import OutcomeUnknown, StoreError, StoreUnreachable
from store.postgres.connection import Database, Silence, is_lost

if TYPE_CHECKING:
    from store.postgres.connection import Connection

_PAUSE_SECONDS = 0.25


def commit(database: Database, connection: Connection, stamp: str) -> None:
    """Commit the write of that `stamp`.

    Where the connection is lost meanwhile, the error is the same whether it happened or not, so
    the server, or the one that takes its place, is asked. Raises `StoreUnreachable` for a write
    that did not happen, `OutcomeUnknown` where nobody can be asked.
    """
    import psycopg

    try:
        connection.execute("COMMIT")
        return
    except (psycopg.Error, Silence) as error:
        if not is_lost(error, connection):
            raise
    database.drop()
    if not _is_there(database, stamp):
        raise StoreUnreachable(
            f"The connection to {database.address.where} was lost before the write was made.",
            "Try again.",
        )


def _is_there(database: Database, stamp: str) -> bool:
    deadline = time.monotonic() + database.ask_seconds
    while True:
        try:
            return database.run(lambda db: _is_written(db, stamp))
        except StoreError as error:
            if time.monotonic() >= deadline:
                raise OutcomeUnknown(
                    f"The connection to {database.address.where} was lost during a write; "
                    f"mailroster cannot tell yet whether the write was made. {error.what}",
                    "Look at `mailroster history list` once the server is back, before you do it "
                    "again.",
                ) from None
            time.sleep(_PAUSE_SECONDS)


def _is_written(connection: Connection, stamp: str) -> bool:
    """Tell whether the write is there; waits for a session that may still be making it."""
    connection.execute(
        "BEGIN; SELECT set_config('lock_timeout', '2s', true); SELECT FROM store FOR UPDATE"
    )
    found = connection.execute("SELECT FROM writes WHERE stamp = %s::uuid", [stamp]).rowcount > 0
    connection.execute("ROLLBACK")
    return found
