"""A plan says when and where its users were asked for, and an old one is not applied unasked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from store.interface import Clock
from store.models import User
from sync.configure import configure
from sync.workspace import Workspace
from tests.support.answers import silent
from tests.support.builders import managed
from tests.support.directory import Directory
from tests.tui.driver import driving

ROOT = {"administrator": "root"}
_START = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = _START

    def __call__(self) -> datetime:
        return self.now

    def shown(self) -> str:
        return f"{self.now.astimezone():%H:%M:%S}"


@pytest.fixture
def clock() -> Clock:
    return Hands()


def later(clock: Clock) -> Hands:
    """Let a minute go by."""
    assert isinstance(clock, Hands)
    clock.now += timedelta(minutes=1)
    return clock


async def test_asking_again_gives_a_sign(
    filled: Callable[..., Workspace], directory: Directory, clock: Clock
) -> None:
    directory.put("anna")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 1 create", f"Asked {later(clock).shown()[:2]}", directory.url)
        hands = later(clock)
        await admin.press("t")
        await admin.sees(f"Asked {hands.shown()}", "Asked again: the plan is the same as before.")


async def test_a_plan_that_could_not_be_renewed_is_marked_and_asked_for_first(
    filled: Callable[..., Workspace], directory: Directory, clock: Clock
) -> None:
    directory.put("anna")
    workspace = filled(managed("gone"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("- 1 delete")
        directory.stop()
        hands = later(clock)
        await admin.press("t")
        await admin.sees("Not done: Test Settings")
        await admin.press("enter")
        await admin.sees("OLD: asked", f"asking again failed {hands.shown()}")
        await admin.press("s")
        await admin.sees("Not done: Synchronize")
        await admin.press("enter")
        assert workspace.snapshot().find("gone")


async def test_a_plan_of_another_server_is_marked_and_asked_for_first(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(managed("gone"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("- 1 delete")
        configure(workspace, {"directory_service": "none", "url": ""})
        await admin.sees(f"at {directory.url}; the settings name no server now")
        configure(
            workspace,
            {"directory_service": "application_integration", "url": "http://127.0.0.1:1/"},
        )
        await admin.sees("OLD: asked", f"at {directory.url}; the settings name http://127.0.0.1:1/")
        await admin.press("s")
        await admin.sees("Not done: Synchronize")
        await admin.press("enter")
        assert workspace.snapshot().find("gone")


async def test_the_counts_leave_out_what_is_skipped(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna", "bert")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 2 create")
        await admin.press("space")
        await admin.sees("+ 1 create", "skipped 1")


async def test_an_unsaved_connection_is_not_passed_over(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#url")
        await admin.type("x")
        for key in ("t", "s"):
            await admin.press("f5", key)
            await admin.sees("Save or discard the changes on Connection first.")
        assert admin.app.listing is None


@pytest.mark.parametrize(
    ("auto_delete", "days", "says"),
    [
        (True, 0, "the next sync DELETES local"),
        (True, 7, "after 7 days a sync DELETES local"),
        (False, 7, ""),
    ],
)
async def test_who_would_be_deleted_next_is_told_at_the_switch(
    filled: Callable[..., Workspace], directory: Directory, auto_delete: bool, days: int, says: str
) -> None:
    local = User(user_name="local", password_hash="x")
    workspace = filled(local, auto_delete=auto_delete, delete_after_days=days)
    directory.put("anna")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "end", "a")
        await admin.sees("does NOT know local")
        assert ("DELETES local" in admin.words) is auto_delete
        assert says in admin.words


async def test_what_is_typed_replaces_the_proposed_file(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 1 create")
        await admin.press("p")
        await admin.sees("Save the plan")
        await admin.press("m", "y")
        await admin.sees("/my")
        assert "plan-" not in admin.words


async def test_the_way_to_a_plan_follows_the_settings(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    set_up, ask = "Set up the directory service on Connection", "Test Settings (t) asks"
    workspace = filled(directory_service="none", url="")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5")
        await admin.sees(set_up)
        await admin.press("f2")
        await admin.focus("#url")
        await admin.type(directory.url)
        await admin.press("ctrl+s", "n", "f5")
        await admin.sees(ask)
        assert set_up not in admin.words
        configure(workspace, {"directory_service": "none"})
        await admin.sees(set_up)
        assert ask not in admin.words


async def test_what_is_under_way_is_told_whatever_is_saved_meanwhile(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(monkeypatch)
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("Asking the directory ...")
        configure(workspace, {"guard_max_deletes": 7})
        while admin.app.snapshot.settings.guard_max_deletes != 7:
            await admin.pilot.pause(0.02)
        await admin.sees("Asking the directory ...")


async def test_another_directory_was_not_asked_yet(
    filled: Callable[..., Workspace], directory: Directory, clock: Clock
) -> None:
    """Whether the last one answered at a test, or at a sync."""
    directory.put("anna")
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.pilot.resize_terminal(120, 24)
        await admin.press("f5", "t")
        await admin.sees("directory reachable")
        configure(workspace, {"url": "http://127.0.0.1:1/"})
        await admin.sees("directory not asked yet")
        configure(workspace, {"url": directory.url})
        await admin.sees("Asked 04:05:06 UTC at")
        await admin.press("s", "y")
        await admin.sees("Done", "directory reachable")
        later(clock)
        configure(workspace, {"guard_max_deletes": 7})
        await admin.press("f7")
        await admin.sees("guard_max_deletes", "directory reachable")
        configure(workspace, {"url": "http://127.0.0.1:2/"})
        await admin.sees("directory not asked yet")
