"""Every condition of the delete guard, each with its control, and what opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.history import History, Run, RunSummary, folded, with_run
from store.interface import Batch, Snapshot
from store.models import FilterRule, Settings
from sync.directory.listing import Listing
from sync.errors import GuardBlocked
from sync.planning.guard import Past, guard_blocks, past_of
from sync.planning.identity import directory_of
from sync.planning.plan import Plan
from sync.planning.planner import make_plan
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import Workspace
from tests.support.builders import answer, listed, managed

Fill = Callable[..., Workspace]
NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
GENTLE = Settings(auto_delete=True, guard_max_delete_percent=100, guard_max_deletes=1000)


def ran(hours_ago: float, deletes: int = 0, listed: int = 100, **more: object) -> RunSummary:
    return RunSummary(
        id=f"r{hours_ago}",
        kind=more.pop("kind", "sync"),  # type: ignore[arg-type]
        who="root",
        at=(NOW - timedelta(hours=hours_ago)).isoformat(),
        counts={"delete": deletes},
        listed=listed,
        guarded=more.pop("guarded", True),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


def sentences(listed: int, managed: int, deletes: int, past: Past, **limits: int) -> str:
    settings = replace(GENTLE, **limits)  # type: ignore[arg-type]
    blocks = guard_blocks(settings, listed=listed, managed=managed, deletes=deletes, past=past)
    found = [block.sentence for block in blocks]
    return " ".join(found)


def test_one_deletion_is_one() -> None:
    limits = {"guard_max_deletes": 0, "guard_small_deletes": 0, "guard_max_delete_percent": 0}
    one, two = (sentences(100, 100, number, Past(), **limits) for number in (1, 2))
    assert "1 deletion exceeds the limit of 0" in one
    assert "1 deletion is more than 0 %" in one
    assert "2 deletions exceed the limit" in two
    assert "2 deletions are more than" in two


class TestShrinking:
    def test_a_fifth_fewer_than_at_the_last_sync(self) -> None:
        assert "lists 80 users, at least 20 % fewer than the 100 at the last sync" in sentences(
            80, 100, 1, Past(listed=100)
        )
        assert sentences(81, 100, 1, Past(listed=100)) == ""

    def test_from_twenty_users_on(self) -> None:
        assert "lists 1 user, at least" in sentences(1, 20, 1, Past(listed=20))
        assert "lists 16 users" in sentences(16, 20, 1, Past(listed=20))
        assert sentences(1, 19, 1, Past(listed=19)) == ""

    def test_the_limit_is_an_option(self) -> None:
        assert sentences(51, 100, 1, Past(listed=100), guard_max_shrink_percent=50) == ""
        assert "50 % fewer" in sentences(50, 100, 1, Past(listed=100), guard_max_shrink_percent=50)

    def test_without_a_deletion_or_a_past_there_is_nothing_to_guard(self) -> None:
        assert sentences(1, 100, 0, Past(listed=100)) == ""
        assert sentences(1, 100, 1, Past()) == ""

    def test_a_growing_directory_never_trips_it(self) -> None:
        assert sentences(100, 100, 1, Past(listed=50), guard_max_shrink_percent=0) == ""


def history_of(*runs: RunSummary) -> History:
    history = History()
    for summary in runs:
        history = with_run(history, Run(summary=summary, changes=[]), 100, "digest")
    return history


class TestPast:
    def test_the_last_24_hours_add_up(self) -> None:
        runs = (ran(25, deletes=50), ran(23, deletes=2), ran(1, deletes=3))
        assert past_of(history_of(*runs), NOW).deleted == 5

    def test_what_was_confirmed_by_its_number_does_not_count_again(self) -> None:
        runs = (ran(2, deletes=40, confirmed=True), ran(1, deletes=3))
        assert past_of(history_of(*runs), NOW).deleted == 3

    def test_what_is_done_by_hand_does_not_count(self) -> None:
        runs = (ran(2, deletes=40, kind="delete", guarded=False), ran(1, deletes=3))
        assert past_of(history_of(*runs), NOW).deleted == 3

    def test_the_last_sync_that_held_nothing_back_is_the_measure(self) -> None:
        runs = (ran(50, listed=100), ran(2, listed=40, held=60), ran(1, listed=7, kind="undo"))
        assert past_of(history_of(*runs), NOW).listed == 100
        assert past_of(History(), NOW) == Past()

    def test_the_measure_outlives_the_run_that_is_folded(self) -> None:
        history = history_of(ran(90, listed=100), ran(2, listed=40, held=60))
        assert past_of(folded(history, history.runs[:1], 100, "digest"), NOW).listed == 100


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 30),
            st.integers(0, 9),
            st.integers(1, 99),
            st.integers(0, 1),
            st.booleans(),
            st.sampled_from(["sync", "undo"]),
            st.integers(0, 3),
        ),
        min_size=1,
    )
)
def test_folding_changes_nothing_of_what_the_guard_knows(
    drawn: list[tuple[float, int, int, int, bool, str, int]],
) -> None:
    """However little room there is: the last day's total and the measure stay."""
    whole = little = History()
    at = NOW
    for number, (hours, deletes, listed_, held, confirmed, kind, drop) in enumerate(drawn):
        at += timedelta(hours=hours)
        summary = replace(
            ran(0, deletes, listed_, held=held, confirmed=confirmed, kind=kind),
            id=f"r{number}",
            at=at.isoformat(),
        )
        run = Run(summary=summary, changes=[])
        whole = with_run(whole, run, 100, "digest")
        little = with_run(little, run, 100, "digest")
        if oldest := little.runs[: min(drop, len(little.runs) - 1)]:
            little = replace(folded(little, oldest, 100, "digest"), runs=little.runs[len(oldest) :])
        assert past_of(little, at) == past_of(whole, at)
    gone = whole.runs[: little.folded_runs]
    assert little.runs == whole.runs[little.folded_runs :]
    assert little.folded_counts.get("delete", 0) == sum(run.counts["delete"] for run in gone)


class TestSlowDrip:
    def test_the_number_trips_with_the_total(self) -> None:
        text = sentences(900, 1000, 5, Past(deleted=21), guard_max_deletes=25)
        assert text.startswith("5 deletions, 26 with those of the last 24 hours, exceed the limit")
        assert sentences(900, 1000, 5, Past(deleted=20), guard_max_deletes=25) == ""

    def test_so_does_the_percentage_of_those_who_were_there(self) -> None:
        text = sentences(27, 27, 3, Past(deleted=3), guard_max_delete_percent=10)
        assert "6 with those of the last 24 hours, are more than 10 % of the 30 managed" in text
        assert sentences(97, 97, 3, Past(deleted=3), guard_max_delete_percent=10) == ""

    def test_three_a_run_stop_at_the_limit(self, fill: Fill) -> None:
        users = [managed(f"u{number:02}") for number in range(40)]
        workspace = fill(*users, settings=Settings(auto_delete=True))
        names = [user.user_name for user in users]
        apply_plan(workspace, preview(workspace, answer(*map(listed, names[3:]))))
        plan = preview(workspace, answer(*map(listed, names[6:])))
        with pytest.raises(GuardBlocked, match="6 with those of the last 24 hours"):
            apply_plan(workspace, plan)
        assert len(workspace.snapshot().users) == 37

    def test_refused_log_ons_add_up_with_deletions(self, fill: Fill) -> None:
        here = directory_of(Settings())
        users = [
            managed(f"u{number:02}", directory_id=f"{number}", directory=here)
            for number in range(40)
        ]
        workspace = fill(*users, settings=Settings(auto_delete=True))
        ids = {user.user_name: user.directory_id for user in users}

        def listing() -> Listing:
            return answer(*(listed(name, stable_id=ids[name]) for name in ids))

        ids |= {name: f"other {name}" for name in [*ids][:3]}
        result = apply_plan(workspace, preview(workspace, listing()))
        assert result.run
        assert workspace.store.run(result.run).summary.suspended == 3
        for name in [*ids][-3:]:
            del ids[name]
        with pytest.raises(GuardBlocked, match="6 with those of the last 24 hours"):
            apply_plan(workspace, preview(workspace, listing()))

    def test_two_plans_made_before_either_was_applied(self, fill: Fill) -> None:
        users = [managed(f"u{number:02}") for number in range(100)]
        workspace = fill(*users, settings=replace(GENTLE, guard_max_deletes=4))
        names = [user.user_name for user in users]
        first = preview(workspace, answer(*map(listed, names[3:])))
        second = preview(workspace, answer(*map(listed, [*names[:3], *names[6:]])))
        assert first.guard == second.guard == ()
        apply_plan(workspace, first)
        with pytest.raises(GuardBlocked, match="3 deletions, 6 with those of the last 24 hours"):
            apply_plan(workspace, second)
        assert len(workspace.snapshot().users) == 97

    def test_a_total_that_grew_since_the_preview_leads_to_a_new_one(self, fill: Fill) -> None:
        users = [managed(f"u{number:02}") for number in range(100)]
        workspace = fill(*users, settings=replace(GENTLE, guard_max_deletes=4))
        names = [user.user_name for user in users]
        directory = answer(*map(listed, [*names[:3], *names[6:]]))
        plan = preview(workspace, directory)
        apply_plan(workspace, preview(workspace, answer(*map(listed, names[3:]))))
        with pytest.raises(GuardBlocked) as blocked:
            apply_plan(workspace, plan)
        assert "Other runs have deleted users since this preview was made" in str(blocked.value)
        assert "Make a new preview" in str(blocked.value)
        again = preview(workspace, directory)
        assert "3 deletions, 6 with those of the last 24 hours" in again.guard[0]
        with pytest.raises(GuardBlocked) as blocked:
            apply_plan(workspace, again)
        assert "Other runs" not in str(blocked.value)
        apply_plan(workspace, again, allow_deletes=3)


class TestMeasure:
    def test_a_half_list_seen_twice_is_blocked_twice(self, fill: Fill) -> None:
        users = [managed(f"u{number:02}") for number in range(40)]
        workspace = fill(*users, settings=GENTLE)
        names = [user.user_name for user in users]
        apply_plan(workspace, preview(workspace, answer(*map(listed, [*names, "new"]))))
        half = answer(*map(listed, [*names[:20], "newer"]))
        apply_plan(workspace, preview(workspace, half), hold_deletes=True)
        plan = preview(workspace, half)
        assert "lists 21 users, at least 20 % fewer than the 41" in plan.guard[0]
        with pytest.raises(GuardBlocked):
            apply_plan(workspace, plan)
        apply_plan(workspace, plan, allow_deletes=21)
        names = names[1:20]
        assert preview(workspace, answer(*map(listed, [*names, "newer"]))).guard == ()

    def test_a_sync_without_changes_writes_nothing_and_moves_no_measure(self, fill: Fill) -> None:
        workspace = fill(managed("anna"), settings=GENTLE)
        before = workspace.host_path.read_bytes()
        result = apply_plan(workspace, preview(workspace, answer(listed("anna"))))
        assert (result.run, workspace.host_path.read_bytes()) == (None, before)
        assert workspace.snapshot().history == History()


class TestChangedFilter:
    OUT = "out of the filters' scope"
    CHANGED = "out of the filters' scope, which changed since the last sync"

    def plan(self, before: tuple[FilterRule, ...] | None) -> Plan:
        rows = {
            user.key: {**user.to_row(), "rev": 1} for user in (managed("anna"), managed("bert"))
        }
        settings = replace(GENTLE, filters=(self.rule("anna"),))
        history = History(filters=before)
        snapshot = Snapshot("id", 1, settings, rows, history)  # type: ignore[arg-type]
        return make_plan(snapshot, answer(listed("anna"), listed("bert")), lambda _: False)

    @staticmethod
    def rule(pattern: str) -> FilterRule:
        return FilterRule(action="exclude", field="user_name", pattern=pattern)

    def test_it_is_named(self) -> None:
        assert [change.reason for change in self.plan(()).changes] == [self.CHANGED]
        assert [change.reason for change in self.plan((self.rule("x"),)).changes] == [self.CHANGED]

    def test_not_where_it_is_the_same_or_unknown(self) -> None:
        for before in (None, (self.rule("anna"),), (self.rule("a*"),)):
            assert [change.reason for change in self.plan(before).changes] == [self.OUT]

    def test_through_a_real_sync(self, fill: Fill) -> None:
        workspace = fill(managed("anna"), managed("bert"), settings=GENTLE)
        directory = answer(listed("anna"), listed("bert"), listed("carla"))
        apply_plan(workspace, preview(workspace, directory))
        settings = replace(GENTLE, filters=(self.rule("a*"),))
        workspace.store.apply(Batch(settings=settings))
        assert preview(workspace, directory).changes[0].reason == self.CHANGED
