"""How long a sync takes, and how much memory: `python -m benchmarks.sync`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.company import fresh_copy, make_company
from benchmarks.samples import Sample, job, options, report

_PEERS = {"stock-tinydb": "<= 0.1", "sqlite": "-", "plain-script": "-"}
_GOALS = {100: "<= 1.6", 10: "<= 1.3", 1: "<= 1.2"}  # for what part of the users
_STAGES = ("load", "parse", "plan", "apply", "traces")


def beside_floors(own: Any, home: Path, users: int, goal: str) -> Iterator[Sample]:
    """Compare a sync with its floors."""
    what = f"sync of {users} users"
    bare, traces = (_sync(home, name) for name in ("bare", "same-traces"))
    users_alone = own["seconds"] - own["traces"]
    yield Sample(what, users_alone, bare["seconds"], goal=goal)
    yield Sample(f"  {users} users, processor alone", own["processor"], bare["processor"])
    yield Sample(f"  {users} users, folders and record", own["seconds"], traces["seconds"])


def in_full(own: Any, home: Path, users: int) -> Iterator[Sample]:
    """Tell what is asked of the largest company only: stages, memory, other stores."""
    for stage in _STAGES:
        yield Sample(f"  of which {stage}", own[stage])
    for peer, goal in _PEERS.items():
        theirs = _sync(home, peer)["seconds"]
        what = f"{users} users, by {peer.replace('-', ' ')}"
        yield Sample(what, own["seconds"] - own["traces"], theirs, goal=goal)
    yield Sample("peak memory, of the file's size", own["peak"], own["size"], "MB", "<= 8")
    yield Sample("sync with no change, files but the outcome", own["written"], None, "files", "0")


def _sync(home: Path, name: str) -> Any:
    return job("benchmarks.sync_jobs", name, fresh_copy(home))


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure syncs of a hundredth of the users, a tenth and all."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name:
        for part, goal in _GOALS.items():
            count = users // part
            home = make_company(Path(name), count)
            for _ in range(rounds):
                own = _sync(home, "mailroster")
                samples += beside_floors(own, home, count, goal)
                if count == users:
                    samples += in_full(own, home, count)
    return samples


if __name__ == "__main__":
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))
