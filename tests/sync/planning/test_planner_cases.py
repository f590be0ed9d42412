"""What becomes of each record, and of whom is not listed, as a table; and what a plan counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.history import History
from store.interface import Snapshot
from store.models import Settings, User
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.planning.filters import parse_rules
from sync.planning.identity import directory_of
from sync.planning.plan import Answers, FieldChange
from sync.planning.planner import make_plan
from sync.planning.returns import Former
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, plan_for
from tests.support.cases import Case, each_of

HERE = directory_of(AUTO_DELETE)
KEEP = replace(AUTO_DELETE, auto_delete=False)
ROOT = User(user_name="root", privileges=["admin"], password_hash="x")
LOCAL = User(user_name="anna", full_name="A", privileges=["export"], password_hash="x")
DOMAIN = "include email_domain x.org"


def known(name: str, stable_id: str | None = None, **fields: Any) -> User:
    where = HERE if stable_id else None
    return managed(name, directory_id=stable_id, directory=where, **fields)


def unknown(name: str, *fields: str, **about: Any) -> DirectoryUser:
    found: DirectoryUser = listed(name, *about.pop("addresses", ()), **about)
    return found._replace(unreadable=fields)


def bad(name: str | None, *addresses: str) -> InvalidRecord:
    return InvalidRecord(name, "bad", None, [*addresses])


CASES = {
    # links
    "a local user is linked": Case(
        [LOCAL, ROOT], [listed("anna", full="Anna")], ["update anna"], Answers.of(link=["ANNA"])
    ),
    "one of whom nothing differs, too": Case(
        [LOCAL, ROOT], [listed("anna", full="A")], ["update anna"], Answers.of(link=["anna"])
    ),
    "unanswered it is asked": Case([LOCAL, ROOT], [listed("anna")], ["conflict anna?"]),
    "the last administrator is not linked": Case(
        [ROOT], [listed("root")], ["conflict root"], Answers.of(link=["root"])
    ),
    "one of two is": Case(
        [ROOT, replace(ROOT, user_name="two")], [listed("root")], ["update root"],
        Answers.of(link=["root"]),
    ),
    "who is not listed cannot be linked": Case(
        [LOCAL, ROOT, managed("bert")], [listed("bert")], [],
        Answers.of(link=["zoe", "anna", "bert"]),
        warnings=("The directory does not list “anna”, “zoe”: nothing to link.",),
    ),
    "who is linked already needs no word": Case(
        [managed("bert")], [listed("bert")], [], Answers.of(link=["bert"])
    ),
    "a new name cannot be linked, it is created": Case(
        [], [listed("anna")], ["create anna"], Answers.of(link=["anna"])
    ),
    # refused records
    "a refused record": Case([], [bad("a/")], ["conflict a/"]),
    "whom a skip rule leaves alone is not told": Case(
        [], [bad("a/"), bad("b/")], ["conflict b/"], rules="skip user_name a*"
    ),
    "by an address": Case(
        [], [bad("a/", "a@x.org"), bad("b/", "b@y.org")], ["conflict b/"],
        rules="skip email_domain x.org",
    ),
    "by the distinguished name": Case(
        [], [InvalidRecord("a/", "bad", "CN=1", []), InvalidRecord("b/", "bad", "CN=2", [])],
        ["conflict b/"], rules="skip distinguished_name cn=1",
    ),
    "one without a name is told": Case(
        [], [bad(None)], ["conflict (record without a user name)"], rules="skip user_name *"
    ),
    "one that a filter excludes is told": Case(
        [], [bad("a/")], ["conflict a/"], rules="exclude user_name a*"
    ),
    # names
    "the reserved name before the local user of it": Case(
        [replace(ROOT, user_name="admin"), ROOT], [listed("Admin")], ["conflict Admin"],
        Answers.of(link=["admin"]),
    ),
    "a repeated name before the reserved one": Case(
        [], [listed("admin"), listed("Admin")], ["conflict admin", "conflict Admin"]
    ),
    "of names out of scope nothing is told": Case(
        [], [listed("admin"), listed("a"), listed("A"), listed("b")], ["create b"],
        rules="exclude user_name a*",
    ),
    # fields that cannot be read
    "what a filter asks for and is not stored": Case(
        [], [unknown("a", "email_addresses")], ["conflict a"], rules=DOMAIN
    ),
    "what is stored tells": Case(
        [managed("a", email_addresses=["a@x.org"])], [unknown("a", "email_addresses", full="A")],
        ["update a"], rules=DOMAIN,
    ),
    "also that it is out of scope; then nobody goes": Case(
        [managed("a", email_addresses=["a@y.org"])], [unknown("a", "email_addresses", full="A")],
        ["conflict a"], rules=DOMAIN,
    ),
    "what no filter asks for": Case(
        [managed("a")], [unknown("a", "full_name", addresses=["a@x.org"])], ["update a"],
        rules=DOMAIN,
    ),
    "a skip rule that asks for it": Case(
        [managed("a", email_addresses=["a@y.org"])], [unknown("a", "email_addresses", full="A")],
        ["conflict a"], rules="skip email_domain x.org",
    ),
    "a skip rule that what is stored meets": Case(
        [managed("a", email_addresses=["a@x.org"])], [unknown("a", "email_addresses", full="A")],
        [], rules="skip email_domain x.org",
    ),
    "one's stored values are found by the id": Case(
        [known("a", "1", email_addresses=["a@x.org"])],
        [unknown("n", "email_addresses", stable_id="1")],
        ["rename n"], rules=DOMAIN,
    ),
    # ids
    "another id, in scope": Case(
        [known("a", "1")], [listed("a", stable_id="2")], ["return a?", "update a"]
    ),
    "another id, skipped": Case(
        [known("a", "1")], [listed("a", stable_id="2")], [], rules="skip user_name a"
    ),
    "another id, and a filter cannot tell": Case(
        [known("a", "1")], [unknown("a", "email_addresses", stable_id="2")],
        ["update a", "conflict a"], rules=DOMAIN,
    ),
    "another id of a local user, and a filter cannot tell": Case(
        [replace(LOCAL, directory_id="1", directory=HERE)],
        [unknown("anna", "email_addresses", stable_id="2")],
        ["conflict anna"], rules=DOMAIN,
    ),
    "the id of who stays, under the name of another": Case(
        [known("a", "1"), known("b", "2")], [listed("b", stable_id="1"), listed("c")],
        ["create c", "update b", "conflict b"],
    ),
    "the same under a local user's": Case(
        [known("a", "1"), LOCAL], [listed("anna", stable_id="1"), listed("c")],
        ["create c", "conflict anna"],
    ),
    "a rename by the id that is answered otherwise": Case(
        [known("a", "1"), known("b", "2")], [listed("n", stable_id="1")],
        ["delete b", "rename n"], Answers.of(separate=["n"]),
        warnings=("No question is about renaming “n”.",),
    ),
    "a rename by the id beside an answer that somebody else came": Case(
        [known("a", "1"), known("b", "2")], [listed("n", stable_id="1")],
        ["delete b", "rename n"], Answers.of(rename_from=[("b", "n")]),
        warnings=("No question is about renaming “n”.",),
    ),
    "a rename by the id out of scope": Case(
        [known("a", "1"), known("b", "2")], [listed("n", stable_id="1")],
        ["delete a", "delete b"], rules="exclude user_name n",
    ),
    # deletions
    "without automatic deletion nobody goes, and renames are asked": Case(
        [managed("a", distinguished_name="CN=1"), managed("b")], [listed("n", dn="CN=1")],
        ["rename n?"], settings=KEEP,
    ),
    "and an answered one is written": Case(
        [managed("a", distinguished_name="CN=1"), managed("b")], [listed("n", dn="CN=1")],
        ["rename n"], Answers.of(rename=["n"]), settings=KEEP,
    ),
    "an empty answer": Case([managed("a")], [], []),
    # questions about names
    "an answer to a question that nobody asked": Case(
        [managed("a")], [listed("a"), listed("b")], ["create b"],
        Answers.of(same=["b"], new=["a"]),
        warnings=("No question asks who “a”, “b” is.",),
    ),
    "an answer that does not say whom": Case(
        [managed(n, distinguished_name="CN=1") for n in "ab"], [listed("n", dn="CN=1")],
        ["rename n?"], Answers.of(rename=["n"]),
        warnings=("“n” may be “a”, “b”; say which of them it is with --rename-from OLD NEW.",),
    ),
    "who is held keeps also what is new about them": Case(
        [managed("b", distinguished_name="CN=2")],
        [listed("b", dn="CN=9", full="New"), listed("c", dn="CN=2")], ["rename c?"],
    ),
}  # fmt: skip


@each_of(CASES)
def test_what_becomes_of_each(case: Case) -> None:
    case.check()


@pytest.mark.parametrize(
    ("keeps", "users", "records", "plan"),
    [
        (["n"], [managed("a", distinguished_name="CN=1")], [listed("n", dn="CN=1")], "conflict n"),
        (["a"], [managed("a", distinguished_name="CN=1")], [listed("n", dn="CN=1")], "rename n"),
        (
            ["a", "b"],  # folders of users here are not in the way: they move, too
            [managed(n, distinguished_name=f"CN={n}") for n in "ab"],
            [listed("a", dn="CN=b"), listed("b", dn="CN=a")],
            "rename a",
        ),
    ],
)
def test_a_folder_with_mail_is_in_the_way_of_a_new_name(
    keeps: list[str], users: list[User], records: list[DirectoryUser], plan: str
) -> None:
    answers = Answers.of(rename=["n", "a", "b"])
    found = plan_for(users, answer(*records), AUTO_DELETE, keeps.__contains__, answers)
    assert lines(found)[0] == plan


@pytest.mark.parametrize(
    ("rules", "in_scope", "managed_users"),
    [("", 4, 3), ("exclude user_name b*", 3, 3), ("skip user_name b*", 3, 2), (DOMAIN, 1, 3)],
)
def test_a_plan_counts(rules: str, in_scope: int, managed_users: int) -> None:
    users = [managed("a", email_addresses=["a@x.org"]), managed("bert"), managed("c"), ROOT]
    settings = replace(AUTO_DELETE, filters=tuple(parse_rules(rules)))
    records = [listed("a", "a@x.org"), listed("bert", full="B"), listed("c"), listed("n")]
    raw = [{"userName": "a", "emailAddresses": ["a@x.org"]}, {"userName": "bert", "fullName": "B"},
           {"userName": "c"}, {"userName": "n"}]  # fmt: skip
    for listing in (answer(*records), Listing.unread(raw)):
        plan = plan_for(users, listing, settings)
        assert (plan.listed, plan.in_scope, plan.managed) == (4, in_scope, managed_users)
        assert (plan.store_id, plan.generation, plan.settings) == ("id", 1, settings)


def made(history: History, now: datetime | None = None, **settings: Any) -> tuple[str, ...]:
    """The guard's sentences about one deletion of three."""
    rows: Any = {n: {**managed(n).to_row(), "rev": 1} for n in "abc"}
    snapshot = Snapshot("id", 1, replace(AUTO_DELETE, **settings), rows, history)
    return make_plan(snapshot, answer(listed("a"), listed("b")), lambda _: False, now=now).guard


def test_the_guard_looks_back_from_the_time_of_the_plan() -> None:
    at = datetime(2026, 5, 2, 12, tzinfo=UTC)
    history = History(deletions=((at.isoformat(), 3),))
    assert made(history, at, guard_max_deletes=3)
    assert not made(history, at + timedelta(days=1), guard_max_deletes=3)
    assert not made(history, guard_max_deletes=3)
    assert not made(History(), at, guard_max_deletes=3)


def test_a_linked_user_keeps_the_privileges() -> None:
    plan = plan_for(
        [LOCAL, ROOT],
        answer(listed("Anna", "a@x.org", full="Anna")),
        answers=Answers.of(link=["anna"]),
    )
    (change,) = plan.changes
    assert change.fields == {
        "authentication": FieldChange("integrated", "directory_services"),
        "user_name": FieldChange("anna", "Anna"),
        "full_name": FieldChange("A", "Anna"),
        "email_addresses": FieldChange([], ["a@x.org"]),
    }
    assert change.edit
    assert change.edit.user
    assert change.edit.user.privileges == ["export"]


def test_who_is_created_without_a_former_counts_from_now() -> None:
    at = datetime(2026, 5, 2, 12, 0, 1, 5, tzinfo=UTC)
    rows: Any = {}
    snapshot = Snapshot("id", 1, Settings(), rows)
    plan = make_plan(
        snapshot,
        answer(listed("anna")),
        lambda _: False,
        Answers.of(same=["anna"]),
        at,
        lambda keys: dict.fromkeys(keys, Former(None, True)),
    )
    (change,) = plan.changes
    assert change.edit
    assert change.edit.user
    assert change.edit.user.created == "2026-05-02T12:00:01+00:00"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (("email_addresses",), "the e-mail addresses of this record cannot be read in full, and a"),
        (("id", "email_addresses"), "the e-mail addresses of this record cannot be read in full"),
        (
            ("full_name", "email_addresses"),
            "the full name and e-mail addresses of this record cannot be read in full",
        ),
    ],
)
def test_which_fields_cannot_be_read_is_said(fields: tuple[str, ...], told: str) -> None:
    settings = replace(AUTO_DELETE, filters=tuple(parse_rules(DOMAIN)))
    (change,) = plan_for([], answer(unknown("a", *fields)), settings).changes
    assert change.reason.startswith(told)
