"""Leavers: who is marked, until when, who is deleted then, and what the delete guard counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from store.models import FilterRule, Settings, User
from sync.planning.leavers import day_of, leaving_on
from sync.planning.plan import Answers, FieldChange, Plan
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, plan_for

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
TODAY = "2026-11-30"
WEEK = replace(AUTO_DELETE, delete_after_days=7)
GUARDED = Settings(auto_delete=True, delete_after_days=7)
OTHERS = answer(listed("bert"))
SKIP = FilterRule(action="skip", field="user_name", pattern="anna")
EXCLUDE = FilterRule(action="exclude", field="user_name", pattern="anna")


def since(day: str | None, **fields: Any) -> User:
    return managed("anna", absent_since=day, **fields)


def plan(user: User, listing: Any = OTHERS, settings: Settings = WEEK, **more: Any) -> Plan:
    """What is planned for this user, beside one who stays."""
    return plan_for([managed("bert"), user], listing, settings, now=NOW, **more)


@pytest.mark.parametrize(
    ("absent_since", "days", "planned"),
    [
        (None, 0, ["delete anna"]),
        (None, 1, ["leave anna"]),
        (None, 7, ["leave anna"]),
        (TODAY, 7, []),
        (TODAY, 1, []),
        (TODAY, 0, ["delete anna"]),
        ("2026-11-24", 7, []),
        ("2026-11-23", 7, ["delete anna"]),
        ("2026-11-23", 8, []),
        ("2020-01-01", 7, ["delete anna"]),
        ("2026-12-24", 7, []),  # a clock that was set back
    ],
)
def test_what_becomes_of_somebody_absent(
    absent_since: str | None, days: int, planned: list[str]
) -> None:
    settings = replace(WEEK, delete_after_days=days)
    assert lines(plan(since(absent_since), settings=settings)) == planned


@pytest.mark.parametrize(
    ("user", "listing", "filters", "planned"),
    [
        (since(None), answer(listed("anna"), listed("bert")), (EXCLUDE,), ["leave anna"]),
        (since(TODAY), answer(listed("anna"), listed("bert")), (EXCLUDE,), []),
        (since(None), OTHERS, (SKIP,), []),
        (since("2020-01-01"), OTHERS, (SKIP,), []),
        (since(None, pinned=True), OTHERS, (), []),
        (since(None, privileges=["admin"]), OTHERS, (), []),
        (since(TODAY), answer(listed("anna"), listed("bert")), (), ["update anna"]),
        (since(None), answer(listed("anna"), listed("bert")), (), []),
        (since(TODAY, pinned=True), OTHERS, (), ["update anna"]),
        (since(TODAY, privileges=["admin"]), OTHERS, (), ["update anna"]),
        (User(user_name="anna"), OTHERS, (), []),
    ],
)
def test_who_leaves_and_who_stays(
    user: User, listing: Any, filters: tuple[FilterRule, ...], planned: list[str]
) -> None:
    assert lines(plan(user, listing, replace(WEEK, filters=filters))) == planned


@pytest.mark.parametrize(("filters", "planned"), [((), ["update anna"]), ((SKIP,), [])])
@pytest.mark.parametrize("day", [TODAY, "2020-01-01"])
def test_without_automatic_deletion_nobody_is_leaving(
    day: str, filters: tuple[FilterRule, ...], planned: list[str]
) -> None:
    settings = replace(WEEK, auto_delete=False, filters=filters)
    assert lines(plan(since(day), settings=settings)) == planned
    assert leaving_on(settings)(since(day).to_row()) is None


def test_the_mark_says_since_when_until_when_and_that_it_counts() -> None:
    (change,) = plan(since(None)).changes
    assert change.fields == {"absent_since": FieldChange(None, TODAY)}
    assert "leaving on 2026-12-07, unless back by then: absent from the directory" in change.reason
    assert change.edit
    assert change.edit.user == replace(since(None), absent_since=TODAY, rev=1)
    assert (change.locks_out, change.is_counted, change.archive) == (True, True, None)


def test_the_deletion_is_held_back_like_others_and_not_counted_again() -> None:
    (change,) = plan(since("2026-11-23")).changes
    assert change.fields == {"absent_since": FieldChange("2026-11-23", None)}
    assert change.reason == "absent from the directory, and was leaving since 2026-11-23"
    assert (change.locks_out, change.is_counted, change.archive) == (True, False, "removed")


def test_back_in_time_everything_is_kept_and_followed() -> None:
    user = since(TODAY, privileges=["login", "export"], folder_privileges={"bert": ["read"]})
    (change,) = plan(user, answer(listed("anna", full="Anna"), listed("bert"))).changes
    assert change.fields == {
        "full_name": FieldChange(None, "Anna"),
        "absent_since": FieldChange(TODAY, None),
    }
    assert change.reason.startswith("is back, so no longer leaving; everything is kept; full name")
    assert change.edit
    assert change.edit.user == replace(user, full_name="Anna", absent_since=None, rev=1)
    assert not change.locks_out


@pytest.mark.parametrize(
    ("answers", "planned"),
    [
        ({}, ["rename berg"]),
        ({"rename": ["berg"]}, ["rename berg"]),
        ({"separate": ["berg"]}, ["create berg"]),
    ],
)
def test_a_leaver_who_may_be_under_a_new_name(answers: Any, planned: list[str]) -> None:
    user = since("2026-11-29", email_addresses=["a@x.org"])
    listing = answer(listed("bert"), listed("berg", "a@x.org"))
    found = plan(user, listing, answers=Answers.of(**answers))
    assert lines(found) == planned
    renamed = found.changes[0].edit if "rename" in answers else None
    assert renamed is None or (renamed.user and renamed.user.absent_since is None)
    kept = [item.address for change in found.changes for item in change.left_out]
    assert kept == (["a@x.org"] if "separate" in answers else [])


def test_a_question_holds_the_mark_and_the_deletion() -> None:
    listing = answer(listed("bert"), listed("berg", "a@x.org"))
    for day in (None, "2020-01-01"):
        user = since(day, email_addresses=["a@x.org"])
        assert lines(plan(user, listing)) == ["rename berg"]


HERE = "none "


class TestNameOfSomebodyElse:
    """The name of a leaver is listed out of scope, with another person's id."""

    settings = replace(WEEK, filters=(EXCLUDE,))
    listing = answer(listed("anna", stable_id="9"), listed("bert", stable_id="2"))

    def planned(self, user: User) -> Plan:
        bert = managed("bert", directory_id="2", directory=HERE)
        return plan_for([bert, user], self.listing, self.settings, now=NOW)

    @pytest.mark.parametrize(
        ("user", "fields"),
        [
            (since(None), {"absent_since": TODAY, "other_id": "9"}),
            (since(TODAY), {"other_id": "9"}),
            (since(TODAY, other_id="9"), None),
        ],
    )
    def test_log_ons_are_refused_until_the_day(
        self, user: User, fields: dict[str, str] | None
    ) -> None:
        found = self.planned(replace(user, directory_id="1", directory=HERE))
        assert [
            {name: both.new for name, both in change.fields.items()} for change in found.changes
        ] == ([] if fields is None else [fields])

    def test_then_the_user_goes(self) -> None:
        user = since("2026-11-23", directory_id="1", directory=HERE, other_id="9")
        assert lines(self.planned(user)) == ["delete anna"]


class TestGuard:
    """For the guard a mark is the deletion; the deletion itself is none any more."""

    def stops(self, marked: int, due: int, present: int, absent: int) -> list[bool]:
        """Whether the guard stops with marks, and with deletions at once of whoever is left."""
        stay = [managed(f"p{number}") for number in range(present)]
        new = [managed(f"a{number}") for number in range(absent)]
        gone = [managed(f"m{number}", absent_since=TODAY) for number in range(marked)]
        gone += [managed(f"d{number}", absent_since="2020-01-01") for number in range(due)]
        directory = answer(*(listed(user.user_name) for user in stay))
        at_once = replace(GUARDED, delete_after_days=0)
        return [
            bool(plan_for([*stay, *new, *gone], directory, GUARDED, now=NOW).guard),
            bool(plan_for([*stay, *new], directory, at_once, now=NOW).guard),
        ]

    @pytest.mark.parametrize("marked", [0, 40])
    @pytest.mark.parametrize("due", [0, 40])
    @pytest.mark.parametrize(
        ("present", "absent", "stopped"),
        [
            (100, 0, False),
            (100, 10, False),
            (100, 12, True),  # more than 10 %
            (9, 3, False),
            (9, 4, True),
            (1000, 25, False),
            (1000, 26, True),
        ],
    )
    def test_it_stops_as_if_marked_users_were_gone(
        self, marked: int, due: int, present: int, absent: int, stopped: bool
    ) -> None:
        assert self.stops(marked, due, present, absent) == [stopped, stopped]

    def test_the_last_who_are_not_marked_are_everybody(self) -> None:
        users = [since(None), managed("zoe", absent_since=TODAY)]
        found = plan_for(users, answer(listed("new")), GUARDED, now=NOW)
        assert found.guard == ("The only managed user would be deleted.",)

    def test_an_empty_answer_marks_nobody(self) -> None:
        found = plan_for([since(None), managed("zoe")], answer(), GUARDED, now=NOW)
        assert not [change for change in found.changes if change.edit]
        assert "no users at all" in found.guard[0]

    def test_with_the_setting_back_at_0_marked_users_go_uncounted_and_others_counted(self) -> None:
        users = [managed(f"m{number}", absent_since=TODAY) for number in range(40)]
        users += [managed(f"p{number}") for number in range(100)]
        directory = answer(*(listed(f"p{number}") for number in range(1, 100)))
        at_once = replace(GUARDED, delete_after_days=0)
        found = plan_for(users, directory, at_once, now=NOW)
        assert found.counts["delete"] == 41
        assert [c.user_name for c in found.changes if c.is_counted] == ["p0"]
        assert (found.guard, found.managed) == ((), 100)


@pytest.mark.parametrize(
    ("user", "settings", "day"),
    [
        (since(TODAY), WEEK, "2026-12-07"),
        (since(TODAY), replace(WEEK, delete_after_days=0), TODAY),
        (since("2028-02-28"), replace(WEEK, delete_after_days=1), "2028-02-29"),
        (since(None), WEEK, None),
        (since(TODAY, pinned=True), WEEK, None),
        (since(TODAY, privileges=["admin"]), WEEK, None),
        (since(TODAY), replace(WEEK, filters=(SKIP,)), None),
        (since(TODAY), replace(WEEK, filters=(EXCLUDE,)), "2026-12-07"),
        (since(TODAY), replace(WEEK, auto_delete=False), None),
    ],
)
def test_from_which_day_on_somebody_is_deleted(
    user: User, settings: Settings, day: str | None
) -> None:
    assert leaving_on(settings)(user.to_row()) == day


def test_a_row_from_before_has_no_mark() -> None:
    row = since(None).to_row()
    del row["absent_since"]
    assert leaving_on(WEEK)(row) is None


@pytest.fixture(params=["UTC", "Pacific/Pago_Pago"])
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The time zone of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_days_are_those_of_utc() -> None:
    there = timezone(timedelta(hours=-11))
    assert day_of(datetime(2026, 11, 29, 13, tzinfo=there)) == TODAY
    assert day_of(datetime(2026, 11, 29, 12, 59, tzinfo=there)) == "2026-11-29"
    assert day_of(datetime(2026, 11, 30, 0, tzinfo=UTC)) == TODAY
