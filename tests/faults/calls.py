"""Each call to the system that an operation makes fails: once, for good, short, or kills.

What fails is said by `calls.c`, which the system's compiler makes into a library that is loaded
before all others. Afterwards the store is in the state before or after the operation, what was
acknowledged is there, what is said is true, and the next write puts everything right.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import io
import mmap
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from store.errors import StoreError
from tests.faults import operations
from tests.faults.controls import CONTROLS
from tests.faults.jobs import cheap_passwords
from tests.faults.operations import OPERATIONS, Operation

_SOURCE = Path(__file__).with_name("calls.c")
_ROOM, _NAME = 4096, 16  # calls, bytes of a name, as in calls.c
_SECONDS = 60
_HOW = {"once": 1, "for good": 2, "short": 3, "killed before": 4, "killed after": 5}
_CHANGING = {"open", "write", "fsync", "truncate", "fchmod", "fchown", "utime", "mkdir", "rmdir",
             "unlink", "rename", "link", "chmod"}  # fmt: skip
_NOTHING = re.compile(
    "Nothing was (written|changed|counted)|No user (and no setting )?was changed"
    "|The previous state is whole|It is as it was|was left as it (is|was)"
)
_SOMETHING = re.compile(
    "was written, but|The new state is in place|The store was written meanwhile"
)
_NEXT = ("users", "edit", "bert", "--full-name", "Next")


class Done(NamedTuple):
    """How a process ended (`code` is negative for a signal), and what it said."""

    code: int
    out: str
    err: str


def why_not() -> str | None:
    """Return why this machine cannot do it, or None."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    return None if shutil.which("cc") else "there is no C compiler (cc)"


def campaign(count: int, seed: int, control: str | None) -> int:
    """Try so many failures in a process that has the library loaded; return its exit code."""
    with TemporaryDirectory(prefix="mailroster-shim-") as made:
        library = Path(made, "calls.so")
        build = ["cc", "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(_SOURCE), "-ldl"]
        subprocess.run(build, check=True)
        words = [str(count), str(seed), *(["--control", control] if control else [])]
        command = [sys.executable, "-m", "tests.faults.calls", *words]
        environment = {**os.environ, "LD_PRELOAD": str(library)}
        return subprocess.run(command, check=False, env=environment).returncode


class Calls:
    """Runs operations in processes of their own, forked from this one, with one call failing."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _ROOM * _NAME)
        self._arm = ctypes.CDLL(None).fault_arm
        self._arm.argtypes = [
            ctypes.c_char_p, ctypes.c_void_p, ctypes.c_long, ctypes.c_long, ctypes.c_int,
            ctypes.c_int,
        ]  # fmt: skip

    def names(self) -> list[str]:
        """Return the names of the calls of the last process, in their order."""
        data = bytes(self._shared).split(b"\0" * _NAME, 1)[0]
        cells = (data[at : at + _NAME] for at in range(0, len(data), _NAME))
        return [cell.rstrip(b"\0").decode() for cell in cells]

    def run(
        self, operation: Operation, folder: Path, at: int = 0, how: int = 0, error: int = errno.EIO
    ) -> Done:
        """Run the operation on the store in `folder`; call `at` fails that way."""
        self._shared[:] = bytes(len(self._shared))
        with TemporaryDirectory(prefix="mailroster-said-") as made:
            said = Path(made)
            (said / "in").write_text(operation.stdin)
            run = "" if callable(operation.run) else operations.last_run(folder)
            child = os.fork()
            if not child:
                code = 99
                with contextlib.suppress(BaseException):
                    for file, (name, flags) in enumerate(_STREAMS):
                        os.dup2(os.open(said / name, flags, 0o600), file)
                    room = ctypes.addressof(ctypes.c_char.from_buffer(self._shared))
                    self._arm(str(folder).encode(), room, _ROOM, at, how, error)
                    code = _in_the_child(operation, folder, run)
                os._exit(code)
            _, status = os.waitpid(child, 0)
            out, err = ((said / name).read_text() for name in ("out", "err"))
        return Done(os.waitstatus_to_exitcode(status), out, err)


_STREAMS = (
    ("in", os.O_RDONLY),
    ("out", os.O_WRONLY | os.O_CREAT),
    ("err", os.O_WRONLY | os.O_CREAT),
)


def _in_the_child(operation: Operation, folder: Path, run: str) -> int:
    signal.alarm(_SECONDS)
    os.environ.update(HOME=str(folder / "home"), XDG_CONFIG_HOME=str(folder / "config"))
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(file, mode), encoding="utf-8", write_through=True)
        for file, mode in enumerate(("rb", "wb", "wb"))
    )
    if callable(operation.run):
        code, text = operation.run(folder)
        print(text, file=sys.stderr, flush=True)
        return code
    from tui.cli import main

    words = [word.format(folder=folder, run=run) for word in operation.run]
    sys.argv = ["mailroster", "--store", str(folder / "users.json"), *words]
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


class Trial(NamedTuple):
    """One call of one operation, and what happens to it."""

    operation: Operation
    at: int
    name: str
    how: str
    error: int


def trials(calls: Calls, folder: Path) -> Iterator[Trial]:
    """Yield all trials of all operations; each is run once for that, without a failure."""
    for operation in OPERATIONS:
        with _copy_of(folder) as copy:
            calls.run(operation, copy)
            names = calls.names()
        for at, name in enumerate(names, 1):
            for how in _HOW:
                if how == "short" and name not in ("read", "write"):
                    continue
                if how.startswith("killed") and name not in _CHANGING:
                    continue
                yield Trial(operation, at, name, how, errno.EIO)
            if name in ("write", "open", "fsync", "mkdir", "link"):
                yield Trial(operation, at, name, "once", errno.ENOSPC)


@contextlib.contextmanager
def _copy_of(folder: Path) -> Iterator[Path]:
    """Copy the prepared store to a place of its own; names of files in it stay as long."""
    with TemporaryDirectory(prefix="mailroster-calls-") as made:
        copy = Path(made, "store")
        shutil.copytree(folder, copy, symlinks=True)
        yield copy


def problems(calls: Calls, trial: Trial, folder: Path, states: tuple[object, object]) -> list[str]:
    """Do the trial, and return what is wrong afterwards."""
    operation, (before, after) = trial.operation, states
    found = []
    with _copy_of(folder) as copy:
        done = calls.run(operation, copy, trial.at, _HOW[trial.how], trial.error)
        was_killed = done.code == -signal.SIGKILL
        said = done.out + done.err
        if "Traceback" in said or "fault of mailroster" in said:
            found.append("it says that this is a fault of its own")
        if not was_killed and done.code not in (operation.code, *operation.others):
            found.append(f"exit code {done.code}")
        try:
            now = operation.look(copy)
        except (StoreError, OSError, ValueError, LookupError) as failure:
            return [*found, f"afterwards: {failure!r}"]
        if now not in (before, after):
            found.append("neither the state before nor the one after")
        if done.code == operation.code and now != after:
            found.append("what was acknowledged is not there")
        if not was_killed and done.code != operation.code and before != after:
            if now == after and _NOTHING.search(said) and not _SOMETHING.search(said):
                found.append("it was done, and is said not to be")
            if now == before and _SOMETHING.search(said):
                found.append("it was not done, and is said to be")
        if done.code != operation.code and not was_killed and not said.strip():
            found.append("nothing is said")
        found += _left_after_the_next(calls, copy)
        if found:
            found.append(f"[{done.code}] {said.strip()[-300:]}".replace(str(copy), "..."))
    return found


def _left_after_the_next(calls: Calls, folder: Path) -> Iterator[str]:
    following = calls.run(Operation("next", _NEXT, operations.users), folder)
    if following.code:
        yield f"the next write fails: {following.err.strip()[-300:]}"
    if not operations.mail_is_with_its_user(folder):
        yield "mail is lost, or not with its user"
    checked = calls.run(Operation("check", ("store", "check"), operations.users), folder)
    if checked.code:
        yield f"the next write leaves: {(checked.out + checked.err).strip()[-300:]}"


def main() -> int:
    """Do `count` trials, all if it is 0; print the table; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.calls")
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--only", choices=[operation.name for operation in OPERATIONS])
    parser.add_argument("--control", choices=CONTROLS)
    chosen = parser.parse_args()
    cheap_passwords()
    if chosen.control:
        CONTROLS[chosen.control]()
    calls, started, wrong = Calls(), time.monotonic(), 0
    with TemporaryDirectory(prefix="mailroster-calls-") as made:
        folder = Path(made, "store")
        folder.mkdir(mode=0o700)
        operations.prepare(folder)
        every = [t for t in trials(calls, folder) if chosen.only in (None, t.operation.name)]
        count = chosen.count or len(every)
        some = random.Random(chosen.seed).sample(every, min(count, len(every)))
        print(f"{'calls that fail during':24}{'calls':>7}{'failures':>10}{'wrong':>7}")
        for operation in dict.fromkeys(trial.operation for trial in every):
            number = len({trial.at for trial in every if trial.operation is operation})
            mine = [trial for trial in some if trial.operation is operation]
            found = _try(calls, operation, mine, folder)
            wrong += found.total()
            print(f"{operation.name:24}{number:7}{len(mine):10}{found.total():7}")
            for failure, times in found.items():
                print(f"  {times} x {failure}")
            sys.stdout.flush()
    seconds = time.monotonic() - started
    print(f"{len(some)} of {len(every)} failures in {seconds:.0f} s\n", flush=True)
    return 1 if wrong else 0


def _try(calls: Calls, operation: Operation, mine: list[Trial], folder: Path) -> Counter[str]:
    """Do these trials of one operation, and return what was wrong, and how often."""
    with _copy_of(folder) as copy:
        before = operation.look(copy)
        done = calls.run(operation, copy)
        assert done.code == operation.code, done
        states = before, operation.look(copy)
    wrong = Counter[str]()
    for trial in mine:
        if found := problems(calls, trial, folder, states):
            error = os.strerror(trial.error) if trial.how in ("once", "for good") else ""
            wrong[f"{trial.name} {trial.how} {error}: {'; '.join(found)}"] += 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
