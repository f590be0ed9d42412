"""Users as rows of the table: how they are read, all or what is new, and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import orjson

from store.addresses import address_key
from store.models import UserRow, copied
from store.postgres.connection import put
from store.progress import OnProgress, with_progress

if TYPE_CHECKING:
    from store.postgres.connection import Connection

COLUMNS = (
    "user_name",
    "full_name",
    "distinguished_name",
    "email_addresses",
    "authentication",
    "privileges",
    "folder_privileges",
    "password_hash",
    "created",
    "changed",
    "rev",
    "pinned",
    "directory_id",
    "directory",
    "other_id",
    "absent_since",
)
ROW = ("exact", "key", *COLUMNS)
_COPY = ("key", *COLUMNS, "position", "written", "exact")
_EMPTY = {
    "pinned": False,
    "directory_id": None,
    "directory": None,
    "other_id": None,
    "absent_since": None,
}
_ROWS_AT_ONCE = 1000
NEW_USERS = 1 << 24  # positions of one generation


def row_from(values: Sequence[Any]) -> tuple[str, UserRow]:
    """Return key and row from the columns `ROW`."""
    exact, key, *rest = values
    return key, exact or cast("UserRow", dict(zip(COLUMNS, rest, strict=True)))


def read_all(connection: Connection) -> dict[str, UserRow]:
    """Return all users by key, in the order in which they were added."""
    import psycopg

    users: dict[str, UserRow] = {}
    cursor = psycopg.Cursor(connection)
    query = f"SELECT {', '.join(ROW)} FROM users ORDER BY position"  # noqa: S608 - our own names
    for exact, key, *rest in cursor.stream(query.encode(), size=_ROWS_AT_ONCE):
        users[key] = exact or dict(zip(COLUMNS, rest))  # type: ignore[assignment]  # noqa: B905
    return users


def read_newer(
    connection: Connection, users: Mapping[str, UserRow], generation: int
) -> dict[str, UserRow]:
    """Return `users`, which are of that generation, as they are now."""
    now = copied(users)
    gone = connection.execute(
        "SELECT unnest(gone) FROM writes WHERE generation > %s", [generation]
    ).fetchall()
    for (key,) in gone:
        now.pop(key, None)
    query = f"SELECT {', '.join(ROW)} FROM users WHERE written > %s ORDER BY position"  # noqa: S608
    for values in connection.execute(query.encode(), [generation]).fetchall():
        key, row = row_from(values)
        now[key] = row
    return now


def remove(connection: Connection, edited: Mapping[str, int]) -> dict[str, int]:
    """Remove the users of these keys and `rev`s; return the positions of those who were there."""
    rows = connection.execute(
        "DELETE FROM users USING unnest(%s::text[], %s::bigint[]) AS edited (key, rev) "
        "WHERE users.key = edited.key AND users.rev = edited.rev "
        "RETURNING users.key, users.position",
        [list(edited), list(edited.values())],
    ).fetchall()
    return dict(rows)


def add(
    connection: Connection,
    rows: Mapping[str, UserRow],
    positions: Mapping[str, int],
    generation: int,
    on_progress: OnProgress,
) -> None:
    """Add users, each at its position, or else after all who are there."""
    if not rows:
        return
    free = iter(range(generation * NEW_USERS, (generation + 1) * NEW_USERS))
    told = with_progress(rows.items(), "Users written", on_progress)
    columns = ((key, *_columns(row)) for key, row in told)
    put(
        connection,
        f"users ({', '.join(_COPY)})",
        (
            (key, *values, positions[key] if key in positions else next(free), generation, exact)
            for key, values, exact in columns
        ),
    )


def holders(connection: Connection, addresses: Collection[str]) -> set[str]:
    """Return the keys of the users who have any of these addresses."""
    if not addresses:
        return set()
    found = connection.execute("SELECT key FROM addresses WHERE address = ANY(%s)", [[*addresses]])
    return {key for (key,) in found.fetchall()}


def own_addresses(
    connection: Connection,
    before: Mapping[str, UserRow],
    after: Mapping[str, UserRow],
) -> None:
    """Give addresses their owners; `before` and `after` are the edited users alone."""
    had, has = owners(before), owners(after)
    lost = [address for address in had if has.get(address) != had[address]]
    gained = [(address, key) for address, key in has.items() if had.get(address) != key]
    if lost:
        connection.execute("DELETE FROM addresses WHERE address = ANY(%s)", [lost])
    if gained:
        put(connection, "addresses (address, key)", gained)


def owners(users: Mapping[str, UserRow]) -> dict[str, str]:
    """Return the keys of these users by their addresses, in the form in which they compare."""
    return {
        address_key(address): key
        for key, row in users.items()
        for address in row["email_addresses"]
    }


def _columns(row: UserRow) -> tuple[list[Any], str | None]:
    """Return the values of the columns, and the whole row where they cannot hold it."""
    values = {**_EMPTY, **row}
    is_plain = len(values) == len(COLUMNS) and not _has_nul(values.values())
    values["folder_privileges"] = orjson.dumps(row["folder_privileges"]).decode()
    values["pinned"] = bool(values["pinned"])
    columns = [values[name] for name in COLUMNS]
    if is_plain:
        return columns, None
    return [_without_nul(value) for value in columns], orjson.dumps(row).decode()


def _has_nul(values: Iterable[Any]) -> bool:
    for value in values:
        if isinstance(value, str):
            if "\0" in value:
                return True
        elif isinstance(value, (list, dict)) and _has_nul(value):
            return True
    return False


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return list(map(_without_nul, value))
    return value
