"""The history of a run, and taking it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from store.errors import InvalidValue
from store.files.ownership import operating_system_user
from store.interface import Batch, Edit
from store.models import INTEGRATED, User
from sync.errors import GuardBlocked
from sync.planning.plan import Answers
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.by_hand import pinned_users, release
from sync.runs.preview import preview
from sync.runs.record import shown_changes
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, stored

pytestmark = pytest.mark.both_stores
Fill = Callable[..., Workspace]
HASH = "$2b$04$SECRETHASHSECRETHASHSECRETHASH"
BERT = managed(
    "bert",
    full_name="Bert",
    email_addresses=["b@x.org"],
    privileges=["login", "export"],
    folder_privileges={"bert": ["read"], "anna": ["write"]},
    password_hash=HASH,
)
DIRECTORY = answer(listed("anna", "a@x.org", full="Anna Berg"), listed("carla"))


@pytest.fixture
def filled(fill: Fill) -> Workspace:
    return fill(managed("anna", full_name="Anna"), BERT, User(user_name="local"))


def content(workspace: Workspace) -> dict[str, Any]:
    """The users without what every write changes."""
    ignored = ("rev", "changed", "pinned")
    return {
        key: {name: value for name, value in row.items() if name not in ignored}
        for key, row in workspace.snapshot().users.items()
    }


def synchronise(workspace: Workspace, **more: Any) -> str:
    run = apply_plan(workspace, preview(workspace, DIRECTORY), **more).run
    assert run
    return run


def undo(workspace: Workspace, run: str, **more: Any) -> str:
    undone = apply_plan(workspace, undo_preview(workspace, run), **more).run
    assert undone
    return undone


def test_who_comes_back_is_not_new_so_the_rights_of_others_stay(filled: Workspace) -> None:
    anna = filled.snapshot().find("anna")
    assert anna
    deputy = replace(anna, folder_privileges={"bert": ["read"]})
    filled.store.apply(Batch([Edit.update(anna, deputy)]))
    undo(filled, synchronise(filled))
    assert filled.snapshot().users["anna"]["folder_privileges"] == {"bert": ["read"]}


class TestRecord:
    def test_who_when_what(self, filled: Workspace) -> None:
        run = filled.store.run(synchronise(replace(filled, who="root")))
        assert run.summary.who == "root"
        assert run.summary.at.endswith("+00:00")
        assert run.summary.generation == filled.snapshot().generation
        assert run.summary.counts == {
            "create": 1,
            "update": 1,
            "leave": 0,
            "delete": 1,
            "conflict": 0,
            "rename": 0,
            "return": 0,
            "question": 0,
        }
        created, updated, deleted = run.changes
        assert created["old"] is None
        assert created["new"]
        assert created["new"]["user_name"] == "carla"
        assert (updated["old"], updated["new"]) == (
            {"full_name": "Anna", "email_addresses": []},
            {"full_name": "Anna Berg", "email_addresses": ["a@x.org"]},
        )
        assert deleted["new"] is None
        assert deleted["old"]
        assert deleted["old"]["password_hash"] == HASH

    def test_the_operating_systems_user_by_default(self, filled: Workspace) -> None:
        run = filled.store.run(synchronise(filled))
        assert run.summary.who == operating_system_user()

    def test_a_hash_is_never_shown(self, filled: Workspace) -> None:
        run = filled.store.run(synchronise(filled))
        shown = shown_changes(run.changes)
        assert "SECRET" not in json.dumps(shown) + repr(run) + repr(filled.snapshot().history)
        assert [change["old"] and change["old"].get("has_password") for change in shown] == [
            None,
            None,
            True,
        ]

    def test_conflicts_and_the_guard_are_in_it(self, fill: Fill) -> None:
        workspace = fill(managed("anna"), User(user_name="local"))
        plan = preview(workspace, answer(listed("local"), listed("new")))
        assert plan.guard
        run_id = apply_plan(workspace, plan, allow_deletes=1).run
        assert run_id
        run = workspace.store.run(run_id)
        assert run.guard == plan.guard
        assert run.summary.confirmed
        assert run.summary.counts["conflict"] == 1
        assert run.changes[-1]["user_name"] == "local"

    def test_what_was_held_back(self, filled: Workspace) -> None:
        run = filled.store.run(synchronise(filled, hold_deletes=True))
        assert (run.summary.held, run.summary.counts["delete"]) == (1, 0)


class TestUndo:
    def test_everything_is_as_before(self, filled: Workspace) -> None:
        before = content(filled)
        run = synchronise(filled)
        assert content(filled) != before
        plan = undo_preview(filled, run)
        assert lines(plan) == ["create bert", "update anna", "delete carla"]
        apply_plan(filled, plan)
        assert content(filled) == before
        assert not filled.archives(AUTO_DELETE).path("carla").exists()

    def test_an_undo_can_be_undone(self, filled: Workspace) -> None:
        run = synchronise(filled)
        after = content(filled)
        undone = undo(filled, run)
        summary = filled.snapshot().history.find(undone)
        assert summary
        assert (summary.kind, summary.undoes) == ("undo", run)
        undo(filled, undone)
        assert content(filled) == after

    def test_restored_users_are_pinned_until_released(self, filled: Workspace) -> None:
        undo(filled, synchronise(filled))
        assert [user.user_name for user in pinned_users(filled.snapshot())] == ["bert"]
        plan = preview(filled, DIRECTORY)
        assert "delete bert" not in lines(plan)
        assert "“bert” is absent from the directory, but pinned" in plan.warnings[0]
        release(filled, "BERT")
        assert "delete bert" in lines(preview(filled, DIRECTORY))
        with pytest.raises(InvalidValue, match="“bert” is not pinned"):
            release(filled, "bert")

    def test_several_are_released_in_one_write_or_none(self, fill: Fill) -> None:
        names = ["anna", "bert", "carla"]
        workspace = fill(*(managed(name, pinned=name != "carla") for name in names))
        before = workspace.snapshot()
        with pytest.raises(InvalidValue, match="“carla” is not pinned"):
            release(workspace, *names)
        assert workspace.snapshot() is before
        assert [user.user_name for user in release(workspace, "ANNA", "bert")] == ["anna", "bert"]
        after = workspace.snapshot()
        assert (pinned_users(after), after.generation) == ([], before.generation + 1)

    def test_users_edited_since_are_conflicts(self, filled: Workspace) -> None:
        run = synchronise(filled)
        for name in ("anna", "carla"):
            user = filled.snapshot().find(name)
            assert user
            filled.store.apply(Batch([Edit.update(user, replace(user, privileges=["export"]))]))
        plan = undo_preview(filled, run)
        assert lines(plan) == ["create bert", "conflict anna", "conflict carla"]
        assert "was changed since" in plan.changes[1].reason

    def test_the_run_that_changed_a_user_since_is_named(self, filled: Workspace) -> None:
        """Also where what it changed, a password, was kept by an undo of that run."""
        synced = synchronise(filled)
        anna = by_hand.switch_authentication(
            filled, [stored(filled, "anna")], INTEGRATED, "correct horse battery"
        )[0]
        by_hand.set_password(filled, anna, "another horse battery")
        changed = filled.snapshot().history.runs[-1]
        assert not undo_preview(filled, changed.id).of("update")  # the newer password is kept
        (conflict,) = undo_preview(filled, synced).of("conflict")
        assert f", by run {changed.id}, kind {changed.kind}; look" in conflict.reason

    def test_users_gone_and_names_taken_since(self, filled: Workspace) -> None:
        run = synchronise(filled)
        carla = filled.snapshot().find("carla")
        assert carla
        filled.store.apply(Batch([Edit.delete(carla), Edit.create(managed("bert"))]))
        plan = undo_preview(filled, run)
        assert lines(plan) == ["update anna", "conflict bert", "conflict carla"]
        assert plan.changes[1].reason == "exists again and stays as it is now"
        assert "was deleted or renamed since" in plan.changes[2].reason

    def test_an_address_taken_since(self, filled: Workspace) -> None:
        run = synchronise(filled)
        taker = managed("dora", email_addresses=["B@x.org"])
        filled.store.apply(Batch([Edit.create(taker)]))
        assert "conflict bert" in lines(undo_preview(filled, run))

    def test_it_passes_the_guard(self, fill: Fill) -> None:
        workspace = fill(User(user_name="local"))
        run = synchronise(workspace)
        plan = undo_preview(workspace, run)
        assert "All 2 managed users would be deleted." in plan.guard
        with pytest.raises(GuardBlocked):
            apply_plan(workspace, plan)
        apply_plan(workspace, plan, allow_deletes=2)
        assert sorted(workspace.snapshot().users) == ["local"]

    def test_mail_of_a_user_whom_it_deletes_stays(self, filled: Workspace) -> None:
        run = synchronise(filled)
        message = filled.archives(AUTO_DELETE).path("carla") / "new" / "1"
        message.write_text("mail of carla")
        undo(filled, run)
        assert message.read_text() == "mail of carla"

    def test_a_rename_into_a_folder_with_mail_is_a_conflict(self, fill: Fill) -> None:
        workspace = fill(managed("b", distinguished_name="CN=2"))
        directory = answer(listed("b", dn="CN=9"), listed("c", dn="CN=2"))
        run = apply_plan(
            workspace, preview(workspace, directory, answers=Answers.of(rename=["c"]))
        ).run
        assert run
        archives = workspace.archives(AUTO_DELETE)
        (archives.path("b") / "new" / "1").write_text("mail of the new b")
        archives.create("c")
        (archives.path("c") / "new" / "1").write_text("mail of the old b")
        plan = undo_preview(workspace, run)
        assert lines(plan) == ["delete b", "conflict b"]
        apply_plan(workspace, plan, allow_deletes=1)
        assert (archives.path("c") / "new" / "1").read_text() == "mail of the old b"

    def test_without_mail_in_the_way_it_goes_back(self, fill: Fill) -> None:
        workspace = fill(managed("b", distinguished_name="CN=2", full_name="Old B"))
        directory = answer(listed("b", dn="CN=9"), listed("c", dn="CN=2"))
        plan = preview(workspace, directory, answers=Answers.of(rename=["c"]))
        run = apply_plan(workspace, plan).run
        assert run
        archives = workspace.archives(AUTO_DELETE)
        archives.create("c")
        (archives.path("c") / "new" / "1").write_text("mail of the old b")
        undone = undo(workspace, run, allow_deletes=1)
        assert (archives.path("b") / "new" / "1").read_text() == "mail of the old b"
        assert list(workspace.snapshot().users) == ["b"]
        assert workspace.snapshot().users["b"]["full_name"] == "Old B"
        undo(workspace, undone)  # the name is free for who comes back, as its owner leaves it
        assert sorted(workspace.snapshot().users) == ["b", "c"]
        assert (archives.path("c") / "new" / "1").read_text() == "mail of the old b"

    def test_an_unknown_run(self, filled: Workspace) -> None:
        with pytest.raises(InvalidValue, match="no run “<x>”"):
            undo_preview(filled, "<x>")


class TestLink:
    def test_a_local_user_is_handed_to_the_directory(self, fill: Fill) -> None:
        workspace = fill(User(user_name="anna", privileges=["export"], password_hash=HASH))
        directory = answer(listed("Anna", "a@x.org", full="Anna Berg"))
        assert "link the two" in preview(workspace, directory).changes[0].reason
        plan = preview(workspace, directory, answers=Answers.of(link=["ANNA"]))
        assert lines(plan) == ["update anna"]
        run = apply_plan(workspace, plan).run
        anna = workspace.snapshot().find("anna")
        assert anna
        assert (anna.user_name, anna.authentication) == ("Anna", "directory_services")
        assert (anna.privileges, anna.password_hash) == (["export"], HASH)
        assert run
        undo(workspace, run)
        anna = workspace.snapshot().find("anna")
        assert anna
        assert (anna.authentication, anna.full_name) == ("integrated", None)

    def test_the_last_local_administrator_cannot_be(self, fill: Fill) -> None:
        def root(name: str) -> User:
            return User(user_name=name, privileges=["admin"], password_hash=HASH)

        workspace = fill(root("one"), root("two"))
        directory = answer(listed("one"), listed("two"))
        both = preview(workspace, directory, answers=Answers.of(link=["one", "two"]))
        assert lines(both) == ["conflict one", "conflict two"]
        assert "no administrator with a local password would remain" in both.changes[0].reason
        one = preview(workspace, directory, answers=Answers.of(link=["one"]))
        assert lines(one) == ["update one", "conflict two"]

    def test_a_name_that_the_directory_does_not_list(self, fill: Fill) -> None:
        workspace = fill(User(user_name="anna"))
        plan = preview(workspace, answer(listed("x")), answers=Answers.of(link=["anna"]))
        assert "“anna”: nothing to link" in plan.warnings[0]
