"""Many processes write at once, screens among them: nothing lost, nothing torn, losers told."""

from __future__ import annotations

import json
import os
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.terminal import Terminal
from store.errors import StoreBusy, StoreConflict
from store.interface import Batch, Edit, Snapshot
from store.models import AUTHENTICATION_LABELS, DIRECTORY_SERVICES, INTEGRATED, Settings, User
from sync.runs import by_hand
from sync.workspace import Workspace, open_workspace

_COUNTERS = 8
_SUM = 1000
_SCREENS = """
import sys
from pathlib import Path
from sync.workspace import open_workspace
from tui import modes
modes.HOME = "users"  # before what starts there is imported
from tui import terminal
terminal.run_app(open_workspace(sys.argv[1], Path(sys.argv[2])), administrator="root")
"""

Done = dict[str, int]


@dataclass(frozen=True)
class Outcome:
    """What came of it: writes by processes and by screens, conflicts, looks, what was wrong.

    `busy` counts the writes that gave up because others had the lock for too long.
    """

    processes: int
    screens: int
    writes: int
    switches: int
    conflicts: int
    busy: int
    looks: int
    failures: list[str]


def race(processes: int, screens: int, seconds: float, rng: random.Random) -> Outcome:
    """Let `processes` change the same users for `seconds`, `screens` of them sessions on ptys.

    Two more only read. Processes count one user up, or move an amount between two users in one
    batch. The sums tell whether a write got lost, and the readers whether one was half.
    """
    with TemporaryDirectory(prefix="mailroster-races-") as made:
        folder = Path(made)
        workspace = _open(folder)
        first = _fill(workspace, screens)
        end = time.monotonic() + seconds
        jobs: list[Callable[[], Done]] = [
            *(_session(folder, number, end) for number in range(screens)),
            *(_writer(folder, rng.random(), end) for _ in range(processes - screens)),
            *(_reader(folder, end) for _ in range(2)),
        ]
        results = [collect() for collect in [_forked(job) for job in jobs]]
        done = Counter[str]()
        for result in results:
            done.update(result or {})
        failures = [name for name in done if name.startswith("!")]
        failures += ["! a process failed"] * results.count(None)
        failures += _wrong(workspace.snapshot(), first, done)
        workspace.close()
    return Outcome(
        processes,
        screens,
        done["writes"],
        done["switches"],
        done["conflicts"],
        done["busy"],
        done["looks"],
        failures,
    )


def _fill(workspace: Workspace, screens: int) -> int:
    root = User(user_name="root", privileges=["admin"], password_hash="$2b$04$" + "x" * 53)
    users = [_numbered(f"count{number}", 0) for number in range(_COUNTERS)]
    users += [_numbered("left", _SUM), _numbered("right", 0)]
    users += [
        replace(
            _numbered(f"aaa{number}", 0),
            authentication=DIRECTORY_SERVICES,
            password_hash=root.password_hash,
        )
        for number in range(screens)
    ]
    settings = Settings(directory_service="application_integration", url="http://127.0.0.1:1/")
    edits = list(map(Edit.create, [root, *users]))
    return workspace.store.apply(Batch(edits, settings=settings)).generation


def _writer(folder: Path, seed: float, end: float) -> Callable[[], Done]:
    def write() -> Done:
        rng, done = random.Random(seed), Counter[str]()
        workspace = _open(folder)
        while time.monotonic() < end:
            names = ["left", "right"] if rng.random() < 0.3 else [_any_counter(rng)]
            before = [_found(workspace.snapshot(), name) for name in names]
            time.sleep(rng.uniform(0, 0.02))
            by = rng.randrange(-5, 6) if len(names) == 2 else 1
            after = [
                replace(user, full_name=str(_number(user) + change))
                for user, change in zip(before, (by, -by), strict=False)
            ]
            try:
                if len(names) == 1:
                    by_hand.edit_user(workspace, before[0], after[0])
                else:
                    workspace.store.apply(Batch(list(map(Edit.update, before, after))))
            except StoreConflict as conflict:
                done["conflicts"] += 1
                if not _tells_whom(conflict, names):
                    done[f"! a loser was told: {conflict}"] += 1
            except StoreBusy:
                done["busy"] += 1
            else:
                done["writes"] += 1
                done[names[0]] += by if len(names) == 2 else 1
        return done

    return write


def _tells_whom(conflict: StoreConflict, names: list[str]) -> bool:
    said = [text for text in conflict.differences for name in names if f"user “{name}” was" in text]
    return bool(said) and said == conflict.differences


def _reader(folder: Path, end: float) -> Callable[[], Done]:
    def read() -> Done:
        done = Counter[str]()
        generation = total = 0
        while time.monotonic() < end:
            workspace = _open(folder)  # a new one each time: nothing is remembered
            state = workspace.snapshot()
            workspace.close()
            if _number(_found(state, "left")) + _number(_found(state, "right")) != _SUM:
                done["! a reader saw half a batch"] += 1
            counted = sum(_number(_found(state, f"count{number}")) for number in range(_COUNTERS))
            if state.generation < generation or counted < total:
                done["! a reader saw time go back"] += 1
            generation, total = state.generation, counted
            done["looks"] += 1
        return done

    return read


def _session(folder: Path, number: int, end: float) -> Callable[[], Done]:
    """Return a session that switches its user's authentication to and fro with the keys."""

    def switch() -> Done:
        done = Counter[str]()
        store, key = folder / "users.json", folder / "secret.key"
        with Terminal([sys.executable, "-c", _SCREENS, store, key]) as terminal:
            terminal.until("aaa0")
            terminal.settled()
            for keys in (b"/", f"aaa{number}".encode(), b"\r"):
                terminal.send(keys)
                terminal.settled()
            while time.monotonic() < end:
                method = DIRECTORY_SERVICES if done["switches"] % 2 else INTEGRATED
                label = AUTHENTICATION_LABELS[method]
                terminal.send(b"a")
                terminal.until(f"{label}?")
                time.sleep(0.1)
                terminal.send(b"y")
                terminal.until(f" to {label}.")
                done["switches"] += 1
        done[f"aaa{number}"] = done["switches"] % 2
        return done

    return switch


def _wrong(state: Snapshot, first: int, done: Counter[str]) -> Iterator[str]:
    """Compare the sums: every write that succeeded is there, and no other."""
    for number in range(_COUNTERS):
        name = f"count{number}"
        if _number(_found(state, name)) != done[name]:
            yield f"! {name} is {_number(_found(state, name))}, not {done[name]}: a lost update"
    if _number(_found(state, "left")) - _SUM != done["left"]:
        yield "! left is not what was moved there: a lost update"
    if state.generation != first + done["writes"] + done["switches"]:
        yield f"! generation {state.generation} after {done['writes']} + {done['switches']} writes"
    for key, row in state.users.items():
        if key.startswith("aaa") and (row["authentication"] == INTEGRATED) != bool(done[key]):
            yield f"! a switch of {key} is lost"


def _forked(job: Callable[[], Done]) -> Callable[[], Done | None]:
    """Do the job in a process of its own; the result is collected when it ends."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with suppress(BaseException):
            try:
                os.write(writing, json.dumps(job()).encode())
                os._exit(0)
            except BaseException:  # noqa: BLE001 - told on stderr, and by the exit code
                traceback.print_exc()
        os._exit(1)
    os.close(writing)

    def collect() -> Done | None:
        with open(reading) as file:
            text = file.read()
        os.waitpid(child, 0)
        return json.loads(text) if text else None

    return collect


def _open(folder: Path) -> Workspace:
    return open_workspace(str(folder / "users.json"), folder / "secret.key")


def _numbered(name: str, number: int) -> User:
    return User(user_name=name, full_name=str(number), privileges=["login"])


def _any_counter(rng: random.Random) -> str:
    return f"count{rng.randrange(_COUNTERS)}"


def _found(state: Snapshot, name: str) -> User:
    user = state.find(name)
    assert user
    return user


def _number(user: User) -> int:
    return int(user.full_name or 0)
