"""Time and memory of `store check` and `store restore`: `python -m benchmarks.upkeep`.

The store has ten backups. The floor is a process that parses the file once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from benchmarks.company import KEY, STORE, make_company
from benchmarks.samples import Sample, apart, options, report, used
from store.interface import Batch, Edit
from store.models import User
from store.tinydb.backups import KEPT_NEWEST, list_backups
from sync.workspace import open_workspace

_FLOOR = "import sys, gc, orjson; gc.disable(); orjson.loads(open(sys.argv[1], 'rb').read())"
_CHANGED = 100  # users who differ between the state of now and the oldest backup, one in so many


def make_backups(home: Path) -> None:
    """Write the store ten times, so that it has ten backups; the first write touches many users."""
    workspace = open_workspace(str(home / STORE), home / KEY)
    with patch("os.fsync"):
        for number in range(KEPT_NEWEST):
            rows = list(workspace.snapshot().users.values())[1 :: _CHANGED if not number else 10**6]
            edits = []
            for row in rows:
                before = User.from_row(row)
                after = User.from_row({**row, "full_name": f"Changed {number}"})
                edits.append(Edit.update(before, after))
            workspace.store.apply(Batch(edits))
    workspace.close()
    assert len(list_backups(home / STORE)) == KEPT_NEWEST


def rows(home: Path) -> Iterator[Sample]:
    """Measure everything once."""
    size = (home / STORE).stat().st_size
    floor = used("-c", _FLOOR, home / STORE)
    oldest = list_backups(home / STORE)[-1].name
    for what, words in {
        "store check": ["store", "check"],
        "store restore": ["store", "restore", oldest, "--yes"],
    }.items():
        copy = home.with_name("copy")
        shutil.copytree(home, copy)
        own = used("-m", "tui.cli", "--store", copy / STORE, *words)
        shutil.rmtree(copy)
        yield Sample(what, own.seconds, floor.seconds, goal="<= 20")
        yield Sample(f"  {what}, processor", own.processor, floor.processor)
        yield Sample(f"  {what}, memory", own.peak, size, "MB", "<= 9")


def _company(folder: Path, users: int) -> Path:
    home = make_company(folder, users)
    make_backups(home)
    return home


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure so many rounds."""
    with tempfile.TemporaryDirectory() as name:
        home = apart(_company, Path(name), users)
        return [sample for _ in range(rounds) for sample in rows(home)]


if __name__ == "__main__":
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))
