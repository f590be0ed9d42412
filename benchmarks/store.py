"""How long the store takes to open, to change and to find a user: `python -m benchmarks.store`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from benchmarks.company import KEY, STORE, make_company
from benchmarks.samples import Sample, Stopwatch, durable_write, job, options, report
from store.collector import collector_paused
from store.interface import Batch, Edit
from sync.workspace import open_workspace

_FINDS = 100_000


def opened(home: Path) -> dict[str, float]:
    """Open the store and index its users, as every command does first."""
    watch = Stopwatch()
    workspace = open_workspace(str(home / STORE), home / KEY)
    workspace.snapshot()
    return watch.times


def parsed(home: Path) -> dict[str, float]:
    """Only parse the file, without the garbage collector."""
    with collector_paused():
        watch = Stopwatch()
        tables = orjson.loads((home / STORE).read_bytes())
        assert tables
        return watch.times


def changed(home: Path) -> dict[str, dict[str, float]]:
    """Change one user durably, and write the same data with nothing else, a few times each."""
    workspace = open_workspace(str(home / STORE), home / KEY)
    with collector_paused():
        tables = orjson.loads((home / STORE).read_bytes())
    own, floor = [], []
    for number in range(4):
        before = workspace.snapshot().find("user000007")
        assert before
        after = replace(before, full_name=f"Changed {number}")
        watch = Stopwatch()
        workspace.store.apply(Batch([Edit.update(before, after)]))
        own.append(watch.times)
        watch = Stopwatch()
        durable_write(home / "floor.json", orjson.dumps(tables))
        floor.append(watch.times)
    return {"own": _least(own), "floor": _least(floor)}


def _least(times: list[dict[str, float]]) -> dict[str, float]:
    return {name: min(one[name] for one in times) for name in times[0]}


def found(home: Path) -> dict[str, float]:
    """Find users by their names, spread over all."""
    snapshot = open_workspace(str(home / STORE), home / KEY).snapshot()
    users = len(snapshot.users) - 1
    names = [f"USER{number * 7919 % users:06}" for number in range(_FINDS)]
    watch = Stopwatch()
    for name in names:
        snapshot.find(name)
    return {name: value / _FINDS for name, value in watch.times.items()}


def rows(small: Path, large: Path) -> Iterator[Sample]:
    """Measure everything once."""
    own, floor = _in_a_process("opened", large), _in_a_process("parsed", large)
    yield from _both("open and index", own, floor, "<= 1.25")
    change = _in_a_process("changed", large)
    yield from _both("change one user", change["own"], change["floor"], "<= 1.15")
    own, floor = _in_a_process("found", large), _in_a_process("found", small)
    yield from _both("find, among 1/100 of users", own, floor, "<= 2")


def _both(what: str, own: dict[str, float], floor: dict[str, float], goal: str) -> Iterator[Sample]:
    yield Sample(what, own["seconds"], floor["seconds"], goal=goal)
    yield Sample(f"  {what}, processor", own["processor"], floor["processor"])


def _in_a_process(name: str, home: Path) -> Any:
    return job("benchmarks.store", name, home)


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure so many rounds."""
    with tempfile.TemporaryDirectory() as name:
        small, large = (make_company(Path(name), count) for count in (users // 100, users))
        return [sample for _ in range(rounds) for sample in rows(small, large)]


JOBS = {run.__name__: run for run in (opened, parsed, changed, found)}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in JOBS:
        print(orjson.dumps(JOBS[sys.argv[1]](Path(sys.argv[2]))).decode())
    else:
        chosen = options(__doc__)
        print("\n".join(report(measure(chosen.users, chosen.rounds))))
