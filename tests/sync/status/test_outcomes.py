"""How each sync ended is kept, whatever the end was."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.errors import StoreDamaged, StoreUnwritable
from store.models import Settings
from sync.directory.listing import InvalidRecord
from sync.errors import GuardBlocked, StalePlan, TimedOut
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.status.outcomes import outcomes_of, sync_attempt
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, listed, managed
from tests.support.wrapped_store import with_store

Fill = Callable[..., Workspace]
GUARDED = Settings(auto_delete=True)
NIGHT = datetime(2026, 1, 1, 3, tzinfo=UTC)


def at(workspace: Workspace, days: int) -> Workspace:
    """The workspace on that night."""
    return replace(workspace, clock=lambda: NIGHT + timedelta(days=days))


def night(days: int) -> str:
    return (NIGHT + timedelta(days=days)).isoformat(timespec="seconds")


def fail(workspace: Workspace, error: BaseException) -> None:
    with pytest.raises(type(error)), sync_attempt(workspace):
        raise error


def test_a_sync_without_changes_leaves_one_and_does_not_write_the_store(fill: Fill) -> None:
    workspace = fill(managed("anna", full_name="Anna"))
    before = workspace.snapshot().generation
    plan = preview(workspace, answer(listed("anna", full="Anna")))
    apply_plan(workspace, plan)
    found = outcomes_of(workspace)
    assert found.succeeded == found.last == found.answered
    assert found.succeeded
    assert (found.succeeded.result, found.succeeded.listed) == ("no_changes", 1)
    assert workspace.snapshot().generation == before


def test_an_applied_one_names_its_run_and_what_waits(fill: Fill) -> None:
    workspace = fill(managed("anna"))
    bad = InvalidRecord("B/", "it holds a slash", None, [])
    plan = preview(workspace, answer(listed("anna", full="Anna"), bad, listed("carl")))
    result = apply_plan(workspace, plan)
    found = outcomes_of(workspace).succeeded
    assert found
    assert (found.result, found.run) == ("applied", result.run)
    assert (found.conflicts, found.questions, found.waiting) == (1, 0, ("B/",))
    assert found.counts["create"] == found.counts["update"] == 1


def test_failing_since_is_the_first_failure_after_a_success(fill: Fill) -> None:
    workspace = fill(managed("anna"))
    plan = preview(workspace, answer(listed("anna")))
    apply_plan(at(workspace, 0), plan)
    for day in (1, 2, 3):
        fail(at(workspace, day), TimedOut("No answer.", "Try later."))
    found = outcomes_of(workspace)
    assert found.failing_since == night(1)
    assert found.failed
    assert found.succeeded
    assert (found.succeeded.at, found.failed.at) == (night(0), night(3))
    assert found.answered == found.failed
    assert found.failed.problem
    assert found.failed.problem["kind"] == "timed_out"
    apply_plan(at(workspace, 4), replace(plan, id="another"))
    found = outcomes_of(workspace)
    assert found.failed  # is remembered
    assert (found.failing_since, found.failed.at) == ("", night(3))


def test_a_guard_stop_tells_what_would_have_been_done(fill: Fill) -> None:
    workspace = fill(*(managed(f"u{number}") for number in range(9)), settings=GUARDED)
    plan = preview(workspace, answer(listed("u0")))
    with pytest.raises(GuardBlocked):
        apply_plan(workspace, plan)
    failed = outcomes_of(workspace).failed
    assert failed
    assert (failed.result, failed.counts["delete"], failed.listed) == ("blocked", 8, 1)


def test_held_deletions_and_open_questions_are_not_told_as_done(fill: Fill) -> None:
    leavers = (managed(f"u{number}") for number in range(8))
    moving = managed("old", email_addresses=["old@example.com"])
    workspace = fill(*leavers, moving, settings=GUARDED)
    moved = listed("new", "old@example.com")
    plan = preview(workspace, answer(listed("u0", full="U"), moved))
    assert plan.of("rename")[0].asks
    apply_plan(workspace, plan, hold_deletes=True)
    found = outcomes_of(workspace).succeeded
    assert found
    assert {name: count for name, count in found.counts.items() if count} == {"update": 1}
    assert (found.held, found.questions) == (7, 1)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (asyncio.CancelledError(), "interrupted"),
        (StoreUnwritable("Full.", ""), "failed"),
        (ZeroDivisionError("a secret"), "failed"),
    ],
)
def test_whatever_ends_a_sync(fill: Fill, error: BaseException, result: str) -> None:
    workspace = fill(managed("anna"))
    fail(workspace, error)
    found = outcomes_of(workspace)
    assert found.failed
    assert found.failed.result == result
    assert "secret" not in str(found)
    assert found.began is None


def test_a_stale_plan_is_neither_success_nor_failure(fill: Fill) -> None:
    workspace = fill(managed("anna"))
    plan = preview(workspace, answer(listed("anna", full="Anna")))
    apply_plan(workspace, plan)
    succeeded = outcomes_of(workspace).succeeded
    with pytest.raises(StalePlan):
        apply_plan(workspace, plan)
    found = outcomes_of(workspace)
    assert found.last
    assert (found.last.result, found.failed, found.failing_since) == ("stale", None, "")
    assert found.succeeded == succeeded


def test_a_declined_one_is_neither_success_nor_failure(fill: Fill) -> None:
    workspace = fill(managed("anna"))
    with sync_attempt(workspace) as attempt:
        attempt.declined()
    found = outcomes_of(workspace)
    assert found.last
    assert (found.last.result, found.failed, found.succeeded) == ("declined", None, None)
    assert found.failing_since == ""


def mark(workspace: Workspace, **changed: Any) -> None:
    with sync_attempt(workspace):
        note = dict(workspace.store.note("outcome"))
    workspace.store.keep_note("outcome", {**note, "began": {**note["began"], **changed}})


def gone() -> int:
    """The number of a process that has ended."""
    process = os.fork()
    if not process:
        os._exit(0)
    os.waitpid(process, 0)
    return process


def test_a_killed_one_is_found(fill: Fill) -> None:
    workspace = fill(managed("anna"))
    mark(workspace, process=gone())
    found = outcomes_of(workspace)
    assert found.failed
    assert (found.failed.result, found.began) == ("interrupted", None)
    assert found.failing_since == found.failed.at
    fail(workspace, TimedOut("No answer.", ""))  # the next one keeps since when
    assert outcomes_of(workspace).failing_since == found.failing_since


@pytest.mark.parametrize("changed", [{}, {"host": "elsewhere", "process": 1}])
def test_control_one_that_may_run_is_no_failure(fill: Fill, changed: dict[str, Any]) -> None:
    workspace = fill(managed("anna"))
    mark(workspace, **changed)
    found = outcomes_of(workspace)
    assert (found.failed, found.began is None) == (None, False)
    assert outcomes_of(at(workspace, 10_000)).failed  # nothing takes that long


def test_what_cannot_be_kept_fails_no_sync(fill: Fill) -> None:
    def refuse(_name: str, _content: object) -> None:
        raise StoreUnwritable("The disk is full.", "Make room.")

    workspace = fill(managed("anna"), settings=AUTO_DELETE)
    full = with_store(workspace, keep_note=refuse)
    result = apply_plan(full, preview(full, answer(listed("anna", full="Anna"))))
    assert result.run
    assert ["The disk is full." in notice for notice in full.notices] == [True]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"last": 3}',
        b'{"last": {"x": 1}}',
        b'{"last": {"at": "2026-01-01T03:00:00", "result": "failed", "waiting": []}}',
        b'{"last": {"at": "2026-01-01T03:00:00+00:00", "result": "other", "waiting": []}}',
        b'{"failing_since": "yesterday"}',
        b'{"began": {}}',
        b'{"began": "now"}',
        b'{"began": {"at": "2026-01-01T03:00:00", "process": 1}}',
        b'{"began": {"at": "2026-01-01T03:00:00+00:00", "process": null}}',
    ],
)
def test_a_damaged_note_is_written_anew(fill: Fill, content: bytes) -> None:
    workspace = fill(managed("anna"))
    workspace.host_path.with_name("users.json.outcome").write_bytes(content)
    with pytest.raises(StoreDamaged):
        outcomes_of(workspace)
    apply_plan(workspace, preview(workspace, answer(listed("anna"))))
    assert outcomes_of(workspace).succeeded
