"""Who had a name before, looked up in the history and among the archive folders, as tables."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from store.files.archives import Archives
from store.models import User
from sync.errors import StalePlan
from sync.planning.identity import directory_of
from sync.planning.plan import Answers, Change
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.former import check_nobody_inherits, former_users
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.archived_mail import archives_of, give_mail
from tests.support.builders import AUTO_DELETE, answer, listed, managed, plan_for, stored
from tests.support.replaced import failing

Fill = Callable[..., Workspace]
HERE = directory_of(AUTO_DELETE)


def known(name: str, stable_id: str, directory: str = HERE) -> User:
    return managed(name, directory_id=stable_id, directory=directory)


@pytest.fixture
def office(fill: Fill) -> Workspace:
    """A store from which five were deleted; anna twice, the second time as Anna 2."""
    names = ("two", "elsewhere", "carla")
    workspace = fill(
        managed("anna", full_name="Anna 1"), known("two", "2"), known("elsewhere", "3", "there"),
        managed("carla"), User(user_name="stays"),
    )  # fmt: skip
    by_hand.delete_users(workspace, [stored(workspace, "anna")])
    by_hand.pin(workspace, "stays")
    by_hand.add_user(workspace, User(user_name="anna", full_name="Anna 2"), "correct horse battery")
    by_hand.delete_users(workspace, [stored(workspace, name) for name in names])
    by_hand.delete_users(workspace, [stored(workspace, "anna")])
    give_mail(workspace, "carla")
    give_mail(workspace, "nobody")
    return workspace


LOOKED_UP: dict[str, tuple[dict[str, str | None], dict[str, tuple[str | None, bool]]]] = {
    # the new names with their ids, and for each its row's name and whether there is mail
    "nobody": ({}, {}),
    "one who never was": ({"new": None}, {}),
    "the last who had it": ({"anna": None}, {"anna": ("Anna 2", False)}),
    "by the id": ({"new": "2"}, {"new": ("two", False)}),
    "by an id of another directory": ({"new": "3"}, {}),
    "by an id that nobody had": ({"new": "9"}, {}),
    "by a name before the id": ({"anna": "2"}, {"anna": ("Anna 2", False)}),
    "with mail": ({"carla": None}, {"carla": ("carla", True)}),
    "by mail alone": ({"nobody": None}, {"nobody": (None, True)}),
    "several": (
        {"nobody": None, "new": "2", "carla": None, "other": None},
        {"nobody": (None, True), "new": ("two", False), "carla": ("carla", True)},
    ),
}  # fmt: skip


def found(
    workspace: Workspace, wanted: dict[str, str | None], archives: Archives | None
) -> dict[str, tuple[str | None, bool | None]]:
    formers = former_users(workspace.store, archives, HERE)(wanted)
    return {
        key: ((former.row["full_name"] or former.row["user_name"]) if former.row else None,
              former.holds_mail)
        for key, former in formers.items()
    }  # fmt: skip


@pytest.mark.parametrize(("wanted", "expected"), LOOKED_UP.values(), ids=LOOKED_UP.keys())
def test_who_had_the_name(
    office: Workspace,
    wanted: dict[str, str | None],
    expected: dict[str, tuple[str | None, bool]],
) -> None:
    assert found(office, wanted, archives_of(office)) == expected
    unseen = {key: (name, None) for key, (name, _) in expected.items() if name is not None}
    assert found(office, wanted, None) == unseen


def test_a_folder_that_cannot_be_looked_into_may_hold_mail(office: Workspace) -> None:
    archives = archives_of(office)
    archives.create("two")
    assert found(office, {"two": None}, archives) == {"two": ("two", False)}
    inner = failing(os, "scandir", errno.EIO, lambda path="", *_: "two" in str(path))
    with inner:
        assert found(office, {"two": None}, archives) == {"two": ("two", True)}
    with failing(os, "listdir", errno.EIO):
        assert found(office, {"carla": None}, archives) == {"carla": ("carla", False)}


def test_of_an_undo_only_the_newcomer_is_passed_over(office: Workspace) -> None:
    give_mail(office, "anna")
    listing, answers = answer(listed("anna", "x@x.org"), listed("zed")), Answers.of(new=["anna"])
    run = apply_plan(office, preview(office, listing, answers=answers)).run
    assert run
    plan = undo_preview(office, run)
    assert [(change.user_name, change.archive) for change in plan.changes] == [
        ("anna", "back"),
        ("zed", "removed"),
    ]
    apply_plan(office, plan, allow_deletes=2 if plan.guard else None)
    assert found(office, {"anna": None, "zed": None}, archives_of(office)) == {
        "anna": ("Anna 2", True),
        "zed": ("zed", False),
    }


CREATED = {change.user_name: change for change in plan_for(
    [], answer(listed("carla"), listed("new"))
).changes}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ([CREATED["new"]], []),
        ([CREATED["carla"]], ["carla"]),
        ([CREATED["new"], replace(CREATED["carla"], user_name="Carla\x1b")], ["Carla\\x1b"]),
        ([replace(CREATED["carla"], archive="aside")], []),
        ([replace(CREATED["carla"], action="return")], []),
        ([replace(CREATED["carla"], edit=None)], []),
        ([CREATED["carla"], replace(CREATED["carla"], action="rename")], []),
        ([], []),
    ],
)
def test_nobody_new_gets_mail_that_is_there(
    office: Workspace, changes: list[Change], held: list[str]
) -> None:
    check_nobody_inherits(None, changes)
    if not held:
        check_nobody_inherits(archives_of(office), changes)
        return
    with pytest.raises(StalePlan) as stale:
        check_nobody_inherits(archives_of(office), changes)
    says = [f"the archive folder of “{name}” holds mail now" for name in held]
    assert list(stale.value.differences) == says
