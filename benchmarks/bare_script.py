"""A sync with orjson and dicts that checks nothing: `python -m benchmarks.bare_script FOLDER`.

It asks the directory that the store's settings name, and imports no more than that takes.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson

from benchmarks.samples import durable_write

Row = dict[str, Any]
FOLLOWED = {
    "user_name": "userName",
    "full_name": "fullName",
    "distinguished_name": "distinguishedName",
    "email_addresses": "emailAddresses",
}
_NOW = "2026-01-01T00:00:00+00:00"


def bare_sync(home: Path, listing: bytes, *, with_traces: bool = False) -> object:
    """Bring the store up to date with that answer; return what must not be freed yet."""
    gc.disable()
    tables = orjson.loads((home / "users.json").read_bytes())
    table = tables.setdefault("_default", {})
    known = {row["user_name"].casefold(): doc_id for doc_id, row in table.items()}
    next_id = len(table) + 1
    record: list[tuple[Row | None, Row | None]] = []
    answer = orjson.loads(listing)
    for listed in answer:
        doc_id = known.pop(listed["userName"].casefold(), None)
        if doc_id is None:
            table[str(next_id)] = new = new_row(listed)
            next_id += 1
            record.append((None, new))
            continue
        row = table[doc_id]
        if (
            row["user_name"] != listed["userName"]
            or row["full_name"] != listed["fullName"]
            or row["distinguished_name"] != listed["distinguishedName"]
            or row["email_addresses"] != listed["emailAddresses"]
        ):
            table[doc_id] = {**row, **followed(listed)}
            record.append((row, table[doc_id]))
    for doc_id in known.values():
        if table[doc_id]["authentication"] == "directory_services":
            record.append((table.pop(doc_id), None))
    if with_traces:
        _leave_traces(home, record)
    durable_write(home / "users.json", orjson.dumps(tables))
    if with_traces:
        _remove_archives(home, record)
        durable_write(home / "outcome.json", orjson.dumps({"ended": _NOW}), named=False)
    return tables, known, answer, record


def _leave_traces(home: Path, record: list[tuple[Row | None, Row | None]]) -> None:
    durable_write(home / "outcome.json", orjson.dumps({"began": _NOW}), named=False)
    os.makedirs(home / "archive", 0o700, exist_ok=True)
    for old, new in record:
        if new and not old:
            for part in ("", "tmp", "new", "cur"):
                os.mkdir(f"{home}/archive/{new['user_name']}/{part}", 0o700)
    durable_write(home / "record.json", orjson.dumps(record))
    os.link(home / "users.json", home / "backup.json")


def _remove_archives(home: Path, record: list[tuple[Row | None, Row | None]]) -> None:
    for old, new in record:
        if old and not new:
            for part in ("tmp", "new", "cur", ""):
                os.rmdir(f"{home}/archive/{old['user_name']}/{part}")


def new_row(listed: Row) -> Row:
    """Return the row of a new user."""
    return {
        **followed(listed),
        "authentication": "directory_services",
        "privileges": ["login"],
        "folder_privileges": {listed["userName"]: ["read"]},
        "password_hash": None,
        "created": _NOW,
        "changed": _NOW,
        "rev": 2,
        "pinned": False,
    }


def followed(listed: Row) -> Row:
    """Return the fields that follow the directory."""
    return {name: listed[wire] for name, wire in FOLLOWED.items()}


def main(home: Path) -> None:
    """Ask, and write users, folders, a record and a backup."""
    settings = orjson.loads((home / "users.json").read_bytes())["settings"]["1"]
    with urlopen(settings["url"], b"cmd=list") as answer:
        bare_sync(home, answer.read(), with_traces=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # what was read is not freed one by one
