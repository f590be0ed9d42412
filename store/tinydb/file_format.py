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

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

import orjson
from tinydb import TinyDB

Tables = dict[str, dict[str, Any]]

USERS = TinyDB.default_table_name
_HEAD = b'{"%b":{\n' % USERS.encode()
USERS_IN_A_LINE = 100


def read_tables(file: BinaryIO, like: Mapping[str, Any] | None = None) -> Any:
    """Return the value of the JSON text in `file`, however it is laid out.

    Users who are alike among those of `like`, by `match_key`, are the same objects, so that two
    states take little more memory than one. Raises `orjson.JSONDecodeError` with line and column,
    and `OSError`.
    """
    tables = read_lines(file, like)
    if tables is None:
        file.seek(0)
        tables = orjson.loads(file.read())
    return tables


def read_lines(file: BinaryIO, like: Mapping[str, Any] | None = None) -> Tables | None:
    """Return the tables, or None where the text is not laid out as here, or no JSON."""
    if file.read(len(_HEAD)) != _HEAD:
        return None
    users: dict[str, Any] = {}
    try:
        for line in file:
            is_last = not line.endswith(b",\n")
            members = _members(line)
            if not members:
                return None
            if like:
                members = {number: _shared(row, like) for number, row in members.items()}
            users.update(members)
            if is_last:
                break
        rest = file.read()
        others = _others(rest)
    except orjson.JSONDecodeError:
        return None
    if not rest.startswith(b"},") or not others or USERS in others:
        return None
    return {USERS: users, **others}


def _shared(row: Any, like: Mapping[str, Any]) -> Any:
    name = row.get("user_name") if isinstance(row, dict) else None
    other = like.get(name.lower()) if isinstance(name, str) else None
    return other if other == row else row


def is_as_written(tables: Tables, file: BinaryIO) -> bool:
    """Tell whether `file` holds the very text that `as_text` makes of the tables read from it.

    Then nothing was dropped in reading it, such as the first of two members of one name.
    """
    file.seek(0)
    same = all(file.read(len(piece)) == piece for piece in as_text(tables))
    return same and not file.read(1)


def line_offsets(file: BinaryIO) -> list[int] | None:
    """Return where each line of users begins, and last the other tables, or None."""
    file.seek(0)
    if file.read(len(_HEAD)) != _HEAD:
        return None
    offsets = [len(_HEAD)]
    for line in file:
        offsets.append(offsets[-1] + len(line))
        if not line.endswith(b",\n"):
            return offsets
    return None


def read_line(file: BinaryIO, offset: int) -> dict[str, Any]:
    """Return the users of the line that begins there; raises `orjson.JSONDecodeError`."""
    file.seek(offset)
    return _members(file.readline())


def read_others(file: BinaryIO, offset: int) -> Tables:
    """Return the tables after the users, which begin there; raises `orjson.JSONDecodeError`."""
    file.seek(offset)
    return _others(file.read())


def _members(line: bytes) -> dict[str, Any]:
    members: dict[str, Any] = orjson.loads(b"{%b}" % line[: -2 if line.endswith(b",\n") else -1])
    return members


def _others(rest: bytes) -> Tables:
    tables: Tables = orjson.loads(b"{" + rest.removeprefix(b"},"))
    return tables


def as_text(tables: Tables, users_in_a_line: int = USERS_IN_A_LINE) -> Iterator[bytes]:
    """Yield the JSON text of the tables, a few users at a time."""
    others = {name: table for name, table in tables.items() if name != USERS}
    users = iter(tables.get(USERS, {}).items())
    line = dict(islice(users, users_in_a_line))
    if not line or not others:
        yield orjson.dumps(tables)
        return
    yield _HEAD
    while line:
        text = orjson.dumps(line)[1:-1]
        line = dict(islice(users, users_in_a_line))
        yield text + (b",\n" if line else b"\n")
    yield b"}," + orjson.dumps(others)[1:]
