"""How the directory's records become users, invalid records and warnings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from store.models import Settings
from sync import errors
from sync.directory.answer import parse_listing, parse_verdict
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing

SETTINGS = Settings(url="https://directory.example/ai")
ESCAPE = "\x1b[31m"


def parse(*records: Any) -> Listing:
    return parse_listing(json.dumps(records).encode(), SETTINGS)


def refused(body: str | bytes, kind: type[errors.DirectoryError]) -> str:
    content = body.encode() if isinstance(body, str) else body
    with pytest.raises(errors.DirectoryError) as caught:
        parse_listing(content, SETTINGS)
    assert type(caught.value) is kind
    text = str(caught.value)
    assert "Nothing was changed." in text
    assert "https://directory.example/ai" in text
    assert text.isprintable()
    return text


class TestUsers:
    def test_a_full_record(self) -> None:
        listing = parse(
            {
                "userName": "Anna Berg",
                "distinguishedName": "CN=Anna Berg,DC=example",
                "fullName": "Änna Berg",
                "emailAddresses": ["anna@example.com", "a.berg@example.com"],
                "department": {"name": "Sales", "floors": [1, 2.5, None, True]},
            }
        )
        assert listing.users == [
            DirectoryUser(
                "Anna Berg",
                "CN=Anna Berg,DC=example",
                "Änna Berg",
                ["anna@example.com", "a.berg@example.com"],
            )
        ]
        assert (listing.invalid, listing.warnings, listing.listed) == ([], [], 1)

    @pytest.mark.parametrize("absent", [None, "", []])
    def test_null_empty_and_missing_are_the_same(self, absent: Any) -> None:
        text = None if absent == [] else absent
        addresses = None if absent == "" else absent
        listing = parse(
            {
                "userName": "a",
                "distinguishedName": text,
                "fullName": text,
                "emailAddresses": addresses,
            },
            {"userName": "a"},
        )
        assert listing.users == [DirectoryUser("a", None, None, [])] * 2
        assert listing.warnings == []

    def test_the_order_is_kept(self) -> None:
        names = ["b", "a", "c"]
        assert [user.user_name for user in parse(*({"userName": n} for n in names)).users] == names

    def test_no_records(self) -> None:
        assert parse().listed == 0

    def test_reserved_and_repeated_names_are_the_planners_business(self) -> None:
        assert len(parse({"userName": "admin"}, {"userName": "a"}, {"userName": "A"}).users) == 3


class TestWrongTypes:
    @pytest.mark.parametrize("value", [1, 1.5, True, {"a": "b"}, {}, "x", ["x"], []])
    @pytest.mark.parametrize(
        ("wire_name", "field", "right"),
        [
            ("distinguishedName", "distinguished_name", str),
            ("fullName", "full_name", str),
            ("emailAddresses", "email_addresses", list),
        ],
    )
    def test_an_optional_field(self, wire_name: str, field: str, right: type, value: Any) -> None:
        listing = parse({"userName": "a", wire_name: value})
        if isinstance(value, right):
            assert listing.users[0].unreadable == ()
            assert not any("ignored" in warning for warning in listing.warnings)
        else:
            assert listing.users == [DirectoryUser("a", None, None, [], (field,))]
            (warning,) = listing.warnings
            assert warning.startswith(f"“a”: {wire_name} was ignored: it is ")

    def test_several_in_one_record(self) -> None:
        listing = parse(
            {"userName": "a", "distinguishedName": 1, "fullName": "A", "emailAddresses": "a@b.c"}
        )
        (user,) = listing.users
        assert user == DirectoryUser("a", None, "A", [], ("distinguished_name", "email_addresses"))
        assert len(listing.warnings) == 2


class TestAddresses:
    def test_malformed_ones_are_dropped_with_a_warning(self) -> None:
        addresses = ["a@example.com", "b", "", None, 5, f"{ESCAPE}@example.com", "c@example.com"]
        listing = parse({"userName": "anna", "emailAddresses": addresses})
        assert listing.users[0].email_addresses == ["a@example.com", "c@example.com"]
        assert listing.users[0].unreadable == ()
        assert [warning.split(" was dropped")[0] for warning in listing.warnings] == [
            "“anna”: the address “b”",
            "“anna”: the address “”",
            "“anna”: an address",
            "“anna”: an address",
            "“anna”: the address “\\x1b[31m@example.com”",
        ]
        assert "it is null, not a text" in listing.warnings[2]

    def test_repeated_ones_are_kept_once_in_the_first_spelling(self) -> None:
        addresses = ["Anna@example.com", "b@example.com", "anna@EXAMPLE.com", "b@example.com"]
        listing = parse({"userName": "anna", "emailAddresses": addresses})
        assert listing.users[0].email_addresses == ["Anna@example.com", "b@example.com"]
        assert listing.warnings == []

    def test_long_texts_are_cut_in_warnings(self) -> None:
        listing = parse({"userName": "a" * 200, "emailAddresses": ["x" * 10_000], "fullName": 1})
        assert all(len(warning) < 250 for warning in listing.warnings)
        assert len(listing.warnings) == 2


class TestInvalidRecords:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("", "is empty"),
            (" anna", "starts or ends with a space"),
            ("an/na", "contains “/”"),
            ("an*na", "contains “*”"),
            ("..", "starts with “.”"),
            ("~anna", "starts with “~”"),
            (f"anna{ESCAPE}", "a control character (U+001B)"),
            ("an\u202ena", "an invisible format character (U+202E)"),
            ("x" * 257, "longer than 256 bytes"),
        ],
    )
    def test_a_refused_name_is_kept_for_the_record(self, name: str, reason: str) -> None:
        listing = parse(
            {
                "userName": name,
                "distinguishedName": "cn=x",
                "fullName": 5,
                "emailAddresses": ["a@example.com", "broken", 7],
            }
        )
        (record,) = listing.invalid
        assert record._replace(problem="") == InvalidRecord(
            name, "", "cn=x", ["a@example.com", "broken"]
        )
        assert reason in record.problem
        assert record.problem.isprintable()
        assert (listing.users, listing.warnings, listing.listed) == ([], [], 1)

    @pytest.mark.parametrize(
        ("record", "problem"),
        [
            ({}, "record 2 has no user name"),
            ({"userName": None}, "record 2 has no user name"),
            ({"username": "wrong case"}, "record 2 has no user name"),
            ({"userName": 5}, "the user name of record 2 is a number, not a text"),
            ({"userName": ["a"]}, "the user name of record 2 is an array, not a text"),
            ({"userName": True}, "the user name of record 2 is true or false, not a text"),
        ],
    )
    def test_no_name(self, record: dict[str, Any], problem: str) -> None:
        addresses = {"distinguishedName": 1, "emailAddresses": {"a": 1}}
        listing = parse({"userName": "first"}, {**record, **addresses})
        assert listing.invalid == [InvalidRecord(None, problem, None, [])]
        assert listing.listed == 2

    @pytest.mark.parametrize(
        ("record", "kind"),
        [
            (None, "null"),
            (5, "a number"),
            (5.5, "a number"),
            (False, "true or false"),
            ("anna", "a text"),
            ([{"userName": "anna"}], "an array"),
        ],
    )
    def test_no_object(self, record: Any, kind: str) -> None:
        listing = parse(record)
        assert listing.invalid == [
            InvalidRecord(None, f"record 1 is {kind}, not an object", None, [])
        ]


class TestWrongShape:
    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ("{}", "an object"),
            ('{"users": [{"userName": "a"}]}', "an object"),
            ("null", "null"),
            ("true", "true or false"),
            ("5", "a number"),
            ('"[]"', "a text"),
        ],
    )
    def test_it_says_what_came_instead(self, body: str, kind: str) -> None:
        assert f"is {kind}, not an array of users" in refused(body, errors.WrongShape)

    def test_too_many(self) -> None:
        settings = Settings(url="https://directory.example/ai", max_users=2)
        assert parse_listing(b"[1, 2]", settings).listed == 2
        with pytest.raises(errors.TooLarge, match=r"lists 3 users, more than the limit of 2"):
            parse_listing(b"[1, 2, 3]", settings)


def test_a_verdict_of_the_wrong_shape_names_the_field() -> None:
    with pytest.raises(errors.WrongShape) as caught:
        parse_verdict(b'{"result": true}', SETTINGS)
    text = str(caught.value)
    assert "is an object, not true or false" in text
    assert "“succeeded”" in text
    assert "auth_success_field" in text
    assert "Nothing was changed." in text
