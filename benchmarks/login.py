"""What `mailroster login` takes beside the check itself: `python -m benchmarks.login`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.company import STORE, make_company
from benchmarks.samples import Sample, options, report
from store.interface import Batch, Edit
from store.models import INTEGRATED
from store.passwords import hash_password, verify_password
from store.tinydb_store import TinyDBStore

_NAME, _PASSWORD = "user000007", "correct horse battery staple"
_FLOOR = [sys.executable, "-c", "import bcrypt, httpx"]


def log_on(home: Path, users: int, stored: str, goal: str) -> Iterator[Sample]:
    """Measure one accepted log-on, less the bcrypt check that is part of it."""
    command = [sys.executable, "-m", "tui.cli", "--store", str(home / STORE), "login", _NAME]
    started = time.perf_counter()
    subprocess.run(command, check=True, input=_PASSWORD.encode(), stdout=subprocess.DEVNULL)
    whole = time.perf_counter() - started
    started = time.perf_counter()
    verify_password(_PASSWORD, stored)
    check = time.perf_counter() - started
    started = time.perf_counter()
    subprocess.run(_FLOOR, check=True)
    floor = time.perf_counter() - started
    yield Sample(f"login among {users} users", whole - check, floor, goal=goal)


def imported_screens(home: Path) -> Iterator[Sample]:
    """Count the modules of Textual that a log-on imports."""
    command = [sys.executable, "-X", "importtime", "-m", "tui.cli", "--store", str(home / STORE)]
    done = subprocess.run(
        [*command, "login", _NAME], check=True, input=_PASSWORD.encode(), capture_output=True
    )
    yield Sample("login, modules of textual", done.stderr.count(b"textual"), unit="", goal="0")


def _give_password(home: Path) -> str:
    """Give one user a local password and return its hash."""
    store = TinyDBStore(home / STORE)
    before = store.snapshot().find(_NAME)
    assert before
    stored = hash_password(_PASSWORD, _NAME)
    after = replace(before, authentication=INTEGRATED, password_hash=stored)
    store.apply(Batch([Edit.update(before, after)]))
    store.close()
    return stored


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure with few users and with many."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name:
        small, large = (make_company(Path(name), count) for count in (100, users))
        hashes = _give_password(small), _give_password(large)
        for _ in range(rounds):
            samples += log_on(small, 100, hashes[0], "<= 1.5")
            samples += log_on(large, users, hashes[1], "-")
        samples += imported_screens(small)
    return samples


if __name__ == "__main__":
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))
