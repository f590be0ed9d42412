"""Synchronize without a plan is the status, and names the next key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.worker import WorkerFailed

from store.errors import StoreUnreachable
from sync.errors import GuardBlocked
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.status.status import Status
from sync.workspace import Workspace
from tests.support.answers import answering
from tests.support.builders import answer, listed
from tests.tui.driver import driving
from tui.widgets.status_view import StatusView

ROOT = {"administrator": "root"}
NEXT = "Test Settings (t) asks the directory and shows what would change."


async def test_what_is_and_the_next_key(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.sees(NEXT, "Everything is well.", "Last sync", "1: 1 Integrated")
        await admin.press("slash")
        await admin.sees("Run Test Settings (t) first; it makes the plan.")


async def test_without_a_directory(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(directory_service="none"), **ROOT) as admin:
        await admin.press("f5")
        await admin.sees("Set up the directory service on Connection (F2)")


async def test_what_is_not_well(filled: Callable[..., Workspace]) -> None:
    workspace = filled(guard_max_deletes=1)
    with pytest.raises(GuardBlocked):
        apply_plan(workspace, preview(workspace, answer()))
    async with driving(workspace, **ROOT) as admin:
        await admin.sees("Something needs action.", "! Syncs have failed since")


async def test_what_cannot_be_looked_at_is_told(filled: Callable[..., Workspace]) -> None:
    def look(_workspace: Workspace) -> Status:
        raise StoreUnreachable("The database does not answer.", "Try again later.")

    async with driving(filled(), look=look, **ROOT) as admin:
        await admin.sees(NEXT, "The database does not answer.", "Try again later.")


async def test_a_fault_of_the_program_ends_it(filled: Callable[..., Workspace]) -> None:
    def look(_workspace: Workspace) -> Status:
        raise ZeroDivisionError

    with pytest.raises(WorkerFailed):
        async with driving(filled(), look=look, **ROOT) as admin:
            await admin.sees("Everything is well.")


async def test_the_plan_takes_its_place(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, answer(listed("anna"), listed("bert")))
    async with driving(filled(), **ROOT) as admin:
        await admin.sees("Everything is well.")
        await admin.press("t")
        await admin.sees("2 create")
        assert not admin.app.screen.query_one(StatusView).display
        await admin.press("down")
        await admin.sees("2 of 2", "create bert")
        await admin.press("s", "y")
        await admin.sees("Done", "+ 2 create")
        await admin.press("escape")
        await admin.sees("No changes.")
