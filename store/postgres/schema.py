"""The tables: whether they are there, and the numbered SQL files that make and change them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from store.errors import StoreError, StoreTooNew, StoreUnwritable

if TYPE_CHECKING:
    from store.postgres.connection import Connection

OLDEST_SERVER = 15
_LOCK = 0x6D61696C  # of those who migrate, for the time of a transaction
NO_RIGHT = "42501"
_TAKEN = "42P07"


def migrations() -> list[str]:
    """Return the SQL of every migration; the first makes schema 1, and so on."""
    folder = files("store.postgres") / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [(folder / name).read_text() for name in names]


def script(first: int, steps: Sequence[str]) -> str:
    """Return the SQL that brings schema `first` up to date, for a role that may run it."""
    return "".join(("BEGIN;\n", *steps[first:], "COMMIT;\n"))


def check_server(connection: Connection, where: str) -> None:
    """Raise `StoreError` for a server that is too old, or a database that is not UTF-8."""
    encoding = connection.info.parameter_status("server_encoding")
    if connection.info.server_version < OLDEST_SERVER * 10_000:
        raise StoreError(
            f"The server of {where} is PostgreSQL {connection.info.server_version // 10_000}; "
            f"mailroster needs {OLDEST_SERVER} or later.",
            "Upgrade the server, or choose another one.",
            untouched="Nothing was read or written.",
        )
    if encoding not in ("UTF8", None):
        raise StoreError(
            f"The database {where} holds text as {encoding}, which cannot hold every name.",
            "Make one with: CREATE DATABASE mailroster ENCODING 'UTF8' TEMPLATE template0",
            untouched="Nothing was read or written.",
        )


def schema_of(connection: Connection) -> int:
    """Return the number of the schema, 0 if there is none."""
    found = connection.execute("SELECT to_regclass('store') IS NOT NULL").fetchone()
    if not (found and found[0]):
        return 0
    row = connection.execute("SELECT schema FROM store").fetchone()
    return int(row[0]) if row else 0


def check_schema(schema: int, where: str, steps: Sequence[str]) -> None:
    """Raise `StoreTooNew` for a schema that a newer mailroster made."""
    if schema > len(steps):
        raise StoreTooNew(
            f"The user database {where} was made by a newer mailroster (schema {schema}, this one "
            f"knows {len(steps)}).",
            "Use the newer version on this host too.",
        )


def migrate(connection: Connection, where: str, steps: Sequence[str]) -> int:
    """Bring the tables up to date, one host at a time; return the schema that was there.

    Raises `StoreTooNew`, and `StoreUnwritable` where the role may not; then nothing was changed.
    """
    import psycopg

    connection.execute("BEGIN")
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    before = schema_of(connection)
    check_schema(before, where, steps)
    try:
        for step in steps[before:]:
            connection.execute(step.encode())
    except psycopg.Error as error:
        connection.execute("ROLLBACK")
        if error.sqlstate == _TAKEN:
            raise StoreUnwritable(
                f"The database {where} has other tables with the names of mailroster's.",
                "Give mailroster a database, or a schema in the role's search_path, of its own.",
            ) from None
        if error.sqlstate != NO_RIGHT:
            raise
        there = f" --from {before}" if before else ""
        raise StoreUnwritable(
            f"The database's role may not make or change mailroster's tables in {where}.",
            "Ask the database's administrator to run what "
            f"`mailroster store create --sql{there}` prints.",
        ) from None
    connection.execute("COMMIT")
    return before
