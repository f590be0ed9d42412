"""TinyDB's tables as JSON text of which a few users at a time are in memory.

The text is `{"_default":{`, then lines of users, then a line with the other tables:

    {"_default":{
    "1":{...},"2":{...},
    "3":{...}
    },"meta":{...},"settings":{...}}

JSON has no newline within a value written on one line, and what makes an object between braces is
nothing but members. So the lines can be read one by one, and joined they mean what the whole text
means, while the parser's memory stays small enough to be used again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import orjson
from tinydb import TinyDB

Tables = dict[str, dict[str, Any]]

USERS = TinyDB.default_table_name
_HEAD = b'{"%b":{\n' % USERS.encode()
USERS_IN_A_LINE = 100


def read_tables(file: BinaryIO) -> Any:
    """Return the value of the JSON text in `file`, however it is laid out.

    Raises `orjson.JSONDecodeError` with line and column, and `OSError`.
    """
    tables = _read_lines(file)
    if tables is None:
        file.seek(0)
        tables = orjson.loads(file.read())
    return tables


def _read_lines(file: BinaryIO) -> Tables | None:
    """Return the tables, or None where the text is not laid out as here, or no JSON."""
    if file.read(len(_HEAD)) != _HEAD:
        return None
    users: dict[str, Any] = {}
    try:
        for line in file:
            is_last = not line.endswith(b",\n")
            members = orjson.loads(b"{%b}" % line[: -1 if is_last else -2])
            if not members:
                return None
            users.update(members)
            if is_last:
                break
        rest = file.read()
        others = orjson.loads(b"{" + rest.removeprefix(b"},"))
    except orjson.JSONDecodeError:
        return None
    if not rest.startswith(b"},") or not others or USERS in others:
        return None
    return {USERS: users, **others}


def as_text(tables: Tables) -> Iterator[bytes]:
    """Yield the JSON text of the tables, a few users at a time."""
    others = {name: table for name, table in tables.items() if name != USERS}
    users = iter(tables.get(USERS, {}).items())
    line = dict(islice(users, USERS_IN_A_LINE))
    if not line or not others:
        yield orjson.dumps(tables)
        return
    yield _HEAD
    while line:
        text = orjson.dumps(line)[1:-1]
        line = dict(islice(users, USERS_IN_A_LINE))
        yield text + (b",\n" if line else b"\n")
    yield b"}," + orjson.dumps(others)[1:]
