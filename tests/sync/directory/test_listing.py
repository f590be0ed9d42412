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
            # An array that holds no address is an array, but an incomplete one.
            assert listing.users[0].unreadable == ((field,) if value == ["x"] else ())
            assert not any("ignored" in warning for warning in listing.warnings)
        else:
            assert listing.users == [DirectoryUser("a", None, None, [], (field,))]
            (warning,) = listing.warnings
            assert warning.startswith(f"“a”: {wire_name} was ignored: it is ")

    @pytest.mark.parametrize(
        ("value", "read", "problem"),
        [
            ("4711", "4711", None),
            ("Größe 7", "Größe 7", None),
            ("x" * 256, "x" * 256, None),
            (None, None, None),
            ("", None, None),
            (4711, None, "it is a number, not a text"),
            (["4711"], None, "it is an array, not a text"),
            (False, None, "it is true or false, not a text"),
            (" 4711", None, "it has spaces around it, or unprintable characters"),
            ("47\u200b11", None, "it has spaces around it, or unprintable characters"),
            ("x" * 257, None, "it has more than 256 characters"),
        ],
    )
    def test_an_id(self, value: Any, read: str | None, problem: str | None) -> None:
        listing = parse({"userName": "a", "id": value}, {"userName": "a/b", "id": value})
        (user,), (bad,) = listing.users, listing.invalid
        assert (user.id, bad.id) == (read, read)
        assert user.unreadable == (("id",) if problem else ())
        assert listing.warnings == ([f"“a”: id was ignored: {problem}."] if problem else [])

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
        assert listing.users[0].unreadable == ("email_addresses",)
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

    @pytest.mark.parametrize(
        ("addresses", "kept"),
        [
            (
                ["smtp:a.vogt@example.com", "SMTP:anna@example.com", "sip:anna@example.com"],
                ["anna@example.com", "a.vogt@example.com"],
            ),
            (["x@a.b", "Smtp:y@a.b", "SMTP:x@A.B"], ["x@a.b", "y@a.b"]),
            (["SMTP:one@a.b", "SMTP:two@a.b"], ["one@a.b", "two@a.b"]),
            (["X500:/o=Org/ou=First", "SIP:a@a.b", "eum:1;phone-context=x", "SPO:SPO_1@SPO_2"], []),
            (["müller@example.com", "mu\u0308ller@example.com"], ["müller@example.com"]),
            (["info@münchen.example", "info@xn--mnchen-3ya.example"], ["info@münchen.example"]),
        ],
    )
    def test_addresses_of_exchange_and_other_spellings(
        self, addresses: list[str], kept: list[str]
    ) -> None:
        listing = parse({"userName": "anna", "emailAddresses": addresses})
        assert listing.users == [DirectoryUser("anna", None, None, kept)]
        assert listing.warnings == []

    @pytest.mark.parametrize(
        "address",
        [
            "ben@example.com,",
            "<ben@example.com>",
            "mailto:ben@example.com",
            "u1@example.com ",
            "",
            "smtp:",
            "SMTP:b",
            "smtp:smtp:ben@example.com",
            5,
            None,
        ],
    )
    def test_one_that_cannot_be_read_makes_the_list_incomplete(self, address: Any) -> None:
        (user,) = parse({"userName": "b", "emailAddresses": ["a@example.com", address]}).users
        assert user == DirectoryUser("b", None, None, ["a@example.com"], ("email_addresses",))

    @pytest.mark.parametrize(
        ("field", "most", "more"),
        [
            ("fullName", "x" * 1_000, "x" * 1_001),
            ("distinguishedName", "x" * 8_000, "x" * 8_001),
            ("emailAddresses", [f"{n}@a.b" for n in range(1_000)], ["a@a.b"] * 1_001),
        ],
    )
    def test_a_field_of_a_whole_book_is_unknown(self, field: str, most: Any, more: Any) -> None:
        known, unknown = parse({"userName": "a", field: most}, {"userName": "b", field: more}).users
        assert not known.unreadable
        assert len(unknown.unreadable) == 1
        assert unknown[1:4] == (None, None, [])

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
            (f"anna{ESCAPE}", "a control character, U+001B"),
            ("an\u202ena", "an invisible format character, U+202E"),
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

    def test_of_a_name_that_is_too_long_the_beginning_is_kept(self) -> None:
        (record,) = parse({"userName": "z" * 1_000_000, "distinguishedName": "d" * 8_001}).invalid
        assert record.user_name == "z" * 255 + "…"
        assert (record.problem, record.distinguished_name) == (
            "the user name is longer than 256 bytes",
            None,
        )

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
