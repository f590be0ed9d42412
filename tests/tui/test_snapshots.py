"""How every screen and dialog looks, at 80x24 and 120x40; `--snapshot-update` accepts a new look.

Nothing that varies is shown: the store's clock stands still, paths and addresses are made up.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from store.interface import Batch, Clock
from store.models import Settings
from store.tinydb.store import TinyDBStore
from sync.workspace import Workspace
from tests.support.answers import answering
from tests.tui.driver import Driver
from tests.tui.scenes import FORMS, STATUS, URL, Play, first_problem, keys
from tests.tui.scenes_of_history import HISTORY
from tests.tui.scenes_of_lists import LISTS
from tui.app import MailrosterApp
from tui.preferences import Preferences

LOOKS = {
    "light": {"preferences": Preferences(theme="mailroster-light")},
    "sixteen": {"plain_colours": True},
}
MAIN = ("logon", "synchronize", "connection", "users", "user", "history")
SCENES = FORMS | LISTS | HISTORY
SCENES |= {
    f"{name}_{look}": replace(SCENES[name], app=SCENES[name].app | app)
    for name in MAIN
    for look, app in LOOKS.items()
}
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """It stands still."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return lambda: datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


_TOLD_LATER = 0.15  # seconds; what a screen tells only of a row that stays under the cursor


def compare(
    app: MailrosterApp, play: Play, size: tuple[int, int], snap_compare: Callable[..., bool]
) -> bool:
    async def before(pilot: Pilot[Any]) -> None:
        admin = Driver(app, pilot)
        await admin.settle()
        if app.administrator:
            await admin.sees("Quit", "F5 Synchronize")
        await play(admin)
        await pilot.pause(_TOLD_LATER)
        await admin.settle()

    return snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
def test_scene(
    name: str,
    size: str,
    filled: Callable[..., Workspace],
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir("/")  # dialogs that ask for a file show the folder
    scene = SCENES[name]

    if scene.listing:
        answering(monkeypatch, scene.listing)
    workspace = filled(*scene.users, **{"url": URL, **scene.settings})
    monkeypatch.setattr(socket, "gethostname", lambda: "mx1.example.com")
    given = {"administrator": "root", "look": lambda _: STATUS, **scene.app}
    app = MailrosterApp(workspace, **given)
    assert compare(app, scene.play, SIZES[size], snap_compare)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("play", [keys(), first_problem], ids=["empty", "problem"])
def test_first_administrator(
    play: Play, size: str, workspace: Workspace, snap_compare: Callable[..., bool]
) -> None:
    path = Path("/var/lib/mailroster/users.json")
    store = TinyDBStore(path)
    somewhere = replace(workspace, host_path=path, open_store=lambda: store)
    assert compare(MailrosterApp(somewhere), play, SIZES[size], snap_compare)


async def unusable(person: Driver) -> None:
    await person.sees("The store cannot be used")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("content", ['{"meta": {', None], ids=["damaged", "gone"])
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
    store = TinyDBStore(path, clock=workspace.clock)
    broken = replace(workspace, host_path=path, open_store=lambda: store)
    for number in range(2):
        broken.store.apply(Batch(settings=Settings(guard_max_deletes=number)))
    path.write_text(content) if content else path.unlink()
    assert compare(MailrosterApp(broken), unusable, SIZES[size], snap_compare)
    broken.close()
