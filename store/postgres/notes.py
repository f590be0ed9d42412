"""Small documents in a table of their own, such as how the last sync ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from store.postgres.connection import Connection


def read(connection: Connection, name: str) -> dict[str, Any]:
    """Return the note of that name, empty if there is none."""
    found = connection.execute("SELECT content FROM notes WHERE name = %s", [name]).fetchone()
    return found[0] if found and isinstance(found[0], dict) else {}


def write(connection: Connection, name: str, content: Mapping[str, Any]) -> None:
    """Replace the note; before the first write to the store, keep nothing."""
    connection.execute(
        "INSERT INTO notes (name, content) SELECT %s, %s::json FROM store WHERE store_id <> '' "
        "ON CONFLICT (name) DO UPDATE SET content = excluded.content",
        [name, orjson.dumps(content).decode()],
    )
