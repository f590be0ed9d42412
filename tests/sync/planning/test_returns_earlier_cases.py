"""A deleted user whose id is listed under another name, and users whose id is listed elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from store.models import UserRow
from sync.directory.listing import DirectoryUser
from sync.planning.identity import directory_of
from sync.planning.plan import Answers
from sync.planning.returns import Former, newcomers, successors
from tests.support.builders import AUTO_DELETE, listed, managed

HERE = directory_of(AUTO_DELETE)
NOW = "2026-05-02T12:00:00+00:00"
SAME, NEW, NONE = Answers.of(same=["jane"]), Answers.of(new=["jane"]), Answers()
JANE: DirectoryUser = listed("Jane", "j@x.org", stable_id="1")


def row(name: str = "Janet", **fields: Any) -> UserRow:
    user: Any = managed(name, directory_id="1", directory=HERE, **fields).to_row()
    return {**user, "rev": 1}  # type: ignore[typeddict-item,no-any-return]


FORMER = row(folder_privileges={"janet": ["write"], "jane": ["none"]})
WAS = "was deleted as “Janet”, and comes back with the privileges from before, as you say"


@pytest.mark.parametrize("holds_mail", [True, False, None])
@pytest.mark.parametrize(
    ("others", "users", "moves"),
    [([], [], True), (["janet"], [], False), ([], ["janet"], False), (["zoe"], ["anna"], True)],
)
def test_who_comes_back_under_another_name_takes_the_folder_along(
    others: list[str], users: list[str], moves: bool, holds_mail: bool | None
) -> None:
    creates = {"jane": JANE, **{name: listed(name) for name in others}}
    here = {name: row(name) for name in users}
    former = Former(FORMER, holds_mail)
    decided = newcomers(here, creates, lambda _: {"jane": former}, (), AUTO_DELETE, SAME, NOW)
    ((line,), asked) = decided.writable, decided.asked
    change = line.change
    assert (change.action, change.archive, asked) == ("return", None, [])
    assert change.candidates == (("Janet",) if moves else ())
    assert change.reason == WAS + ("; the archive folder moves along" if moves else "")
    assert change.edit
    assert change.edit.user
    assert change.edit.user.folder_privileges == {"jane": ["write"]}


def test_it_is_never_certain_but_asked() -> None:
    former = Former(FORMER, True)
    decided = newcomers({}, {"jane": JANE}, lambda _: {"jane": former}, (), AUTO_DELETE, NONE, NOW)
    (asked,) = decided.asked
    assert (decided.writable, asked.asks) == ([], "return")
    says = "“Janet” was deleted, and this name is listed with that user's id"
    assert asked.reason.startswith(says)
    assert decided.in_question == {"jane"}


@pytest.mark.parametrize(
    ("user_name", "holds_mail", "archive"),
    [
        ("Janet", True, "aside"),
        ("Janet", False, None),
        ("Janet", None, None),
        ("JANE", None, "aside"),
    ],
)
def test_of_somebody_new_only_the_folder_of_the_own_name_is_in_the_way(
    user_name: str, holds_mail: bool | None, archive: str | None
) -> None:
    former = Former(row(user_name, full_name="J"), holds_mail)
    creates = {"jane": JANE._replace(id="2")}
    decided = newcomers({}, creates, lambda _: {"jane": former}, (), AUTO_DELETE, NEW, NOW)
    (line,) = decided.writable
    assert (line.change.action, line.change.archive) == ("create", archive)


@pytest.mark.parametrize(
    ("others", "elsewhere", "told"),
    [
        ({"a", "b"}, {"a": listed("New"), "b": None}, {"a": "“New”", "b": "a name that cannot"}),
        ({"a", "b"}, {"a": listed("New")}, {"a": "“New”", "b": None}),
        ({"b"}, {"b": None, "a": None}, {"b": "a name that cannot be used"}),
        (set(), {"a": None, "b": listed("New")}, {}),
    ],
)
def test_who_is_listed_elsewhere_is_in_no_question(
    others: set[str], elsewhere: dict[str, DirectoryUser | None], told: dict[str, str | None]
) -> None:
    updates = {key: listed(key, stable_id="2", full="A") for key in "ab"}
    users = {key: row(key) for key in "ab"}
    decided = successors(users, updates, others, elsewhere, lambda *_: True, AUTO_DELETE, Answers())
    assert {change.user_name for change in decided.asked} == decided.names == told.keys()
    assert decided.in_question == {key for key, where in told.items() if where is None}
    for change in decided.asked:
        where = told[change.user_name]
        assert change.asks == (None if where else "return")
        if where:
            says = "the directory lists this name with another id, and this user's own id under "
            assert change.reason.startswith(f"{says}{where}")


def test_without_another_id_it_is_asked_also_about_who_is_listed_elsewhere() -> None:
    users = {"a": row("a", full_name="A", distinguished_name="CN=A")}
    updates = {"a": listed("a", full="B", dn="CN=B")}
    decided = successors(
        users, updates, (), {"a": listed("n")}, lambda *_: True, AUTO_DELETE, Answers()
    )
    assert [change.asks for change in decided.asked] == ["return"]
    assert decided.in_question == {"a"}
