"""What a plan and its changes tell of themselves, and answers, as tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from store.interface import Edit, Snapshot
from sync.planning.plan import (
    ACTIONS,
    IDS,
    Answer,
    Answers,
    Change,
    FieldChange,
    Plan,
    counts_of,
    in_order,
    plan_by_hand,
)
from tests.support.builders import AUTO_DELETE, managed

ANNA = managed("anna", rev=1)
EDIT = Edit.update(ANNA, ANNA)


EACH: tuple[Answer, ...] = ("rename", "separate", "link", "same", "new")


def change(action: Any = "update", name: str = "anna", **fields: Any) -> Change:
    return Change(action=action, user_name=name, reason="", **fields)


SUSPENDS = {"other_id": FieldChange(None, "2")}
RELEASES = {"other_id": FieldChange("2", None)}


@pytest.mark.parametrize(
    ("one", "stays_open", "locks_out"),
    [
        (change(edit=EDIT), False, False),
        (change("delete", edit=Edit.delete(ANNA)), False, True),
        (change("delete", done=True), False, False),
        (change(edit=EDIT, fields=SUSPENDS), False, True),
        (change(fields=SUSPENDS), False, False),
        (change(edit=EDIT, fields=RELEASES), False, False),
        (change("conflict"), True, False),
        (change("rename", asks="rename"), True, False),
        (change("rename", edit=EDIT), False, False),
        (change("return", asks="return"), True, False),
    ],
)
def test_what_stays_open_and_what_locks_out(one: Change, stays_open: bool, locks_out: bool) -> None:
    assert (one.stays_open, one.locks_out) == (stays_open, locks_out)
    other = change("create", "bert", edit=EDIT)
    plan = Plan(store_id="id", generation=1, settings=AUTO_DELETE, changes=(other, one))
    assert plan.leaves_open is stays_open
    assert plan.of(one.action) == [one]
    assert plan.counts[one.action] == plan.counts["create"] == 1
    assert [*plan.counts] == [*ACTIONS]
    assert sum(plan.counts.values()) == 2


ALL = Answers.of(["A"], ["B"], ["C"], [("OLD", "D")], ["E"], ["F"], take_ids=True)


def test_answers_are_kept_by_key() -> None:
    found = Answers.of(["A"], ["B"], ["C"], [("OLD", "D")], ["E"], ["F"], take_ids=True)
    sides = (frozenset(name) for name in "bcef")
    assert found == Answers({"a": None, "d": "old"}, *sides, take_ids=True)


def test_the_line_about_ids_is_no_users() -> None:
    found = counts_of([change(name=IDS), change(name="!"), change(name="z")])
    assert (found["update"], sum(found.values())) == (2, 2)


@pytest.mark.parametrize(("kind", "is_final"), [("edit", False), ("unlock", True)])
def test_what_an_administrator_does_by_hand_is_a_plan(kind: Any, is_final: bool) -> None:
    before = Snapshot("id", 7, AUTO_DELETE, {})
    changed = replace(AUTO_DELETE, auto_delete=False)
    plan = plan_by_hand(before, kind, [change()], changed)
    assert plan == Plan(
        store_id="id",
        generation=7,
        settings=AUTO_DELETE,
        changes=(change(),),
        kind=kind,
        new_settings=changed,
        guarded=False,
        final=is_final,
    )
    assert re.fullmatch("[0-9a-f]{12}", plan.id)


@pytest.mark.parametrize(
    ("name", "answered"),
    [(name, True) for name in ("a", "B", "c", "D", "e", "F", IDS)] + [("old", False), ("x", False)],
)
def test_which_questions_are_answered(name: str, answered: bool) -> None:
    assert (name in ALL) is answered
    assert name not in Answers()


@pytest.mark.parametrize(
    ("answer", "names", "old", "expected"),
    [
        ("rename", ["X"], None, Answers.of(["x"])),
        ("rename", ["X"], "Y", Answers.of(rename_from=[("y", "x")])),
        ("separate", ["X", "y"], None, Answers.of(separate=["x", "y"])),
        ("link", ["X"], None, Answers.of(link=["x"])),
        ("same", ["X"], None, Answers.of(same=["x"])),
        ("new", ["X"], None, Answers.of(new=["x"])),
        ("take_ids", [IDS], None, Answers.of(take_ids=True)),
        (None, ["x"], None, Answers()),
    ],
)
def test_an_answer_replaces_the_one_before(
    answer: Any, names: list[str], old: str | None, expected: Answers
) -> None:
    assert Answers().with_answer(answer, names, old) == expected
    for before in EACH:
        asked = ["x", *names]
        changed = Answers().with_answer(before, [*asked, "other"])
        assert changed.with_answer(answer, asked, old) == Answers().with_answer(
            before, ["other"]
        ).with_answer(answer, asked, old)
    taken = Answers.of(take_ids=True)
    assert taken.with_answer("link", ["x"]).take_ids
    assert not taken.with_answer(None, [IDS]).take_ids


def test_changes_are_ordered_by_action_then_by_name() -> None:
    drawn = [change(action, name) for name in ("b", "A", "c") for action in reversed(ACTIONS)]
    found = in_order(drawn)
    assert [each.action for each in found] == [action for action in ACTIONS for _ in range(3)]
    assert [each.user_name for each in found] == ["A", "b", "c"] * len(ACTIONS)
