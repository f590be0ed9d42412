"""What enters the store."""

from __future__ import annotations

from typing import Any

import pytest

from store.addresses import address_problem
from store.errors import InvalidValue
from store.models import FilterRule, Settings, User
from store.privileges import check_folder_privileges, check_privileges
from store.text import printable
from store.validation import valid_settings, valid_user


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"nonsense": "1"}, "“nonsense” is no setting"),
            ({"url": "foo"}, "does not start with http"),
            ({"url": "ftp://x/"}, "does not start with http"),
            ({"url": "http:///path"}, "names no host"),
            ({"url": "http://user:pw@x.org/"}, "contains a user name or a password"),
            ({"url": "http://x.org:99999/"}, "malformed"),
            ({"url": "http://x.org:0/"}, "port 0"),
            ({"url": "http://x.org/a b"}, "contains a space"),
            ({"url": "http://x.org/\x1b"}, "unprintable"),
            ({"directory_service": "application_integration"}, "does not start with http"),
            ({"directory_service": "ldap"}, "directory_service"),
            ({"auto_delete": "perhaps"}, "auto_delete"),
            ({"max_users": "many"}, "max_users"),
            ({"list_timeout": 0}, "at least 1"),
            ({"guard_max_deletes": -1}, "must not be negative"),
            ({"guard_max_delete_percent": 101}, "at most 100"),
            ({"default_privileges": ["admin", "login"]}, "stands alone"),
            ({"default_folder_privileges": ["fly"]}, "is no folder privilege"),
            ({"filters": [{"action": "drop", "field": "user_name", "pattern": "*"}]}, "filters"),
            (
                {"filters": [FilterRule(action="include", field="user_name", pattern=" ")]},
                "no pattern",
            ),
            (
                {"filters": [FilterRule(action="include", field="user_name", pattern="a # b")]},
                "contains “ # ” in its pattern",
            ),
            (
                {
                    "filters": [
                        FilterRule(
                            action="skip", field="user_name", pattern="a", reason="left; gone"
                        )
                    ]
                },
                "or “;” in its reason",
            ),
            ({"archive_root": "relative/path"}, "not an absolute path"),
            ({"auth_command": ""}, "must not be empty"),
        ],
    )
    def test_refused(self, changes: dict[str, Any], says: str) -> None:
        with pytest.raises(InvalidValue, match=says) as refusal:
            valid_settings(Settings(), changes)
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


@pytest.mark.parametrize("address", ["a@b.c", "a.b+c@mail.example.org", '"a@b"@x.org', "ü@ü.de"])
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
    ],
)
def test_malformed_addresses(address: str) -> None:
    assert address_problem(address)


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
