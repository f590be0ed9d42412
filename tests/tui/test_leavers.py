"""Leavers on the screens: set, previewed, listed, in the details, confirmed, undone, gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.workspace import Workspace
from tests.support.builders import managed, stored
from tests.support.directory import Directory
from tests.support.nights import Night
from tests.tui.driver import driving

ROOT = {"administrator": "root"}
Fill = Callable[..., Workspace]


@pytest.fixture
def clock() -> Night:
    return Night()


async def test_from_the_mark_to_the_day(filled: Fill, directory: Directory, clock: Night) -> None:
    directory.put("bert")
    workspace = filled(managed("anna"), managed("bert"), delete_after_days=7)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("< 1 leave", "< leave", "leaving on 2026-12-07, unless back by then")
        await admin.press("s")
        await admin.sees("This will: ~ 1 update < 1 leave")
        await admin.press("y")
        await admin.sees("Done: ~ 1 update < 1 leave")
        await admin.press("f6")
        await admin.sees("leaving 2026-12-07")
        await admin.press("down", "enter")
        await admin.sees("2026-12-07: not listed since 2026-11-30; deleted then")
        await admin.press("escape", "f5")
        clock.days = 6
        await admin.press("t")
        await admin.sees("No changes.")
        clock.days = 7
        await admin.press("t")
        await admin.sees("- 1 delete")
        await admin.press("s")
        await admin.sees("This will: - 1 delete")
        await admin.press("y")
        await admin.sees("Done: - 1 delete")
        assert workspace.snapshot().find("anna") is None


async def test_whoever_is_back_is_no_longer_leaving(filled: Fill, directory: Directory) -> None:
    directory.put("anna")
    workspace = filled(managed("anna", absent_since="2026-11-29"), delete_after_days=7)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("~ 1 update", "is back, so no longer leaving; everything is kept")
        await admin.press("s")
        await admin.sees("Synchronize now?")
        await admin.press("y")
        await admin.sees("Done: ~ 1 update")
        assert stored(workspace, "anna").absent_since is None


async def test_the_guard_asks_for_the_number_of_marks(filled: Fill, directory: Directory) -> None:
    directory.put("zoe")
    users = [managed(f"user{number}") for number in range(5)]
    due = managed("due", absent_since="2026-01-01")
    workspace = filled(
        *users, due, managed("zoe"), delete_after_days=7, guard_max_delete_percent=10
    )
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("5 deletions are more than 10 % of the 6 managed users")
        await admin.press("s")
        await admin.sees("Type 5 to delete or mark 5 users", "< 5 leave", "- 1 delete")
        await admin.press("5", "enter")
        await admin.sees("Done: ~ 1 update < 5 leave - 1 delete")
        marks = [row["absent_since"] for row in workspace.snapshot().users.values()]
        assert marks.count("2026-11-30") == 5


async def test_marks_can_be_held_back(filled: Fill, directory: Directory) -> None:
    directory.put("zoe")
    users = [managed(f"user{number}") for number in range(5)]
    workspace = filled(*users, delete_after_days=7)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "s")
        await admin.sees("to delete or mark")
        await admin.press("h")
        await admin.sees("Done: + 1 create skipped 5")
        assert not any(row["absent_since"] for row in workspace.snapshot().users.values())


async def test_the_setting_is_on_options_and_the_preview_follows_it(
    filled: Fill, directory: Directory
) -> None:
    directory.put("bert")
    workspace = filled(managed("anna"), managed("bert"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("- 1 delete")
        await admin.press("f3")
        await admin.focus("#delete_after_days")
        await admin.press("backspace", "1", "4")
        await admin.press("f5")
        await admin.sees("< 1 leave", "leaving on 2026-12-14", "unsaved")
        await admin.press("f3", "ctrl+s")
        await admin.sees("Saved")
        assert workspace.snapshot().settings.delete_after_days == 14


async def test_an_undo_says_that_it_pins(filled: Fill, directory: Directory) -> None:
    directory.put("bert")
    workspace = filled(managed("anna"), managed("bert"), delete_after_days=7)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "s")
        await admin.sees("Synchronize now?")
        await admin.press("y")
        await admin.sees("Done: ~ 1 update < 1 leave")
        await admin.press("f7", "u")
        await admin.sees("and pinned: syncs will not", "~ 2 update")
        await admin.press("u")
        await admin.sees("Undo now?")
        await admin.press("y")
        await admin.sees("Done: ~ 2 update")
        anna = stored(workspace, "anna")
        assert (anna.absent_since, anna.pinned) == (None, True)
