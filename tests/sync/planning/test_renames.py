"""Renames: asked, never guessed; and what moves along."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store.errors import InvalidValue
from store.interface import Batch, Edit
from store.models import Settings, User
from sync.configure import leave_alone
from sync.planning.plan import Answers, LeftOut
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.archived_mail import give_mail, left_behind, mail
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed, person, plan_with

Fill = Callable[..., Workspace]


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
        assert lines(plan) == ["update boss", "rename Anna.Kurz"]
        assert plan.changes[0].reason.startswith("rights end, as the archive folder of “anna.kurz”")
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
        assert lines(plan) == ["create Anna.Kurz", "update boss", "delete anna.berg"]
        apply_plan(workspace, plan, allow_deletes=1)
        assert mail(workspace, "anna.berg") == "mail of anna.berg"

    def test_without_automatic_deletion_it_is_asked_as_well(self, workspace: Workspace) -> None:
        workspace.store.apply(Batch(settings=Settings()))
        assert lines(plan_with(workspace, self.directory)) == ["rename Anna.Kurz"]
        assert lines(plan_with(workspace, self.directory, separate=["anna.kurz"])) == [
            "create Anna.Kurz",
            "update boss",
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
        content = workspace.host_path.read_bytes()
        with pytest.raises(InvalidValue, match="holds mail already"):
            apply_plan(workspace, plan)
        assert workspace.host_path.read_bytes() == content
        assert mail(workspace, "anna.berg") == "mail of anna.berg"

    def test_undone_it_moves_back(self, workspace: Workspace) -> None:
        run = apply_plan(workspace, plan_with(workspace, self.directory, "anna.kurz")).run
        assert run
        undo = undo_preview(workspace, run)
        assert lines(undo) == ["update boss", "rename anna.berg"]
        apply_plan(workspace, undo)
        boss = workspace.snapshot().find("boss")
        assert boss
        rights = {"anna.berg": ["read"], "anna.kurz": ["read", "delete"]}
        assert boss.folder_privileges == rights
        anna = workspace.snapshot().find("anna.berg")
        assert anna
        assert anna.folder_privileges == {"anna.berg": ["read"]}
        assert anna.full_name is None
        assert mail(workspace, "anna.berg") == "mail of anna.berg"
        assert workspace.snapshot().find("anna.kurz") is None

    def test_an_answer_without_a_question_is_told(self, workspace: Workspace) -> None:
        assert "“nobody”" in plan_with(workspace, self.directory, "nobody").warnings[0]

    def test_an_address_of_somebody_else_does_not_hold_the_rename_up(
        self, workspace: Workspace
    ) -> None:
        workspace.store.apply(
            Batch([Edit.create(User(user_name="other", email_addresses=["a@x.org"]))])
        )
        plan = plan_with(workspace, self.directory, "anna.kurz")
        assert lines(plan) == ["update boss", "rename Anna.Kurz"]
        assert plan.changes[1].left_out == (LeftOut("a@x.org", "other"),)


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
        assert "which of them it is" in plan.warnings[0]


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
