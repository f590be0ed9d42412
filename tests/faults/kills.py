"""SIGKILL at random moments: what was acknowledged is there, nothing is half, nothing is left."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from store.errors import StoreError
from store.files.archive_mark import MARK
from sync.workspace import Workspace, open_workspace
from tests.faults.jobs import Job

_WRITTEN_BESIDE = (
    "",
    ".lock",
    ".sync.lock",
    ".change.lock",
    ".backups",
    ".history",
    ".outcome",
    ".outcome.lock",
)


@dataclass
class Tally:
    """What the faults during one job came to.

    `acknowledged` counts steps that were reported as durable, `unacknowledged` those that were
    written but not reported in time, `cut` the faults that left files of a write under way.
    """

    job: str
    times: int = 0
    acknowledged: int = 0
    cut: int = 0
    unacknowledged: int = 0
    failures: list[str] = field(default_factory=list)

    def look(self, job: Job, folder: Path, before: int, acknowledged: int) -> int:
        """Look at the store after a fault, do one more step and look again; return its number.

        What is wrong is added to the failures, and raised.
        """
        self.times += 1
        self.acknowledged += acknowledged - before
        self.cut += bool(_strays(folder))
        try:
            number = _found(job, folder, acknowledged)
            self.unacknowledged += number - acknowledged
            return _written_once_more(job, folder, number)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1].name
            self.failures.append(f"{error!r} ({where})".replace(str(folder), "..."))
            raise


def kill_often(job: Job, count: int, rng: random.Random) -> Tally:
    """Kill a process at this job `count` times, and look at the store after each."""
    tally = Tally(job.name)
    while tally.times < count:
        with TemporaryDirectory(prefix="mailroster-faults-") as made:
            folder = Path(made)
            prepare(job, folder)
            _kill_some(job, folder, min(job.refreshed, count - tally.times), rng, tally)
    return tally


def _kill_some(job: Job, folder: Path, count: int, rng: random.Random, tally: Tally) -> None:
    """Kill up to `count` times in one folder; the first failure ends it."""
    number = 0
    for _ in range(count):
        child, acknowledgement = start(job, folder, number)
        time.sleep(rng.uniform(0, job.seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the process ended by itself"
        try:
            number = tally.look(job, folder, number, acknowledgement())
        except Exception:  # noqa: BLE001 - it is in the tally
            return


def prepare(job: Job, folder: Path) -> None:
    """Make the job's store in `folder`, at step 0."""
    workspace = _open(folder)
    job.prepare(workspace)
    workspace.close()


def start(job: Job, folder: Path, number: int) -> tuple[int, Callable[[], int]]:
    """Start a process that does the steps after `number`, one after the other.

    Return its id once it has opened the store, and what tells, once it ended, the last step that
    it acknowledged.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _do_steps(job, folder, number, writing)
    os.close(writing)
    lines = open(reading)  # noqa: SIM115 - closed by `acknowledgement`
    lines.readline()

    def acknowledgement() -> int:
        with lines:
            return max(map(int, lines), default=number)

    return child, acknowledgement


def _do_steps(job: Job, folder: Path, number: int, told: int) -> NoReturn:
    try:
        workspace = _open(folder)
        workspace.snapshot()
        os.write(told, b"ready\n")
        for step in range(number + 1, sys.maxsize):
            job.step(workspace, step)
            os.write(told, f"{step}\n".encode())
    except StoreError:
        os._exit(2)  # the disk is gone: a power cut
    except BaseException:  # noqa: BLE001 - an error of the job itself
        traceback.print_exc()
    finally:
        os._exit(1)


def _open(folder: Path) -> Workspace:
    return open_workspace(str(folder / "users.json"), folder / "secret.key")


def _found(job: Job, folder: Path, acknowledged: int) -> int:
    """Return the step that the store is at: the acknowledged one, or the one after it."""
    workspace = _open(folder)
    try:
        number = job.steps_done(workspace, acknowledged)
    finally:
        workspace.close()
    assert number >= acknowledged, "an acknowledged step is lost"
    assert number <= acknowledged + 1, "a step that was never done"
    return number


def _written_once_more(job: Job, folder: Path, number: int) -> int:
    """Do one more step, and see that nothing is left of the one that was cut short."""
    workspace = _open(folder)
    try:
        job.step(workspace, number + 1)
        assert job.steps_done(workspace, number + 1) == number + 1
        job.settled(workspace, number + 1)
        listed = {f"{run.id}.json" for run in workspace.store.runs()}
        history = folder / "users.json.history"
        records = {path.name for path in history.glob("*.json")}
        assert records >= listed, "a record is lost"
        assert records == listed, "a stray record"
    finally:
        workspace.close()
    assert not (left := _strays(folder)), f"stray files: {left}"
    return number + 1


def _strays(folder: Path) -> list[str]:
    """Return what only a write that is under way has a use for."""
    beside = {f"users.json{ending}" for ending in _WRITTEN_BESIDE} | {
        "archive",
        "secret.key",
        "copies",
    }
    there = (item.name for item in folder.iterdir() if not item.name.endswith(".aside"))
    found = [name for name in there if name not in beside]
    archive = folder / "archive"
    if archive.exists():
        found += [
            item.name
            for item in archive.iterdir()
            if item.is_symlink() or (item.name.startswith(".") and item.name != MARK)
        ]
    return found
