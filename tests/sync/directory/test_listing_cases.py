"""Bounds of what is read of an answer: warnings are counted, not dropped."""

from __future__ import annotations

from typing import Any

import pytest

from sync.directory.listing import Listing


def bad(addresses: int) -> dict[str, Any]:
    return {"userName": "anna", "emailAddresses": [f"bad {n}" for n in range(addresses)]}


@pytest.mark.parametrize(
    ("records", "kept", "last"),
    [
        (999, 999, "fullName was ignored"),
        (1000, 1000, "fullName was ignored"),
        (1001, 1001, "1 more warning like these."),
        (2500, 1001, "1500 more warnings like these."),
    ],
)
def test_a_thousand_warnings_are_kept(records: int, kept: int, last: str) -> None:
    listing = Listing.unread([{"userName": f"u{n}", "fullName": 1} for n in range(records)])
    assert len(listing.warnings) == kept
    assert last in listing.warnings[-1]
    assert len(listing.users) == records


@pytest.mark.parametrize(
    ("addresses", "warnings", "last"),
    [
        (9, 9, "“bad 8” was dropped"),
        (10, 10, "“bad 9” was dropped"),
        (11, 11, "“anna”: 1 more address was dropped."),
        (12, 11, "“anna”: 2 more addresses were dropped."),
        (15, 11, "“anna”: 5 more addresses were dropped."),
    ],
)
def test_ten_warnings_a_user(addresses: int, warnings: int, last: str) -> None:
    listing = Listing.unread([bad(addresses)])
    assert len(listing.warnings) == warnings
    assert last in listing.warnings[-1]
    assert listing.users[0].unreadable == ("email_addresses",)


def test_warnings_of_one_record_go_over_the_thousand_together() -> None:
    listing = Listing.unread([*({"userName": f"u{n}", "fullName": 1} for n in range(998)), bad(7)])
    assert len(listing.warnings) == 1001
    assert listing.warnings[-1] == "5 more warnings like these."


def test_what_is_known_already_comes_first() -> None:
    first = Listing.unread([{"userName": "anna", "fullName": 1}, 7])
    both = Listing(first.users, first.invalid, first.warnings, [{"userName": "bert"}], [9])
    assert [user.user_name for user in both.users] == ["anna", "bert"]
    assert (len(both.invalid), len(both.warnings), both.listed) == (1, 1, 3)
    assert (both.has_users, Listing.unread([7, {}]).has_users) == (True, False)
    assert [user.user_name for user in first.users] == ["anna"]


def test_records_are_told_by_their_numbers() -> None:
    for numbers, told in (([7, 9], [7, 9]), (None, [1, 2])):
        found = Listing.unread([5, None], numbers).invalid
        assert [bad.problem.split(" is ")[0] for bad in found] == [f"record {n}" for n in told]


@pytest.mark.parametrize(
    ("field", "longest"),
    [("fullName", 1000), ("distinguishedName", 8000), ("id", 256)],
)
def test_texts_of_the_longest_length_are_read(field: str, longest: int) -> None:
    records = [{"userName": "a", field: "x" * length} for length in (longest, longest + 1)]
    read, unread = Listing.unread(records).users
    assert (len(read.unreadable), len(unread.unreadable)) == (0, 1)


@pytest.mark.parametrize(("count", "whole"), [(1000, True), (1001, False)])
def test_so_many_addresses_are_read(count: int, whole: bool) -> None:
    record = {"userName": "a", "emailAddresses": [f"a{n}@x.org" for n in range(count)]}
    (user,) = Listing.unread([record]).users
    assert len(user.email_addresses) == (1000 if whole else 0)
    assert user.unreadable == (() if whole else ("email_addresses",))
    (bad_name,) = Listing.unread([{**record, "userName": ""}]).invalid
    assert len(bad_name.email_addresses) == 1000


@pytest.mark.parametrize("stable_id", ["4711 ", "\t4711"])
def test_an_id_with_spaces_around_it_is_not_read(stable_id: str) -> None:
    (user,) = Listing.unread([{"userName": "a", "id": stable_id}]).users
    assert (user.id, user.unreadable) == (None, ("id",))


@pytest.mark.parametrize(
    ("name", "dn", "kept_name", "kept_dn"),
    [
        ("x" * 255 + "/", "d" * 8000, "x" * 255 + "/", "d" * 8000),
        ("x" * 256 + "/", "d" * 8001, "x" * 255 + "…", None),
    ],
)
def test_of_a_refused_record_as_much_is_kept(
    name: str, dn: str, kept_name: str, kept_dn: str | None
) -> None:
    (bad,) = Listing.unread([{"userName": name, "distinguishedName": dn}]).invalid
    assert (bad.user_name, bad.distinguished_name) == (kept_name, kept_dn)


def test_addresses_of_other_systems_and_what_is_none() -> None:
    record = {"userName": "a", "emailAddresses": ["sip:a@a.b", 5, "a@a.b"]}
    listing = Listing.unread([record])
    assert listing.users[0].email_addresses == ["a@a.b"]
    assert listing.warnings == ["“a”: an address was dropped: it is a number, not a text."]
