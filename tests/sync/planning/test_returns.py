"""A name that somebody had before: who comes back, and who would only inherit."""

from __future__ import annotations

from typing import Any

import pytest

from store.interface import Snapshot
from store.models import DIRECTORY_SERVICES, INTEGRATED, Settings, User, UserRow
from store.names import match_key
from sync.directory.listing import DirectoryUser
from sync.planning.identity import directory_of
from sync.planning.plan import Answers, Plan
from sync.planning.planner import make_plan
from sync.planning.returns import Former, comes_back, is_replaced
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed

HERE = directory_of(AUTO_DELETE)
JOHN: dict[str, Any] = {
    "full_name": "John Smith",
    "distinguished_name": "CN=John",
    "email_addresses": ["john@x.org", "j@x.org"],
}


def row_of(**fields: Any) -> UserRow:
    return managed("jsmith", **{**JOHN, "created": "2026-01-02T03:04:05+00:00", **fields}).to_row()


def record(**fields: Any) -> DirectoryUser:
    return DirectoryUser("jsmith", **{**JOHN, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "now", "expected"),
    [
        ({}, {}, True),
        ({}, {"distinguished_name": "cn=john"}, True),
        ({}, {"email_addresses": ["J@x.org", "john@x.org"]}, True),
        ({}, {"full_name": "Jane Smith"}, False),
        ({}, {"distinguished_name": None}, False),
        ({}, {"email_addresses": ["john@x.org"]}, False),
        ({}, {"email_addresses": ["john@x.org", "j@x.org", "new@x.org"]}, False),
        ({}, {"unreadable": ("full_name",)}, False),
        ({"directory_id": "1", "directory": HERE}, {"id": "1", "full_name": "Else"}, True),
        ({"directory_id": "1", "directory": HERE}, {"id": "2"}, False),
        ({"directory_id": "1", "directory": HERE}, {}, True),
        ({"directory_id": "1", "directory": "elsewhere"}, {"id": "1"}, True),
        ({"directory_id": "1", "directory": "elsewhere"}, {"id": "1", "full_name": "E"}, False),
        ({}, {"id": "1"}, True),
        ({"authentication": INTEGRATED}, {}, False),
        (
            {"distinguished_name": None, "email_addresses": []},
            {"distinguished_name": None, "email_addresses": []},
            False,
        ),
    ],
)
def test_who_certainly_comes_back(row: dict[str, Any], now: dict[str, Any], expected: bool) -> None:
    fields = {"authentication": DIRECTORY_SERVICES, **row}
    former: Any = {**row_of(), **fields}
    assert comes_back(former, record(**now), HERE) is expected


@pytest.mark.parametrize(
    ("row", "now", "expected"),
    [
        ({}, {}, False),
        ({}, {"full_name": "Jane"}, False),
        ({}, {"full_name": "Jane", "distinguished_name": "CN=Jane"}, False),
        ({}, {"full_name": "Jane", "email_addresses": ["jane@x.org"]}, False),
        (
            {},
            {
                "full_name": "Jane",
                "distinguished_name": "CN=Jane",
                "email_addresses": ["jane@x.org", "J@x.org"],
            },
            False,
        ),
        (
            {},
            {
                "full_name": "Jane",
                "distinguished_name": "CN=Jane",
                "email_addresses": ["jane@x.org"],
            },
            True,
        ),
        (
            {"distinguished_name": None},
            {
                "full_name": "Jane",
                "distinguished_name": "CN=Jane",
                "email_addresses": ["jane@x.org"],
            },
            True,
        ),
        (
            {},
            {"full_name": "Jane", "distinguished_name": "CN=Jane", "email_addresses": []},
            True,
        ),
        ({}, {"full_name": "J", "distinguished_name": None, "email_addresses": []}, False),
        (
            {"distinguished_name": None, "email_addresses": []},
            {
                "full_name": "Jane",
                "distinguished_name": "CN=Jane",
                "email_addresses": ["jane@x.org"],
            },
            False,
        ),
    ],
)
def test_whose_name_seems_to_be_somebody_elses(
    row: dict[str, Any], now: dict[str, Any], expected: bool
) -> None:
    assert is_replaced(row_of(**row), record(**now)) is expected


def planned(
    users: list[User],
    *records: DirectoryUser,
    formers: dict[str, Former] | None = None,
    settings: Settings = AUTO_DELETE,
    **answers: Any,
) -> Plan:
    rows: Any = {match_key(user.user_name): {**user.to_row(), "rev": 1} for user in users}
    found = formers or {}
    return make_plan(
        Snapshot("id", 1, settings, rows),
        answer(*records),
        lambda _: False,
        Answers.of(**answers),
        formers=lambda keys: {key: found[key] for key in keys if key in found},
    )


class TestNewName:
    jane = listed("JSmith", "jane@x.org", dn="CN=Jane", full="Jane Smith")

    def test_who_certainly_comes_back_is_a_return_without_admin(self) -> None:
        row = row_of(
            privileges=["login", "export", "admin"],
            folder_privileges={"jsmith": ["read", "delete"], "boss": ["read"]},
            password_hash="$2b$secret",
            pinned=True,
        )
        (change,) = planned([], record(), formers={"jsmith": Former(row, True)}).changes
        assert (change.action, change.archive) == ("return", "kept")
        assert "no longer an administrator" in change.reason
        assert change.edit
        user = change.edit.user
        assert user
        assert user.privileges == ["login", "export"]
        assert user.folder_privileges == {"jsmith": ["read", "delete"]}
        assert (user.password_hash, user.pinned) == (None, False)
        assert user.created == row["created"]

    def test_an_administrator_and_nothing_else_has_the_default_privileges(self) -> None:
        former = Former(row_of(privileges=["admin"]), False)
        (change,) = planned([], record(), formers={"jsmith": former}).changes
        assert change.edit
        assert change.edit.user
        assert change.edit.user.privileges == ["login"]

    @pytest.mark.parametrize(
        "former", [Former(row_of(), True), Former(row_of(), False), Former(None, True)]
    )
    def test_else_it_is_a_question_and_nobody_is_created(self, former: Former) -> None:
        plan = planned([], self.jane, formers={"jsmith": former})
        (question,) = plan.changes
        assert (question.action, question.asks, question.edit) == ("return", "return", None)
        assert question.fields["full_name"].new == "Jane Smith"
        assert plan.leaves_open
        same = planned([], self.jane, formers={"jsmith": former}, same=["jsmith"])
        assert lines(same) == ["return JSmith"]
        new = planned([], self.jane, formers={"jsmith": former}, new=["jsmith"])
        assert lines(new) == ["create JSmith"]
        assert new.changes[0].archive == ("aside" if former.holds_mail else None)
        assert [plan.leaves_open for plan in (same, new)] == [False, False]

    @pytest.mark.parametrize("answers", [{"same": ["jsmith"]}, {"new": ["jsmith"]}])
    def test_an_address_that_somebody_else_has_by_now_is_left_out(
        self, answers: dict[str, list[str]]
    ) -> None:
        heir = managed("heir", email_addresses=["jane@x.org"])
        records = self.jane, listed("heir", "jane@x.org")
        plan = planned([heir], *records, formers={"jsmith": Former(row_of(), True)}, **answers)
        (change,) = plan.changes
        assert change.left_out == (("jane@x.org", "heir"),)
        assert change.edit
        assert change.edit.user
        assert change.edit.user.email_addresses == []
        assert "left out" in plan.warnings[0]

    def test_two_spellings_of_one_distinguished_name_are_one_person(self) -> None:
        former = Former(row_of(distinguished_name="CN=John, OU=Sales"), False)
        now = record(distinguished_name="cn=john,ou=sales")
        assert lines(planned([], now, formers={"jsmith": former})) == ["return jsmith"]
        assert planned([], now, formers={"jsmith": former}).changes[0].edit

    def test_a_new_name_is_none(self) -> None:
        assert lines(planned([], self.jane)) == ["create JSmith"]

    def test_an_answer_that_nobody_asked_for_is_said(self) -> None:
        plan = planned([], self.jane, same=["zoe"], new=["jsmith"])
        assert plan.warnings == ("No question asks who “jsmith”, “zoe” is.",)

    def test_the_folder_of_one_who_is_renamed_moves_away_and_asks_nothing(self) -> None:
        anna = managed("anna", directory_id="1", directory=HERE)
        records = listed("anna", stable_id="2"), listed("anna.b", stable_id="1")
        plan = planned([anna], *records, formers={"anna": Former(None, True)})
        assert lines(plan) == ["create anna", "rename anna.b"]


class TestKnownName:
    john = managed("jsmith", privileges=["login", "export"], **JOHN)
    jane = listed("jsmith", "jane@x.org", dn="CN=Jane", full="Jane Smith")

    @pytest.mark.parametrize("settings", [AUTO_DELETE, Settings()])
    def test_everything_but_the_name_changed(self, settings: Settings) -> None:
        (question,) = planned([self.john], self.jane, settings=settings).changes
        assert (question.asks, question.edit) == ("return", None)
        same = planned([self.john], self.jane, settings=settings, same=["jsmith"])
        assert lines(same) == ["update jsmith"]
        new = planned([self.john], self.jane, settings=settings, new=["jsmith"])
        assert lines(new) == ["create jsmith", "delete jsmith"]
        assert new.changes[0].edit
        assert new.changes[0].edit.user
        assert new.changes[0].edit.user.privileges == ["login"]

    def test_the_same_id_is_the_same_person(self) -> None:
        john = managed("jsmith", directory_id="1", directory=HERE, **JOHN)
        jane = self.jane._replace(id="1")
        assert lines(planned([john], jane)) == ["update jsmith"]


def test_names_are_looked_up_once_and_only_new_ones() -> None:
    asked: list[list[str]] = []

    def formers(keys: Any) -> dict[str, Former]:
        asked.append(list(keys))
        return {}

    users: Any = {"anna": managed("anna").to_row()}
    for records, expected in (
        ([listed("anna")], []),
        ([listed("Anna", "a@x.org")], []),
        ([listed("anna"), listed("zoe"), listed("Yan")], [["zoe", "yan"]]),
    ):
        asked.clear()
        make_plan(
            Snapshot("id", 1, AUTO_DELETE, users),
            answer(*records),
            lambda _: False,
            formers=formers,
        )
        assert asked == expected
