"""What a plan counts, says and asks, beside the table of `test_planner_cases.py`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.history import History
from store.interface import Snapshot
from store.models import Settings, User
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.planning.filters import parse_rules
from sync.planning.plan import Answers, FieldChange
from sync.planning.planner import make_plan
from sync.planning.returns import Former
from tests.support.builders import (
    AUTO_DELETE,
    HERE,
    KEEP,
    answer,
    known,
    lines,
    listed,
    managed,
    plan_for,
    unknown,
)
from tests.support.replaced import in_place_of

ROOT = User(user_name="root", privileges=["admin"], password_hash="x")
LOCAL = User(user_name="anna", full_name="A", privileges=["export"], password_hash="x")
DOMAIN = "include email_domain x.org"


@pytest.mark.parametrize(
    ("keeps", "users", "records", "plan"),
    [
        (["n"], [managed("a", distinguished_name="CN=1")], [listed("n", dn="CN=1")], "conflict n"),
        (["a"], [managed("a", distinguished_name="CN=1")], [listed("n", dn="CN=1")], "rename n"),
        (
            ["a", "b"],  # folders of users here are not in the way: they move, too
            [managed(n, distinguished_name=f"CN={n}") for n in "ab"],
            [listed("a", dn="CN=b"), listed("b", dn="CN=a")],
            "rename a",
        ),
    ],
)
def test_a_folder_with_mail_is_in_the_way_of_a_new_name(
    keeps: list[str], users: list[User], records: list[DirectoryUser], plan: str
) -> None:
    answers = Answers.of(rename=["n", "a", "b"])
    found = plan_for(users, answer(*records), AUTO_DELETE, keeps.__contains__, answers)
    assert lines(found)[0] == plan


IN_THE_WAY = (
    "“a” cannot be renamed to this: the archive folder of the new name holds mail already; move "
    "that folder away first"
)
CUT = ["ü" * 40 + end for end in "ab"]  # names whose folders are cut, and have a digest
ONE_FOLDER = (
    f"“a” cannot be renamed to this: that name would have the same archive folder as “{CUT[1]}”"
)


@pytest.mark.parametrize(
    ("new", "here", "keeps", "reason"),
    [("n", "b", ["n"], IN_THE_WAY), (CUT[0], CUT[1], [], ONE_FOLDER)],
)
def test_what_is_in_the_way_of_a_new_name_is_said(
    new: str, here: str, keeps: list[str], reason: str
) -> None:
    users = [managed("a", distinguished_name="CN=1"), managed(here)]
    listing = answer(listed(new, dn="CN=1"), listed(here))
    answers = Answers.of(rename=[new])
    with in_place_of(hashlib, "sha256", lambda _text: hashlib.md5(b"one for all")):
        (change,) = plan_for(users, listing, AUTO_DELETE, keeps.__contains__, answers).changes
    assert (change.action, change.user_name, change.reason) == ("conflict", new, reason)


def test_who_is_locked_out_counts_among_the_managed_users() -> None:
    users = [known("a", "1", pinned=True), known("b", "2")]
    listing = answer(listed("a", stable_id="9"), listed("b", stable_id="2"))
    assert plan_for(users, listing).managed == 2


@pytest.mark.parametrize(
    ("rules", "in_scope", "managed_users"),
    [("", 4, 3), ("exclude user_name b*", 3, 3), ("skip user_name b*", 3, 2), (DOMAIN, 1, 3)],
)
def test_a_plan_counts(rules: str, in_scope: int, managed_users: int) -> None:
    users = [managed("a", email_addresses=["a@x.org"]), managed("bert"), managed("c")]
    users += [ROOT, managed("admin")]
    settings = replace(AUTO_DELETE, filters=tuple(parse_rules(rules)))
    records = [listed("a", "a@x.org"), listed("bert", full="B"), listed("c"), listed("n")]
    raw = [{"userName": "a", "emailAddresses": ["a@x.org"]}, {"userName": "bert", "fullName": "B"},
           {"userName": "c"}, {"userName": "n"}]  # fmt: skip
    for listing in (answer(*records), Listing.unread(raw)):
        plan = plan_for(users, listing, settings)
        assert (plan.listed, plan.in_scope, plan.managed) == (4, in_scope, managed_users)
        assert (plan.store_id, plan.generation, plan.settings) == ("id", 1, settings)


@pytest.mark.parametrize(("full", "warnings"), [(None, 0), ("A", 1)])
@pytest.mark.parametrize("rules", ["", "include user_name *"])
def test_a_record_that_equals_what_is_stored_is_not_read(
    rules: str, full: str | None, warnings: int
) -> None:
    settings = replace(AUTO_DELETE, filters=tuple(parse_rules(rules)))
    record = {"userName": "a", "id": "1", "fullName": full, "emailAddresses": ["of old"]}
    user = known("a", "1", email_addresses=["of old"])
    assert len(plan_for([user], Listing.unread([record]), settings).warnings) == warnings


def made(history: History, now: datetime | None = None, **settings: Any) -> tuple[str, ...]:
    """The guard's sentences about one deletion of three."""
    rows: Any = {n: {**managed(n).to_row(), "rev": 1} for n in "abc"}
    snapshot = Snapshot("id", 1, replace(AUTO_DELETE, **settings), rows, history)
    return make_plan(snapshot, answer(listed("a"), listed("b")), lambda _: False, now=now).guard


def test_the_guard_looks_back_from_the_time_of_the_plan() -> None:
    at = datetime(2026, 5, 2, 12, tzinfo=UTC)
    history = History(deletions=((at.isoformat(), 3),))
    assert made(history, at, guard_max_deletes=3)
    assert not made(history, at + timedelta(days=1), guard_max_deletes=3)
    assert not made(history, guard_max_deletes=3)
    assert not made(History(), at, guard_max_deletes=3)


def test_a_linked_user_keeps_the_privileges() -> None:
    answers = Answers.of(link=["anna"])
    record = listed("Anna", "a@x.org", full="Anna", stable_id="1")
    plan = plan_for([LOCAL, ROOT, known("k", "5")], answer(record, listed("k")), answers=answers)
    (change,) = plan.changes
    assert plan.answers == answers
    assert change.fields == {
        "authentication": FieldChange("integrated", "directory_services"),
        "user_name": FieldChange("anna", "Anna"),
        "full_name": FieldChange("A", "Anna"),
        "email_addresses": FieldChange([], ["a@x.org"]),
        "directory_id": FieldChange(None, "1"),
        "directory": FieldChange(None, HERE),
    }
    assert change.edit
    assert change.edit.user
    assert change.edit.user.privileges == ["export"]


SUSPENDED = {"other_id": FieldChange(None, "2")}
FOLLOWING = {"directory_id": FieldChange("1", "2")}
ELSEWHERE = "the directory lists this name with another id, and this user's own id under {}; log-on"


@pytest.mark.parametrize(
    ("records", "rules", "same", "fields", "reason"),
    [
        ([listed("a", stable_id="2")], "exclude user_name a", ["a"], FOLLOWING, None),
        ([listed("a", stable_id="2"), listed("b", stable_id="1")], "skip user_name b", [],
         SUSPENDED, ELSEWHERE.format("“b”")),
        ([listed("a", stable_id="2"), InvalidRecord("b/", "bad", None, [], "1")], "", [],
         SUSPENDED, ELSEWHERE.format("a name that cannot be used")),
    ],
)  # fmt: skip
def test_a_name_with_another_id(
    records: list[Any], rules: str, same: list[str], fields: dict[str, FieldChange],
    reason: str | None,
) -> None:  # fmt: skip
    settings = replace(KEEP, filters=tuple(parse_rules(rules)))
    plan = plan_for([known("a", "1")], answer(*records), settings, answers=Answers.of(same=same))
    about = [change for change in plan.changes if change.user_name == "a"]
    assert about[0].fields == fields
    assert [change.reason[: len(reason or "")] for change in about[1:]] == [reason] * bool(reason)


def test_an_id_that_comes_is_noted_with_its_directory() -> None:
    listing = answer(listed("a", stable_id="1"), listed("k", stable_id="5"))
    (change,) = plan_for([managed("a"), known("k", "5")], listing).changes
    assert change.fields == {
        "directory_id": FieldChange(None, "1"),
        "directory": FieldChange(None, HERE),
    }


@pytest.mark.parametrize(
    ("users", "records", "reason"),
    [
        ([], [listed("Admin")], "“admin” is reserved: a sync never creates, changes or deletes it"),
        ([known("a", "1"), known("b", "2")], [listed("b", stable_id="1")], "it has the id of “a”,"),
        (
            [managed(n, distinguished_name=f"CN={n}") for n in "ab"], [listed("b", dn="CN=a")],
            "has the distinguished name or the addresses that “a” had until now",
        ),
    ],
)  # fmt: skip
def test_why_nothing_is_decided(users: list[User], records: list[Any], reason: str) -> None:
    assert plan_for(users, answer(*records)).changes[-1].reason.startswith(reason)


@pytest.mark.parametrize("rules", ["", "include user_name *"])
@pytest.mark.parametrize(
    ("user", "planned"), [(User(user_name="a"), "conflict a"), (managed("admin"), "conflict admin")]
)
def test_who_is_not_managed_is_never_passed_over(user: User, planned: str, rules: str) -> None:
    settings = replace(AUTO_DELETE, filters=tuple(parse_rules(rules)))
    listing = Listing.unread([{"userName": user.user_name}])
    assert lines(plan_for([user], listing, settings)) == [planned]


def test_who_is_created_without_a_former_counts_from_now() -> None:
    at = datetime(2026, 5, 2, 12, 0, 1, 5, tzinfo=UTC)
    rows: Any = {}
    snapshot = Snapshot("id", 1, Settings(), rows)
    plan = make_plan(
        snapshot,
        answer(listed("anna")),
        lambda _: False,
        Answers.of(same=["anna"]),
        at,
        lambda keys: dict.fromkeys(keys, Former(None, True)),
    )
    (change,) = plan.changes
    assert change.edit
    assert change.edit.user
    assert change.edit.user.created == "2026-05-02T12:00:01+00:00"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (("email_addresses",), "the e-mail addresses of this record cannot be read in full, and a"),
        (("id", "email_addresses"), "the e-mail addresses of this record cannot be read in full"),
        (
            ("full_name", "email_addresses"),
            "the full name and e-mail addresses of this record cannot be read in full",
        ),
    ],
)
def test_which_fields_cannot_be_read_is_said(fields: tuple[str, ...], told: str) -> None:
    settings = replace(AUTO_DELETE, filters=tuple(parse_rules(DOMAIN)))
    (change,) = plan_for([], answer(unknown("a", *fields)), settings).changes
    assert change.reason.startswith(told)
