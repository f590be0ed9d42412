"""What somebody gets who comes back, or comes under a name from before, as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from store.models import INTEGRATED, Settings, User, UserRow
from sync.directory.listing import DirectoryUser
from sync.planning.draft import Draft
from sync.planning.identity import directory_of
from sync.planning.plan import Answers, Change, FieldChange
from sync.planning.returns import Former, comes_back, newcomers, nobody, successors, suspensions
from tests.support.builders import AUTO_DELETE, listed, managed

HERE = directory_of(AUTO_DELETE)
THEN, NOW = "2025-01-02T03:04:05+00:00", "2026-05-02T12:00:00+00:00"
SETTINGS = replace(
    AUTO_DELETE, default_privileges=("login", "export"), default_folder_privileges=("read",)
)
JANE: DirectoryUser = listed("Jane", "j@x.org", dn="CN=Jane", full="Jane", stable_id=None)


def row(**fields: Any) -> UserRow:
    known = {"full_name": "Jane", "distinguished_name": "CN=Jane", "email_addresses": ["J@x.org"]}
    user: Any = managed(**{"user_name": "jane", "created": THEN, **known, **fields}).to_row()
    return user  # type: ignore[no-any-return]


class Came(NamedTuple):
    """What is left of the former user, what was answered, and what comes of it."""

    former: Former
    answers: Answers
    action: str
    archive: str | None
    privileges: list[str] | None = None
    rights: dict[str, list[str]] | None = None
    created: str | None = None
    says: str = ""
    in_question: bool = False


SAME, NEW, NONE = Answers.of(same=["JANE"]), Answers.of(new=["JANE"]), Answers()
OTHER = {"full_name": "Janet"}
DEFAULT = (["login", "export"], {"jane": ["read"]})
CAME = {
    "certainly back": Came(
        Former(row(folder_privileges={"jane": ["write"], "x": ["read"]}), True),
        NONE, "return", "kept", ["login"], {"jane": ["write"]}, THEN,
        "was deleted, and comes back with the privileges from before",
    ),
    "certainly back, to an empty folder": Came(
        Former(row(folder_privileges={"jane": []}), False), NONE, "return", None,
        ["login"], {"jane": []}, THEN,
        "was deleted, and comes back with the privileges from before",
    ),
    "where nobody can look": Came(
        Former(row(), None), NONE, "return", None, ["login"], {"jane": ["read"]}, THEN
    ),
    "without a right before": Came(
        Former(row(privileges=[]), True), NONE, "return", "kept", *DEFAULT, THEN
    ),
    "an administrator": Came(
        Former(row(privileges=["admin"]), True), NONE, "return", "kept", *DEFAULT, THEN,
        "was deleted, and comes back with the privileges from before; is no longer an "
        "administrator",
    ),
    "by an answer": Came(
        Former(row(**OTHER), True), SAME, "return", "kept", ["login"], {"jane": ["read"]}, THEN,
        "was deleted, and comes back with the privileges from before, as you say", True,
    ),
    "an answer about who is certain": Came(
        Former(row(), True), NEW, "return", "kept", ["login"], {"jane": ["read"]}, THEN
    ),
    "by an answer, whom nobody remembers": Came(
        Former(None, True), SAME, "return", "kept", *DEFAULT, NOW,
        "the archive folder with its mail is this user's, as you say", True,
    ),
    "somebody new": Came(
        Former(row(**OTHER), True), NEW, "create", "aside", *DEFAULT, "",
        "somebody new under a name from before, as you say; the archive folder is set aside", True,
    ),
    "somebody new, and nobody can look": Came(
        Former(row(**OTHER), None), NEW, "create", "aside", *DEFAULT, "",
        "somebody new under a name from before, as you say; the archive folder is set aside", True,
    ),
    "somebody new, and nothing is left": Came(
        Former(row(**OTHER), False), NEW, "create", None, *DEFAULT, "",
        "somebody new under a name from before, as you say", True,
    ),
    "a question": Came(
        Former(row(**OTHER), False), NONE, "return", None, says="a user of this name was deleted;",
        in_question=True,
    ),
    "a question about mail": Came(
        Former(row(**OTHER), True), NONE, "return", None,
        says="a user of this name was deleted, and the archive folder holds mail; until",
        in_question=True,
    ),
    "a question about mail of nobody": Came(
        Former(None, True), NONE, "return", None, in_question=True,
        says=(
            "the archive folder of this name holds mail from before, and mailroster does not know "
            "whose; unt"
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("came", CAME.values(), ids=CAME.keys())
def test_who_comes_under_a_name_from_before(came: Came) -> None:
    creates = {"jane": JANE, "other": listed("other")}
    decided = newcomers(
        {}, creates, lambda _: {"jane": came.former}, (), SETTINGS, came.answers, NOW
    )
    change: Change
    (change,) = [*decided.asked, *(line.change for line in decided.writable)]
    assert (change.action, change.archive, change.user_name) == (came.action, came.archive, "Jane")
    assert change.reason.startswith(came.says)
    assert decided.names == {"jane"}
    assert decided.in_question == ({"jane"} if came.in_question else set())
    if came.privileges is None:
        assert (change.asks, change.edit) == ("return", None)
        return
    assert change.asks is None
    assert change.edit
    user = change.edit.user
    assert user
    assert (user.privileges, user.folder_privileges) == (came.privileges, came.rights)
    assert (user.created, user.authentication) == (came.created, "directory_services")
    assert change.fields == {
        "full_name": FieldChange(None, "Jane"),
        "distinguished_name": FieldChange(None, "CN=Jane"),
        "email_addresses": FieldChange(None, ["j@x.org"]),
        "privileges": FieldChange(None, came.privileges),
    }


def test_a_question_shows_what_differs() -> None:
    former = Former(row(full_name="Janet", directory_id="1", email_addresses=[]), True)
    creates = {"jane": JANE._replace(distinguished_name="CN=Jane", id="2")}
    (asked,) = newcomers({}, creates, lambda _: {"jane": former}, (), SETTINGS, NONE, NOW).asked
    assert asked.fields == {
        "full_name": FieldChange("Janet", "Jane"),
        "email_addresses": FieldChange([], ["j@x.org"]),
        "directory_id": FieldChange("1", "2"),
    }
    nobodys = newcomers(
        {}, creates, lambda _: {"jane": Former(None, True)}, (), SETTINGS, NONE, NOW
    )
    assert nobodys.asked[0].fields["distinguished_name"] == FieldChange(None, "CN=Jane")


def test_no_addresses_before_and_now_are_no_difference() -> None:
    former = Former(row(full_name="Janet", email_addresses=[]), True)
    creates = {"jane": JANE._replace(email_addresses=[]), "kim": listed("kim", full="Kim")}
    formers = {"jane": former, "kim": Former(row(user_name="kim", full_name="Kym"), True)}
    decided = newcomers({}, creates, lambda _: formers, (), SETTINGS, NONE, NOW)
    first, second = decided.asked
    assert first.fields == {"full_name": FieldChange("Janet", "Jane")}
    assert second.fields["full_name"] == FieldChange("Kym", "Kim")
    assert decided.names == {"jane", "kim"}


def test_a_folder_that_moves_along_is_no_question_and_the_next_is_looked_at() -> None:
    creates = {"anna": listed("anna"), "jane": JANE}
    formers = {"anna": Former(None, True), "jane": Former(None, True)}
    decided = newcomers({}, creates, lambda _: formers, ["anna"], SETTINGS, NONE, NOW)
    assert decided.names == decided.in_question == {"jane"}


def test_without_new_names_nobody_is_looked_up() -> None:
    def refuse(_keys: object) -> dict[str, Former]:
        raise AssertionError

    assert newcomers({}, {}, refuse, (), SETTINGS, NONE, NOW).names == set()
    assert nobody(["anna"]) == {}


KNOWN = {"directory_id": "1", "directory": HERE}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {}, True),
        ({"distinguished_name": None}, {}, False),
        ({"distinguished_name": None}, {"distinguished_name": None}, True),
        ({"email_addresses": []}, {"email_addresses": []}, True),
        ({"email_addresses": []}, {}, False),
        ({"full_name": None}, {"full_name": None}, True),
        ({"full_name": None}, {}, False),
        ({"authentication": INTEGRATED}, {}, False),
        ({}, {"unreadable": ("id",)}, False),
        (KNOWN, {"id": "1", "distinguished_name": None}, True),
        (KNOWN, {"id": "2"}, False),
        (KNOWN, {"id": None, "full_name": "E"}, False),
        ({**KNOWN, "authentication": INTEGRATED}, {"id": "1"}, False),
    ],
)
def test_who_is_certainly_the_former_user(
    before: dict[str, Any], now: dict[str, Any], expected: bool
) -> None:
    former: Any = {**row(), **before}
    assert comes_back(former, JANE._replace(**now), HERE) is expected


ANN = {"full_name": "Ann", "distinguished_name": "CN=Ann", "email_addresses": ["ann@x.org"]}
REPLACED: dict[str, tuple[dict[str, Any], dict[str, Any], set[str], Answers, list[str]]] = {
    # the user, the record, whose id is another; the actions that come of it
    "as before": ({}, {}, set(), NONE, []),
    "everything is another's": (ANN, {}, set(), NONE, ["return?"]),
    "but the full name": ({**ANN, "full_name": "Jane"}, {}, set(), NONE, []),
    "but the distinguished name": ({**ANN, "distinguished_name": "cn=jane"}, {}, set(), NONE, []),
    "but one address": ({**ANN, "email_addresses": ["x@x.org", "J@X.org"]}, {}, set(), NONE, []),
    "one field alone": ({"distinguished_name": "CN=Ann", "email_addresses": [], "full_name": None},
                        {}, set(), NONE, []),
    "one field alone is still listed": (
        ANN, {"distinguished_name": None, "email_addresses": []}, set(), NONE, []
    ),
    "one that is not listed any more": (
        {**ANN, "email_addresses": []}, {"full_name": None}, set(), NONE, []
    ),
    "as you say the same": (ANN, {}, set(), SAME, ["update"]),
    "as you say somebody new": (ANN, {}, set(), NEW, ["delete", "create"]),
    "who may not go": ({**ANN, "privileges": ["admin"]}, {}, set(), NEW, ["conflict"]),
    "the same id": ({**ANN, **KNOWN}, {"id": "1"}, set(), NONE, []),
    "an id of another directory": (
        {**ANN, "directory_id": "1", "directory": "x"}, {"id": "1"}, set(), NONE, ["return?"]
    ),
    "no id is none that is the same": ({**ANN}, {"id": None}, set(), NONE, ["return?"]),
    "another id": (KNOWN, {"id": "2"}, {"jane"}, NONE, ["return?"]),
    "another id, the same person": (KNOWN, {"id": "2"}, {"jane"}, SAME, ["update"]),
    "another id, somebody new": (KNOWN, {"id": "2"}, {"jane"}, NEW, ["delete", "create"]),
    "another id, of who may not go": (
        {**KNOWN, "privileges": ["admin"]}, {"id": "2"}, {"jane"}, NEW, ["conflict"]
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "others", "answers", "expected"), REPLACED.values(), ids=REPLACED.keys()
)
def test_who_is_here_and_may_be_somebody_else(
    before: dict[str, Any],
    now: dict[str, Any],
    others: set[str],
    answers: Answers,
    expected: list[str],
) -> None:
    users: Any = {"jane": {**row(**before), "rev": 1}, "x": {**row(), "rev": 1}}
    updates = {"x": JANE._replace(user_name="x", email_addresses=[]), "jane": JANE._replace(**now)}
    decided = successors(
        users,
        updates,
        others,
        {},
        lambda key, it: key == "jane" and it["privileges"] != ["admin"],
        SETTINGS,
        answers,
    )
    found = [*decided.asked, *(line.change for line in decided.writable)]
    assert [f"{each.action}{'?' if each.asks else ''}" for each in found] == expected
    assert decided.names == decided.in_question == ({"jane"} if expected else set())
    for each in found:
        if each.action == "update":
            assert each.edit
            assert each.edit.user
            assert each.edit.user.full_name == "Jane"
            assert each.edit.user.directory == (HERE if now.get("id") else None)
        elif each.action == "conflict":
            assert each.reason.startswith("the directory lists somebody new under this name, but")
        elif each.action == "delete":
            assert (each.archive, each.reason) == (
                "kept",
                "the name is somebody else's now, as you say",
            )
        elif each.action == "create":
            assert (each.archive, each.edit and each.edit.rev) == ("aside", 0)
        elif each.asks:
            why = "another id" if others else "everything but the name changed"
            assert why in each.reason
            assert ("directory_id" in each.fields) == (before.get("directory_id") != now.get("id"))
            assert ("full_name" in each.fields) == (before.get("full_name") == "Ann")


@pytest.mark.parametrize(
    ("before", "others", "left_alone", "suspended"),
    [
        (KNOWN, {"jane"}, set(), True),
        ({**KNOWN, "other_id": "3"}, {"jane"}, set(), True),
        ({**KNOWN, "other_id": "5"}, {"jane"}, set(), False),
        ({**KNOWN, "authentication": INTEGRATED}, {"jane"}, set(), False),
        (KNOWN, set(), set(), False),
        (KNOWN, {"jane"}, {"jane"}, False),
    ],
)
def test_whose_log_ons_are_refused(
    before: dict[str, Any], others: set[str], left_alone: set[str], suspended: bool
) -> None:
    users: Any = {"jane": {**row(), **before, "rev": 4}}
    draft = Draft(present={"jane": JANE._replace(id="5")}, left_alone=left_alone)
    draft.identities.others.update(others)
    found = list(suspensions(users, draft))
    assert len(found) == suspended
    for change in found:
        assert change.edit
        assert change.edit.user
        assert (change.action, change.user_name) == ("update", "jane")
        assert (change.edit.rev, change.edit.user.other_id) == (4, "5")
        assert change.fields == {"other_id": FieldChange(before.get("other_id"), "5")}
        assert change.locks_out
        assert "with the id 5;" in change.reason
        draft.changes.append(change)
        assert not list(suspensions(users, draft))


@pytest.mark.parametrize("new", ["a", "b", "c"])
def test_who_is_suspended_already_hides_nobody(new: str) -> None:
    known: Any = {**row(), **KNOWN, "rev": 1}
    users = {key: {**known, "user_name": key, "other_id": "5"} for key in "abc"}
    users[new]["other_id"] = None
    draft = Draft(present={key: JANE._replace(user_name=key, id="5") for key in "abc"})
    draft.identities.others.update("abc")
    assert [change.user_name for change in suspensions(users, draft)] == [new]  # type: ignore[arg-type]


def test_the_settings_name_the_directory() -> None:
    settings = Settings(directory_service="application_integration", url="https://x.org/")
    known: User = managed("jane", directory_id="1", directory=directory_of(settings), **OTHER)
    former: Any = known.to_row()
    creates = {"jane": JANE._replace(id="1")}
    for where, returns in ((settings, ["return"]), (SETTINGS, [])):
        decided = newcomers(
            {}, creates, lambda _: {"jane": Former(former, True)}, (), where, NONE, NOW
        )
        assert [line.change.action for line in decided.writable] == returns
