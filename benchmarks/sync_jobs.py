"""One sync, by mailroster or by something simpler: `python -m benchmarks.sync_jobs JOB FOLDER`.

Each job reads the store and the directory's answer, brings the store up to date on the disk, and
prints its time, after imports, and its memory as JSON.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from inspect import isgenerator
from pathlib import Path
from typing import Any

import orjson

from benchmarks.bare_script import FOLLOWED, Row, bare_sync, followed, new_row
from benchmarks.company import ANSWER, COLUMNS, DATABASE, KEY, ROOT, STORE, as_column
from benchmarks.samples import Stopwatch, peak_bytes


def mailroster(home: Path) -> dict[str, float]:
    """Sync as the command does, but with the answer already here; then again, without changes."""
    import sync.planning.planner  # noqa: F401 - `preview` imports it late
    from store.files.archives import Archives
    from store.files.notes import Notes
    from store.tinydb.history_files import HistoryFiles
    from sync.directory.answer import parse_listing
    from sync.runs.apply import apply_plan
    from sync.runs.preview import preview
    from sync.workspace import open_workspace
    from tui.collector import do_without_collector

    traces = _Clock()
    for name in ("create_folders", "is_empty", "remove_folder"):
        traces.watch(Archives, name)
    for name in ("add", "settle"):
        traces.watch(HistoryFiles, name)
    traces.watch(Notes, "write")
    do_without_collector()
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
                answer = method(*arguments)
                return list(answer) if isgenerator(answer) else answer
            finally:
                self._running = False
                self.seconds += watch.times["seconds"]
                self.processor += watch.times["processor"]

        setattr(owner, name, watched)


def _files(home: Path) -> set[tuple[str, int, int]]:
    """Return files and folders with what changes when they are written, but how the sync ended."""
    found = ((path, path.stat()) for path in home.rglob("*") if path.suffix != ".outcome")
    return {(str(path), there.st_ino, there.st_mtime_ns) for path, there in found}


def bare(home: Path) -> dict[str, float]:
    """Sync with orjson and dicts: one durable write, no check of anything."""
    return _timed(lambda: bare_sync(home, (home / ANSWER).read_bytes()))


def same_traces(home: Path) -> dict[str, float]:
    """Sync likewise, and leave what mailroster leaves: folders, a backup, a record, an outcome."""
    return _timed(lambda: bare_sync(home, (home / ANSWER).read_bytes(), with_traces=True))


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
        names = ", ".join(FOLLOWED)
        known = {}
        for row in database.execute(f"SELECT {names} FROM users"):
            values = dict(zip(FOLLOWED, row, strict=True))
            values["email_addresses"] = orjson.loads(values["email_addresses"])
            known[values["user_name"].casefold()] = values
        new, changed, listed = _compared(known, orjson.loads((home / ANSWER).read_bytes()))
        with database:
            database.executemany(
                f"INSERT INTO users VALUES ({', '.join('?' * len(COLUMNS))})",
                ([as_column(row.get(name)) for name in COLUMNS] for row in new),
            )
            database.executemany(
                "UPDATE users SET full_name = ?, distinguished_name = ?, email_addresses = ?"
                "WHERE user_name = ?",
                (
                    [as_column(row[name]) for name in (*list(FOLLOWED)[1:], "user_name")]
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
            new.append(new_row(record))
        elif any(row[name] != record[wire] for name, wire in FOLLOWED.items()):
            changed[key] = followed(record)
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
