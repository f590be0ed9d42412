"""What a run leaves in the store and in the archive, also where it is refused, as tables."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store.errors import ArchiveNotMounted, InvalidValue, StoreConflict, StoreUnwritable
from store.files.archive_mark import MARK, store_in
from store.interface import Batch
from store.models import User
from sync.configure import configure
from sync.planning.identity import directory_of
from sync.planning.plan import plan_by_hand
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.commit import Draft, commit
from sync.runs.restore import restore_backup
from sync.workspace import Workspace
from tests.support.archived_mail import archives_of, give_mail, mail
from tests.support.builders import AUTO_DELETE, answer, listed, managed, person, plan_with, stored
from tests.support.replaced import failing
from tests.support.wrapped_store import with_store

Fill = Callable[..., Workspace]
HERE = directory_of(AUTO_DELETE)
PASSWORD = "correct horse battery"
BOSS = User(user_name="boss", privileges=["admin"], folder_privileges={"anna": ["read"]})


@pytest.fixture
def office(fill: Fill) -> Workspace:
    """Anna, whose mail the boss may read, and Bert."""
    workspace = fill(
        BOSS, person("anna", "CN=1", directory_id="1", directory=HERE), managed("bert")
    )
    give_mail(workspace, "anna")
    configure(workspace, {"max_users": 7})
    return workspace


@pytest.mark.parametrize("drafts_nothing", [True, False])
def test_where_nothing_is_to_be_done_the_state_is_that_of_now(
    office: Workspace, drafts_nothing: bool
) -> None:
    def make(now: Any) -> Draft | None:
        return None if drafts_nothing else Draft(plan_by_hand(now, "edit", ()), ())

    before = office.snapshot()
    done = commit(office, make)
    assert (done.after.generation, done.run) == (before.generation, None)
    assert done.after.users == before.users
    assert list(done.changes) == []


def test_the_first_run_gives_the_store_its_id_and_others_keep_it(workspace: Workspace) -> None:
    assert workspace.snapshot().store_id == ""
    configure(workspace, {"max_users": 7})
    first = workspace.snapshot()
    assert len(first.store_id) == 32
    assert configure(workspace, {"max_users": 8}).max_users == 8
    assert workspace.snapshot().store_id == first.store_id


def test_another_root_is_marked_and_other_settings_leave_marks_alone(
    office: Workspace, tmp_path: Path
) -> None:
    root = tmp_path / "another"
    root.mkdir()
    configure(office, {"archive_root": str(root)})
    state = office.snapshot()
    assert (store_in(root), state.archive_marked) == (state.store_id, True)
    configure(office, {"max_users": 9})
    assert office.snapshot().archive_marked


def test_settings_that_somebody_else_changed_are_not_written_over(office: Workspace) -> None:
    before = office.snapshot().settings
    configure(office, {"max_users": 8})
    with pytest.raises(StoreConflict):
        configure(office, {"max_answer_mib": 9}, based_on=before)
    assert office.snapshot().settings == replace(before, max_users=8)


def test_work_that_is_done_is_told_to_nobody_and_goes_with_the_next_write(
    office: Workspace,
) -> None:
    by_hand.rename_user(office, stored(office, "anna"), "berta")
    assert mail(office, "berta") == "mail of anna"
    assert [work.to for work in office.snapshot().folder_work] == ["berta"]
    by_hand.pin(office, "bert")
    assert office.snapshot().folder_work == ()
    assert office.notices == []


def test_rights_of_others_move_along_with_who_comes_back_under_another_name(
    office: Workspace,
) -> None:
    anna = listed("anna", dn="CN=1", stable_id="1")
    by_hand.delete_users(office, [stored(office, "anna")])
    renamed = anna._replace(user_name="anna.berg")
    plan = plan_with(office, answer(renamed, listed("bert")), same=["anna.berg"])
    assert [change.action for change in plan.changes] == ["return"]
    apply_plan(office, plan)
    assert stored(office, "boss").folder_privileges == {"anna.berg": ["read"]}
    assert mail(office, "anna.berg") == "mail of anna"


def test_a_folder_that_goes_and_is_needed_again_is_made_again(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = archives_of(office).create("bert") and archives_of(office).path("bert")
    with monkeypatch.context() as host:
        host.setenv("MAILROSTER_ARCHIVE_ROOT", "none")
        by_hand.delete_users(office, [stored(office, "bert")])
        by_hand.add_user(office, User(user_name="bert"), PASSWORD)
        by_hand.add_user(office, User(user_name="carla"), PASSWORD)
    assert [work.act for work in office.snapshot().folder_work] == ["remove", "make"]
    configure(office, {"max_users": 8})
    assert folder
    assert (folder / "new").is_dir()


def test_at_hand_a_new_user_makes_no_work(office: Workspace) -> None:
    by_hand.delete_users(office, [stored(office, "bert")])
    by_hand.add_user(office, User(user_name="bert"), PASSWORD)
    assert office.snapshot().folder_work == ()


def test_an_edit_makes_no_folder(office: Workspace) -> None:
    bert = stored(office, "bert")
    by_hand.edit_user(office, bert, replace(bert, full_name="Bert"))
    assert not archives_of(office).path("bert").exists()


def test_an_edit_makes_no_root_either(fill: Fill) -> None:
    workspace = fill(managed("bert"))
    root = archives_of(workspace).root
    shutil.rmtree(root, ignore_errors=True)
    bert = stored(workspace, "bert")
    by_hand.edit_user(workspace, bert, replace(bert, full_name="Bert"))
    assert not root.exists()


def test_how_many_folders_are_made_is_told(office: Workspace) -> None:
    told: list[tuple[object, ...]] = []
    watched = replace(office, on_progress=lambda *figures: told.append(figures))
    listing = answer(listed("bert"), listed("carla"), listed("dora"))

    def refuse(_batch: Batch) -> None:
        raise StoreUnwritable("The disk said no.", "")

    plan = plan_with(watched, listing)
    with pytest.raises(StoreUnwritable):
        apply_plan(with_store(watched, apply=refuse), plan, hold_deletes=True)
    apply_plan(watched, plan, hold_deletes=True)
    made = [("Archive folders made", number, 2) for number in (1, 2)]
    gone = [("Archive folders taken back", number, 2) for number in (1, 2)]
    assert [figures for figures in told if "folders" in str(figures[0])] == [*made, *gone, *made]


def test_mail_in_the_way_is_set_aside_by_a_restore_and_refuses_others(office: Workspace) -> None:
    backup = office.host_path.with_name("backup.json")
    office.upkeep.save_copy(backup)
    plan = plan_with(office, answer(listed("berta", dn="CN=1"), listed("bert")), "berta")
    assert [change.action for change in plan.changes] == ["rename"]
    give_mail(office, "berta")
    with pytest.raises(InvalidValue, match="holds mail already"):
        apply_plan(office, plan)
    by_hand.rename_user(office, stored(office, "anna"), "anna.berg")
    give_mail(office, "anna")
    restore_backup(office, backup)
    assert mail(office, "anna") == "mail of anna"
    assert len([*archives_of(office).root.glob("anna=aside-*")]) == 1


def refuse(*_: object, **__: object) -> Any:
    raise StoreUnwritable("The disk is away.", "Look at it.")


@pytest.mark.parametrize(
    ("is_written", "can_be_asked", "stays"),
    [(False, True, False), (True, True, True), (False, False, True)],
)
def test_new_folders_go_only_where_it_is_certain_that_nothing_was_written(
    office: Workspace, is_written: bool, can_be_asked: bool, stays: bool
) -> None:
    def apply(batch: Any) -> Any:
        if is_written:
            office.store.apply(batch)
        return refuse()

    more = {} if can_be_asked else {"has_run": refuse}
    with pytest.raises(StoreUnwritable):
        by_hand.add_user(with_store(office, apply=apply, **more), User(user_name="carla"), PASSWORD)
    assert archives_of(office).path("carla").exists() is stays


@pytest.mark.parametrize("is_there", [True, False])
def test_a_refused_run_leaves_the_root_as_it_was(fill: Fill, is_there: bool) -> None:
    workspace = fill(managed("anna"))
    root = archives_of(workspace).root
    assert not root.exists()
    if is_there:
        root.mkdir(parents=True)
    plan = plan_with(workspace, answer(listed("anna"), listed("new")))
    with pytest.raises(StoreUnwritable):
        apply_plan(with_store(workspace, apply=refuse), plan)
    assert root.exists() is is_there


def test_that_no_root_is_set_any_more_marks_none(office: Workspace, tmp_path: Path) -> None:
    default = archives_of(office).root
    assert (store_in(default), office.snapshot().archive_marked) == (None, False)
    root = tmp_path / "another"
    root.mkdir()
    for value in (str(root), ""):
        configure(office, {"archive_root": value})
    assert store_in(default) is None


def test_a_first_run_marks_the_archive(workspace: Workspace) -> None:
    configure(workspace, {"max_users": 7})
    state = workspace.snapshot()
    assert state.archive_marked
    assert store_in(archives_of(workspace).root) == state.store_id


def test_where_a_folder_cannot_be_made_those_before_it_go_again(office: Workspace) -> None:
    root = archives_of(office).root
    plan = plan_with(office, answer(*map(listed, ("anna", "bert", "carla", "dora"))))
    full = failing(os, "mkdir", errno.ENOSPC, lambda path, *_: "dora" in str(path))
    with full, pytest.raises(StoreUnwritable):
        apply_plan(office, plan)
    assert [path.name for path in root.iterdir() if path.name[0] != "."] == ["anna"]


@pytest.mark.parametrize("fault", ["no room", "the mark is gone"])
def test_what_is_not_done_on_folders_is_told_beside_what_is_written(
    office: Workspace, tmp_path: Path, fault: str
) -> None:
    root = tmp_path / "another"
    root.mkdir()
    configure(office, {"archive_root": str(root)})
    mark_file = root / MARK

    def apply(batch: Any) -> Any:
        after = office.store.apply(batch)
        if fault == "the mark is gone":
            mark_file.unlink()
        return after

    at = with_store(office, apply=apply)
    full = failing(os, "mkdir", errno.ENOSPC, lambda path, *_: fault == "no room" and path == "z")
    with full:
        by_hand.rename_user(at, stored(office, "bert"), "z")
    (notice,) = at.notices[-1:]
    assert "The users are written, no mail is lost" in notice
    assert "No user" not in notice
    assert stored(office, "z")


@pytest.mark.parametrize("call", ["scandir", "rmdir"])
def test_the_error_that_is_told_is_that_of_the_write(fill: Fill, call: str) -> None:
    workspace = fill(managed("anna"))
    plan = plan_with(workspace, answer(listed("anna"), listed("new")))

    def apply(_batch: Any) -> Any:
        (archives_of(workspace).root / "by somebody").write_text("x")
        return refuse()

    with failing(os, call, errno.EIO), pytest.raises(StoreUnwritable, match="The disk is away"):
        apply_plan(with_store(workspace, apply=apply), plan)


def test_until_users_are_written_folders_stand_under_their_old_names_and_new_ones_are_there(
    office: Workspace,
) -> None:
    archives, seen = archives_of(office), []

    def apply(batch: Any) -> Any:
        seen.append([archives.path(name).exists() for name in ("anna", "berta", "bertolt", "new")])
        return office.store.apply(batch)

    apply_plan(office, plan_with(office, answer(listed("anna", dn="CN=1"), listed("bert", dn="B"))))
    records = listed("berta", dn="CN=1"), listed("bertolt", dn="B"), listed("new")
    plan = plan_with(office, answer(*records), "berta", "bertolt")
    apply_plan(with_store(office, apply=apply), plan)
    assert seen == [[True, False, False, True]]
    assert [archives.path(name).exists() for name in ("anna", "berta", "bertolt", "new")] == [
        False, True, True, True,
    ]  # fmt: skip
    assert mail(office, "berta") == "mail of anna"


UNMOUNTED: dict[str, tuple[Callable[[Workspace], object], bool]] = {
    "a deletion": (lambda w: by_hand.delete_users(w, [stored(w, "bert")]), False),
    "a name that comes earlier": (lambda w: by_hand.rename_user(w, stored(w, "bert"), "a"), False),
    "one that comes later": (lambda w: by_hand.rename_user(w, stored(w, "bert"), "z"), False),
    "a new user": (lambda w: by_hand.add_user(w, User(user_name="new"), PASSWORD), False),
    "another spelling": (lambda w: by_hand.rename_user(w, stored(w, "bert"), "Bert"), True),
    "a pin": (lambda w: by_hand.pin(w, "bert"), True),
}


@pytest.mark.parametrize(("run", "goes_on"), UNMOUNTED.values(), ids=UNMOUNTED.keys())
def test_without_the_archive_only_what_needs_no_folder_goes_on(
    office: Workspace, tmp_path: Path, run: Callable[[Workspace], object], goes_on: bool
) -> None:
    root = tmp_path / "another"
    root.mkdir()
    configure(office, {"archive_root": str(root)})
    shutil.rmtree(root)
    before = office.snapshot()
    if goes_on:
        run(office)
    else:
        with pytest.raises(ArchiveNotMounted):
            run(office)
    assert (office.snapshot().generation > before.generation) is goes_on
