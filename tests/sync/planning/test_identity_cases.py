"""Ids: what is compared, what is taken over, what tells two apart, as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from store.models import Settings, User, UserRow
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.directory.types import TYPES
from sync.planning.identity import (
    Identities,
    decided_by_ids,
    directory_of,
    identify,
    known_id,
    new_identity,
    told_apart,
    with_ids_to_take_over,
)
from sync.planning.plan import IDS
from tests.support.builders import AUTO_DELETE, listed, managed

HERE = directory_of(AUTO_DELETE)


def known(name: str, stable_id: str | None, **fields: Any) -> User:
    return managed(name, directory_id=stable_id, directory=HERE, **fields)


def local(name: str, **fields: Any) -> User:
    return User(user_name=name, **fields)


def rows(*users: User) -> dict[str, UserRow]:
    found: dict[str, Any] = {user.key: {**user.to_row(), "rev": 1} for user in users}
    return found


A, B, C = known("a", "1"), known("b", "2"), known("c", "3")
Row = tuple[list[User], list[DirectoryUser | InvalidRecord], Identities]


def bad(stable_id: str | None) -> InvalidRecord:
    return InvalidRecord("x/", "bad", None, [], stable_id)


def named(name: str, stable_id: str | None) -> DirectoryUser:
    found: DirectoryUser = listed(name, stable_id=stable_id)
    return found


def said(problem: str, *keys: str) -> dict[str, str]:
    return dict.fromkeys(keys, problem)


TABLE: dict[str, Row] = {
    "as they were": (
        [A, B], [named("a", "1"), named("b", "2")], Identities(listed_as={"a": "a", "b": "b"})
    ),
    "without ids": ([A, B], [named("a", None), named("b", None)], Identities()),
    "ids of nobody": ([managed("a")], [named("a", "7"), named("n", "8")], Identities()),
    "one that a directory elsewhere gave": (
        [managed("a", directory_id="1", directory="x")], [named("n", "1"), named("a", "5")],
        Identities(),
    ),
    "one moved": ([A, B], [named("n", "1"), named("b", "2")],
                  Identities(moves={"n": "a"}, listed_as={"a": "n", "b": "b"})),
    "one without an id before the one who moved": (
        [A, B], [named("b", None), named("n", "1")],
        Identities(moves={"n": "a"}, listed_as={"a": "n"}),
    ),
    "two swapped": ([A, B], [named("b", "1"), named("a", "2")],
                    Identities(
                        moves={"b": "a", "a": "b"}, others={"a", "b"},
                        listed_as={"a": "b", "b": "a"},
                    )),
    "another one": ([A], [named("a", "9")], Identities(others={"a"})),
    "another one, where none is known": ([known("a", None)], [named("a", "9")], Identities()),
    "moved, and the name is another's": (
        [A], [named("a", "9"), named("n", "1")],
        Identities(moves={"n": "a"}, others={"a"}, listed_as={"a": "n"}),
    ),
    "to a name whose user stays": (
        [A, B], [named("b", "1")],
        Identities(
            said("it has the id of “a”, but another user has this name here; rename or delete "
                 "that one first", "b"),
            others={"b"}, listed_as={"a": "b"},
        ),
    ),
    "a chain whose end stays": (
        [A, B, C], [named("b", "1"), named("c", "2")],
        Identities(
            {
                "c": "it has the id of “b”, but another user has this name here; rename or delete "
                "that one first",
                "b": "it has the id of “a”, but another user has this name here; rename or delete "
                "that one first",
            },
            others={"b", "c"}, listed_as={"a": "b", "b": "c"},
        ),
    ),
    "twice": (
        [A], [named("n", "1"), named("a", "1")],
        Identities(
            said("the directory lists the id “1” 2 times; give each user an id of its own "
                 "there", "n", "a"),
            listed_as={"a": "a"},
        ),
    ),
    "twice, once in a record that is refused": (
        [A], [named("n", "1"), bad("1")],
        Identities(
            said("the directory lists the id “1” 2 times; give each user an id of its own "
                 "there", "n"),
            listed_as={"a": "n"},
        ),
    ),
    "in a record that is refused": ([A, B], [bad("1"), named("b", "2")],
                                    Identities(listed_as={"a": None, "b": "b"})),
    "in two that are refused": (
        [A, B], [bad("1"), bad(None), bad("2")], Identities(listed_as={"a": None, "b": None})
    ),
    "one of nobody, twice": (
        [A], [named("a", "9"), named("n", "9")],
        Identities(
            said("the directory lists the id “9” 2 times; give each user an id of its own "
                 "there", "n", "a")
        ),
    ),
    "in one that is refused alone": ([A, B], [bad("1")], Identities(listed_as={"a": None})),
    "of two users here": (
        [A, known("z", "1")], [named("n", "1")],
        Identities(
            said("several users here have its id “1”, “a” among them", "n"),
            listed_as={"a": "n", "z": "n"},
        ),
    ),
    "of two users here, under the name of one": (
        [A, known("z", "1")], [named("a", "1")],
        Identities(
            said("several users here have its id “1”, “z” among them", "a"),
            listed_as={"a": "a", "z": "a"},
        ),
    ),
    "of a local user": (
        [local("a", directory_id="1", directory=HERE)], [named("n", "1")],
        Identities(
            said("the local user “a” has its id “1”; if both are the same person, switch that "
                 "user to Directory Services, otherwise correct the id in the directory", "n"),
            listed_as={"a": "n"},
        ),
    ),
    "a local user's own": ([local("a", directory_id="1", directory=HERE)], [named("a", "1")],
                           Identities(listed_as={"a": "a"})),
    "of the reserved name": (
        [known("admin", "1")], [named("n", "1")],
        Identities(
            said("“admin”, whom a sync never changes, has its id “1”; correct the id", "n"),
            listed_as={"admin": "n"},
        ),
    ),
    "of one who is listed without": (
        [A], [named("a", None), named("n", "1")],
        Identities(
            said("“a”, whom the directory also lists without an id, has its id “1”; correct the "
                 "ids in the directory", "n"),
            listed_as={"a": "n"},
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("users", "records", "found"), TABLE.values(), ids=TABLE.keys())
def test_what_the_listed_ids_say(
    users: list[User], records: list[DirectoryUser | InvalidRecord], found: Identities
) -> None:
    usable = [record for record in records if isinstance(record, DirectoryUser)]
    refused = [record for record in records if isinstance(record, InvalidRecord)]
    keys = [record.user_name for record in usable]
    assert identify(rows(*users), Listing(usable, refused, []), keys, HERE) == found


def test_a_type_says_what_tells_its_directories_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(TYPES["application_integration"], name="other", where=lambda _: "there")
    monkeypatch.setitem(TYPES, "other", other)
    assert directory_of(Settings(directory_service="other", url="x")) == "other there"
    monkeypatch.setitem(TYPES, "other", replace(other, identity=lambda _: "the same"))
    assert directory_of(Settings(directory_service="other", url="x")) == "other the same"


def test_what_identifies_a_directory() -> None:
    settings = Settings(directory_service="application_integration", url="https://x.org/")
    assert directory_of(settings) == "application_integration https://x.org/"
    assert directory_of(Settings()) == "none "
    (row,) = rows(A).values()
    assert (known_id(row, HERE), known_id(row, "x")) == ("1", None)


@pytest.mark.parametrize(
    ("user", "record", "fields"),
    [
        (A, named("a", None), {}),
        (A, named("a", "1"), {}),
        (A, named("a", "2"), {"directory_id": "2"}),
        (managed("a"), named("a", "2"), {"directory_id": "2", "directory": HERE}),
        (known("a", "1", other_id="5"), named("a", "1"), {"other_id": None}),
        (managed("a", directory_id="1", directory="x"), named("a", "1"), {"directory": HERE}),
    ],
)
def test_what_an_id_changes(user: User, record: DirectoryUser, fields: dict[str, str]) -> None:
    (row,) = rows(user).values()
    assert new_identity(row, record, HERE) == fields


UNREAD = listed("b", full="B")._replace(unreadable=("full_name", "id"))
TAKEN: dict[str, tuple[list[User], list[DirectoryUser], int | None]] = {
    # users, records; how many ids are taken over, None if there is no such question
    "for one user": ([managed("a"), managed("b")], [named("a", "1"), UNREAD], 1),
    "for two": ([managed("a"), managed("b")], [named("A", "1"), named("b", "2")], 2),
    "not for new names": ([managed("a")], [named("n", "1")], None),
    "nor for local users": ([local("a")], [named("a", "1")], None),
    "nor where one is known": ([managed("a"), C], [named("a", "1")], None),
    "nor without ids": ([managed("a")], [named("a", None), UNREAD], None),
    "but where another directory gave one": (
        [managed("a", directory_id="3", directory="x")], [named("a", "1")], 1
    ),
}  # fmt: skip


@pytest.mark.parametrize(("users", "records", "count"), TAKEN.values(), ids=TAKEN.keys())
def test_ids_are_taken_over_once(
    users: list[User], records: list[DirectoryUser], count: int | None
) -> None:
    listing = Listing(records, [bad("8")], ["a warning"])
    for confirmed in (False, True):
        found, line = with_ids_to_take_over(rows(*users), listing, HERE, confirmed=confirmed)
        assert (line is None) == (count is None)
        if line is None or confirmed:
            assert found is listing
        else:
            assert {user.id for user in found.users} == {it.id for it in found.invalid} == {None}
            assert found.warnings == ["a warning"]
            assert [user.user_name for user in found.users] == [it.user_name for it in records]
            for user, before in zip(found.users, records, strict=True):
                assert user.full_name == before.full_name
                assert user.unreadable == (("full_name",) if before is UNREAD else ())
            assert found.invalid[0].user_name == "x/"
        if line is not None:
            assert (line.action, line.user_name, line.edit) == ("update", IDS, None)
            assert line.asks == (None if confirmed else "ids")
            noun = "user" if count == 1 else "users"
            assert line.reason.startswith(f"the ids of {count} {noun} here are listed for the fir")
            assert ("as you say" in line.reason) is confirmed


CANDIDATES = {"n": ["a", "z"], "b": ["a"]}


@pytest.mark.parametrize(
    ("records", "left"),
    [
        ({"n": named("n", None), "b": named("b", None)}, {"n": ["a", "z"], "b": ["a"]}),
        ({"n": named("n", "9"), "b": named("b", None)}, {"n": ["z"], "b": ["a"]}),
        ({"n": named("n", "9"), "b": named("b", "9")}, {"n": ["z"]}),
    ],
)
def test_known_ids_tell_apart(records: dict[str, DirectoryUser], left: dict[str, Any]) -> None:
    users = rows(A, B, managed("z"))
    assert told_apart(CANDIDATES, users, records, HERE) == left
    assert told_apart(CANDIDATES, users, records, "x") == CANDIDATES


def test_who_has_the_own_id_came_under_no_new_name() -> None:
    users = rows(managed("a"), B)
    for stable_id, left in (("2", {}), ("9", {"b": ["a"]}), (None, {"b": ["a"]})):
        records = {"b": named("b", stable_id)}
        assert decided_by_ids({"b": ["a"]}, users, records, HERE) == left
    assert decided_by_ids({"n": ["a"]}, users, {"n": named("n", "2")}, HERE) == {"n": ["a"]}
