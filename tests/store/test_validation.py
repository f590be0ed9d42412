"""What enters the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from store.addresses import address_key, address_problem
from store.errors import InvalidValue
from store.models import FilterRule, Settings, User
from store.privileges import check_folder_privileges, check_privileges
from store.text import printable
from store.validation import valid_settings, valid_user
from sync.configure import draft


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"nonsense": "1"}, "“nonsense” is not a setting"),
            ({"url": "foo"}, "does not start with http"),
            ({"url": "ftp://x/"}, "does not start with http"),
            ({"url": "http:///path"}, "names no host"),
            ({"url": "http://user:pw@x.org/"}, "contains a user name or a password"),
            ({"url": "http://x.org:99999/"}, "malformed"),
            ({"url": "http://::1:8080/"}, r"IPv6 address without brackets.* https://\[address\]"),
            ({"url": "https://fe80::1/"}, "IPv6 address without brackets"),
            (
                {
                    "user_name": "sync:1",
                    "directory_service": "application_integration",
                    "url": "http://x.org/",
                },
                "contains “:”, where Basic begins the password",
            ),
            ({"url": "http://x.org:0/"}, "port 0"),
            ({"url": "http://x.org/a b"}, "contains a space"),
            ({"url": "http://x.org/\x1b"}, "unprintable"),
            ({"directory_service": "application_integration"}, "does not start with http"),
            ({"directory_service": "kerberos"}, "directory_service"),
            ({"directory_service": "ldap"}, "No LDAP server is named"),
            ({"auto_delete": "perhaps"}, "auto_delete"),
            ({"max_users": "many"}, "max_users"),
            ({"list_timeout": 0}, "at least 1"),
            ({"guard_max_deletes": -1}, "must not be negative"),
            ({"guard_max_delete_percent": 101}, "at most 100"),
            ({"delete_after_days": -1}, "must not be negative"),
            ({"delete_after_days": 3651}, "at most 3650"),
            ({"default_privileges": ["admin", "login"]}, "cannot be combined with others"),
            ({"default_folder_privileges": ["fly"]}, "is not a folder privilege"),
            ({"filters": [{"action": "drop", "field": "user_name", "pattern": "*"}]}, "filters"),
            (
                {"filters": [FilterRule(action="include", field="user_name", pattern=" ")]},
                "no pattern",
            ),
            (
                {
                    "filters": [
                        FilterRule(action="include", field="user_name", pattern="a", reason="b # c")
                    ]
                },
                "contains “ # ” or “;”",
            ),
            (
                {
                    "filters": [
                        FilterRule(
                            action="skip", field="user_name", pattern="a", reason="left; gone"
                        )
                    ]
                },
                "contains “ # ” or “;”",
            ),
            ({"archive_root": "relative/path"}, "not an absolute path"),
            (
                {
                    "directory_service": "application_integration",
                    "url": "https://example.com/",
                    "auth_command": "",
                },
                "must not be empty",
            ),
            ({"auth_command": "a\udcff"}, "auth_command has bytes that are not UTF-8"),
            ({"ca_file": "/a\udcff"}, "ca_file has bytes that are not UTF-8"),
            ({"password_command": ["/a", "\udcff"]}, "password_command has bytes"),
            (
                {"filters": [FilterRule(action="skip", field="user_name", pattern="\udcff")]},
                "filters has bytes",
            ),
            ({"max_users": 10**20}, "max_users has bytes that are not UTF-8, or too large"),
        ],
    )
    def test_refused(self, changes: dict[str, Any], says: str) -> None:
        with pytest.raises(InvalidValue, match=says) as refusal:
            draft(Settings(), changes)
        assert "Nothing was written" in str(refusal.value)
        assert "\x1b" not in str(refusal.value)
        assert "pw" not in str(refusal.value)

    def test_texts_become_values(self) -> None:
        settings = valid_settings(
            Settings(),
            {
                "auto_delete": "true",
                "max_users": "5",
                "url": "https://[::1]:8443/x?y",
                "default_privileges": ["export", "login"],
                "filters": [{"action": "include", "field": "user_name", "pattern": "a*"}],
            },
        )
        assert settings.auto_delete is True
        assert settings.max_users == 5
        assert settings.default_privileges == ("export", "login")
        assert settings.filters == (FilterRule(action="include", field="user_name", pattern="a*"),)

    def test_stored_and_read_again_they_are_the_same(self) -> None:
        rule = FilterRule(action="exclude", field="email_domain", pattern="x")
        settings = Settings(filters=(rule,), password="token", password_command=("a", "b"))
        assert Settings.from_stored(settings.to_stored()) == settings


class TestUser:
    def test_lists_are_put_in_order(self) -> None:
        user = valid_user(
            User(
                user_name="anna",
                privileges=["export", "login"],
                folder_privileges={"anna": ["write", "read"]},
            )
        )
        assert user.privileges == ["login", "export"]
        assert user.folder_privileges == {"anna": ["read", "write"]}

    @pytest.mark.parametrize(
        "user",
        [
            User(user_name="a/b", privileges=["login"]),
            User(user_name="anna", privileges=[]),
            User(user_name="anna", privileges=["none", "login"]),
            User(user_name="anna", privileges=["fly"]),
            User(user_name="anna", privileges=["login"], email_addresses=["x"]),
            User(user_name="anna", privileges=["login"], folder_privileges={"a": ["none", "read"]}),
            User(user_name="anna", privileges=["login"], full_name=5),  # type: ignore[arg-type]
        ],
    )
    def test_refused(self, user: User) -> None:
        with pytest.raises(InvalidValue, match="Nothing was written"):
            valid_user(user)

    def test_its_repr_hides_the_hash(self) -> None:
        assert "SECRET" not in repr(User(user_name="a", password_hash="SECRET"))


@pytest.mark.parametrize(
    "address",
    [
        "a@b.c",
        "a.b+c@mail.example.org",
        '"a@b"@x.org',
        "ü@ü.de",
        "a@localhost",
        "o'neil/x=1@x.org",
        "a@[192.0.2.1]",
        '"a, \\" b"@x.org'.replace(" ", ""),
        "info@xn--mnchen-3ya.example",
        "李@x.org",
        "a" * 246 + "@x.y.org",
    ],
)
def test_addresses(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@x.org",
        "a@",
        "a b@x.org",
        "a@b@c.d",
        "a@.org",
        "a@x..y",
        "a\x1b@x.org",
        "a@" + "x" * 254,
        "a" * 247 + "@x.y.org",
        "a@x.org.",
        'a"@x.org',
        '"a@x.org',
        ".a@x.org",
        "a.@x.org",
        "a..b@x.org",
        "ben@example.com,",
        "<ben@example.com>",
        "mailto:ben@example.com",
        "smtp:ben@example.com",
        "ben@ex_ample.com",
        "ben@-example.com",
        "ben@example-.com",
        "ben@exa\u3164mple.com",
        "be\u034fn@example.com",
        "ben@☃︎.example",
    ],
)
def test_malformed_addresses(address: str) -> None:
    assert address_problem(address)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Example.com", "anna@example.COM"),
        ("müller@example.com", "mu\u0308LLER@example.com"),
        ("info@münchen.example", "INFO@xn--mnchen-3ya.EXAMPLE"),
        ("info@MU\u0308NCHEN.example", "info@münchen.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("groß@x.org", "GROSS@x.org"),
    ],
)
def test_two_spellings_of_an_address(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


def test_domains_that_only_look_alike() -> None:
    assert address_key("a@straße.example") != address_key("a@strasse.example")


def test_what_a_user_has_from_before_may_stay() -> None:
    old = User(user_name="a\ue000", privileges=["login"], email_addresses=["ben@example.com,"])
    edited = replace(old, full_name="Ben", email_addresses=["ben@example.com,", "b@x.org"])
    assert valid_user(edited, old) == edited
    for refused in (replace(old, email_addresses=["<b@x.org>"]), replace(old, user_name="b\ue000")):
        with pytest.raises(InvalidValue):
            valid_user(refused, old)


def test_privileges_that_stand_alone() -> None:
    assert check_privileges(["delete", "login", "login"]) == ["login", "delete"]
    assert check_privileges(["admin"]) == ["admin"]
    for refused in (["admin", "login"], ["none", "admin"], []):
        with pytest.raises(InvalidValue):
            check_privileges(refused)
    assert check_folder_privileges(["none"]) == ["none"]
    with pytest.raises(InvalidValue):
        check_folder_privileges(["none", "read"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Jörg 李", "Jörg 李"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\x9bb", "a\\x9bb"),
        ("a\u202eb\u200d", "a\\u202eb\\u200d"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\ud800", "\\ud800"),
        ("[/] [@click=app.quit]", "[/] [@click=app.quit]"),
        (None, "None"),
    ],
)
def test_printable(text: object, shown: str) -> None:
    assert printable(text) == shown


def test_printable_cuts() -> None:
    assert printable("x" * 100, 10) == "x" * 9 + "…"
