"""Leavers as tables: whose mark ends, who goes beside others, and who counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from store.models import Settings, User, UserRow
from sync.planning.deletions import managed_by
from sync.planning.filters import parse_rules
from sync.planning.leavers import counted_by, leaving_on
from sync.planning.plan import FieldChange, Plan
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, plan_for

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
TODAY, LONG_AGO = "2026-11-30", "2020-01-01"
WEEK = replace(AUTO_DELETE, delete_after_days=7)
HERE = "none "


def marked(name: str, day: str | None = TODAY, **fields: Any) -> User:
    return managed(name, absent_since=day, **fields)


def plan(users: list[User], *names: str, rules: str = "", settings: Settings = WEEK) -> Plan:
    settings = replace(settings, filters=tuple(parse_rules(rules)))
    return plan_for(
        [*users, managed("zoe")], answer(*map(listed, ("zoe", *names))), settings, now=NOW
    )


@pytest.mark.parametrize(
    ("users", "names", "rules", "planned"),
    [
        ([marked("a", LONG_AGO), marked("b"), managed("c")], [], "", ["leave c", "delete a"]),
        ([marked("a"), managed("b"), marked("c", LONG_AGO)], [], "", ["leave b", "delete c"]),
        # marks that end
        ([marked("a", pinned=True), marked("b"), marked("c", pinned=True)], [], "",
         ["update a", "update c"]),
        ([marked("a", pinned=True)], ["a"], "", ["update a"]),
        ([marked("a", pinned=True)], [], "skip user_name b", ["update a"]),
        ([marked("a", pinned=True), marked("b", pinned=True)], [], "skip user_name a",
         ["update b"]),
        ([marked("admin")], [], "", ["update admin"]),
        ([User(user_name="a", absent_since=TODAY)], [], "", []),
        ([User(user_name="a", absent_since=TODAY), marked("b", pinned=True)], [], "",
         ["update b"]),
    ],
)  # fmt: skip
def test_who_leaves_and_whose_mark_ends(
    users: list[User], names: list[str], rules: str, planned: list[str]
) -> None:
    assert lines(plan(users, *names, rules=rules)) == planned


def test_the_end_of_a_mark_is_said() -> None:
    (change,) = plan([marked("a", pinned=True)]).changes
    assert change.reason == "no longer leaving, because syncs do not delete this user now"
    assert change.fields == {"absent_since": FieldChange(TODAY, None)}
    assert change.edit
    assert change.edit.user == managed("a", pinned=True, rev=1)


def test_who_is_back_as_before_is_said_to_be_so() -> None:
    (change,) = plan([marked("a")], "a").changes
    assert change.reason == "is back, so no longer leaving; everything is kept"
    assert change.fields == {"absent_since": FieldChange(TODAY, None)}


def test_a_mark_says_which_other_id_was_there_before() -> None:
    user = managed("a", directory_id="1", directory=HERE, other_id="8")
    settings = replace(WEEK, filters=tuple(parse_rules("exclude user_name a")))
    records = [listed("a", stable_id="9"), listed("zoe", stable_id="2")]
    zoe = managed("zoe", directory_id="2", directory=HERE)
    (change,) = plan_for([user, zoe], answer(*records), settings, now=NOW).changes
    assert change.fields == {
        "absent_since": FieldChange(None, TODAY),
        "other_id": FieldChange("8", "9"),
    }


@pytest.mark.parametrize(
    ("user", "counts", "day"),
    [
        (managed("a"), True, None),
        (marked("a"), False, "2026-12-07"),
        (marked("a", pinned=True), False, None),
        (managed("a", pinned=True), False, None),
        (User(user_name="a"), False, None),
        (managed("admin"), False, None),
        (marked("admin"), False, None),
    ],
)
def test_who_counts_and_who_leaves(user: User, counts: bool, day: str | None) -> None:
    row: UserRow = user.to_row()
    assert counted_by(managed_by(()))(user.key, row) is counts
    assert leaving_on(WEEK)(row) == day
