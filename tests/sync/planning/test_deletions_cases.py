"""Who is gone, and who stays although gone, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from store.models import User
from sync.directory.listing import InvalidRecord
from sync.planning.deletions import managed_by
from sync.planning.filters import parse_rules
from tests.support.builders import KEEP, listed, managed
from tests.support.cases import Case, each_of

BERT = managed("bert")
SKIPPED = [
    managed("a", distinguished_name="CN=1"),
    managed("b", distinguished_name="CN=2", full_name="B"),
]


def absent(*users: User, plan: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> Case:
    """Of the users only Bert is listed."""
    return Case([*users, BERT], [listed("bert")], [*plan], warnings=warnings)


def bad(name: str | None, *addresses: str) -> InvalidRecord:
    return InvalidRecord(name, "bad", None, [*addresses])


CASES = {
    "the reserved name, without a right": absent(
        managed("admin"),
        warnings=("“admin” is absent from the directory, but an administrator is never deleted",),
    ),
    "the reserved name, beside a skip rule": Case(
        [managed("admin"), BERT], [listed("bert")], [], rules="skip user_name x",
        warnings=("“admin” is absent from the directory, but an administrator is never deleted",),
    ),
    "an administrator": absent(
        managed("boss", privileges=["admin"]),
        warnings=("“boss” is absent from the directory, but an administrator is never deleted",),
    ),
    "a pinned user": absent(
        managed("anna", pinned=True),
        warnings=(
            "“anna” is absent from the directory, but pinned, as an undo brought the user back; "
            "release the user (F7 p r, or `mailroster history release NAME`) to let syncs delete "
            "it again.",
        ),
    ),
    "a local user": absent(User(user_name="local")),
    "a local administrator": absent(User(user_name="boss", privileges=["admin"])),
    "a local user of the reserved name": absent(User(user_name="admin", privileges=["admin"])),
    "a local user who is pinned": absent(User(user_name="local", pinned=True)),
    "anybody else": absent(managed("anna"), plan=("delete anna",)),
    "without automatic deletion nobody goes, and who would is named": Case(
        [managed("carla"), managed("anna"), managed("boss", privileges=["admin"]), BERT],
        [listed("bert")],
        [],
        settings=KEEP,
        warnings=(
            "Gone or out of scope, and kept because automatic deletion is off: “anna”, “carla”.",
        ),
    ),
    "warnings about who stays are of no use where nobody goes": Case(
        [managed("boss", privileges=["admin"]), BERT], [listed("bert")], [], settings=KEEP
    ),
    "a skip rule that only the listed distinguished name meets": Case(
        SKIPPED, [listed("a", dn="CN=9"), listed("b", dn="CN=2", full="B")], [],
        rules="skip distinguished_name cn=9",
    ),
    "a skip rule that only the stored one meets": Case(
        SKIPPED, [listed("a", dn="CN=9"), listed("b", dn="CN=2", full="B")], [],
        rules="skip distinguished_name cn=1",
    ),
    "a skip rule that only a gone user's meets": Case(
        SKIPPED, [listed("b", dn="CN=2", full="B")], [],
        rules="skip distinguished_name cn=1",
    ),
    "a skip rule about somebody else": Case(
        SKIPPED,
        [listed("a", dn="CN=7"), listed("b", dn="CN=2", full="B"), listed("n")],
        ["create n", "update a"],
        rules="skip user_name x",
    ),
    "skipped, changed, and new in this order": Case(
        SKIPPED,
        [listed("b", full="Other"), listed("a", dn="CN=1", full="A"), listed("new")],
        ["create new", "update a"],
        rules="skip user_name b",
    ),
    "a nameless record stands for who has its address": Case(
        [managed("a", email_addresses=["a@x.org"]), managed("b"), managed("c")],
        [listed("c"), bad(None, "a@x.org")],
        ["delete b", "conflict (record without a user name)"],
        warnings=("“a”: gone, but not deleted, because a record that cannot be read in full may",),
    ),
    "a bad record of the name in other case": Case(
        [managed("a"), managed("b", email_addresses=["b@x.org"]), BERT],
        [listed("bert"), bad("A", "a@x.org")],
        ["delete b", "conflict A"],
    ),
    "out of scope": Case(
        [managed("a"), BERT], [listed("a"), listed("bert")], ["delete a"],
        rules="exclude user_name a",
    ),
}  # fmt: skip


@each_of(CASES)
def test_who_goes_and_who_stays(case: Case) -> None:
    case.check()


@pytest.mark.parametrize(
    ("user", "is_managed"),
    [
        (managed("anna"), True),
        (User(user_name="anna", privileges=["login"]), False),
        (managed("anna", pinned=True), False),
        (managed("anna", privileges=["admin"]), False),
        (managed("admin"), False),
    ],
)
@pytest.mark.parametrize("rules", ["", "skip user_name x", "skip user_name a*"])
def test_whom_a_sync_manages(user: User, is_managed: bool, rules: str) -> None:
    row: Any = user.to_row()
    test = managed_by(parse_rules(rules))
    assert test(user.key, row) is (is_managed and rules != "skip user_name a*")
