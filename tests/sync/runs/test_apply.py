"""Applying a plan: all of it in one write, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import StoreUnwritable
from store.interface import Batch, Edit, Snapshot
from store.models import Settings, User
from sync.errors import GuardBlocked, StalePlan
from sync.planning.plan import Answers
from sync.runs.apply import apply_plan, without
from sync.runs.preview import preview
from sync.workspace import Workspace, open_workspace
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, stored
from tests.support.replaced import in_place_of
from tests.support.wrapped_store import with_store

Fill = Callable[..., Workspace]


def names(workspace: Workspace) -> list[str]:
    return sorted(workspace.snapshot().users)


def test_all_changes_are_one_write(fill: Fill) -> None:
    workspace = fill(managed("anna"), managed("bert"))
    before = workspace.snapshot().generation
    plan = preview(workspace, answer(listed("bert", full="Bert"), listed("carla")))
    result = apply_plan(workspace, plan, allow_deletes=1)
    assert [change.action for change in result.applied] == ["create", "update", "delete"]
    assert names(workspace) == ["bert", "carla"]
    assert workspace.snapshot().generation == before + 1 == result.generation


def test_created_users_get_an_archive_and_empty_ones_go_with_their_user(fill: Fill) -> None:
    workspace = fill(managed("anna"), managed("bert"), managed("carla"))
    archives = workspace.archives(AUTO_DELETE)
    for name in ("anna", "bert"):
        archives.create(name)
    (archives.path("bert") / "new" / "1.mail").write_text("Subject: x")
    plan = preview(workspace, answer(listed("carla"), listed("dora")))
    result = apply_plan(workspace, plan, allow_deletes=2)
    assert {c.user_name: c.archive for c in result.applied if c.action == "delete"} == {
        "anna": "removed",
        "bert": "kept",
    }
    assert (archives.path("dora") / "cur").is_dir()
    assert not archives.path("anna").exists()
    assert (archives.path("bert") / "new" / "1.mail").read_text() == "Subject: x"


def test_an_empty_folder_that_cannot_be_removed_is_told_of(fill: Fill) -> None:
    workspace = fill(managed("anna"), managed("carla"))
    archives = workspace.archives(AUTO_DELETE)
    archives.create("anna")

    def refused(path: Path | str, **place: int) -> None:
        if "anna" in str(path):
            raise PermissionError(1, "Operation not permitted", str(path))
        rmdir(path, **place)

    plan = preview(workspace, answer(listed("carla")))
    with in_place_of(os, "rmdir", refused) as rmdir:
        apply_plan(workspace, plan, allow_deletes=1)
        told = "1 empty archive folder of deleted users could not be removed: “anna”. Check"
        assert [told in notice for notice in workspace.notices] == [True]
        workspace.notices.clear()
        apply_plan(workspace, preview(workspace, answer(listed("carla"), listed("dora"))))
        assert [told in notice for notice in workspace.notices] == [True]
    assert archives.path("anna").is_dir()


def test_rights_on_a_former_users_folder_end_when_a_sync_creates_the_name_anew(fill: Fill) -> None:
    deputy = managed("deputy", folder_privileges={"anna": ["read"], "x": ["write"]})
    workspace = fill(deputy, managed("other", folder_privileges={"x": ["read"]}))
    other = workspace.snapshot().users["other"]
    directory = answer(listed("Anna"), listed("deputy", full="Deputy"), listed("other"))
    apply_plan(workspace, preview(workspace, directory))
    users = workspace.snapshot().users
    assert users["deputy"]["folder_privileges"] == {"x": ["write"]}
    assert users["deputy"]["full_name"] == "Deputy"
    assert users["other"] == other


def test_mail_that_arrives_after_the_plan_keeps_the_archive(fill: Fill) -> None:
    workspace = fill(managed("anna"), managed("bert"))
    archives = workspace.archives(AUTO_DELETE)
    archives.create("anna")
    plan = preview(workspace, answer(listed("bert")))
    assert plan.changes[0].archive == "removed"
    (archives.path("anna") / "new" / "1.mail").touch()
    (done,) = apply_plan(workspace, plan, allow_deletes=1).applied
    assert done.archive == "kept"
    assert (archives.path("anna") / "new" / "1.mail").exists()


def test_an_archive_that_cannot_be_looked_into_stays_and_the_run_is_told_as_done(
    fill: Fill,
) -> None:
    workspace = fill(managed("anna"), managed("bert"))
    archives = workspace.archives(AUTO_DELETE)
    archives.create("anna")
    plan = preview(workspace, answer(listed("bert")))

    def vanish(_folder: Path, onerror: Callable[[OSError], None]) -> list[object]:
        onerror(FileNotFoundError(2, "No such file or directory", "anna/cur"))
        return []

    with in_place_of(os, "walk", vanish):
        result = apply_plan(workspace, plan, allow_deletes=1)
    assert [change.archive for change in result.applied] == ["kept"]
    assert names(workspace) == ["bert"]
    assert archives.path("anna").exists()


def test_a_refused_write_leaves_no_folders_behind(fill: Fill) -> None:
    workspace = fill(managed("anna", distinguished_name="CN=1"))
    archives = workspace.archives(AUTO_DELETE)
    archives.create("anna")
    archives.create("dora")  # somebody's who is no user, and not ours to remove
    listing = answer(listed("anna"), listed("bert", dn="CN=1"), listed("carla"), listed("dora"))
    plan = preview(workspace, listing, answers=Answers.of(separate=["bert"]))
    assert lines(plan)[:3] == ["create bert", "create carla", "create dora"]

    def refuse(_batch: Batch) -> None:
        raise StoreUnwritable("The disk said no.", "")

    with pytest.raises(StoreUnwritable):
        apply_plan(with_store(workspace, apply=refuse), plan)
    assert sorted(item.name for item in archives.root.iterdir()) == ["anna", "dora"]
    apply_plan(workspace, plan)
    assert archives.path("carla").is_dir()


def test_a_plan_without_what_is_skipped(fill: Fill) -> None:
    workspace = fill(managed("anna", email_addresses=["x@x.org"]), managed("bert"))
    plan = preview(workspace, answer(listed("anna"), listed("bert", "x@x.org"), listed("carla")))
    assert lines(without(plan, [])) == lines(plan) == ["create carla", "update anna", "update bert"]
    less = without(plan, ["anna"])
    assert (lines(less), less.id) == (["create carla"], plan.id)
    apply_plan(workspace, less)
    assert names(workspace) == ["anna", "bert", "carla"]


class TestStale:
    def test_a_touched_user_was_changed(self, fill: Fill) -> None:
        workspace = fill(managed("anna"), managed("bert"))
        plan = preview(workspace, answer(listed("anna", full="A"), listed("bert")))
        anna = workspace.snapshot().find("anna")
        assert anna
        workspace.store.apply(Batch([Edit.update(anna, replace(anna, full_name="Other"))]))
        content = workspace.host_path.read_bytes()
        with pytest.raises(StalePlan, match="user “anna” was changed"):
            apply_plan(workspace, plan)
        assert workspace.host_path.read_bytes() == content

    def test_a_change_between_the_look_and_the_write(self, fill: Fill) -> None:
        workspace = fill(managed("anna"))
        plan = preview(workspace, answer(listed("anna", full="A"), listed("bert")))

        def late(batch: Batch) -> Snapshot:
            anna = stored(workspace, "anna")
            workspace.store.apply(Batch([Edit.update(anna, replace(anna, full_name="Other"))]))
            return workspace.store.apply(batch)

        with pytest.raises(StalePlan, match="user “anna” was changed"):
            apply_plan(with_store(workspace, apply=late), plan)
        assert stored(workspace, "anna").full_name == "Other"
        assert names(workspace) == ["anna"]
        assert not workspace.archives(AUTO_DELETE).path("bert").exists()

    def test_a_name_was_added_or_deleted(self, fill: Fill) -> None:
        workspace = fill(managed("anna"))
        plan = preview(workspace, answer(listed("anna", full="A"), listed("bert")))
        workspace.store.apply(Batch([Edit.create(managed("bert"))]))
        anna = workspace.snapshot().find("anna")
        assert anna
        workspace.store.apply(Batch([Edit.delete(anna)]))
        with pytest.raises(StalePlan) as stale:
            apply_plan(workspace, plan)
        assert stale.value.differences == ["user “bert” was added", "user “anna” was deleted"]

    def test_the_settings_were_changed(self, fill: Fill) -> None:
        workspace = fill(managed("anna"))
        plan = preview(workspace, answer(listed("anna", full="A")))
        workspace.store.apply(Batch(settings=Settings()))
        with pytest.raises(StalePlan, match=r"settings were changed \(auto_delete, guard"):
            apply_plan(workspace, plan)

    def test_an_untouched_user_does_not_matter(self, fill: Fill) -> None:
        workspace = fill(managed("anna"), User(user_name="local"))
        plan = preview(workspace, answer(listed("anna", full="A")))
        local = workspace.snapshot().find("local")
        assert local
        workspace.store.apply(Batch([Edit.update(local, replace(local, full_name="L"))]))
        assert len(apply_plan(workspace, plan).applied) == 1

    def test_a_plan_of_another_store(self, fill: Fill, tmp_path: object) -> None:
        workspace = fill(managed("anna"))
        plan = preview(workspace, answer(listed("anna", full="A")))
        other = open_workspace(f"{tmp_path}/other.json", workspace.host_path.with_name("key"))
        other.store.apply(Batch([Edit.create(managed("anna"))], settings=AUTO_DELETE))
        with pytest.raises(StalePlan, match="another store"):
            apply_plan(other, plan)
        other.close()


class TestGuard:
    def blocked(self, fill: Fill) -> tuple[Workspace, list[User]]:
        users = [managed(f"user{number}") for number in range(5)]
        return fill(*users), users

    def test_nothing_is_written_without_the_exact_number(self, fill: Fill) -> None:
        workspace, _ = self.blocked(fill)
        plan = preview(workspace, answer(listed("new")))
        content = workspace.host_path.read_bytes()
        with pytest.raises(GuardBlocked, match="All 5 managed users"):
            apply_plan(workspace, plan)
        with pytest.raises(GuardBlocked, match="4 deletions were confirmed, but the plan has 5"):
            apply_plan(workspace, plan, allow_deletes=4)
        assert workspace.host_path.read_bytes() == content
        assert not workspace.archives(AUTO_DELETE).path("new").exists()

    def test_the_exact_number_opens_it(self, fill: Fill) -> None:
        workspace, _ = self.blocked(fill)
        apply_plan(workspace, preview(workspace, answer(listed("new"))), allow_deletes=5)
        assert names(workspace) == ["new"]

    def test_deletions_can_be_held_back(self, fill: Fill) -> None:
        workspace, users = self.blocked(fill)
        result = apply_plan(workspace, preview(workspace, answer(listed("new"))), hold_deletes=True)
        assert len(result.skipped) == 5
        assert names(workspace) == sorted(["new", *(user.user_name for user in users)])

    @pytest.mark.parametrize("confirmed", [None, 0, 5])
    def test_an_empty_answer_cannot_be_confirmed(self, fill: Fill, confirmed: int | None) -> None:
        workspace, users = self.blocked(fill)
        with pytest.raises(GuardBlocked, match="listed no users at all"):
            apply_plan(workspace, preview(workspace, answer()), allow_deletes=confirmed)
        assert len(names(workspace)) == len(users)


def test_whoever_would_get_a_skipped_users_address_is_skipped_too(fill: Fill) -> None:
    workspace = fill(managed("anna", email_addresses=["a@x.org"]), managed("bert"))
    plan = preview(workspace, answer(listed("bert", "a@x.org"), listed("carla")))
    result = apply_plan(workspace, plan, hold_deletes=True)
    assert [change.user_name for change in result.skipped] == ["anna", "bert"]
    assert [change.user_name for change in result.applied] == ["carla"]
    assert (
        len(
            apply_plan(
                workspace, preview(workspace, answer(listed("bert", "a@x.org"))), allow_deletes=2
            ).applied
        )
        == 3
    )
