"""The garbage collector does not work while a command does; the screens collect seldom."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.interface import Batch, Edit
from store.models import User
from store.tinydb.store import TinyDBStore
from tui.collector import collect_seldom, do_without_collector

_COUNTED = """
import gc, sys
passes = []
gc.callbacks.append(lambda phase, info: passes.append(phase))
from tui import cli
{policy}
passes.clear()
sys.argv = ["mailroster", "--store", sys.argv[1], "users", "list", "--json"]
try:
    cli.main()
finally:
    print(len(passes), file=sys.stderr)
"""


class Node:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collector() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gc.enable()


@pytest.mark.parametrize(
    ("policy", "passes"),
    [("", False), ("cli.do_without_collector = lambda: None", True)],
    ids=["as it is", "control"],
)
def test_a_command_makes_no_pass(tmp_path: Path, policy: str, passes: bool) -> None:
    store = TinyDBStore(tmp_path / "users.json")
    store.apply(Batch([Edit.create(User(user_name=f"user{number}")) for number in range(3000)]))
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", _COUNTED.format(policy=policy), str(tmp_path / "users.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (int(done.stderr.split()[-1]) > 0) is passes


@pytest.mark.usefixtures("collector")
def test_what_is_there_when_the_screens_begin_is_never_walked_over() -> None:
    rows: list[dict[str, list[str]]] = [{"a": []} for _ in range(1000)]
    do_without_collector()
    collect_seldom()
    assert gc.isenabled()
    assert not any(item is rows for item in gc.get_objects())
    control: list[str] = []
    assert any(item is control for item in gc.get_objects())


@pytest.mark.usefixtures("collector")
def test_garbage_of_later_is_collected() -> None:
    collect_seldom()
    alive = weakref.ref(Node())
    assert alive() is not None
    kept = [[number] for number in range(110_000)]
    assert alive() is None
    assert kept
