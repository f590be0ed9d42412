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
from store.tinydb.store import TinyDBStore

_NAME, _PASSWORD = "user000007", "correct horse battery staple"
_FLOOR = [sys.executable, "-c", "import bcrypt, httpx"]
_FEW = 100
_ACCEPTED, _REFUSED = 0, 1


def log_on(home: Path, name: str, code: int) -> float:
    """Return the seconds of one log-on, a whole process with its bcrypt check."""
    command = [sys.executable, "-m", "tui.cli", "--store", str(home / STORE), "login", name]
    started = time.perf_counter()
    done = subprocess.run(command, input=_PASSWORD.encode(), capture_output=True)
    seconds = time.perf_counter() - started
    assert done.returncode == code, done.stderr
    return seconds


def log_ons(few: Path, many: Path, users: int, number: int) -> Iterator[Sample]:
    """Measure names of each kind among many users and among few."""
    for kind, name, code in (
        ("a known name", _NAME, _ACCEPTED),
        ("another spelling", _NAME.upper(), _ACCEPTED),
        ("an unknown name", f"nobody{number}", _REFUSED),  # a new one, for the old ones get locked
    ):
        floor, own = log_on(few, name, code), log_on(many, name, code)
        yield Sample(f"{kind} among {users}, of {_FEW}", own, floor, goal="<= 1.3")


def beside_imports(home: Path, stored: str) -> Iterator[Sample]:
    """Measure one accepted log-on, less the bcrypt check that is part of it."""
    whole = log_on(home, _NAME, _ACCEPTED)
    started = time.perf_counter()
    verify_password(_PASSWORD, stored)
    check = time.perf_counter() - started
    started = time.perf_counter()
    subprocess.run(_FLOOR, check=True)
    floor = time.perf_counter() - started
    yield Sample(f"login among {_FEW} users, its imports", whole - check, floor, goal="<= 1.5")


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
        few, many = (make_company(Path(name), count) for count in (_FEW, users))
        stored = _give_password(few)
        _give_password(many)
        for number in range(rounds):
            samples += log_ons(few, many, users, number)
            samples += beside_imports(few, stored)
        samples += imported_screens(few)
    return samples


if __name__ == "__main__":
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))
