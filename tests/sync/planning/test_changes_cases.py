"""The lines of a plan, each in whole: what it shows, what it writes, what it asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from store.interface import Edit
from store.models import DIRECTORY_SERVICES, User, UserRow
from sync.directory.listing import DirectoryUser
from sync.planning import changes
from sync.planning.identity import directory_of
from sync.planning.plan import Change, FieldChange
from tests.support.builders import AUTO_DELETE, listed, managed

HERE = directory_of(AUTO_DELETE)
FULL: DirectoryUser = listed("Anna", "a@x.org", dn="CN=A", full="A", stable_id="1")
BARE: DirectoryUser = listed("Anna")
STORED = managed("anna", full_name="A", distinguished_name="CN=A", email_addresses=["a@x.org"])
EXPECTED = {
    "full_name": FieldChange(None, "A"),
    "distinguished_name": FieldChange(None, "CN=A"),
    "email_addresses": FieldChange(None, ["a@x.org"]),
}


def row(user: User = STORED, **fields: Any) -> UserRow:
    found: Any = {**user.to_row(), "rev": 3, **fields}
    return found  # type: ignore[no-any-return]


def user_of(change: Change) -> User:
    assert change.edit
    assert change.edit.user
    return change.edit.user


@pytest.mark.parametrize(
    ("record", "fields", "directory"),
    [(FULL, EXPECTED, HERE), (BARE, {}, None)],
)
def test_a_creation(
    record: DirectoryUser, fields: dict[str, FieldChange], directory: str | None
) -> None:
    settings = replace(
        AUTO_DELETE, default_privileges=("login",), default_folder_privileges=("read", "write")
    )
    change = changes.creation(settings, record)
    assert (change.action, change.user_name) == ("create", "Anna")
    assert change.fields == {**fields, "privileges": FieldChange(None, ["login"])}
    user = user_of(change)
    assert (user.authentication, user.privileges) == (DIRECTORY_SERVICES, ["login"])
    assert user.folder_privileges == {"anna": ["read", "write"]}
    assert (user.directory_id, user.directory) == (record.id, directory)
    assert change.edit
    assert (change.edit.rev, change.edit.key) == (0, "anna")


LABELS: dict[str, tuple[dict[str, Any], DirectoryUser, str, dict[str, FieldChange]]] = {
    "a spelling": (
        {}, FULL._replace(id=None), "spelling of the user name",
        {"user_name": FieldChange("anna", "Anna")},
    ),
    "all of them": (
        {},
        listed("Anna", "b@x.org", dn="CN=B", full="B"),
        "spelling of the user name, full name, distinguished name, e-mail addresses",
        {
            "user_name": FieldChange("anna", "Anna"),
            "full_name": FieldChange("A", "B"),
            "distinguished_name": FieldChange("CN=A", "CN=B"),
            "email_addresses": FieldChange(["a@x.org"], ["b@x.org"]),
        },
    ),
    "an id": (
        {"user_name": "Anna"}, FULL, "id, directory of the id",
        {"directory_id": FieldChange(None, "1"), "directory": FieldChange(None, HERE)},
    ),
    "the end of a doubt": (
        {"user_name": "Anna", "directory_id": "1", "directory": HERE, "other_id": "2"}, FULL,
        "doubt about the id", {"other_id": FieldChange("2", None)},
    ),
    "the spelling of an address, and of a distinguished name": (
        {"user_name": "Anna"}, listed("Anna", "A@X.org", dn="cn=a", full="A"),
        "spelling of the distinguished name, spelling of the e-mail addresses",
        {
            "distinguished_name": FieldChange("CN=A", "cn=a"),
            "email_addresses": FieldChange(["a@x.org"], ["A@X.org"]),
        },
    ),
    "a Unicode form": (
        {"user_name": "Jose\u0301"},
        listed("José", "a@x.org", dn="CN=A", full="A"),
        "Unicode form of the user name",
        {"user_name": FieldChange("Jose\u0301", "José")},
    ),
    "a Unicode form and more": (
        {"user_name": "Jose\u0301"},
        listed("José", "a@x.org", dn="CN=A", full="B"),
        "Unicode form of the user name, full name",
        {"user_name": FieldChange("Jose\u0301", "José"), "full_name": FieldChange("A", "B")},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("stored", "record", "labels", "fields"), LABELS.values(), ids=LABELS.keys()
)
def test_an_update(
    stored: dict[str, Any], record: DirectoryUser, labels: str, fields: dict[str, FieldChange]
) -> None:
    before = row(**stored, privileges=["export"])
    change = changes.update(before, record, HERE)
    assert (change.action, change.user_name) == ("update", before["user_name"])
    assert change.reason == f"{labels} changed in the directory"
    assert change.fields == fields
    after = user_of(change).to_row()
    assert {name: after[name] for name in fields} == {n: each.new for n, each in fields.items()}  # type: ignore[literal-required]
    assert after["privileges"] == ["export"]
    assert change.edit
    assert change.edit.rev == 3


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (listed("anna", "a@x.org", dn="CN=A", full="A"), []),
        (BARE, ["user_name", "full_name", "distinguished_name", "email_addresses"]),
        (BARE._replace(unreadable=("full_name", "email_addresses")),
         ["user_name", "distinguished_name"]),
        (listed("anna", "a@x.org", dn="CN=A", full="B"), ["full_name"]),
        (listed("anna", "a@x.org", dn="CN=B", full="A"), ["distinguished_name"]),
        (listed("anna", "A@x.org", dn="CN=A", full="A"), ["email_addresses"]),
    ],
)  # fmt: skip
def test_what_differs(record: DirectoryUser, fields: list[str]) -> None:
    assert changes.differing(row(), record) == fields


def test_a_link() -> None:
    local = User(user_name="anna", full_name="A", privileges=["export"], password_hash="x")
    change = changes.link(row(local), BARE, HERE)
    assert (change.action, change.user_name) == ("update", "anna")
    assert change.fields == {
        "authentication": FieldChange("integrated", DIRECTORY_SERVICES),
        "user_name": FieldChange("anna", "Anna"),
        "full_name": FieldChange("A", None),
    }
    user = user_of(change)
    assert (user.authentication, user.privileges) == (DIRECTORY_SERVICES, ["export"])
    assert user_of(changes.link(row(local), FULL, HERE)).directory == HERE
    assert change.reason.startswith("linked: logs on with the directory's password from now on")


def test_a_rename() -> None:
    change = changes.rename(row(user_name="old\x1b"), FULL, HERE)
    assert (change.action, change.user_name, change.candidates) == ("rename", "Anna", ("old\x1b",))
    assert change.reason.startswith("“old\\x1b” under a new name; privileges, archive and history")
    assert change.fields["user_name"] == FieldChange("old\x1b", "Anna")
    assert (user_of(change).user_name, user_of(change).directory_id) == ("Anna", "1")


@pytest.mark.parametrize(("keeps", "archive"), [(["anna"], "kept"), (["bert"], "removed")])
def test_a_deletion(keeps: list[str], archive: str) -> None:
    change = changes.deletion(row(), "gone", keeps.__contains__)
    assert "full_name" not in changes.deletion(row(full_name=None), "", keeps.__contains__).fields
    assert (change.action, change.user_name, change.reason) == ("delete", "anna", "gone")
    assert change.fields == {
        "full_name": FieldChange("A", None),
        "distinguished_name": FieldChange("CN=A", None),
        "email_addresses": FieldChange(["a@x.org"], None),
    }
    assert change.archive == archive
    assert change.edit
    assert (change.edit.key, change.edit.rev, change.edit.user) == ("anna", 3, None)


@pytest.mark.parametrize(
    ("after", "action", "fields"),
    [
        ({"user_name": "ANNA"}, "update", {"user_name": FieldChange("anna", "ANNA")}),
        ({"user_name": "bert"}, "rename", {"user_name": FieldChange("anna", "bert")}),
        ({"pinned": True}, "update", {"pinned": FieldChange(None, "yes")}),
        ({"email_addresses": []}, "update", {"email_addresses": FieldChange(["a@x.org"], None)}),
        ({"password_hash": "x"}, "update", {}),
        ({"folder_privileges": {"x": ["read", "write"], "y": []}}, "update",
         {"folder_privileges": FieldChange(None, ["x: read+write", "y: "])}),
        ({"authentication": "integrated"}, "update",
         {"authentication": FieldChange("directory_services", "integrated")}),
        ({"privileges": ["export"]}, "update", {"privileges": FieldChange(["login"], ["export"])}),
        ({"directory_id": "1", "directory": "d", "other_id": "2"}, "update",
         {"directory_id": FieldChange(None, "1"), "directory": FieldChange(None, "d"),
          "other_id": FieldChange(None, "2")}),
    ],
)  # fmt: skip
def test_what_is_done_by_hand(
    after: dict[str, Any], action: str, fields: dict[str, FieldChange]
) -> None:
    before, changed = replace(STORED, rev=3), replace(STORED, rev=3, **after)
    change = changes.edited_by_hand(before, changed, "why")
    assert change == Change(
        action=action,  # type: ignore[arg-type]
        user_name=changed.user_name,
        reason="why",
        fields=fields,
        edit=Edit.update(before, changed),
    )
    assert changes.created_by_hand(changed, "why") == Change(
        action="create", user_name=changed.user_name, reason="why", edit=Edit.create(changed)
    )
    assert changes.deleted_by_hand(before, "why") == Change(
        action="delete", user_name="anna", reason="why", edit=Edit.delete(before)
    )


def test_a_conflict_with_a_local_user() -> None:
    change = changes.local_namesake(row(), FULL._replace(full_name="B"))
    assert (change.action, change.user_name, change.asks) == ("conflict", "Anna", "link")
    assert change.fields == {
        "user_name": FieldChange("anna", "Anna"),
        "full_name": FieldChange("A", "B"),
    }
    assert change.edit is None
    assert "a local user has this name" in change.reason
    plain = changes.conflict("anna", "why")
    assert plain == Change(action="conflict", user_name="anna", reason="why")


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (False, "shares a distinguished name or an address with “anna”, “o\\x1b”, whom"),
        (True, "has the distinguished name or the addresses that “anna”, “o\\x1b” had until now"),
    ],
)
def test_a_question(known: bool, why: str) -> None:
    rows = [row(), row(user_name="o\x1b", full_name="O")]
    change = changes.question(FULL, rows, known)
    assert (change.action, change.user_name, change.asks) == ("rename", "Anna", "rename")
    assert change.candidates == ("anna", "o\x1b")
    assert change.fields == {"user_name": FieldChange("anna", "Anna")}
    assert change.reason.startswith(why)
    assert "; perhaps the same person, so a sync touches neither until you answer" in change.reason


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["é", "e\u0301"], ", in different Unicode forms"),
        (["é", "E"], ""),
        (["é", "é"], ""),
        (["é", "e\u0301", "x"], ", in different Unicode forms"),
        ([], ""),
    ],
)
def test_names_that_look_the_same(names: list[str], note: str) -> None:
    assert changes.unicode_note(names) == note


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None), ("", None), ("x", "x"), (True, "yes"), (False, None), ([], None),
        (["a"], ["a"]), ({}, None), ({"a": ["read"]}, ["a: read"]), (5, "5"),
    ],
)  # fmt: skip
def test_how_a_value_is_shown(value: object, shown: object) -> None:
    assert changes.shown_value(value) == shown


def test_long_names_are_cut_in_sentences() -> None:
    assert changes.quoted(["x" * 60]) == f"“{'x' * 60}”"
    assert changes.quoted(["x" * 61, "b"]) == f"“{'x' * 59}…”, “b”"
    assert changes.field_label("email_addresses") == "e-mail addresses"
    assert changes.field_label("pinned") == "pinned"
    assert changes.field_label("some_field") == "some field"


@pytest.mark.parametrize(
    ("names", "most", "shown"),
    [
        ("ab", 2, "“a”, “b”"),
        ("abc", 2, "“a”, “b” and 1 more"),
        ("abcd", 2, "“a”, “b” and 2 more"),
        ("a", 2, "“a”"),
    ],
)
def test_many_names_in_a_sentence(names: str, most: int, shown: str) -> None:
    assert changes.quoted(names, most) == shown


@pytest.mark.parametrize(
    ("spellings", "name", "says"),
    [
        (("a", "A"), "A", "the directory lists this name 2 times: “a”, “A”; give each user"),
        (
            ("é", "e\u0301"), "e\u0301",
            "the directory lists this name 2 times: “é”, “e\u0301”, in different Unicode forms, "
            "here e\\u0301; give each user",
        ),
    ],
)  # fmt: skip
def test_a_name_that_is_listed_again(spellings: tuple[str, ...], name: str, says: str) -> None:
    assert changes.name_listed_again(spellings)(name).startswith(says)
