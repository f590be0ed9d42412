"""Leavers over the days: marked, deleted or back, undone, kept in plans, changed by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store.models import INTEGRATED, Settings, User
from sync.configure import configure
from sync.directory.listing import Listing
from sync.errors import GuardBlocked, StalePlan
from sync.planning.plan import Plan
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.plan_file import answer_differences, load_plan, save_plan
from sync.runs.preview import preview
from sync.runs.restore import restore_backup
from sync.runs.undo import undo_preview
from sync.status.figures import figures_of
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, stored
from tests.support.nights import Night

pytestmark = pytest.mark.both_stores
Fill = Callable[..., Workspace]
WEEK = replace(AUTO_DELETE, delete_after_days=7)
GUARDED = Settings(auto_delete=True, delete_after_days=7)
PASSWORD = "correct horse battery"
BOTH = answer(listed("anna"), listed("bert"))
BERT_ALONE = answer(listed("bert"))
ANNA = managed("anna", privileges=["login", "export"], folder_privileges={"bert": ["read"]})


@pytest.fixture
def clock() -> Night:
    return Night()


@pytest.fixture
def filled(fill: Fill) -> Workspace:
    return fill(ANNA, managed("bert"), User(user_name="root", privileges=["admin"]), settings=WEEK)


def sync(workspace: Workspace, directory: Listing = BERT_ALONE, **more: Any) -> Plan:
    plan = preview(workspace, directory)
    apply_plan(workspace, plan, **more)
    return plan


def undo(workspace: Workspace, run: str) -> Plan:
    plan = undo_preview(workspace, run)
    apply_plan(workspace, plan)
    return plan


def test_marked_once_then_deleted_on_the_day(filled: Workspace, clock: Night) -> None:
    assert lines(sync(filled)) == ["leave anna"]
    assert stored(filled, "anna").absent_since == "2026-11-30"
    generation = filled.snapshot().generation
    for clock.days in range(7):
        assert lines(sync(filled)) == []
    assert filled.snapshot().generation == generation
    clock.days = 7
    assert lines(sync(filled)) == ["delete anna"]
    assert filled.snapshot().find("anna") is None


def test_back_in_time_all_is_as_before(filled: Workspace, clock: Night) -> None:
    before = stored(filled, "anna")
    sync(filled)
    clock.days = 30
    assert lines(sync(filled, BOTH)) == ["update anna"]
    after = stored(filled, "anna")
    assert after == replace(before, rev=after.rev, changed=after.changed)
    assert lines(sync(filled, BOTH)) == []
    assert lines(sync(filled)) == ["leave anna"]  # and the days count anew
    assert stored(filled, "anna").absent_since == "2026-12-30"


def many(fill: Fill, marked: int = 0) -> tuple[Workspace, Listing]:
    users = [managed(f"u{number}") for number in range(20)]
    return fill(*users, settings=GUARDED), answer(*(listed(u.user_name) for u in users[4:]))


def test_the_guard_stops_marks_and_lets_their_deletions_pass(fill: Fill, clock: Night) -> None:
    workspace, outage = many(fill)
    with pytest.raises(GuardBlocked, match=r"4 deletions are more than 10 %"):
        sync(workspace, outage)
    sync(workspace, outage, hold_deletes=True)
    assert not any(row["absent_since"] for row in workspace.snapshot().users.values())
    sync(workspace, outage, allow_deletes=4)
    clock.days = 7
    assert sync(workspace, outage).counts["delete"] == 4
    assert workspace.snapshot().history.deletions == ()


def test_control_deletions_at_once_are_counted(fill: Fill) -> None:
    workspace, outage = many(fill)
    configure(workspace, {"delete_after_days": 0})
    with pytest.raises(GuardBlocked):
        sync(workspace, outage)


def test_marks_of_one_day_add_up(fill: Fill, clock: Night) -> None:
    workspace, _ = many(fill)
    stay = [listed(f"u{number}") for number in range(20)]
    sync(workspace, answer(*stay[2:]))
    with pytest.raises(GuardBlocked, match="4 with those of the last 24 hours"):
        sync(workspace, answer(*stay[4:]))
    clock.days = 2
    sync(workspace, answer(*stay[4:]))


def test_a_plan_counts_what_went_since_it_was_made_and_is_not_a_day_old(
    fill: Fill, clock: Night
) -> None:
    workspace, _ = many(fill)
    stay = [listed(f"u{number}") for number in range(20)]
    first, second = (preview(workspace, answer(*here)) for here in (stay[2:], stay[:-2]))
    apply_plan(workspace, first)
    with pytest.raises(GuardBlocked, match="4 with those of the last 24 hours"):
        apply_plan(workspace, second)
    clock.days = 1
    apply_plan(workspace, second)


def test_held_back_deletions_are_held_although_not_counted(filled: Workspace, clock: Night) -> None:
    sync(filled)
    clock.days = 7
    sync(filled, hold_deletes=True)
    assert stored(filled, "anna")


class TestUndo:
    def test_of_a_mark_pins(self, filled: Workspace) -> None:
        before = stored(filled, "anna")
        marked = sync(filled)
        (change,) = undo(filled, marked.id).changes
        assert (change.action, change.is_counted) == ("update", False)
        after = stored(filled, "anna")
        kept = replace(before, rev=after.rev, changed=after.changed)
        assert after == replace(kept, pinned=True)
        assert lines(sync(filled)) == []
        by_hand.release(filled, "anna")
        assert lines(sync(filled)) == ["leave anna"]

    @pytest.mark.parametrize("days", [3, 30])
    def test_of_that_undo_marks_again_as_of_then(
        self, filled: Workspace, clock: Night, days: int
    ) -> None:
        undone = undo(filled, sync(filled).id)
        clock.days = days
        (change,) = undo(filled, undone.id).changes
        assert (change.action, change.is_counted) == ("leave", True)
        anna = stored(filled, "anna")
        assert (anna.absent_since, anna.pinned) == ("2026-11-30", False)

    def test_of_an_unmark_marks_again(self, filled: Workspace, clock: Night) -> None:
        sync(filled)
        clock.days = 30
        back = sync(filled, BOTH)
        (change,) = undo(filled, back.id).changes
        assert (change.action, change.is_counted) == ("leave", True)
        assert stored(filled, "anna").absent_since == "2026-11-30"
        assert lines(sync(filled, BOTH)) == ["update anna"]

    def test_of_a_deletion_brings_back_without_the_mark(
        self, filled: Workspace, clock: Night
    ) -> None:
        sync(filled)
        clock.days = 7
        undo(filled, sync(filled).id)
        anna = stored(filled, "anna")
        assert (anna.absent_since, anna.pinned) == (None, True)
        assert lines(sync(filled)) == []


class TestKeptPlan:
    def test_made_before_the_day_it_does_what_it_says(
        self, filled: Workspace, clock: Night, tmp_path: Path
    ) -> None:
        sync(filled)
        save_plan(filled, tmp_path / "plan", preview(filled, BERT_ALONE), BERT_ALONE)
        clock.days = 7
        saved = load_plan(filled, tmp_path / "plan")
        apply_plan(filled, saved.plan)
        assert stored(filled, "anna")

    @pytest.mark.parametrize(("days", "is_stale"), [(0, False), (6, False), (7, True)])
    def test_marks_that_would_give_no_time_are_stale(
        self, filled: Workspace, clock: Night, tmp_path: Path, days: int, is_stale: bool
    ) -> None:
        plan = preview(filled, BERT_ALONE)
        save_plan(filled, tmp_path / "plan", plan, BERT_ALONE)
        clock.days = days
        if not is_stale:
            saved = load_plan(filled, tmp_path / "plan")
            assert saved.plan.changes == plan.changes
            apply_plan(filled, saved.plan)
            assert stored(filled, "anna").absent_since == "2026-11-30"
            return
        for use in (
            lambda: load_plan(filled, tmp_path / "plan"),
            lambda: apply_plan(filled, plan),
        ):
            with pytest.raises(StalePlan, match="“anna” would have been leaving on 2026-12-07"):
                use()
        assert stored(filled, "anna").absent_since is None

    def test_a_deletion_stays_uncounted_in_the_file(
        self, filled: Workspace, clock: Night, tmp_path: Path
    ) -> None:
        sync(filled)
        clock.days = 7
        save_plan(filled, tmp_path / "plan", preview(filled, BERT_ALONE), BERT_ALONE)
        (change,) = load_plan(filled, tmp_path / "plan").plan.changes
        assert (change.locks_out, change.is_counted) == (True, False)

    def test_it_is_stale_once_the_leaver_is_back(
        self, filled: Workspace, clock: Night, tmp_path: Path
    ) -> None:
        sync(filled)
        clock.days = 7
        save_plan(filled, tmp_path / "plan", preview(filled, BERT_ALONE), BERT_ALONE)
        saved = load_plan(filled, tmp_path / "plan")
        assert "“anna”: delete then, update now" in answer_differences(filled, saved, BOTH)
        sync(filled, BOTH)
        with pytest.raises(StalePlan):
            load_plan(filled, tmp_path / "plan")


class TestByHand:
    @pytest.fixture
    def leaving(self, filled: Workspace) -> Workspace:
        sync(filled)
        return filled

    def test_a_local_user_leaves_no_more(self, leaving: Workspace, clock: Night) -> None:
        anna = stored(leaving, "anna")
        by_hand.switch_authentication(leaving, [anna], INTEGRATED, PASSWORD)
        assert stored(leaving, "anna").absent_since is None
        clock.days = 30
        assert lines(sync(leaving)) == []

    def test_nor_does_a_pinned_one(self, leaving: Workspace, clock: Night) -> None:
        by_hand.pin(leaving, "anna")
        assert stored(leaving, "anna").absent_since is None
        clock.days = 30
        assert lines(sync(leaving)) == []
        by_hand.release(leaving, "anna")
        assert lines(sync(leaving)) == ["leave anna"]

    def test_nor_an_administrator(self, leaving: Workspace) -> None:
        by_hand.set_privileges(leaving, stored(leaving, "anna"), ["admin"])
        assert figures_of(leaving, leaving.snapshot()).leaving == 0
        assert lines(sync(leaving)) == ["update anna"]
        assert lines(sync(leaving)) == []

    def test_a_renamed_one_is_still_leaving(self, leaving: Workspace, clock: Night) -> None:
        by_hand.rename_user(leaving, stored(leaving, "anna"), "berg")
        assert lines(sync(leaving)) == []
        assert lines(preview(leaving, answer(listed("bert"), listed("berg")))) == ["update berg"]
        clock.days = 7
        assert lines(sync(leaving)) == ["delete berg"]


class TestSetting:
    @pytest.mark.parametrize(
        ("days", "planned"), [(0, ["delete anna"]), (3, ["delete anna"]), (4, []), (14, [])]
    )
    def test_marks_follow_it(
        self, filled: Workspace, clock: Night, days: int, planned: list[str]
    ) -> None:
        sync(filled)
        clock.days = 3
        configure(filled, {"delete_after_days": days})
        assert lines(sync(filled)) == planned

    def test_without_automatic_deletion_the_days_begin_anew(
        self, filled: Workspace, clock: Night
    ) -> None:
        sync(filled)
        configure(filled, {"auto_delete": False})
        assert lines(sync(filled)) == ["update anna"]
        clock.days = 300
        configure(filled, {"auto_delete": True})
        assert lines(sync(filled)) == ["leave anna"]


def test_the_figures_know_who_leaves_and_when(filled: Workspace) -> None:
    sync(filled)
    found = figures_of(filled, filled.snapshot())
    assert (found.leaving, found.next_leaving_on) == (1, "2026-12-07")
    configure(filled, {"delete_after_days": 1})
    assert figures_of(filled, filled.snapshot()).next_leaving_on == "2026-12-01"


def test_a_backup_has_the_marks(filled: Workspace, tmp_path: Path) -> None:
    sync(filled)
    filled.upkeep.save_copy(tmp_path / "backup")
    sync(filled, BOTH)
    restore_backup(filled, tmp_path / "backup")
    assert stored(filled, "anna").absent_since == "2026-11-30"
