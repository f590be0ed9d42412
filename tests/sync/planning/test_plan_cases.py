"""What a plan and its changes tell of themselves, and answers, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from store.interface import Edit
from sync.planning.plan import ACTIONS, IDS, Answer, Answers, Change, FieldChange, Plan, in_order
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
