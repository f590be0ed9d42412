"""How long the store takes to open, to change and to find a user: `python -m benchmarks.store`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson

from benchmarks.company import KEY, STORE, make_company
from benchmarks.samples import Sample, Stopwatch, durable_write, job, options, report
from sync.runs.by_hand import add_administrator, edit_user
from sync.workspace import open_workspace
from tui.collector import do_without_collector

_FINDS = 100_000
_RUNS = 10_000


def opened(home: Path) -> dict[str, float]:
    """Open the store and index its users, as every command does first."""
    watch = Stopwatch()
    workspace = open_workspace(str(home / STORE), home / KEY)
    workspace.snapshot()
    return watch.times


def parsed(home: Path) -> dict[str, float]:
    """Only parse the file."""
    watch = Stopwatch()
    tables = orjson.loads((home / STORE).read_bytes())
    assert tables
    return watch.times


def changed(home: Path) -> dict[str, dict[str, float]]:
    """Change one user durably, with the record, and write the same two files with nothing else."""
    workspace = open_workspace(str(home / STORE), home / KEY)
    tables = orjson.loads((home / STORE).read_bytes())
    own, floor = [], []
    for number in range(4):
        before = workspace.snapshot().find("user000007")
        assert before
        after = replace(before, full_name=f"Changed {number}")
        watch = Stopwatch()
        edit_user(workspace, before, after)
        own.append(watch.times)
        run = workspace.store.run(workspace.snapshot().history.runs[-1].id)
        watch = Stopwatch()
        durable_write(home / "floor-record.json", orjson.dumps(asdict(run)))
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


def rows(small: Path, large: Path, short: Path, long: Path) -> Iterator[Sample]:
    """Measure everything once."""
    own, floor = _in_a_process("opened", large), _in_a_process("parsed", large)
    yield from _both("open and index", own, floor, "<= 1.25")
    change = _in_a_process("changed", large)
    yield from _both("change one user", change["own"], change["floor"], "<= 1.15")
    own, floor = _in_a_process("found", large), _in_a_process("found", small)
    yield from _both("find, among 1/100 of users", own, floor, "<= 2")
    what = f"history list of {_RUNS} runs, of 10"
    yield from _both(what, listed(long), listed(short), "<= 1.3")


def make_history(home: Path, runs: int) -> Path:
    """Make a store with so many runs by hand, for once without waiting for the disk."""
    home.mkdir()
    workspace = open_workspace(str(home / STORE), home / KEY)
    with patch("os.fsync"):
        add_administrator(workspace, "root", "correct horse battery staple")
        for number in range(runs - 1):
            root = workspace.snapshot().find("root")
            assert root
            edit_user(workspace, root, replace(root, full_name=f"Root {number}"))
    return home


def listed(home: Path) -> dict[str, float]:
    """List the history, as a whole process."""
    command = [sys.executable, "-m", "tui.cli", "--store", str(home / STORE), "history", "list"]
    before, watch = os.times().children_user, Stopwatch()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {**watch.times, "processor": os.times().children_user - before}


def _both(what: str, own: dict[str, float], floor: dict[str, float], goal: str) -> Iterator[Sample]:
    yield Sample(what, own["seconds"], floor["seconds"], goal=goal)
    yield Sample(f"  {what}, processor", own["processor"], floor["processor"])


def _in_a_process(name: str, home: Path) -> Any:
    return job("benchmarks.store", name, home)


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure so many rounds."""
    with tempfile.TemporaryDirectory() as name:
        small, large = (make_company(Path(name), count) for count in (users // 100, users))
        short, long = (make_history(Path(name, f"{runs} runs"), runs) for runs in (10, _RUNS))
        return [sample for _ in range(rounds) for sample in rows(small, large, short, long)]


JOBS = {run.__name__: run for run in (opened, parsed, changed, found)}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in JOBS:
        do_without_collector()
        print(orjson.dumps(JOBS[sys.argv[1]](Path(sys.argv[2]))).decode())
    else:
        chosen = options(__doc__)
        print("\n".join(report(measure(chosen.users, chosen.rounds))))
