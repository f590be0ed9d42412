"""Figures of subjects and floors, each measured in a process of its own, and the table of them."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import orjson

Result = TypeVar("Result")


class Sample(NamedTuple):
    """One figure of one round; `floor` is None where the goal is absolute."""

    what: str
    value: float
    floor: float | None = None
    unit: str = "s"
    goal: str = "-"


def job(module: str, *arguments: str | Path | int) -> Any:
    """Run `python -m module arguments` and return the JSON that it prints.

    What earlier jobs wrote goes to the disk first, so that nobody waits for another's bytes.
    """
    os.sync()
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return orjson.loads(done.stdout)


class Used(NamedTuple):
    """What a process took: `seconds` on the clock, `processor` of them at work, `peak` bytes."""

    seconds: float
    processor: float
    peak: int


def used(*words: str | Path) -> Used:
    """Run Python with these words and return what that took; its output goes nowhere.

    Start it from a small process: the most memory of a child begins with its parent's.
    """
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    seconds = time.perf_counter() - started
    return Used(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def apart(function: Callable[..., Result], *arguments: object) -> Result:
    """Return what the function returns in a process of its own, so that this one stays small."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


class Stopwatch:
    """Time since it was made: `seconds` on the clock, `processor` of them at work."""

    def __init__(self) -> None:
        self._started, self._worked = time.perf_counter(), time.process_time()

    @property
    def times(self) -> dict[str, float]:
        """Both times so far."""
        return {
            "seconds": time.perf_counter() - self._started,
            "processor": time.process_time() - self._worked,
        }


def peak_bytes() -> int:
    """Return the most memory that this process ever held (VmHWM of proc_pid_status(5))."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def durable_write(path: Path, data: bytes, *, named: bool = True) -> None:
    """Replace `path` durably, its name too if `named`, and do nothing else."""
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if not named:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def report(samples: Sequence[Sample]) -> Iterator[str]:
    """Yield a line per figure: the least value, the least floor, their ratio, the goal."""
    yield f"{'what':36}{'least':>12}{'floor':>12}{'ratio':>8}  goal"
    for what in dict.fromkeys(sample.what for sample in samples):
        same = [sample for sample in samples if sample.what == what]
        unit, value = same[0].unit, min(sample.value for sample in same)
        floors = [sample.floor for sample in same if sample.floor is not None]
        floor = _shown(min(floors), unit) if floors else ""
        ratio = f"{value / min(floors):.2f}" if floors else ""
        yield f"{what:36}{_shown(value, unit):>12}{floor:>12}{ratio:>8}  {same[0].goal}"


def _shown(value: float, unit: str) -> str:
    if unit == "s":
        if value < 0.001:
            return f"{value * 1e6:.3g} µs"
        return f"{value:.3f} s" if value >= 0.1 else f"{value * 1000:.3g} ms"
    if unit == "MB":
        return f"{value / 1e6:.1f} MB"
    return f"{value:.4g} {unit}".rstrip()


def options(description: str | None) -> argparse.Namespace:
    """Read `--users` and `--rounds` from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()
