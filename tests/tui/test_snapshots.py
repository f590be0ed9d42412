"""How every screen and dialog looks, at 80x24 and 120x40; `--snapshot-update` accepts a new look.

Nothing that varies is shown: the store's clock stands still, paths and addresses are made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from store.interface import Batch
from store.models import Settings
from store.tinydb_store import TinyDBStore
from sync.directory.listing import Listing
from sync.workspace import Workspace
from tests.tui.driver import Driver
from tests.tui.scenes import FORMS, URL, Play, first_problem, keys
from tests.tui.scenes_of_history import HISTORY
from tests.tui.scenes_of_lists import LISTS
from tui.app import MailrosterApp

SCENES = FORMS | LISTS | HISTORY
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


@pytest.fixture
def clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 2, 3, 4, 5, 6, tzinfo=tz)

    monkeypatch.setattr("store.tinydb_store.datetime", Clock)
    monkeypatch.setattr("store.backups.datetime", Clock)
    monkeypatch.setattr("sync.runs.record.datetime", Clock)
    monkeypatch.delenv("NO_COLOR", raising=False)


def compare(
    app: MailrosterApp, play: Play, size: tuple[int, int], snap_compare: Callable[..., bool]
) -> bool:
    async def before(pilot: Pilot[Any]) -> None:
        admin = Driver(app, pilot)
        await pilot.pause()
        if app.administrator:
            await admin.sees("Quit", "F5 Synchronize")
        await play(admin)
        await pilot.pause()

    return snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.usefixtures("clock_stands_still")
def test_scene(
    name: str,
    size: str,
    filled: Callable[..., Workspace],
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir("/")  # dialogs that ask for a file show the folder
    scene = SCENES[name]

    async def fetch(*_arguments: Any) -> Listing:
        return scene.listing or Listing([], [], [])

    if scene.listing:
        monkeypatch.setattr("tui.screens.live_plan.fetch", fetch)
    workspace = filled(*scene.users, **{"url": URL, **scene.settings})
    app = MailrosterApp(workspace, **{"administrator": "root", **scene.app})
    assert compare(app, scene.play, SIZES[size], snap_compare)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("play", [keys(), first_problem], ids=["empty", "problem"])
@pytest.mark.usefixtures("clock_stands_still")
def test_first_administrator(
    play: Play, size: str, workspace: Workspace, snap_compare: Callable[..., bool]
) -> None:
    somewhere = replace(workspace, path=Path("/var/lib/mailroster/users.json"))
    assert compare(MailrosterApp(somewhere), play, SIZES[size], snap_compare)


async def unusable(person: Driver) -> None:
    await person.sees("The store cannot be used")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("content", ['{"meta": {', None], ids=["damaged", "gone"])
@pytest.mark.usefixtures("clock_stands_still")
def test_unusable_store(
    content: str | None,
    size: str,
    workspace: Workspace,
    tmp_path: Path,
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("users.json")
    broken = replace(workspace, path=path, store=TinyDBStore(path))
    for number in range(2):
        broken.store.apply(Batch(settings=Settings(guard_max_deletes=number)))
    path.write_text(content) if content else path.unlink()
    assert compare(MailrosterApp(broken), unusable, SIZES[size], snap_compare)
    broken.close()
