"""For whom a record may stand that cannot be read in full, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from store.models import INTEGRATED, User, UserRow
from sync.directory.listing import DirectoryUser, InvalidRecord
from sync.planning.doubt import judged, traits, who_may_be_listed, who_may_be_renamed
from tests.support.builders import managed, unknown

HERE = "here"


def person(name: str, dn: str | None = None, *addresses: str, **fields: Any) -> User:
    return managed(name, distinguished_name=dn, email_addresses=[*addresses], **fields)


def rows(*users: User) -> dict[str, UserRow]:
    found: dict[str, Any] = {user.key: {**user.to_row(), "rev": 1} for user in users}
    return found


def bad(
    name: str | None = None, dn: str | None = None, *addresses: str, stable_id: str | None = None
) -> InvalidRecord:
    return InvalidRecord(name, "bad", dn, [*addresses], stable_id)


BOTH = rows(person("anna", "CN=1", "a@x.org"), person("bert", "CN=2", "b@x.org"))
BARE = rows(person("anna"), person("bert"))
MIXED = rows(person("anna", "CN=1"), person("bert", None, "b@x.org"), person("carla"))
DOTS = rows(person("a.b"), person("anna"))
EVERYBODY, NOBODY = ["anna", "bert"], list[str]()

LISTED: dict[str, tuple[dict[str, UserRow], InvalidRecord, list[str]]] = {
    # who is gone, the record, whom it may be
    "nothing is known of it": (BOTH, bad(), EVERYBODY),
    "its distinguished name": (BOTH, bad(None, "cn=1"), ["anna"]),
    "an address": (BOTH, bad(None, None, "B@x.org"), ["bert"]),
    "one of several addresses": (BOTH, bad(None, None, "n@x.org", "b@x.org"), ["bert"]),
    "the one by this, the other by that": (BOTH, bad(None, "CN=1", "b@x.org"), EVERYBODY),
    "the name without what is refused": (BOTH, bad("an/na"), ["anna"]),
    "in any case": (BOTH, bad("AN\\NA"), ["anna"]),
    "by the name, and by an address": (BOTH, bad("an/na", None, "b@x.org"), EVERYBODY),
    "a name before which there is a dot": (BOTH, bad(".anna"), ["anna"]),
    "a dot and an X": (rows(person("xaver"), person("aver")), bad(".Xaver"), ["xaver"]),
    "a tilde": (BOTH, bad("~anna"), ["anna"]),
    "spaces": (BOTH, bad(" anna "), ["anna"]),
    "a space, a dot, and a space": (BOTH, bad(" . anna"), ["anna"]),
    "dots in a row": (DOTS, bad("a..b"), ["a.b"]),
    "many dots in a row": (DOTS, bad("a....b"), ["a.b"]),
    "a dot after a name": (BOTH, bad("anna/./"), EVERYBODY),
    "another name": (BARE, bad("z*"), EVERYBODY),
    "another name, and what tells it apart": (BOTH, bad("z*", "CN=9", "n@x.org"), NOBODY),
    "another name, told apart by one of both": (BOTH, bad("z*", "CN=9"), NOBODY),
    "by addresses alone": (BOTH, bad("z*", None, "n@x.org"), NOBODY),
    "no name, though others are told apart": (BOTH, bad(None, "CN=9", "n@x.org"), EVERYBODY),
    "a name of nothing but what is refused": (BOTH, bad("/*", "CN=9"), EVERYBODY),
    "a name that was cut": (BOTH, bad("z" * 256, "CN=9"), EVERYBODY),
    "a name that nearly was": (BOTH, bad("z" * 254 + "/", "CN=9"), NOBODY),
    "who has nothing that tells apart": (MIXED, bad("z*", "CN=9"), ["bert", "carla"]),
    "by the address": (MIXED, bad("z*", None, "n@x.org"), ["anna", "carla"]),
    "by both": (MIXED, bad("z*", "CN=9", "n@x.org"), ["carla"]),
    "an id of somebody": (BOTH, bad(stable_id="1"), NOBODY),
    "an id of nobody": (BOTH, bad(stable_id="9"), EVERYBODY),
    "an id of somebody, and the address of another": (
        BOTH, bad(None, None, "b@x.org", stable_id="1"), ["bert"]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("gone", "record", "may_be"), LISTED.values(), ids=LISTED.keys())
def test_whom_a_refused_record_may_stand_for(
    gone: dict[str, UserRow], record: InvalidRecord, may_be: list[str]
) -> None:
    assert sorted(who_may_be_listed(gone, gone, [record], ["1"])) == may_be
    here = {**gone, **rows(person("here", "CN=1", "b@x.org"))}
    assert sorted(who_may_be_listed(here, gone, [record], ["1"])) == may_be
    assert not who_may_be_listed(here, [], [record], ["1"])


def test_the_first_record_is_told_that_may_be_it() -> None:
    records = [bad("z*", "CN=9"), bad("an/na"), bad()]
    found = who_may_be_listed(BOTH, BOTH, records)
    assert found == {"anna": records[1], "bert": records[2]}


def test_no_id_is_none_that_is_known() -> None:
    assert sorted(who_may_be_listed(BOTH, BOTH, [bad()], [None])) == EVERYBODY


DN, ADDRESSES = "distinguished_name", "email_addresses"
IN_DN = rows(person("gone", "CN=1"))
IN_ADDRESS = rows(person("gone", None, "g@x.org"))
IN_ID = rows(person("gone", directory_id="1", directory=HERE))
ELSEWHERE = rows(person("gone", directory_id="1", directory="elsewhere"))
HERE_TOO = rows(person("bert", "CN=2", "b@x.org"))
NO_DN = rows(person("bert", None, "b@x.org"))
LOCAL = rows(User(user_name="bert", authentication=INTEGRATED))

RENAMED: dict[str, tuple[dict[str, UserRow], dict[str, UserRow], DirectoryUser, bool]] = {
    # who is gone, who is here, the record; whether it may be the one who is gone
    "a new name, its distinguished name": (IN_DN, {}, unknown("n", DN), True),
    "which nobody has who is gone": (IN_ADDRESS, {}, unknown("n", DN), False),
    "its addresses": (IN_ADDRESS, {}, unknown("n", ADDRESSES), True),
    "which nobody who is gone has": (IN_DN, {}, unknown("n", ADDRESSES), False),
    "its full name tells nothing": (IN_DN, {}, unknown("n", "full_name"), False),
    "nothing is unknown": (IN_DN, {}, unknown("n"), False),
    "its id": (IN_ID, {}, unknown("n", "id"), True),
    "an id of another directory": (ELSEWHERE, {}, unknown("n", "id"), False),
    "an id, where nobody has one": (IN_DN, {}, unknown("n", "id"), False),
    "an id, where something else is unknown": (IN_ID, {}, unknown("n", DN), False),
    "a known name, its distinguished name": (IN_DN, HERE_TOO, unknown("bert", DN), True),
    "its addresses, all of them lost": (IN_ADDRESS, HERE_TOO, unknown("bert", ADDRESSES), True),
    "with a distinguished name, and other addresses": (
        IN_ADDRESS, HERE_TOO, unknown("bert", ADDRESSES, dn="CN=2"), False
    ),
    "with a distinguished name, and its own addresses": (
        IN_ADDRESS, HERE_TOO, unknown("bert", ADDRESSES, dn="CN=2", addresses=["B@x.org"]), True
    ),
    "with one that is listed only": (
        IN_ADDRESS, NO_DN, unknown("bert", ADDRESSES, dn="CN=2"), True
    ),
    "with one that is stored only": (IN_ADDRESS, HERE_TOO, unknown("bert", ADDRESSES), True),
    "the name of a local user": (IN_DN, LOCAL, unknown("bert", DN, ADDRESSES), False),
    "the name of a local user, and an id": (IN_ID, LOCAL, unknown("bert", "id"), True),
}  # fmt: skip


@pytest.mark.parametrize(("gone", "here", "record", "may_be"), RENAMED.values(), ids=RENAMED.keys())
def test_who_may_have_come_under_a_name(
    gone: dict[str, UserRow], here: dict[str, UserRow], record: DirectoryUser, may_be: bool
) -> None:
    key = record.user_name
    found = who_may_be_renamed({**gone, **here}, gone, {key: record}, HERE)
    assert found == ({key: {"gone"}} if may_be else {})


def test_each_record_may_be_somebody() -> None:
    records = {"n": unknown("n", DN), "m": unknown("m"), "o": unknown("o", DN)}
    found = who_may_be_renamed(IN_DN, IN_DN, records, HERE)
    assert found == {"n": {"gone"}, "o": {"gone"}}


def test_without_a_directory_no_id_is_unknown() -> None:
    assert who_may_be_renamed(IN_ID, IN_ID, {"n": unknown("n", "id")}) == {}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (unknown("bert"), (None, [], ())),
        (unknown("bert", DN), ("CN=2", [], ())),
        (unknown("bert", ADDRESSES, addresses=["n@x.org"]), (None, ["b@x.org"], ())),
        (unknown("bert", DN, ADDRESSES, dn="CN=9"), ("CN=2", ["b@x.org"], ())),
        (unknown("bert", "full_name", DN), ("CN=2", [], ("full_name",))),
        (unknown("bert", "id", dn="CN=9"), ("CN=9", [], ("id",))),
    ],
)
def test_filters_judge_what_is_stored(
    record: DirectoryUser, expected: tuple[str | None, list[str], tuple[str, ...]]
) -> None:
    found = judged(record, HERE_TOO["bert"])
    assert (found.distinguished_name, found.email_addresses, found.unreadable) == expected
    assert judged(record, None) is record


def test_what_identifies_a_person() -> None:
    assert list(traits("CN=A", ["A@x.org", "b@x.org"])) == [
        "dn:cn=a",
        "address:a@x.org",
        "address:b@x.org",
    ]
    assert list(traits("", [])) == list(traits(None, ())) == []
