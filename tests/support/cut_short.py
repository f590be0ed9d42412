"""A job on a store and its archive, cut short before each of its steps on the disk in turn.

Run as a program: for each step the folder with the store is copied, and a process of its own does
the job on the copy. Before that step it is killed, or the archive's disk is unmounted below it: the
archive is away, and an empty folder is in its place. The last copy is of a job that ran through.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import store.passwords
from store.locations import ARCHIVE_VARIABLE

Harm = Literal["kill", "unmount"]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
STEPS = ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "open")
MOST_STEPS = 400  # of which no job has as many; a job without an end is a fault


def cases(job: str, office: Path, harm: Harm) -> Iterator[Path]:
    """Yield the copies of the folder `office`, one for each step that `job` was cut short at.

    `job` is the dotted name of a function that takes the path of the store.
    """
    command = [sys.executable, "-m", __name__, job, str(office), harm]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.split():
        yield Path(line)


def unmount(archive: Path) -> None:
    """Take the archive away and leave an empty folder in its place."""
    archive.rename(away(archive))
    archive.mkdir()


def mount(archive: Path) -> None:
    """Put it back; what was written in its place must be no more than empty folders."""
    if not away(archive).exists():
        return
    assert not (files := [path for path in archive.rglob("*") if path.is_file()]), files
    shutil.rmtree(archive)
    away(archive).rename(archive)


def away(archive: Path) -> Path:
    """Return where the archive is while it is not mounted."""
    return archive.with_name(f"{archive.name}.away")


class _Steps:
    """Counts what is written below a folder, and does the harm before one of the steps."""

    def __init__(self, below: Path, at: int, harm: Harm) -> None:
        self._below, self._left, self._harm = str(below), at, harm

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in STEPS or self._left <= 0 or not self._is_write(event, arguments):
            return
        self._left -= 1
        if self._left:
            return
        if self._harm == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            unmount(Path(self._below, "archive"))

    def _is_write(self, event: str, arguments: tuple[object, ...]) -> bool:
        path, flags = str(arguments[0]), arguments[2] if event == "open" else WRITES
        is_here = path.startswith(self._below) or not os.path.isabs(path)
        return is_here and isinstance(flags, int) and bool(flags & WRITES)

    @property
    def reached(self) -> bool:
        return self._left <= 0


def _main(job: str, office: Path, harm: Harm) -> None:
    store.passwords.COST = 4
    module, _, name = job.rpartition(".")
    __import__(module)
    run = getattr(sys.modules[module], name)
    for step in range(1, MOST_STEPS):
        copy = office.with_name(f"{office.name}-{harm}-{step}")
        shutil.copytree(office, copy, copy_function=shutil.copy2, symlinks=True)
        os.environ[ARCHIVE_VARIABLE] = str(copy / "archive")
        print(copy, flush=True)
        child = os.fork()
        if not child:
            steps = _Steps(copy, step, harm)
            sys.addaudithook(steps)
            try:
                run(copy / "users.json")
            finally:
                os._exit(0 if steps.reached else 9)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9:
            return
    raise AssertionError(f"{job} has no end")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])  # type: ignore[arg-type]
