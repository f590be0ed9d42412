"""Names and addresses of two users, as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from store.interface import Edit
from store.models import User, UserRow
from sync.planning.clashes import (
    claimed_addresses,
    clashes,
    clashes_as_conflicts,
    last_administrators_as_conflicts,
)
from sync.planning.plan import Change
from tests.support.builders import listed, managed
from tests.support.cases import Case, each_of

ANNA = managed("anna", email_addresses=["A@x.org"])
USERS = {
    user.key: user
    for user in (
        managed("a", email_addresses=["a@x.org"]),
        managed("b", email_addresses=["b@x.org"]),
        managed("c", email_addresses=["c@x.org"]),
    )
}

PLANS = {
    "who has no address gets the first one": Case(
        [managed("anna")], [listed("anna", "n@x.org")], ["update anna"]
    ),
    "who keeps an address in another case keeps it from others": Case(
        [ANNA, managed("bert")],
        [listed("anna", "A@x.org", full="Anna"), listed("bert", "a@X.org")],
        ["update anna"],
        warnings=("“bert”: the address “a@x.org” is left out, because “anna” has it",),
    ),
    "though one goes on without it": Case(
        [ANNA, managed("bert")],
        [listed("anna", "A@x.org", full="Anna"), listed("bert", "a@X.org", "b@x.org")],
        ["update anna", "update bert without a@X.org of anna"],
        warnings=("“bert”: the address “a@x.org” is left out, because “anna” has it",),
    ),
    "what is given up in the same sync is free": Case(
        [ANNA, managed("bert")],
        [listed("anna", "other@x.org"), listed("bert", "a@X.org")],
        ["update anna", "update bert"],
    ),
    "what one has in another case is no gain": Case(
        [ANNA], [listed("anna", "a@x.org")], ["update anna"]
    ),
    "of three who would get one nobody does": Case(
        [],
        [listed("a", "x@x.org"), listed("b", "X@x.org"), listed("c", "x@x.org")],
        [
            "create a without x@x.org of b",
            "create b without X@x.org of a",
            "create c without x@x.org of a",
        ],
        warnings=("“a”: the add", "“b”: the add", "“c”: the add"),
    ),
}


@each_of(PLANS)
def test_addresses_of_two(case: Case) -> None:
    case.check()


def rows(*users: User) -> dict[str, UserRow]:
    found: dict[str, Any] = {user.key: {**user.to_row(), "rev": 1} for user in users}
    return found


def becomes(key: str, name: str | None = None, *addresses: str, **fields: Any) -> Edit:
    """The edit by which the user of this key is called so, or goes if it is None."""
    before = USERS[key]
    new = managed(name, email_addresses=[*addresses], **fields) if name else None
    return Edit.of_row(rows(before)[key], new)


RENAMED_TO_B = becomes("a", "b", "a@x.org")
TABLE: dict[str, tuple[list[Edit], dict[int, str]]] = {
    # edits of a, b and c; which of them fall out, and whose name or address it was
    "a name whose user keeps it through an edit": (
        [RENAMED_TO_B, becomes("b", "b", "b@x.org", full_name="B")], {0: "“b”"}
    ),
    "a name whose user is not touched": ([RENAMED_TO_B], {0: "“b”"}),
    "a name, beside a new address": ([becomes("a", "b", "n@x.org")], {0: "“b”"}),
    "one whose user goes": ([RENAMED_TO_B, becomes("b")], {}),
    "one whose user is renamed": ([RENAMED_TO_B, becomes("b", "d", "b@x.org")], {}),
    "a swap": ([RENAMED_TO_B, becomes("b", "a", "b@x.org")], {}),
    "a swap, of which one falls out": (
        [RENAMED_TO_B, becomes("b", "a", "c@x.org")], {1: "“c@x.org”", 0: "“b”"}
    ),
    "the same, in the other order": (
        [becomes("b", "a", "c@x.org"), RENAMED_TO_B], {0: "“c@x.org”", 1: "“b”"}
    ),
    "another spelling of the own name": ([becomes("a", "A", "a@x.org")], {}),
    "a new name in the spelling of another": (
        [Edit.create(managed("B"))], {0: "“b”"}
    ),
    "a new name for two": (
        [becomes("a", "d", "a@x.org"), Edit.create(managed("D"))], {}
    ),
    "an address that its holder keeps": ([becomes("a", "a", "B@x.org")], {0: "“b@x.org”"}),
    "an address that is given up": (
        [becomes("a", "a", "b@x.org"), becomes("b", "b", "n@x.org")], {}
    ),
    "an address whose holder only gets others": (
        [becomes("a", "a", "b@x.org"), becomes("b", "b", "n@x.org", "B@x.org")], {0: "“b@x.org”"}
    ),
    "an address of one who goes": ([becomes("a", "a", "b@x.org"), becomes("b")], {}),
    "an address that two would get": (
        [becomes("a", "a", "n@x.org"), becomes("b", "b", "N@x.org")], {0: "“b”", 1: "“a”"}
    ),
    "a chain that falls out from its end": (
        [
            becomes("a", "a", "b@x.org"),
            becomes("b", "b", "c@x.org"),
        ],
        {1: "“c@x.org”", 0: "“b@x.org”"},
    ),
    "nothing is gained": ([becomes("a", "a"), becomes("b")], {}),
}  # fmt: skip


@pytest.mark.parametrize(("edits", "fallen"), TABLE.values(), ids=TABLE.keys())
def test_what_cannot_stand(edits: list[Edit], fallen: dict[int, str]) -> None:
    users = rows(*USERS.values())
    found = clashes(users, edits)
    assert found.keys() == fallen.keys()
    assert all(what in found[place] for place, what in fallen.items())


@pytest.mark.parametrize(
    ("edits", "fallen"),
    [
        ([RENAMED_TO_B, becomes("c", "c", "a@x.org")], [0]),
        ([becomes("c", "c", "a@x.org")], []),
        ([RENAMED_TO_B, becomes("b", "a", "c@x.org")], []),
    ],
)
def test_of_names_alone(edits: list[Edit], fallen: list[int]) -> None:
    assert [*clashes(rows(*USERS.values()), edits, names_only=True)] == fallen


def change(edit: Edit | None, name: str = "x") -> Change:
    return Change(action="update", user_name=name, reason="", edit=edit)


def test_conflicts_stand_in_the_place_of_what_clashes() -> None:
    users = rows(*USERS.values())
    question, fine = change(None, "question"), change(becomes("c", "c", "n@x.org"))
    found = clashes_as_conflicts(users, [question, change(RENAMED_TO_B), fine])
    assert [found[0], found[2]] == [question, fine]
    assert (found[1].action, found[1].user_name, found[1].edit) == ("conflict", "b", None)
    assert found[1].reason.startswith("the name still belongs to “b”; first let that user be")


def test_each_address_is_told_that_somebody_cannot_have() -> None:
    users = rows(*USERS.values())
    edits = [
        becomes("a", "a", "B@x.org", "c@x.org", "n@x.org"),
        becomes("c", "c", "c@x.org", "r@x.org", "n@x.org"),
        becomes("b", "b", "b@x.org", "f@x.org"),
    ]
    assert claimed_addresses(users, edits, {"r@x.org": ["c", "rival"], "f@x.org": ["b"]}) == {
        0: {"b@x.org": "b", "c@x.org": "c", "n@x.org": "c"},
        1: {"n@x.org": "a", "r@x.org": "rival"},
    }
    taken = [change(edits[0], "a"), change(edits[1], "c"), change(becomes("b", "b", "a@x.org"))]
    assert [each.action for each in clashes_as_conflicts(users, taken)] == ["conflict"] * 3


def test_addresses_clash_unless_names_alone_are_asked_for() -> None:
    users, taken = rows(*USERS.values()), change(becomes("a", "a", "b@x.org"), "a")
    (found,) = clashes_as_conflicts(users, [taken])
    assert (found.action, found.user_name) == ("conflict", "a")
    assert clashes_as_conflicts(users, [taken], names_only=True) == [taken]


def boss(name: str, **fields: Any) -> User:
    fields.setdefault("privileges", ["admin"])
    return User(user_name=name, password_hash="x", rev=1, **fields)


BOSS, OTHER, MEMBER = boss("boss"), boss("other"), replace(ANNA, rev=1)
LESS, GONE = boss("boss", privileges=["login"]), None
LAST: dict[str, tuple[list[User], list[Edit | None], list[str]]] = {
    # users, edits, the actions that come of them
    "the last is demoted": ([BOSS], [Edit.update(BOSS, LESS)], ["conflict"]),
    "the last goes": ([BOSS], [Edit.delete(BOSS)], ["conflict"]),
    "another one stays": ([BOSS, OTHER], [Edit.delete(BOSS)], ["update"]),
    "another one goes, too": (
        [BOSS, OTHER], [Edit.delete(BOSS), Edit.delete(OTHER)], ["conflict", "conflict"]
    ),
    "another one is only edited": (
        [BOSS, OTHER],
        [Edit.delete(BOSS), Edit.update(OTHER, boss("other", full_name="O"))],
        ["update", "update"],
    ),
    "a new one comes": ([BOSS], [Edit.delete(BOSS), Edit.create(OTHER)], ["update", "update"]),
    "somebody else comes": (
        [BOSS], [Edit.delete(BOSS), Edit.create(managed("m"))], ["conflict", "update"]
    ),
    "somebody new under the name comes": (
        [BOSS], [Edit.delete(BOSS), Edit.create(managed("boss"))], ["conflict", "update"]
    ),
    "one of the directory is none": (
        [BOSS, managed("m", privileges=["admin"])], [Edit.delete(BOSS)], ["conflict"]
    ),
    "the last is only edited": (
        [BOSS], [Edit.update(BOSS, boss("boss", full_name="B"))], ["update"]
    ),
    "others are edited, nobody was one": ([MEMBER], [Edit.delete(MEMBER)], ["update"]),
    "a question changes nothing": ([BOSS], [None, Edit.delete(BOSS)], ["update", "conflict"]),
    "of several only the administrators stay": (
        [BOSS, MEMBER], [Edit.delete(MEMBER), Edit.delete(BOSS)], ["update", "conflict"]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("users", "edits", "actions"), LAST.values(), ids=LAST.keys())
def test_an_administrator_with_a_password_remains(
    users: list[User], edits: list[Edit | None], actions: list[str]
) -> None:
    changes = [change(edit, edit.key if edit else "question") for edit in edits]
    found = last_administrators_as_conflicts(rows(*users), changes)
    assert [each.action for each in found] == actions
    assert [each.user_name for each in found] == [each.user_name for each in changes]
    assert all("make another integrated user" in x.reason for x in found if x.action == "conflict")
