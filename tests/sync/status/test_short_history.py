"""A history that is too small for two weeks of runs says so, in the run and in the status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from store.errors import InvalidValue
from sync.configure import configure
from sync.runs import by_hand
from sync.runs.undo import undo_preview
from sync.status.status import level_of, status_of, status_record, troubles
from sync.workspace import Workspace
from tests.support.builders import managed, stored
from tui.texts.status import status_lines

TODAY = datetime(2026, 3, 1, tzinfo=UTC)
WARNING = (
    "The history of 1 MiB is full: runs up to 2026-03-01 00:00:00 UTC can no longer be undone. "
    "Newer runs can be undone. Give it more room, such as `mailroster settings set "
    "history_max_mib=2`."
)


def rename(workspace: Workspace, day: float) -> None:
    """A run on that day, whose record does not fit beside another one."""
    later = replace(workspace, clock=lambda: TODAY + timedelta(day))
    anna = stored(later, "anna")
    by_hand.edit_user(later, anna, replace(anna, full_name=f"{day}" + "x" * 400_000))


@pytest.mark.parametrize(
    ("days", "is_told"), [(0.9, False), (1.1, True), (13.9, True), (14, False)]
)
def test_who_drops_young_runs_is_told(
    fill: Callable[..., Workspace], days: float, is_told: bool
) -> None:
    workspace = replace(fill(managed("anna")), clock=lambda: TODAY)
    configure(workspace, {"history_max_mib": 1})
    first = workspace.snapshot().history.runs[-1].id
    rename(workspace, 0)
    rename(workspace, days)
    assert workspace.notices == ([WARNING] if is_told else [])
    now = replace(workspace, clock=lambda: TODAY + timedelta(days))
    status = status_of(now)
    kinds = [trouble.kind for trouble in troubles(status) if trouble.kind != "backup"]
    assert kinds == ["history"] * is_told
    told = [str(trouble.problem) for trouble in troubles(status) if trouble.kind == "history"]
    assert told == [WARNING] * is_told
    assert level_of([item for item in troubles(status) if item.kind == "history"]) == (
        "look" if is_told else "well"
    )
    dropped = days > 1
    until = TODAY.isoformat() if dropped else None
    assert status_record(status)["history"]["folded_until"] == until
    line = "runs up to 2026-03-01 00:00:00 UTC are kept as counts only"
    assert any(line in shown for shown in status_lines(status)) is dropped
    if dropped:
        with pytest.raises(InvalidValue):
            undo_preview(workspace, first)


def test_a_run_that_drops_none_says_nothing_again(fill: Callable[..., Workspace]) -> None:
    workspace = replace(fill(managed("anna")), clock=lambda: TODAY)
    configure(workspace, {"history_max_mib": 1})
    rename(workspace, 0)
    rename(workspace, 2)
    workspace.notices.clear()
    by_hand.pin(replace(workspace, clock=lambda: TODAY + timedelta(2)), "anna")
    assert workspace.notices == []
