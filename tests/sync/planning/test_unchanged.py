"""Records that equal what is stored are not read; the plan is the one that reading them gives."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.interface import Snapshot
from store.models import FilterRule, Settings, User, UserRow
from store.names import match_key
from sync.directory.answer import parse_listing
from sync.directory.listing import Listing
from sync.planning.deletions import managed_by
from sync.planning.identity import directory_of
from sync.planning.plan import Answers
from sync.planning.planner import make_plan
from sync.planning.unchanged import apart_from_unchanged
from tests.support.builders import AUTO_DELETE, managed

HERE = directory_of(AUTO_DELETE)
ANNA = managed("Anna", full_name="Anna A.", email_addresses=["anna@x.org"])
RECORD: dict[str, Any] = {
    "userName": "Anna",
    "fullName": "Anna A.",
    "distinguishedName": None,
    "emailAddresses": ["anna@x.org"],
}
NAMES = st.sampled_from(["a", "A", "b", "c", "admin", "ß", "ss", "../x", "", "e\u0301", "\u00e9"])
ADDRESSES = st.lists(st.sampled_from(["a@x.org", "A@x.org", "b@x.org", "no address"]), max_size=2)
TEXTS = st.sampled_from([None, "", "one", "two"])
IDS = st.sampled_from([None, "1", "2"])
STORED = st.builds(
    managed,
    NAMES.filter(lambda name: name not in ("../x", "")),
    full_name=st.sampled_from([None, "one"]),
    distinguished_name=st.sampled_from([None, "one"]),
    email_addresses=st.sampled_from([[], ["a@x.org"], ["b@x.org"]]),
    privileges=st.sampled_from([["login"], ["admin"]]),
    pinned=st.booleans(),
    directory_id=IDS,
    directory=st.sampled_from([HERE, "elsewhere"]),
    other_id=st.sampled_from([None, None, "2"]),
)
LOCAL = st.builds(User, user_name=NAMES.filter(lambda name: name not in ("../x", "")))
RECORDS = st.one_of(
    st.fixed_dictionaries(
        {"userName": NAMES},
        optional={
            "fullName": TEXTS | st.just(1),
            "distinguishedName": TEXTS | st.just([]),
            "id": IDS | st.sampled_from(["", 1]),
            "emailAddresses": ADDRESSES | st.none() | st.just({}) | st.just([1]),
        },
    ),
    st.sampled_from([1, None, [], {}, "userName", {"userName": 1}, {"userName": None}]),
)
RULES = st.builds(
    FilterRule,
    action=st.sampled_from(["include", "exclude", "skip"]),
    field=st.sampled_from(["user_name", "email_domain", "distinguished_name"]),
    pattern=st.sampled_from(["a", "*", "x.org", "one", "b*"]),
)


def snapshot_of(*users: User, settings: Settings = AUTO_DELETE) -> Snapshot:
    rows = {match_key(user.user_name): {**user.to_row(), "rev": 1} for user in users}
    return Snapshot("id", 1, settings, rows)  # type: ignore[arg-type]


def as_sent(*records: Any) -> Listing:
    return parse_listing(json.dumps(records).encode(), Settings())


def told_apart(snapshot: Snapshot, *records: Any) -> tuple[list[str], int]:
    is_managed = managed_by(snapshot.settings.filters)
    rest, others = apart_from_unchanged(snapshot.users, is_managed, as_sent(*records), HERE)
    return [key for key in snapshot.users if key not in rest], others.listed


@given(
    users=st.lists(STORED | LOCAL, max_size=4, unique_by=lambda user: match_key(user.user_name)),
    records=st.lists(RECORDS, max_size=6),
    rules=st.lists(RULES, max_size=2).map(tuple),
    link=st.sets(NAMES),
    take_ids=st.booleans(),
)
def test_the_plan_is_that_of_reading_every_record(
    users: list[User],
    records: list[Any],
    rules: tuple[FilterRule, ...],
    link: set[str],
    take_ids: bool,
) -> None:
    settings = Settings(auto_delete=True, guard_max_delete_percent=100, filters=rules)
    snapshot = snapshot_of(*users, settings=settings)
    unread, whole = as_sent(*records), as_sent(*records)
    read = Listing(whole.users, whole.invalid, whole.warnings)
    answers = Answers.of(link=link, take_ids=take_ids)
    plan = make_plan(snapshot, unread, lambda _: False, answers)
    assert plan == make_plan(snapshot, read, lambda _: False, answers)


def test_an_equal_record_is_set_apart_unread() -> None:
    assert told_apart(snapshot_of(ANNA), RECORD) == (["anna"], 0)
    no_addresses = managed("Anna", full_name="Anna A.")
    record = {"userName": "Anna", "fullName": "Anna A."}
    assert told_apart(snapshot_of(no_addresses), record) == (["anna"], 0)
    assert told_apart(snapshot_of(no_addresses), {**record, "emailAddresses": []}) == (["anna"], 0)


@pytest.mark.parametrize(
    "change",
    [
        {"userName": "anna"},
        {"userName": 1},
        {"fullName": "Anna B."},
        {"fullName": None},
        {"fullName": ["Anna A."]},
        {"distinguishedName": "CN=Anna"},
        {"distinguishedName": 0},
        {"emailAddresses": ["anna@x.org", "anna@x.org"]},
        {"emailAddresses": None},
        {"emailAddresses": "anna@x.org"},
    ],
)
def test_a_record_that_differs_in_anything_is_read(change: dict[str, Any]) -> None:
    assert told_apart(snapshot_of(ANNA), {**RECORD, **change}) == ([], 1)


WITH_ID = {**RECORD, "id": "1"}


@pytest.mark.parametrize(
    ("fields", "record", "is_read"),
    [
        ({"directory_id": "1", "directory": HERE}, WITH_ID, False),
        ({"directory_id": "1", "directory": HERE}, RECORD, False),
        ({"directory_id": "1", "directory": HERE}, {**RECORD, "id": None}, False),
        ({"directory_id": "2", "directory": HERE}, WITH_ID, True),
        ({"directory_id": "1", "directory": "elsewhere"}, WITH_ID, True),
        ({"directory_id": "1", "directory": HERE, "other_id": "2"}, WITH_ID, True),
        ({}, WITH_ID, True),
        ({}, {**RECORD, "id": 1}, True),
    ],
)
def test_an_id_that_differs_is_read(
    fields: dict[str, Any], record: dict[str, Any], is_read: bool
) -> None:
    anna = replace(ANNA, **fields)
    assert told_apart(snapshot_of(anna), record)[1] == is_read


def test_an_id_that_a_new_name_has_too_leaves_nobody_unchanged() -> None:
    anna = replace(ANNA, directory_id="1", directory=HERE)
    assert told_apart(snapshot_of(anna), WITH_ID, {"userName": "zoe", "id": "1"}) == ([], 2)
    assert told_apart(snapshot_of(anna), WITH_ID, {"userName": "zoe", "id": "2"})[0] == ["anna"]


@pytest.mark.parametrize("other", [RECORD, {**RECORD, "userName": "ANNA"}])
def test_a_name_listed_twice_leaves_nobody_unchanged(other: dict[str, Any]) -> None:
    bert = managed("bert")
    records = [RECORD, {"userName": "bert"}]
    assert told_apart(snapshot_of(ANNA, bert), *records) == (["anna", "bert"], 0)
    assert told_apart(snapshot_of(ANNA, bert), *records, other) == ([], 3)


def test_what_differs_beside_it_leaves_it_unread() -> None:
    anna, bert = snapshot_of(ANNA, managed("bert")), {"userName": "bert", "fullName": "B"}
    assert told_apart(anna, RECORD, bert) == (["anna"], 1)
    known = snapshot_of(ANNA, managed("bert", directory_id="1", directory=HERE))
    assert told_apart(known, RECORD, {**bert, "id": "1"}) == (["anna"], 1)
    assert told_apart(anna, "nonsense", RECORD) == (["anna"], 1)


def test_names_beyond_ascii_are_found_by_their_keys() -> None:
    assert told_apart(snapshot_of(managed("Straße")), {"userName": "Straße"}) == (["strasse"], 0)


def test_who_is_leaving_or_gets_addresses_is_read() -> None:
    leaving = replace(ANNA, absent_since="2026-01-01")
    assert told_apart(snapshot_of(leaving), RECORD) == ([], 1)
    assert told_apart(snapshot_of(replace(ANNA, email_addresses=[])), RECORD) == ([], 1)


def test_it_is_settled_by_key_and_row() -> None:
    users = snapshot_of(ANNA, managed("bert")).users
    asked: list[tuple[str, str]] = []

    def is_settled(key: str, row: UserRow) -> bool:
        asked.append((key, row["user_name"]))
        return False

    listing = as_sent(RECORD, {"userName": "bert"})
    assert apart_from_unchanged(users, is_settled, listing, HERE) == (users, listing)
    assert asked == [("anna", "Anna"), ("bert", "bert")]


def test_who_is_not_managed_is_read() -> None:
    local = User(user_name="Anna", full_name="Anna A.", email_addresses=["anna@x.org"])
    assert told_apart(snapshot_of(local), RECORD) == ([], 1)


def test_records_keep_their_numbers() -> None:
    plan = make_plan(snapshot_of(ANNA), as_sent(RECORD, "nonsense"), lambda _: False)
    assert [change.reason for change in plan.changes] == [
        "record 2 is a text, not an object; correct the record in the directory"
    ]
