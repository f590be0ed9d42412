"""What is left out of a plan with what is skipped, and which numbers open the guard, as tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from store.models import User
from sync.errors import GuardBlocked
from sync.planning.identity import directory_of
from sync.planning.plan import Answers, Plan
from sync.runs.apply import apply_plan, check_guard, divide, without
from sync.runs.preview import preview
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, person, plan_for

Fill = Callable[..., Workspace]


def mail(name: str, *addresses: str) -> User:
    return managed(name, email_addresses=[*addresses])


HELD: set[str] | None = None  # in the place of the names: every deletion is held back
MOVED = [mail("anna", "A@x.org"), mail("bert", "b@x.org"), mail("carla", "c@x.org")]
SHIFT = [listed("anna", "n@x.org"), listed("bert", "a@X.org"), listed("carla", "B@x.org")]
TWO_GONE = [listed("carla", "c@x.org", full="Carla")]
PASSED = [person("a", "CN=1"), person("b", "CN=2")]

Row = tuple[list[User], list[object], Answers, set[str] | None, list[str], list[str]]
TABLE: dict[str, Row] = {
    # users, records, answers, who is skipped, then the names that are skipped, and that are written
    "who would get the address of one whose deletion is held": (
        [mail("anna", "A@x.org"), managed("bert")],
        [listed("bert", "a@X.org")], Answers(), HELD, ["anna", "bert"], [],
    ),
    "who would get a held one's name": (
        PASSED, [listed("b", dn="CN=9")], Answers.of(new=["b"]), {"b"}, ["b"], ["a"],
    ),
    "a chain of addresses, from its begin": (
        MOVED, SHIFT, Answers(), {"anna"}, ["anna", "bert", "carla"], [],
    ),
    "from its middle": (MOVED, SHIFT, Answers(), {"bert"}, ["bert", "carla"], ["anna"]),
    "from its end": (MOVED, SHIFT, Answers(), {"carla"}, ["carla"], ["anna", "bert"]),
    "nobody": (MOVED, SHIFT, Answers(), set(), [], ["anna", "bert", "carla"]),
    "beside deletions": (MOVED, TWO_GONE, Answers(), {"carla"}, ["carla"], ["anna", "bert"]),
    "deletions held": (MOVED, TWO_GONE, Answers(), HELD, ["anna", "bert"], ["carla"]),
    "a name that somebody new gets": (
        [person("b", "CN=2")],
        [listed("b", dn="CN=9"), listed("c", dn="CN=2")],
        Answers.of(rename=["c"]), {"c"}, ["c", "b"], [],
    ),
    "somebody new, not who makes room": (
        [person("b", "CN=2")],
        [listed("b", dn="CN=9"), listed("c", dn="CN=2")],
        Answers.of(rename=["c"]), {"b"}, ["b"], ["c"],
    ),
    "a chain of names": (
        PASSED, [listed("b", dn="CN=1"), listed("c", dn="CN=2")],
        Answers.of(rename=["b", "c"]), {"c"}, ["c", "b"], [],
    ),
    "an address that stays with its user": (
        [mail("anna", "a@x.org"), managed("bert")],
        [listed("anna", "a@x.org", full="Anna"), listed("bert", "b@x.org")],
        Answers(), {"anna"}, ["anna"], ["bert"],
    ),
    "another spelling of the own address": (
        [mail("anna", "a@x.org"), mail("bert", "b@x.org")],
        [listed("anna", "n@x.org"), listed("bert", "B@x.org")],
        Answers(), {"anna"}, ["anna"], ["bert"],
    ),
    "rights that end go with the change that ends them": (
        [managed("deputy", folder_privileges={"new": ["read"]})],
        [listed("deputy"), listed("new")], Answers(), {"new"}, ["new", "deputy"], [],
    ),
    "and stay with it": (
        [managed("deputy", folder_privileges={"new": ["read"]})],
        [listed("deputy"), listed("new"), listed("other")],
        Answers(), {"other"}, ["other"], ["new", "deputy"],
    ),
    "who comes in the place of another stays with whom": (
        [managed("anna", directory_id="1", directory=directory_of(AUTO_DELETE))],
        [listed("anna", stable_id="2"), listed("n")],
        Answers.of(new=["anna"]), HELD, ["anna", "anna"], ["n"],
    ),
    "a conflict cannot be skipped": (
        [User(user_name="local")], [listed("local"), listed("n")], Answers(), {"local"}, [], ["n"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("users", "records", "answers", "skip", "skipped", "wanted"), TABLE.values(), ids=TABLE.keys()
)
def test_what_is_left_out_with_it(
    users: list[User],
    records: list[object],
    answers: Answers,
    skip: set[str] | None,
    skipped: list[str],
    wanted: list[str],
) -> None:
    plan = plan_for(users, answer(*records), answers=answers)  # type: ignore[arg-type]
    found, left_out = divide(plan, skip or (), hold_deletes=skip is HELD)
    assert [change.user_name for change in left_out] == skipped
    assert [change.user_name for change in found] == wanted


def test_a_plan_without_a_change_keeps_the_conflict_of_that_name() -> None:
    conflict = plan_for([User(user_name="anna")], answer(listed("anna"), listed("bert")))
    change = plan_for([managed("anna")], answer(listed("anna", full="Anna")))
    both = replace(change, changes=(*change.changes, *conflict.changes))
    assert lines(without(both, ["anna"])) == ["create bert", "conflict anna"]


FIVE = [managed(f"user{number}") for number in range(5)]


def deletions(deletes: int, **limits: int) -> Plan:
    """Of five users so many go."""
    settings = replace(AUTO_DELETE, **limits)  # type: ignore[arg-type]
    kept = [listed(user.user_name) for user in FIVE[deletes:]]
    return plan_for(FIVE, answer(listed("new"), *kept), settings)


STOPPED = deletions(4, guard_max_deletes=3)
HAND = replace(STOPPED, guarded=False)
NUMBERS: dict[str, tuple[Plan, int, int | None, bool | None]] = {
    # plan, deletions that are wanted, the confirmed number; whether that was needed, None: blocked
    "unconfirmed": (STOPPED, 4, None, None),
    "the exact number": (STOPPED, 4, 4, True),
    "one more than there are": (STOPPED, 4, 5, None),
    "one less": (STOPPED, 4, 3, None),
    "all are held": (STOPPED, 0, None, False),
    "all are held, and none is confirmed": (STOPPED, 0, 0, False),
    "all are held, and some are confirmed": (STOPPED, 0, 4, None),
    "a number that nobody needs": (deletions(3), 3, 3, False),
    "a wrong one that nobody needs": (deletions(3), 3, 4, None),
    "none": (deletions(3), 3, None, False),
    "by hand the guard does not look": (HAND, 4, None, False),
    "by hand a number is looked at": (HAND, 4, 5, None),
    "an empty answer, all held": (plan_for(FIVE, answer()), 0, None, None),
    "an empty answer, confirmed": (plan_for(FIVE, answer()), 0, 0, None),
}


@pytest.mark.parametrize(
    ("plan", "deletes", "confirmed", "needed"), NUMBERS.values(), ids=NUMBERS.keys()
)
def test_which_number_opens_the_guard(
    plan: Plan, deletes: int, confirmed: int | None, needed: bool | None
) -> None:
    if needed is None:
        with pytest.raises(GuardBlocked):
            check_guard(plan, deletes, confirmed)
    else:
        assert check_guard(plan, deletes, confirmed) is needed


@pytest.mark.parametrize(
    ("confirmed", "held", "recorded"), [(4, False, True), (None, True, False), (3, None, False)]
)
def test_the_record_says_whether_a_number_was_needed(
    fill: Fill, confirmed: int | None, held: bool | None, recorded: bool
) -> None:
    workspace = fill(*FIVE, settings=replace(AUTO_DELETE, guard_max_deletes=3))
    gone = 3 if held is None else 4
    kept = [listed(user.user_name) for user in FIVE[gone:]]
    plan = preview(workspace, answer(listed("new"), *kept))
    run = apply_plan(workspace, plan, allow_deletes=confirmed, hold_deletes=bool(held)).run
    assert run
    summary = workspace.store.run(run).summary
    assert (summary.confirmed, summary.held) == (recorded, 4 if held else 0)
