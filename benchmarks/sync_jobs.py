"""One sync, by mailroster or by something simpler: `python -m benchmarks.sync_jobs JOB FOLDER`.

Each job reads the store and the directory's answer, brings the store up to date on the disk, and
prints its time, after imports, and its memory as JSON.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from benchmarks.company import ANSWER, COLUMNS, DATABASE, KEY, ROOT, STORE, as_column
from benchmarks.samples import Stopwatch, durable_write, peak_bytes

Row = dict[str, Any]
_FOLLOWED = {
    "user_name": "userName",
    "full_name": "fullName",
    "distinguished_name": "distinguishedName",
    "email_addresses": "emailAddresses",
}
_NOW = "2026-01-01T00:00:00+00:00"


def mailroster(home: Path) -> dict[str, float]:
    """Sync as the command does, but with the answer already here; then again, without changes."""
    import sync.planning.planner  # noqa: F401 - `preview` imports it late
    from store.archives import Archives
    from store.collector import collector_paused
    from store.history_files import HistoryFiles
    from sync.directory.answer import parse_listing
    from sync.planning.preview import preview
    from sync.runs.apply import apply_plan
    from sync.workspace import open_workspace

    traces = _Clock()
    for name in ("create", "is_kept", "remove_if_empty"):
        traces.watch(Archives, name)
    traces.watch(HistoryFiles, "write")
    with collector_paused():
        watch, laps = Stopwatch(), [time.perf_counter()]
        workspace = open_workspace(str(home / STORE), home / KEY)
        settings = workspace.snapshot().settings
        laps.append(time.perf_counter())
        listing = parse_listing((home / ANSWER).read_bytes(), settings)
        laps.append(time.perf_counter())
        plan = preview(workspace, listing)
        laps.append(time.perf_counter())
        deletes = plan.counts["delete"]
        result = apply_plan(workspace, plan, allow_deletes=deletes)
        laps.append(time.perf_counter())
        whole = watch.times
    assert len(result.applied) == 3 * deletes > 0, plan.counts
    peak, spent, processor = peak_bytes(), traces.seconds, traces.processor
    before = _files(home)
    again = parse_listing((home / ANSWER).read_bytes(), settings)
    apply_plan(workspace, preview(workspace, again))
    names = ("load", "parse", "plan", "apply")
    stages = {name: end - start for name, start, end in zip(names, laps, laps[1:], strict=False)}
    return {
        **stages,
        "traces": spent,
        "seconds": whole["seconds"],
        "processor": whole["processor"] - processor,
        "peak": peak,
        "size": (home / STORE).stat().st_size,
        "written": len(_files(home) ^ before),
    }


class _Clock:
    """Adds up the time in the methods that it watches, whichever of them is called first."""

    def __init__(self) -> None:
        self.seconds = self.processor = 0.0
        self._running = False

    def watch(self, owner: type, name: str) -> None:
        """Have the calls of a method counted."""
        method = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            if self._running:
                return method(*arguments)
            self._running, watch = True, Stopwatch()
            try:
                return method(*arguments)
            finally:
                self._running = False
                self.seconds += watch.times["seconds"]
                self.processor += watch.times["processor"]

        setattr(owner, name, watched)


def _files(home: Path) -> set[tuple[str, int, int]]:
    """Return all files and folders with what changes when they are written."""
    found = ((path, path.stat()) for path in home.rglob("*"))
    return {(str(path), there.st_ino, there.st_mtime_ns) for path, there in found}


def bare(home: Path) -> dict[str, float]:
    """Sync with orjson and dicts: one durable write, no check of anything."""
    return _timed(lambda: _bare(home, with_traces=False))


def same_traces(home: Path) -> dict[str, float]:
    """Sync likewise, and leave what mailroster leaves: archive folders, a backup, a record."""
    return _timed(lambda: _bare(home, with_traces=True))


def _bare(home: Path, *, with_traces: bool) -> object:
    gc.disable()
    tables = orjson.loads((home / STORE).read_bytes())
    table = tables["_default"]
    known = {row["user_name"].casefold(): doc_id for doc_id, row in table.items()}
    next_id = len(table) + 1
    record: list[tuple[Row | None, Row | None]] = []
    answer = orjson.loads((home / ANSWER).read_bytes())
    for listed in answer:
        doc_id = known.pop(listed["userName"].casefold(), None)
        if doc_id is None:
            table[str(next_id)] = new = _new_row(listed)
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
            table[doc_id] = {**row, **_followed(listed)}
            record.append((row, table[doc_id]))
    for doc_id in known.values():
        if table[doc_id]["authentication"] == "directory_services":
            record.append((table.pop(doc_id), None))
    if with_traces:
        _leave_traces(home, record)
    durable_write(home / STORE, orjson.dumps(tables))
    if with_traces:
        _remove_archives(home, record)
    return tables, known, answer, record


def _leave_traces(home: Path, record: list[tuple[Row | None, Row | None]]) -> None:
    for old, new in record:
        if new and not old:
            for part in ("", "tmp", "new", "cur"):
                os.mkdir(f"{home}/archive/{new['user_name']}/{part}", 0o700)
    durable_write(home / "record.json", orjson.dumps(record))
    os.link(home / STORE, home / "backup.json")


def _remove_archives(home: Path, record: list[tuple[Row | None, Row | None]]) -> None:
    for old, new in record:
        if old and not new:
            for part in ("tmp", "new", "cur", ""):
                os.rmdir(f"{home}/archive/{old['user_name']}/{part}")


def _new_row(listed: Row) -> Row:
    return {
        **_followed(listed),
        "authentication": "directory_services",
        "privileges": ["login"],
        "folder_privileges": {listed["userName"]: ["read"]},
        "password_hash": None,
        "created": _NOW,
        "changed": _NOW,
        "rev": 2,
        "pinned": False,
    }


def _followed(listed: Row) -> Row:
    return {name: listed[wire] for name, wire in _FOLLOWED.items()}


def stock_tinydb(home: Path) -> dict[str, float]:
    """Sync with TinyDB as it comes, by one call each for all new, all changed and all gone."""
    from tinydb import TinyDB

    def run() -> object:
        import json

        with TinyDB(home / STORE) as database:
            known = {document["user_name"].casefold(): document for document in database.all()}
            new, changed, listed = _compared(known, json.loads((home / ANSWER).read_text()))
            database.insert_multiple(new)
            database.update(
                lambda row: row.update(changed[row["user_name"].casefold()]),
                lambda row: row["user_name"].casefold() in changed,
            )
            database.remove(
                doc_ids=[known[key].doc_id for key in known.keys() - listed if key != ROOT]
            )
        return known, new, changed

    return _timed(run)


def sqlite(home: Path) -> dict[str, float]:
    """Sync with sqlite3 in one durable transaction."""

    def run() -> object:
        database = sqlite3.connect(home / DATABASE)
        names = ", ".join(_FOLLOWED)
        known = {}
        for row in database.execute(f"SELECT {names} FROM users"):
            values = dict(zip(_FOLLOWED, row, strict=True))
            values["email_addresses"] = orjson.loads(values["email_addresses"])
            known[values["user_name"].casefold()] = values
        new, changed, listed = _compared(known, orjson.loads((home / ANSWER).read_bytes()))
        with database:
            database.executemany(
                f"INSERT INTO users VALUES ({', '.join('?' * len(COLUMNS))})",
                ([as_column(row[name]) for name in COLUMNS] for row in new),
            )
            database.executemany(
                "UPDATE users SET full_name = ?, distinguished_name = ?, email_addresses = ?"
                "WHERE user_name = ?",
                (
                    [as_column(row[name]) for name in (*list(_FOLLOWED)[1:], "user_name")]
                    for row in changed.values()
                ),
            )
            gone = [(known[key]["user_name"],) for key in known.keys() - listed if key != ROOT]
            database.executemany("DELETE FROM users WHERE user_name = ?", gone)
        database.close()
        return known, new, changed

    return _timed(run)


def plain_script(home: Path) -> dict[str, float]:
    """Sync as a short script would: the standard library, and the file overwritten in place."""

    def run() -> object:
        import json

        with open(home / STORE) as file:
            tables = json.load(file)
        table = tables["_default"]
        ids = {row["user_name"].lower(): doc_id for doc_id, row in table.items()}
        known = {key: table[doc_id] for key, doc_id in ids.items()}
        with open(home / ANSWER) as file:
            new, changed, listed = _compared(known, json.load(file))
        for key, values in changed.items():
            known[key].update(values)
        for key in known.keys() - listed:
            if key != ROOT:
                del table[ids[key]]
        for number, row in enumerate(new, len(known) + 1):
            table[str(number)] = row
        with open(home / STORE, "w") as file:
            json.dump(tables, file)
        return tables, known, new, changed

    return _timed(run)


def _compared(
    known: dict[str, Any], answer: list[Row]
) -> tuple[list[Row], dict[str, Row], set[str]]:
    """Return the rows of the new, the values of the changed, and the keys of all listed."""
    new, changed, listed = [], {}, set()
    for record in answer:
        key = record["userName"].casefold()
        listed.add(key)
        row = known.get(key)
        if row is None:
            new.append(_new_row(record))
        elif any(row[name] != record[wire] for name, wire in _FOLLOWED.items()):
            changed[key] = _followed(record)
    return new, changed, listed


def _timed(run: Callable[[], object]) -> dict[str, float]:
    """Time the run; what it returns is given back to the system after that, as a process does."""
    watch = Stopwatch()
    kept = run()
    times = watch.times
    del kept
    return {**times, "peak": peak_bytes()}


JOBS = {
    name.replace("_", "-"): run
    for name, run in (
        ("mailroster", mailroster),
        ("bare", bare),
        ("same_traces", same_traces),
        ("stock_tinydb", stock_tinydb),
        ("sqlite", sqlite),
        ("plain_script", plain_script),
    )
}

if __name__ == "__main__":
    print(orjson.dumps(JOBS[sys.argv[1]](Path(sys.argv[2]))).decode())
