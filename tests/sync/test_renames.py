"""Renames: asked, never guessed; and what moves along."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import InvalidValue, StoreUnwritable
from store.interface import Batch, Edit
from store.models import Settings, User
from sync.configure import leave_alone
from sync.directory.listing import Listing
from sync.planning.plan import Answers, Plan
from sync.runs.apply import apply_plan
from sync.runs.moved_rights import moved_rights
from sync.runs.run import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed

Fill = Callable[..., Workspace]


def person(name: str, dn: str, **fields: object) -> User:
    fields.setdefault("folder_privileges", {name: ["read"]})
    return managed(name, distinguished_name=dn, **fields)


def give_mail(workspace: Workspace, *names: str) -> None:
    """Give each user a message that tells whose it is."""
    archives = workspace.archives(AUTO_DELETE)
    for name in names:
        archives.create(name)
        (archives.path(name) / "new" / "1").write_text(f"mail of {name}")


def mail(workspace: Workspace, name: str) -> str:
    return (workspace.archives(AUTO_DELETE).path(name) / "new" / "1").read_text()


def left_behind(workspace: Workspace) -> list[str]:
    """What lies in the archive root that is no user's folder."""
    return [name for name in os.listdir(workspace.archives(AUTO_DELETE).root) if name[0] == "."]


def plan_with(workspace: Workspace, directory: Listing, *rename: str, **more: list[str]) -> Plan:
    return preview(workspace, directory, answers=Answers.of(rename, **more))


class TestOnePerson:
    @pytest.fixture
    def workspace(self, fill: Fill) -> Workspace:
        anna = person("anna.berg", "CN=1", privileges=["login", "export"], password_hash="$2b$x")
        boss = User(
            user_name="boss",
            privileges=["login"],
            folder_privileges={"anna.berg": ["read"], "anna.kurz": ["read", "delete"]},
        )
        filled = fill(anna, boss, person("bert", "CN=2"))
        give_mail(filled, "anna.berg")
        return filled

    directory = answer(
        listed("Anna.Kurz", "a@x.org", dn="cn=1", full="Anna Kurz"), listed("bert", dn="CN=2")
    )

    def test_it_is_asked(self, workspace: Workspace) -> None:
        (question,) = plan_with(workspace, self.directory).changes
        assert (question.action, question.edit) == ("rename", None)
        assert apply_plan(workspace, plan_with(workspace, self.directory)).applied == ()

    def test_renamed_everything_moves_along(self, workspace: Workspace) -> None:
        before = workspace.snapshot().find("anna.berg")
        assert before
        plan = plan_with(workspace, self.directory, "anna.kurz")
        assert lines(plan) == ["rename Anna.Kurz"]
        apply_plan(workspace, plan)
        state = workspace.snapshot()
        after = state.find("anna.kurz")
        assert after
        assert state.find("anna.berg") is None
        assert (after.user_name, after.full_name) == ("Anna.Kurz", "Anna Kurz")
        assert after.privileges == ["login", "export"]
        assert (after.password_hash, after.created) == ("$2b$x", before.created)
        assert after.folder_privileges == {"anna.kurz": ["read"]}
        assert mail(workspace, "anna.kurz") == "mail of anna.berg"
        assert not workspace.archives(AUTO_DELETE).path("anna.berg").exists()
        assert left_behind(workspace) == []
        assert lines(plan_with(workspace, self.directory)) == []

    def test_others_rights_on_the_archive_move_too_and_old_ones_do_not_open_it(
        self, workspace: Workspace
    ) -> None:
        apply_plan(workspace, plan_with(workspace, self.directory, "anna.kurz"))
        boss = workspace.snapshot().find("boss")
        assert boss
        assert boss.folder_privileges == {"anna.kurz": ["read"]}

    def test_separate_is_a_create_and_a_delete(self, workspace: Workspace) -> None:
        plan = plan_with(workspace, self.directory, separate=["ANNA.KURZ"])
        assert lines(plan) == ["create Anna.Kurz", "delete anna.berg"]
        apply_plan(workspace, plan, allow_deletes=1)
        assert mail(workspace, "anna.berg") == "mail of anna.berg"

    def test_without_automatic_deletion_it_is_asked_as_well(self, workspace: Workspace) -> None:
        workspace.store.apply(Batch(settings=Settings()))
        assert lines(plan_with(workspace, self.directory)) == ["rename Anna.Kurz"]
        assert lines(plan_with(workspace, self.directory, separate=["anna.kurz"])) == [
            "create Anna.Kurz"
        ]
        apply_plan(workspace, plan_with(workspace, self.directory, "anna.kurz"))
        assert workspace.snapshot().find("anna.berg") is None

    def test_a_folder_with_mail_under_the_new_name_is_in_the_way(
        self, workspace: Workspace
    ) -> None:
        give_mail(workspace, "anna.kurz")
        (change,) = plan_with(workspace, self.directory, "anna.kurz").changes
        assert (change.action, change.edit) == ("conflict", None)
        assert "holds mail already" in change.reason

    def test_and_if_it_came_after_the_plan(self, workspace: Workspace) -> None:
        plan = plan_with(workspace, self.directory, "anna.kurz")
        give_mail(workspace, "anna.kurz")
        content = workspace.path.read_bytes()
        with pytest.raises(InvalidValue, match="holds mail already"):
            apply_plan(workspace, plan)
        assert workspace.path.read_bytes() == content
        assert mail(workspace, "anna.berg") == "mail of anna.berg"

    def test_undone_it_moves_back(self, workspace: Workspace) -> None:
        run = apply_plan(workspace, plan_with(workspace, self.directory, "anna.kurz")).run
        assert run
        undo = undo_preview(workspace, run)
        assert lines(undo) == ["rename anna.berg"]
        apply_plan(workspace, undo)
        anna = workspace.snapshot().find("anna.berg")
        assert anna
        assert anna.folder_privileges == {"anna.berg": ["read"]}
        assert anna.full_name is None
        assert mail(workspace, "anna.berg") == "mail of anna.berg"
        assert workspace.snapshot().find("anna.kurz") is None

    def test_an_answer_without_a_question_is_told(self, workspace: Workspace) -> None:
        assert "“nobody”" in plan_with(workspace, self.directory, "nobody").warnings[0]

    def test_an_address_of_somebody_else_holds_the_rename_up(self, workspace: Workspace) -> None:
        workspace.store.apply(
            Batch([Edit.create(User(user_name="other", email_addresses=["a@x.org"]))])
        )
        plan = plan_with(workspace, self.directory, "anna.kurz")
        assert lines(plan) == ["conflict Anna.Kurz"]


class TestSeveralCandidates:
    """One new name, two who may have come under it: nobody is picked for the administrator."""

    directory = answer(listed("new", "b@x.org", dn="CN=1", full="New"))

    @pytest.fixture
    def workspace(self, fill: Fill) -> Workspace:
        filled = fill(person("a", "CN=1"), managed("b", email_addresses=["b@x.org"]))
        give_mail(filled, "a", "b")
        return filled

    def test_both_are_shown_by_name(self, workspace: Workspace) -> None:
        (question,) = plan_with(workspace, self.directory).changes
        assert (question.asks, question.candidates) == ("rename", ("a", "b"))
        assert "“a”, “b”" in question.reason
        assert question.fields["full_name"] == (None, "New")

    def test_the_answer_has_to_say_whom(self, workspace: Workspace) -> None:
        plan = plan_with(workspace, self.directory, "new")
        assert lines(plan) == ["rename new"]
        assert plan.changes[0].edit is None
        assert "“new” may be “a”, “b”" in plan.warnings[0]

    @pytest.mark.parametrize(("old", "other"), [("a", "b"), ("b", "a")])
    def test_and_is_followed(self, workspace: Workspace, old: str, other: str) -> None:
        plan = preview(
            workspace, self.directory, answers=Answers.of(rename_from=[(old.upper(), "NEW")])
        )
        assert lines(plan) == [f"delete {other}", "rename new"]
        assert (plan.changes[1].candidates, plan.warnings) == ((old,), ())
        apply_plan(workspace, plan, allow_deletes=1)
        assert mail(workspace, "new") == f"mail of {old}"
        assert mail(workspace, other) == f"mail of {other}"

    def test_somebody_who_is_no_candidate_is_not_renamed(self, workspace: Workspace) -> None:
        answers = Answers.of(rename_from=[("boss", "new")])
        plan = preview(workspace, self.directory, answers=answers)
        assert plan.changes[0].edit is None
        assert "has to say whom" in plan.warnings[0]


def test_answers_are_given_changed_and_taken_back() -> None:
    answers = Answers().with_answer("rename", ["A", "b"]).with_answer("rename", ["C"], "OLD")
    assert answers == Answers.of(rename=["a", "b"], rename_from=[("old", "c")])
    changed = answers.with_answer("separate", ["c"]).with_answer("link", ["L"])
    assert changed == Answers.of(rename=["a", "b"], separate=["c"], link=["l"])
    assert [name for name in ("a", "C", "L", "x") if name in changed] == ["a", "C", "L"]
    assert changed.with_answer(None, ["a", "b", "c", "l"]) == Answers()


class TestSkippedUnderANewName:
    """Who is left alone under the new name is not deleted under the old one."""

    directory = answer(listed("new", "a@x.org", dn="CN=1"), listed("bert"))

    def test_nobody_is_deleted_who_may_be_skipped(self, fill: Fill) -> None:
        workspace = fill(person("a", "CN=1"), managed("bert"), managed("gone"))
        assert lines(plan_with(workspace, self.directory)) == ["delete gone", "rename new"]
        leave_alone(workspace, ["new"], "ticket 7")
        plan = plan_with(workspace, self.directory)
        assert lines(plan) == ["delete gone"]
        assert plan.warnings == (
            "“a” is not deleted: may be “new”, whom a skip rule leaves alone.",
        )

    def test_and_without_the_skip_rule_is(self, fill: Fill) -> None:
        workspace = fill(person("a", "CN=1"), managed("bert"))
        only_bert = answer(listed("bert"))
        assert lines(plan_with(workspace, only_bert)) == ["delete a"]


class TestPassedOnNames:
    def test_a_chain_in_one_write(self, fill: Fill) -> None:
        workspace = fill(person("a", "CN=1"), person("b", "CN=2"))
        give_mail(workspace, "a", "b")
        directory = answer(listed("b", dn="CN=1"), listed("c", dn="CN=2"))
        assert lines(plan_with(workspace, directory)) == ["rename b", "rename c"]
        plan = plan_with(workspace, directory, "b", "c")
        apply_plan(workspace, plan)
        assert (mail(workspace, "b"), mail(workspace, "c")) == ("mail of a", "mail of b")
        users = workspace.snapshot().users
        assert {key: row["folder_privileges"] for key, row in users.items()} == {
            "b": {"b": ["read"]},
            "c": {"c": ["read"]},
        }
        assert lines(plan_with(workspace, directory)) == []

    def test_a_chain_that_only_addresses_show(self, fill: Fill) -> None:
        users = [managed(name, email_addresses=[f"{n}@x.org"]) for n, name in enumerate("abc")]
        workspace = fill(*users)
        give_mail(workspace, "a", "b", "c")
        directory = answer(listed("b", "0@x.org"), listed("c", "1@x.org"), listed("d", "2@x.org"))
        assert lines(plan_with(workspace, directory)) == ["rename b", "rename c", "rename d"]
        apply_plan(workspace, plan_with(workspace, directory, "b", "c", "d"))
        assert [mail(workspace, name) for name in "bcd"] == [f"mail of {name}" for name in "abc"]
        assert lines(plan_with(workspace, directory)) == []

    def test_addresses_that_changed_hands_are_no_rename(self, fill: Fill) -> None:
        users = [managed(name, email_addresses=[f"{n}@x.org"]) for n, name in enumerate("ab")]
        workspace = fill(*users)
        moved = answer(listed("a", "1@x.org"), listed("b", "2@x.org"), listed("c", "0@x.org"))
        assert lines(plan_with(workspace, moved)) == ["create c", "update a", "update b"]

    def test_a_swap_in_one_write(self, fill: Fill) -> None:
        a = person("a", "CN=1", privileges=["export"])
        workspace = fill(
            a, person("b", "CN=2"), person("boss", "CN=3", folder_privileges={"a": ["read"]})
        )
        give_mail(workspace, "a", "b")
        directory = answer(
            listed("b", dn="CN=1"), listed("a", dn="CN=2"), listed("boss", dn="CN=3")
        )
        assert lines(plan_with(workspace, directory)) == ["rename a", "rename b"]
        apply_plan(workspace, plan_with(workspace, directory, "a", "b"))
        users = workspace.snapshot().users
        assert users["b"]["privileges"] == ["export"]
        assert users["boss"]["folder_privileges"] == {"b": ["read"]}
        assert (mail(workspace, "a"), mail(workspace, "b")) == ("mail of b", "mail of a")
        assert lines(plan_with(workspace, directory)) == []

    def test_half_an_answered_swap_waits(self, fill: Fill) -> None:
        workspace = fill(person("a", "CN=1"), person("b", "CN=2"))
        directory = answer(listed("b", dn="CN=1"), listed("a", dn="CN=2"))
        plan = plan_with(workspace, directory, "a")
        assert lines(plan) == ["conflict a", "rename b"]
        assert "the name still belongs to “a”" in plan.changes[0].reason

    def test_separate_lets_the_names_stay_with_their_archives(self, fill: Fill) -> None:
        workspace = fill(person("a", "CN=1"), person("b", "CN=2"))
        give_mail(workspace, "a", "b")
        directory = answer(listed("b", dn="CN=1"), listed("a", dn="CN=2"))
        plan = plan_with(workspace, directory, separate=["a", "b"])
        assert lines(plan) == ["update a", "update b"]
        apply_plan(workspace, plan)
        assert mail(workspace, "a") == "mail of a"

    def test_a_name_that_went_to_somebody_new(self, fill: Fill) -> None:
        workspace = fill(person("b", "CN=2"))
        give_mail(workspace, "b")
        directory = answer(listed("b", dn="CN=9", full="New"), listed("c", dn="CN=2"))
        plan = plan_with(workspace, directory, "c")
        assert lines(plan) == ["create b", "rename c"]
        apply_plan(workspace, plan)
        archives = workspace.archives(AUTO_DELETE)
        assert mail(workspace, "c") == "mail of b"
        assert archives.messages("b") == 0
        assert (archives.path("b") / "new").is_dir()
        assert workspace.snapshot().users["b"]["full_name"] == "New"

    def test_while_it_is_open_the_other_person_is_held_too(self, fill: Fill) -> None:
        workspace = fill(person("b", "CN=2"))
        directory = answer(listed("b", dn="CN=9", full="New"), listed("c", dn="CN=2"))
        assert lines(plan_with(workspace, directory)) == ["rename c"]

    def test_a_skipped_rename_keeps_its_name_from_others(self, fill: Fill) -> None:
        workspace = fill(person("a", "CN=1"), person("b", "CN=2"))
        directory = answer(listed("b", dn="CN=1"), listed("c", dn="CN=2"))
        result = apply_plan(workspace, plan_with(workspace, directory, "b", "c"), skip=["c"])
        assert [change.user_name for change in result.skipped] == ["c", "b"]
        assert sorted(workspace.snapshot().users) == ["a", "b"]

    def test_two_who_claim_to_be_one(self, fill: Fill) -> None:
        workspace = fill(person("a", "CN=1", email_addresses=["a@x.org"]))
        directory = answer(listed("b", dn="CN=1"), listed("c", "a@x.org"))
        assert lines(plan_with(workspace, directory)) == ["rename b", "rename c"]
        plan = plan_with(workspace, directory, "b", "c")
        assert lines(plan) == ["create c", "rename b"]

    def test_a_thousand_at_once(self, fill: Fill) -> None:
        count = 1000
        workspace = fill(*(person(f"old{n}", f"CN={n}") for n in range(count)))
        give_mail(workspace, "old0", "old999")
        names = [f"new{n}" for n in range(count)]
        directory = answer(*(listed(name, dn=f"CN={n}") for n, name in enumerate(names)))
        assert plan_with(workspace, directory).counts["rename"] == count
        generation = workspace.snapshot().generation
        apply_plan(workspace, plan_with(workspace, directory, *names))
        state = workspace.snapshot()
        assert sorted(state.users) == sorted(names)
        assert state.generation == generation + 1
        assert mail(workspace, "new999") == "mail of old999"
        assert left_behind(workspace) == []


def test_a_case_only_change_is_no_question_and_moves_nothing(fill: Fill) -> None:
    workspace = fill(person("anna", "CN=1"))
    give_mail(workspace, "anna")
    plan = preview(workspace, answer(listed("ANNA", dn="CN=1")))
    assert lines(plan) == ["update anna"]
    apply_plan(workspace, plan)
    assert mail(workspace, "anna") == "mail of anna"


class TestWhenItFails:
    @pytest.fixture
    def workspace(self, fill: Fill) -> Workspace:
        filled = fill(person("a", "CN=1"), person("b", "CN=2"))
        give_mail(filled, "a", "b")
        return filled

    directory = answer(listed("b", dn="CN=1"), listed("a", dn="CN=2"))

    def test_a_refused_write_moves_every_folder_back(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_self: object, _batch: Batch) -> None:
            raise StoreUnwritable("The disk said no.")

        plan = plan_with(workspace, self.directory, "a", "b")
        monkeypatch.setattr(type(workspace.store), "apply", refuse)
        with pytest.raises(StoreUnwritable, match="The disk said no"):
            apply_plan(workspace, plan)
        assert (mail(workspace, "a"), mail(workspace, "b")) == ("mail of a", "mail of b")
        assert left_behind(workspace) == []

    @pytest.mark.parametrize("written", [False, True])
    def test_the_next_run_completes_what_a_crash_cut_short(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, written: bool
    ) -> None:
        """Killed right before or right after the write: the folders are on their way."""

        class Killed(BaseException):
            pass

        real = type(workspace.store).apply

        def die(self: object, batch: Batch) -> None:
            if written:
                real(self, batch)  # type: ignore[arg-type]
            raise Killed

        plan = plan_with(workspace, self.directory, "a", "b")
        with monkeypatch.context() as patched:
            patched.setattr(type(workspace.store), "apply", die)
            patched.setattr("store.archive_moves.ArchiveMoves.finish", lambda *_: None)
            with pytest.raises(Killed):
                apply_plan(workspace, plan)
        root = workspace.archives(AUTO_DELETE).root
        assert not (root / "a").exists()  # nobody's mail is under anybody's name
        assert not (root / "b").exists()
        apply_plan(workspace, preview(workspace, answer(listed("x"))), hold_deletes=True)
        expected = ("mail of b", "mail of a") if written else ("mail of a", "mail of b")
        assert (mail(workspace, "a"), mail(workspace, "b")) == expected
        assert left_behind(workspace) == []

    def test_mail_that_came_meanwhile_is_merged(self, workspace: Workspace, tmp_path: Path) -> None:
        from store.archive_moves import ArchiveMoves

        archives = workspace.archives(AUTO_DELETE)
        ArchiveMoves(archives).begin("run", [("a", "c")])
        archives.create("c")
        (archives.path("c") / "new" / "1").write_text("came meanwhile")
        ArchiveMoves(archives).finish(lambda run: run == "run")
        texts = {file.read_text() for file in (archives.path("c") / "new").iterdir()}
        assert texts == {"mail of a", "came meanwhile"}
        assert left_behind(workspace) == []

    def test_a_crash_before_the_journal_was_written(self, workspace: Workspace) -> None:
        from store.archive_moves import ArchiveMoves

        archives = workspace.archives(AUTO_DELETE)
        (archives.root / ".mailroster-moves" / "run").mkdir(parents=True)
        ArchiveMoves(archives).finish(lambda _: True)
        assert left_behind(workspace) == []


def test_moved_rights() -> None:
    rights = {"a": ["read"], "b": ["write"], "x": ["delete"]}
    assert moved_rights(rights, {"a": "b", "b": "a"}) == {
        "b": ["read"],
        "a": ["write"],
        "x": ["delete"],
    }
    assert moved_rights(rights, {"a": "x"}) == {"x": ["read"], "b": ["write"]}
    assert moved_rights(rights, {"n": "x"}) == {"a": ["read"], "b": ["write"]}


def test_rights_of_a_skipped_users_archive_stay(fill: Fill) -> None:
    workspace = fill(person("a", "CN=1"), person("b", "CN=2"))
    b = workspace.snapshot().find("b")
    assert b
    workspace.store.apply(Batch([Edit.update(b, replace(b, folder_privileges={"a": ["read"]}))]))
    directory = answer(listed("c", dn="CN=1"), listed("b", dn="CN=2", full="B"))
    apply_plan(workspace, plan_with(workspace, directory, "c"), skip=["c"])
    assert workspace.snapshot().users["b"]["folder_privileges"] == {"a": ["read"]}


SWAP_FOREVER = """
import sys
from pathlib import Path
from sync.runs.apply import apply_plan
from sync.planning.plan import Answers
from sync.runs.run import preview
from sync.workspace import open_workspace
from tests.support.builders import answer, listed
workspace = open_workspace(sys.argv[1], Path(sys.argv[1]).with_name("secret.key"))
while True:
    now = {key: row["distinguished_name"] for key, row in workspace.snapshot().users.items()}
    directory = answer(listed("a", dn=now["b"]), listed("b", dn=now["a"]))
    apply_plan(workspace, preview(workspace, directory, answers=Answers.of(rename=["a", "b"])))
    print("swapped", flush=True)
"""


def test_killed_at_any_moment_everybody_keeps_the_own_mail(fill: Fill) -> None:
    workspace = fill(person("a", "CN=mail of a"), person("b", "CN=mail of b"))
    give_mail(workspace, "a", "b")
    chance = random.Random(7)
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", SWAP_FOREVER, str(workspace.path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "swapped\n"
        time.sleep(chance.random() * 0.05)
        process.kill()
        process.stdout.close()
        process.wait()
        apply_plan(workspace, preview(workspace, answer(listed("x"))), hold_deletes=True)
        state = workspace.snapshot()
        for name in ("a", "b"):
            assert state.users[name]["distinguished_name"] == f"CN={mail(workspace, name)}"
        assert left_behind(workspace) == []
        assert all(workspace.store.run(run.id) for run in state.history.runs)
