"""How fast and how quiet the screens are: `python -m benchmarks.tui`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from benchmarks.floors import READY
from benchmarks.samples import Sample, durable_write, options, report
from benchmarks.terminal import Terminal
from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, Settings, User
from store.privileges import ADMIN
from sync.workspace import open_workspace
from tui.texts.plain import grouped

_HASH = "$2b$04$" + "x" * 53
_PAGE_DOWN = b"\x1b[6~"
_PAGES = 8  # of which the warm-up of the first second disturbs some
_FLOOR = (sys.executable, "-m", "benchmarks.floors")
_USERS = """
import sys
from pathlib import Path
from sync.workspace import open_workspace
from tui import modes
from tui.cli.screens import run_screens
from tui.collector import do_without_collector
do_without_collector()
modes.HOME = "users"
run_screens(open_workspace(sys.argv[1], Path(sys.argv[2])), administrator="root")
"""
_LOADS = """
import gc, orjson, sys
gc.disable()
tables = orjson.loads(open(sys.argv[1], 'rb').read())
print("The tables are read", flush=True)
input()
"""


def make_store(folder: Path, users: int) -> Path:
    """Write a store with so many users, whose directory is never asked."""
    path = folder / f"{users}.json"
    workspace = open_workspace(str(path), folder / "secret.key")
    root = User(user_name="root", privileges=[ADMIN], password_hash=_HASH)
    made = (
        User(
            user_name=f"user{number:06}",
            full_name=f"User Number {number}",
            distinguished_name=f"CN=User {number},OU=People,DC=example,DC=com",
            email_addresses=[f"user{number:06}@example.com"],
            authentication=DIRECTORY_SERVICES,
            privileges=["login"],
            folder_privileges={f"user{number:06}": ["read"]},
            password_hash=_HASH if number < 20 else None,
        )
        for number in range(users - 1)
    )
    settings = Settings(directory_service="application_integration", url="http://127.0.0.1:1/")
    edits = [Edit.create(root), *map(Edit.create, made)]
    workspace.store.apply(Batch(edits, settings=settings))
    workspace.close()
    return path


def first_frame(small: Path) -> Iterator[Sample]:
    """Measure from the start of the command to its first frame."""
    with Terminal([*_FLOOR, "minimal"]) as terminal:
        floor = terminal.until(READY) - terminal.started
        floor_processor = terminal.processor_seconds()
    with Terminal([sys.executable, "-m", "tui.cli", "--store", small]) as terminal:
        value = terminal.until("Password") - terminal.started
        processor = terminal.processor_seconds()
    yield Sample("first frame", value, floor, goal="<= 1.3")
    yield Sample("  first frame, processor", processor, floor_processor)


def on_screen(store: Path, users: int, row: int) -> Iterator[Sample]:
    """Measure all that is done with many users on the screen, from launch to a saved switch."""
    with Terminal([*_FLOOR, "table", str(users)]) as terminal:
        terminal.until(READY)
        terminal.settled()
        floor_page = _page_down(terminal)[0]
        terminal.send(b"/")
        terminal.settled()
        floor_filter = _key(terminal, b"7")[0]
    with Terminal([sys.executable, "-c", _LOADS, store]) as terminal:
        loads = terminal.until("are read") - terminal.started
        loads_processor = terminal.processor_seconds()
    data = orjson.loads(store.read_bytes())
    started = time.perf_counter()
    durable_write(store.with_suffix(".floor"), orjson.dumps(data))
    durable = time.perf_counter() - started
    del data
    key = store.with_name("secret.key")
    with Terminal([sys.executable, "-c", _USERS, store, key]) as terminal:
        launch = terminal.until(f"of {grouped(users)}") - terminal.started
        processor = terminal.processor_seconds()
        yield Sample(f"{grouped(users)} users, launch", launch, loads, goal="<= 2")
        yield Sample("  launch, processor", processor, loads_processor)
        terminal.settled()
        page, size = _page_down(terminal)
        yield Sample("page down", page, floor_page, goal="<= 1.5")
        yield Sample("page down, sent", size, None, "bytes", "<= 6000")
        terminal.send(b"/")
        terminal.settled()
        letter, size = _key(terminal, b"7")
        yield Sample("filter keystroke", letter, floor_filter, goal="<= 1.5")
        yield Sample("filter keystroke, sent", size, None, "bytes", "-")
        terminal.send(b"\x1b")
        terminal.settled()
        terminal.send(b"\x1b[H" + b"\x1b[B" * row)  # of the directory, with a local password
        terminal.settled()
        terminal.send(b"a")
        terminal.until("Integrated?")
        terminal.settled()
        asked = terminal.send(b"y")
        yield Sample("switch, shown", terminal.until("saving") - asked)
        yield Sample(
            "switch, durable", terminal.until(" to Integrated.") - asked, durable, goal="<= 1.15"
        )


def typed_at_once(store: Path, users: int) -> Iterator[Sample]:
    """Measure the filter's first letter, and a name in the palette, typed at once."""
    with Terminal([sys.executable, "-c", _USERS, store, store.with_name("secret.key")]) as terminal:
        terminal.until(f"of {grouped(users)}")
        terminal.settled()
        yield Sample("/ and a letter at once", _key(terminal, b"/7")[0])
        terminal.send(b"\x1b\x1b\x10")
        terminal.settled()
        typed = terminal.send(b"user000012")
        yield Sample("palette, a user's name", terminal.until("user000012@") - typed)


def idle(store: Path, users: int) -> Iterator[Sample]:
    """Measure ten seconds in which nothing happens."""
    with Terminal([*_FLOOR, "minimal"]) as terminal:
        terminal.until(READY)
        terminal.idle(3)
        floor = terminal.idle(10)[1]  # Textual looks for an Escape ten times a second
    with Terminal([sys.executable, "-c", _USERS, store, store.with_name("secret.key")]) as terminal:
        terminal.until(f"of {grouped(users)}")
        terminal.idle(3)
        size, cpu = terminal.idle(10)
    yield Sample("idle, sent in 10 s", size, None, "bytes", "0")
    yield Sample("idle, CPU", cpu * 100, floor * 100, "%", "0 above the floor")


def _page_down(terminal: Terminal) -> tuple[float, int]:
    """Measure the best of some pages: with the first one the line of keys changes too."""
    _key(terminal, _PAGE_DOWN)
    pages = [_key(terminal, _PAGE_DOWN) for _ in range(_PAGES)]
    return min(took for took, _ in pages), max(size for _, size in pages)


def _key(terminal: Terminal, key: bytes) -> tuple[float, int]:
    sent = terminal.send(key)
    last, size = terminal.settled()
    return last - sent, size


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure so many rounds, and once what it costs to do nothing."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name:
        small = make_store(Path(name), 50)
        large = make_store(Path(name), users)
        for row in range(2, 2 + rounds):
            samples += first_frame(small)
            samples += on_screen(large, users, row)
            samples += typed_at_once(large, users)
        samples += idle(large, users)
    return samples


if __name__ == "__main__":
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))
