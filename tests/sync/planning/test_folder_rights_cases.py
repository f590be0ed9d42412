"""What becomes of rights on folders whose owners change: moved, ended, or left, as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from store.interface import Edit
from store.models import User
from sync.planning.folder_rights import (
    moved_rights,
    new_keys,
    renamed_keys,
    returned_keys,
    settled_keys,
    with_ended_rights,
    with_moved_rights,
)
from sync.planning.plan import Change, FieldChange

READ, WRITE = ["read"], ["write"]
Rights = dict[str, list[str]]


def owner(name: str, **rights: list[str]) -> User:
    return User(user_name=name, folder_privileges=rights, rev=1, created="2026")


def renamed(before: User, name: str, **rights: list[str]) -> Edit:
    given = rights or before.folder_privileges
    return Edit.update(before, replace(before, user_name=name, folder_privileges=given))


def fresh(name: str, **rights: list[str]) -> Edit:
    return Edit.create(User(user_name=name, folder_privileges=rights))


def change(edit: Edit | None, action: Any = "update", **more: Any) -> Change:
    name = edit.user.user_name if edit and edit.user else (edit.key if edit else "x")
    return Change(action=action, user_name=name, reason="", edit=edit, **more)


A, B = owner("a", a=READ), owner("b", b=READ)
DEPUTY, OTHER = owner("deputy", a=READ, x=WRITE), owner("other", x=READ)
BACK = Edit.create(replace(A, rev=0))  # whom an undo brings back: made before


def test_whom_edits_rename_and_make() -> None:
    edits = [renamed(A, "N"), renamed(B, "B"), Edit.delete(DEPUTY), fresh("New"), BACK]
    assert renamed_keys(edits) == {"a": "n"}
    assert new_keys(edits) == {"new"}
    assert new_keys([renamed(replace(A, created=""), "a")]) == set()


@pytest.mark.parametrize(
    ("rights", "moves", "new", "after"),
    [
        ({"a": READ}, {"a": "n"}, (), {"n": READ}),
        ({"n": READ}, {"a": "n"}, (), {}),
        ({"a": READ, "b": WRITE}, {"a": "b", "b": "c"}, (), {"b": READ, "c": WRITE}),
        ({"n": READ, "x": WRITE}, {}, {"n"}, {"x": WRITE}),
        ({"a": READ}, {"a": "n"}, {"a"}, {"n": READ}),
    ],
)
def test_rights_under_new_names(
    rights: Rights, moves: dict[str, str], new: Any, after: Rights
) -> None:
    assert moved_rights(rights, moves, new) == after


MOVED: dict[str, tuple[list[User], list[Edit], set[str], dict[str, str], dict[str, Rights]]] = {
    # users, edits, settled keys, who comes back; the rights after it, of those whom it edits
    "nothing moves": ([A, DEPUTY], [renamed(A, "A")], set(), {}, {"a": {"a": READ}}),
    "a rename": (
        [A, DEPUTY, OTHER], [renamed(A, "n")], set(), {},
        {"a": {"n": READ}, "deputy": {"n": READ, "x": WRITE}},
    ),
    "a swap": (
        [A, B, DEPUTY], [renamed(A, "b"), renamed(B, "a")], set(), {},
        {"a": {"b": READ}, "b": {"a": READ}, "deputy": {"b": READ, "x": WRITE}},
    ),
    "somebody new": (
        [DEPUTY, OTHER], [fresh("x", x=READ)], set(), {},
        {"x": {"x": READ}},  # the rights of others ended by edits of theirs
    ),
    "who is brought back": ([DEPUTY], [BACK], set(), {}, {"a": {"a": READ}}),
    "a deputy who changes too": (
        [A, DEPUTY], [renamed(A, "n"), renamed(DEPUTY, "d2")], set(), {},
        {"a": {"n": READ}, "deputy": {"n": READ, "x": WRITE}},
    ),
    "a deputy whose change says it itself": (
        [A, DEPUTY], [renamed(A, "n"), renamed(DEPUTY, "deputy", n=WRITE)], {"deputy"}, {},
        {"a": {"n": READ}, "deputy": {"n": WRITE}},
    ),
    "a deputy who goes": (
        [A, DEPUTY, OTHER], [renamed(A, "n"), Edit.delete(DEPUTY)], set(), {},
        {"a": {"n": READ}, "deputy": {}},
    ),
    "one who comes back under another name": (
        [DEPUTY], [fresh("n", n=READ)], set(), {"a": "n"},
        {"n": {"n": READ}, "deputy": {"n": READ, "x": WRITE}},
    ),
    "an edit that is not concerned": (
        [A, OTHER], [renamed(A, "n"), renamed(OTHER, "Other")], set(), {},
        {"a": {"n": READ}, "other": {"x": READ}},
    ),
    "rights on the name that is taken": (
        [A, owner("c", n=READ)], [renamed(A, "n")], set(), {}, {"a": {"n": READ}, "c": {}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("users", "edits", "settled", "returned", "after"), MOVED.values(), ids=MOVED.keys()
)
def test_rights_move_with_the_folders(
    users: list[User],
    edits: list[Edit],
    settled: set[str],
    returned: dict[str, str],
    after: dict[str, Rights],
) -> None:
    rows = {user.key: user.to_row() for user in users}
    found = with_moved_rights(rows, edits, settled, returned)
    assert {edit.key: edit.user.folder_privileges if edit.user else {} for edit in found} == after
    assert len(found) == len(after)
    if not settled and not returned:
        assert with_moved_rights(rows, edits) == found
    stay = {user.key for user in users} - {"x"}
    assert all(edit.rev == 1 for edit in found if edit.key in stay)


SETTLED: dict[str, tuple[Change, set[str]]] = {
    "other rights": (change(renamed(DEPUTY, "deputy", a=WRITE)), {"deputy"}),
    "the same rights": (change(renamed(DEPUTY, "Deputy")), set()),
    "what follows": (change(renamed(DEPUTY, "deputy", a=WRITE), follows=("a",)), set()),
    "who goes": (change(Edit.delete(DEPUTY), "delete"), set()),
    "who comes": (change(fresh("deputy", a=WRITE), "create"), set()),
    "a conflict": (change(None, "conflict"), set()),
}


@pytest.mark.parametrize(("one", "keys"), SETTLED.values(), ids=SETTLED.keys())
def test_whose_change_says_itself_what_rights_there_are(one: Change, keys: set[str]) -> None:
    assert settled_keys({"deputy": DEPUTY.to_row()}, [one]) == keys


def test_who_comes_back_under_another_name() -> None:
    edit = fresh("New")
    back = change(edit, "return", candidates=("Old",))
    assert returned_keys([back]) == {"old": "new"}
    undone = [replace(back, action="delete", edit=Edit.delete(User(user_name="New", rev=1)))]
    assert returned_keys(undone) == {"new": "old"}
    assert returned_keys([replace(back, action="create")]) == {"old": "new"}
    both = [back, change(fresh("b2"), "return", candidates=("b1",))]
    assert returned_keys(both) == {"old": "new", "b1": "b2"}
    others = [
        replace(back, candidates=()), replace(back, action="rename"), replace(back, edit=None),
    ]  # fmt: skip
    assert returned_keys(others) == {}


def test_a_field_beside_the_rights_that_end_stays() -> None:
    deputy = owner("deputy", x=WRITE)
    named = {"email_addresses": FieldChange(["a@x.org"], [])}
    edit = renamed(deputy, "deputy")
    found = with_ended_rights(
        {"deputy": deputy.to_row()},
        [change(edit, fields=named), change(fresh("x"), "create")],
    )
    assert found[0].fields == {**named, "folder_privileges": FieldChange(["x: write"], None)}


def test_rights_of_who_goes_do_not_end_in_the_one_who_gets_the_name() -> None:
    deputy = owner("deputy", x=WRITE)
    changes = [
        change(fresh("deputy"), "create"),
        change(Edit.delete(deputy), "delete"),
        change(fresh("x"), "create"),
    ]
    assert with_ended_rights({"deputy": deputy.to_row()}, changes) == changes


ENDED = FieldChange(["a: read", "x: write"], ["x: write"])
ENDING: dict[str, tuple[list[User], list[Change], list[tuple[str, Any, tuple[str, ...]]]]] = {
    # users, changes; then each change's name, what it says of rights, and what it follows
    "somebody new": (
        [DEPUTY, OTHER], [change(fresh("A"), "create")],
        [("A", None, ()), ("deputy", ENDED, ("a",))],
    ),
    "somebody who is brought back": ([DEPUTY], [change(BACK, "create")], [("a", None, ())]),
    "a name that a rename takes": (
        [B, DEPUTY], [change(renamed(B, "a"), "rename")],
        [("a", None, ()), ("deputy", ENDED, ("a",))],
    ),
    "a name that is left and taken": (
        [A, B, DEPUTY], [change(renamed(B, "a"), "rename"), change(renamed(A, "n"), "rename")],
        [("a", None, ()), ("n", None, ())],
    ),
    "a deputy who changes anyway": (
        [DEPUTY], [change(fresh("a"), "create"), change(renamed(DEPUTY, "Deputy"))],
        [("a", None, ()), ("Deputy", ENDED, ())],
    ),
    "one whose change says it itself": (
        [DEPUTY], [change(fresh("a"), "create"), change(renamed(DEPUTY, "deputy", x=READ))],
        [("a", None, ()), ("deputy", None, ())],
    ),
    "a deputy who goes": (
        [DEPUTY], [change(fresh("a"), "create"), change(Edit.delete(DEPUTY), "delete")],
        [("a", None, ()), ("deputy", None, ())],
    ),
    "what was found before is found anew": (
        [DEPUTY, OTHER],
        [
            change(fresh("a"), "create"),
            change(renamed(OTHER, "other", x=WRITE), follows=("gone",)),
        ],
        [("a", None, ()), ("deputy", ENDED, ("a",))],
    ),
    "and goes where nothing ends": (
        [DEPUTY],
        [
            change(
                renamed(DEPUTY, "Deputy"), fields={"folder_privileges": ENDED, "full_name": ENDED}
            )
        ],
        [("Deputy", None, ())],
    ),
    "a conflict": ([DEPUTY], [change(None, "conflict")], [("x", None, ())]),
    "two names at once": (
        [DEPUTY], [change(fresh("x"), "create"), change(fresh("a"), "create")],
        [
            ("x", None, ()), ("a", None, ()),
            ("deputy", FieldChange(["a: read", "x: write"], None), ("a", "x")),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("users", "planned", "after"), ENDING.values(), ids=ENDING.keys())
def test_rights_on_a_folder_with_a_new_owner_end(
    users: list[User],
    planned: list[Change],
    after: list[tuple[str, Any, tuple[str, ...]]],
) -> None:
    rows = {user.key: user.to_row() for user in users}
    found = with_ended_rights(rows, planned)
    shown = [(one.user_name, one.fields.get("folder_privileges"), one.follows) for one in found]
    assert shown == after
    for one in found[len([item for item in planned if not item.follows]) :]:
        assert one.action == "update"
        names = ", ".join(f"“{name}”" for name in one.follows)
        assert one.reason == f"rights end, as the archive folder of {names} gets a new owner"
        assert one.edit
        assert one.edit.user
        assert one.edit.rev == 1
        assert not {*one.follows} & one.edit.user.folder_privileges.keys()
        assert one.edit.user == replace(DEPUTY, folder_privileges=one.edit.user.folder_privileges)
        kept = {key: given for key, given in DEPUTY.folder_privileges.items()
                if key not in one.follows}  # fmt: skip
        assert one.edit.user.folder_privileges == kept
    kept_fields = [one.fields.get("full_name") for one in planned if not one.follows]
    assert [one.fields.get("full_name") for one in found][: len(kept_fields)] == kept_fields
