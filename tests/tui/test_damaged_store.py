"""A store that cannot be used when the screens start: said in full, with the way out."""

from __future__ import annotations

from collections.abc import Callable
from shutil import copy

import pytest

from store.interface import Batch, Edit
from store.models import Settings
from store.tinydb.backups import list_backups
from sync.workspace import Workspace, open_workspace
from tests.support.builders import managed
from tests.tui.driver import driving
from tui.widgets.note import Note


@pytest.fixture
def backed_up(workspace: Workspace) -> Workspace:
    for number in range(2):
        workspace.store.apply(Batch(settings=Settings(guard_max_deletes=number)))
    return workspace


async def test_damaged(backed_up: Workspace) -> None:
    backed_up.host_path.write_text("{")
    async with driving(backed_up) as driver:
        await driver.sees("The store cannot be used", "is not valid JSON", "It was left as it is")
        await driver.sees(list_backups(backed_up.host_path)[0].name, "`mailroster store restore`")
        await driver.press("escape")
        await driver.press("ctrl+q")
        assert driver.app.return_code == 0
    assert backed_up.host_path.read_text() == "{"


async def test_gone_it_asks_for_no_first_administrator(backed_up: Workspace) -> None:
    backed_up.host_path.unlink()
    async with driving(backed_up) as driver:
        await driver.sees("is gone, but its backups are there", "`mailroster store restore`")
        await driver.press("escape")
        assert "first administrator" not in driver.words.lower()
    assert not backed_up.host_path.exists()


async def test_damaged_while_the_screens_run_it_is_told_once_and_followed_again(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled()
    whole = workspace.host_path.with_name("users-copy.json")
    copy(workspace.host_path, whole)
    async with driving(workspace, administrator="root") as admin:
        await admin.press("f6")
        await admin.sees("root")
        workspace.host_path.write_text("{")
        await admin.sees("is not valid JSON", "It was left as it is.")
        admin.app.screen.query_one(Note).hide()
        await admin.pilot.pause(2.5)
        assert "is not valid JSON" not in admin.words
        other = open_workspace(str(whole))
        other.store.apply(Batch([Edit.create(managed("zoe"))]))
        other.close()
        workspace.host_path.write_bytes(whole.read_bytes())
        await admin.sees("root", "zoe")
        workspace.host_path.write_text("{")
        await admin.sees("is not valid JSON")
