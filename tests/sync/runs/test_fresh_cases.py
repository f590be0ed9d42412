"""Which plans are stale, what that says, and what an applied one leaves behind, as tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from store.interface import Snapshot
from sync.configure import configure
from sync.errors import AlreadyApplied, GuardBlocked, StalePlan
from sync.planning.guard import Past
from sync.planning.plan import Plan
from sync.runs import by_hand
from sync.runs.apply import apply_plan, check_fresh, check_guard, divide
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.status.outcomes import outcomes_of
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, listed, managed, plan_for, stored

Fill = Callable[..., Workspace]
LISTING = answer(listed("anna", "a@x.org", full="Anna"), listed("bert"))


@pytest.fixture
def office(fill: Fill) -> Workspace:
    """Anna and Bert."""
    return fill(managed("anna"), managed("bert"))


def test_the_record_and_the_outcome_name_who_did_it(office: Workspace) -> None:
    result = apply_plan(replace(office, who="root2"), preview(office, LISTING))
    assert result.run
    assert office.store.run(result.run).summary.who == "root2"
    outcome = outcomes_of(office).last
    assert outcome
    assert (outcome.who, outcome.run, outcome.result) == ("root2", result.run, "applied")
    assert (outcome.held, outcome.listed, outcome.counts["update"]) == (0, 2, 1)


def test_an_outcome_tells_of_held_deletions_and_an_undo_has_none(office: Workspace) -> None:
    plan = preview(office, answer(listed("bert", full="Bert")))
    run = apply_plan(office, plan, hold_deletes=True).run
    outcome = outcomes_of(office).last
    assert outcome
    assert (outcome.run, outcome.held) == (run, 1)
    assert run
    apply_plan(office, undo_preview(office, run))
    assert outcomes_of(office).last == outcome


def test_a_plan_of_settings_alone_is_written(office: Workspace) -> None:
    before = office.snapshot().settings
    configure(office, {"max_users": 7})
    undo = undo_preview(office, office.snapshot().history.runs[-1].id)
    assert not undo.changes
    assert apply_plan(office, undo).run
    assert office.snapshot().settings == before


def test_where_nothing_is_wanted_nothing_is_written(office: Workspace) -> None:
    plan = preview(office, LISTING)
    result = apply_plan(office, plan, skip=["anna"])
    assert (result.applied, result.run, result.generation) == ((), None, plan.generation)
    assert [change.user_name for change in result.skipped] == ["anna"]


def test_a_plan_that_was_applied_says_when_and_as_which_run(office: Workspace) -> None:
    plan = preview(office, LISTING)
    run = apply_plan(office, plan).run
    assert run
    with pytest.raises(AlreadyApplied) as refused:
        apply_plan(office, plan)
    at = office.store.run(run).summary.at
    assert refused.value.what == AlreadyApplied(at, run).what
    assert run in refused.value.what


def other_holder(office: Workspace) -> None:
    bert = stored(office, "bert")
    by_hand.edit_user(office, bert, replace(bert, email_addresses=["A@x.org"]))


FOLDED = "the plan is older than what the history still lists; it may have been applied"
STALE: dict[str, tuple[dict[str, Any], int | None, Callable[[Workspace], object], list[str]]] = {
    # what else the plan says, up to where runs were folded, what was done since, the differences
    "a store's id that comes earlier": (
        {"store_id": "0" * 32}, None, id, ["the plan belongs to another store than {where}"],
    ),
    "one that comes later": (
        {"store_id": "g" * 32}, None, id, ["the plan belongs to another store than {where}"],
    ),
    "the run before it was folded": ({}, 0, id, []),
    "its own would be": ({}, 1, id, [FOLDED]),
    "the settings are others": (
        {}, None, lambda office: configure(office, {"max_users": 7}),
        ["the settings were changed (max_users)"],
    ),
    "somebody else has the address": (
        {}, None, other_holder,
        [
            "“anna”: the address “a@x.org” belongs to “bert”; an address can have one user only: "
            "correct one of the two"
        ],
    ),
    "somebody else was changed": (
        {}, None, lambda office: by_hand.pin(office, "bert"), [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "folded", "since", "says"), STALE.values(), ids=STALE.keys())
def test_what_makes_a_plan_stale(
    office: Workspace,
    changed: dict[str, Any],
    folded: int | None,
    since: Callable[[Workspace], object],
    says: list[str],
) -> None:
    plan = replace(preview(office, LISTING), **changed)
    since(office)

    def now() -> Snapshot:
        state = office.snapshot()
        if folded is None:
            return state
        history = replace(state.history, folded_generation=plan.generation + folded)
        return replace(state, history=history)

    expected = [text.format(where=office.store.where) for text in says]
    try:
        check_fresh(office, plan, divide(plan, ())[0], now())
        found = []
    except StalePlan as stale:
        found = list(stale.differences)
    assert found == expected


def test_a_deletion_is_applied_unless_it_is_to_be_held() -> None:
    plan = plan_for([managed("anna")], answer(listed("new")))
    assert len(divide(plan, ())[0]) == 2


def test_all_that_follows_goes_with_what_it_follows() -> None:
    deputies = [managed(name, folder_privileges={"new": ["read"]}) for name in ("d1", "d2")]
    plan = plan_for(deputies, answer(listed("d1"), listed("d2"), listed("new")))
    wanted, skipped = divide(plan, {"new"})
    assert wanted == []
    assert [change.user_name for change in skipped] == ["new", "d1", "d2"]


def test_deletions_of_other_runs_since_then_count(fill: Fill) -> None:
    users = [managed(f"user{number}") for number in range(6)]
    workspace = fill(*users, settings=replace(AUTO_DELETE, guard_max_deletes=3))

    def planned(*gone: int) -> Plan:
        kept = [listed(user.user_name) for place, user in enumerate(users) if place not in gone]
        return preview(workspace, answer(*kept))

    first, second = planned(0, 1), planned(4, 5)
    apply_plan(workspace, first)
    assert not second.guard
    with pytest.raises(GuardBlocked) as stopped:
        apply_plan(workspace, second)
    assert stopped.value.what.startswith("The delete guard stopped this sync: ")
    assert stopped.value.advice.startswith("Other runs have deleted users since this preview was")
    assert "--allow-deletes 2" in stopped.value.advice
    assert apply_plan(workspace, second, allow_deletes=2).run


GONE = plan_for([managed("a"), managed("b"), managed("c")], answer(listed("new")), AUTO_DELETE)
EMPTY = plan_for([managed("a")], answer())
MANY = [managed(f"user{number}") for number in range(30)]
TWICE = plan_for(
    MANY,
    answer(*(listed(user.user_name) for user in MANY[10:])),
    replace(AUTO_DELETE, guard_max_deletes=3, guard_max_delete_percent=10),
)
LOOK = "Look at the plan again and confirm the exact number."
BLOCKED: dict[str, tuple[Plan, int, int | None, str, str]] = {
    # plan, deletions, the confirmed number; what happened, and what to do
    "an empty answer": (
        EMPTY, 0, 0, " ".join(EMPTY.guard),
        "Find out why the directory lists nobody, and synchronize again when it does.",
    ),
    "one confirmed": (GONE, 3, 1, "1 deletion was confirmed, but the plan has 3.", LOOK),
    "two confirmed": (GONE, 3, 2, "2 deletions were confirmed, but the plan has 3.", LOOK),
    "for two reasons": (
        TWICE, 10, None, f"The delete guard stopped this sync: {TWICE.guard[0]} {TWICE.guard[1]}",
        "If you expect 10 deletions, confirm the exact number with `mailroster sync "
        "--allow-deletes 10`. To apply everything else, hold deletions back with `mailroster sync "
        "--hold-deletes`.",
    ),
    "none confirmed": (
        GONE, 3, None, f"The delete guard stopped this sync: {' '.join(GONE.guard)}",
        "If you expect 3 deletions, confirm the exact number with `mailroster sync "
        "--allow-deletes 3`. To apply everything else, hold deletions back with `mailroster sync "
        "--hold-deletes`.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "deletes", "confirmed", "what", "advice"), BLOCKED.values(), ids=BLOCKED.keys()
)
def test_what_the_guard_says(
    plan: Plan, deletes: int, confirmed: int | None, what: str, advice: str
) -> None:
    with pytest.raises(GuardBlocked) as stopped:
        check_guard(plan, deletes, confirmed)
    assert (stopped.value.what, stopped.value.advice) == (what, advice)


def test_how_many_the_directory_listed_at_another_run_since_then_is_no_matter() -> None:
    few = [managed(f"user{number}") for number in range(30)]
    plan = plan_for(few, answer(*(listed(user.user_name) for user in few[1:])))
    assert not plan.guard
    assert check_guard(plan, 1, None, Past(listed=100)) is False
