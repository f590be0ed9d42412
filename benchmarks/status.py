"""What `mailroster status` takes among many users: `python -m benchmarks.status`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from benchmarks.company import ROOT, STORE, make_company
from benchmarks.samples import Sample, options, report
from store.interface import Batch, Edit
from store.tinydb.store import TinyDBStore

_FEW = 100
_GOAL = "<= 1.5"


def status(home: Path) -> tuple[float, float]:
    """Return the seconds of one status, a whole process, on the clock and of the processor."""
    command = [sys.executable, "-m", "tui.cli", "--store", str(home / STORE), "status", "--json"]
    started, worked = time.perf_counter(), _worked()
    done = subprocess.run(command, capture_output=True)
    seconds, processor = time.perf_counter() - started, _worked() - worked
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds, processor


def statuses(few: Path, many: Path, users: int) -> Iterator[Sample]:
    """Measure the first one after a change, which reads all users, and the next."""
    for what, goal in (("the first after a change", "-"), ("status", _GOAL)):
        if goal == "-":
            _change(few)
            _change(many)
        floor, own = status(few), status(many)
        named = f"{what} among {users}, of {_FEW}"
        yield Sample(named, own[0], floor[0], goal=goal)
        yield Sample(f"  {what}, processor", own[1], floor[1], goal=goal)


def _change(home: Path) -> None:
    store = TinyDBStore(home / STORE)
    before = store.snapshot().find(ROOT)
    assert before
    after = replace(before, full_name=f"root {time.time_ns()}")
    store.apply(Batch([Edit.update(before, after)]))
    store.close()


def _worked() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure with few users and with many."""
    with tempfile.TemporaryDirectory() as name:
        few, many = (make_company(Path(name), count) for count in (_FEW, users))
        return [sample for _ in range(rounds) for sample in statuses(few, many, users)]


if __name__ == "__main__":
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))
