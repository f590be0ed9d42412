"""Synchronize: questions are answered, users are linked, or left alone from now on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from store.files.lock import writer_lock
from store.models import User
from sync.directory.listing import InvalidRecord, Listing
from sync.planning.plan import Change
from sync.runs.by_hand import delete_users
from sync.workspace import Workspace
from tests.support.answers import answering, answering_by, silent
from tests.support.builders import answer, listed, managed, stored
from tests.support.wrapped_store import gated
from tests.tui.driver import Driver, driving
from tests.tui.test_synchronize import HOSTILE, ROOT
from tui.actions import actions_of
from tui.screens.sync_questions import Chosen, LinkQuestion, RenameQuestion, ReturnQuestion

Filled = Callable[..., Workspace]

ONE = Change(action="conflict", user_name="anna", reason="")
OF_ONE: Chosen = {key: ["anna"] for key in ("rename", "separate", "link", "same", "new", None)}
MOVED = answer(listed("anna.kurz", "anna@x.org", full="Anna Kurz"), listed("bert"))


def anna_and_bert(filled: Filled, **settings: Any) -> Workspace:
    anna = managed("anna.berg", email_addresses=["anna@x.org"], privileges=["login", "export"])
    return filled(anna, managed("bert"), **settings)


async def nobody_asks(_progress: Any) -> Listing:
    raise AssertionError("the directory was asked again")


async def see_plan(admin: Driver, *sees: str) -> None:
    await admin.press("f5", "t")
    await admin.sees("in scope", *sees)


class TestRename:
    async def test_it_is_answered_changed_and_taken_back_without_another_fetch(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = anna_and_bert(filled)
        answering(monkeypatch, MOVED)
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin, "? 1 question", "? rename anna.kurz", "Press Enter to answer.")
            answering_by(monkeypatch, nobody_asks)
            await admin.press("enter")
            await admin.sees("under a new name?", "full name: (none) -> Anna Kurz", "anna.berg")
            await admin.press("r")
            await admin.sees("> 1 rename", "> rename anna.kurz", "“anna.berg” under a new name")
            await admin.press("enter", "s")
            await admin.sees("+ 1 create - 1 delete", "+ create anna.kurz")
            await admin.press("home", "enter", "l")
            await admin.sees("? 1 question")
            await admin.press("enter", "l")
            await admin.sees("The question is open already.")
            await admin.press("escape")
            await admin.sees("? 1 question")

    async def test_an_answer_that_is_given_while_the_directory_is_asked_is_planned(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = anna_and_bert(filled)
        answering(monkeypatch, MOVED)
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin, "? rename anna.kurz")
            silent(monkeypatch)
            await admin.press("t")
            await admin.sees("Asking the directory")
            await admin.press("enter", "r", "escape")
            await admin.sees("> 1 rename", "> rename anna.kurz")
            await admin.press("s")
            await admin.sees("This will: > 1 rename")

    async def test_and_applied(self, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
        workspace = anna_and_bert(filled)
        answering(monkeypatch, MOVED)
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin)
            await admin.press("enter", "r")
            await admin.sees("> rename anna.kurz")
            await admin.press("s")
            await admin.sees("This will: > 1 rename")
            await admin.press("y")
            await admin.sees("Done: > 1 rename", "> renamed anna.kurz")
            await admin.press("escape")
            await admin.sees("No changes.")
            assert "warnings" not in admin.text
        renamed = workspace.snapshot().find("anna.kurz")
        assert renamed
        assert renamed.privileges == ["login", "export"]
        assert workspace.snapshot().find("anna.berg") is None

    async def test_of_several_candidates_one_is_chosen(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = filled(
            managed("a.old", email_addresses=["a@x.org"]),
            managed("b.old", full_name="Bea", email_addresses=["b@x.org"]),
        )
        answering(monkeypatch, answer(listed("new", "a@x.org", "b@x.org")))
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin, "with “a.old”, “b.old”")
            await admin.press("enter")
            await admin.sees("Until now", "a.old", "b.old", "Bea")
            await admin.press("down", "r")
            await admin.sees("- delete a.old", "“b.old” under a new name")

    async def test_a_candidate_who_goes_meanwhile_is_still_named(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        addresses = {"a.old": ["a@x.org"], "b.old": ["b@x.org"]}
        workspace = filled(
            *(
                managed(name, full_name=name.upper(), email_addresses=addresses[name])
                for name in addresses
            )
        )
        answering(monkeypatch, answer(listed("new", "a@x.org", "b@x.org")))
        gate, slow = gated(workspace)
        async with driving(slow, **ROOT) as admin:
            await see_plan(admin, "with “a.old”, “b.old”")
            gate.shut()
            delete_users(workspace, [stored(workspace, "a.old")])
            admin.app.refresh_store()
            await admin.press("enter")
            await admin.sees("Until now", "a.old", "b.old B.OLD")
            assert "a.old A.OLD" not in admin.words
            await admin.press("escape")
            gate.open()
            await admin.sees("with “b.old”")

    async def test_the_others_answers_and_a_lost_one_are_asked_about_at_the_end(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = anna_and_bert(filled)
        answering(monkeypatch, MOVED)
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin)
            await admin.press("enter", "r")
            await admin.sees("> 1 rename")
            await admin.press("q")
            await admin.sees("Not saved: answers on Synchronize.")

    async def test_what_is_no_question_says_so(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, answer(listed("anna")))
        async with driving(filled(), **ROOT) as admin:
            await see_plan(admin)
            await admin.press("enter")
            await admin.sees("This line asks no question.")


class TestMany:
    """A company changes its names: nobody presses a key per user."""

    COUNT = 1000

    def crowd(self, filled: Filled, monkeypatch: pytest.MonkeyPatch, count: int) -> Workspace:
        old = [managed(f"old{n:03}", email_addresses=[f"{n}@x.org"]) for n in range(count)]
        two = [managed(name, email_addresses=[f"{name}@x.org"]) for name in ("p", "q")]
        new = [listed(f"new{n:03}", f"{n}@x.org") for n in range(count)]
        answering(monkeypatch, answer(*new, listed("zz", "p@x.org", "q@x.org")))
        return filled(*old, *two)

    async def test_all_at_once(self, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
        workspace = self.crowd(filled, monkeypatch, self.COUNT)
        generation = workspace.snapshot().generation
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin, "? 1 001 questions")
            await admin.press("enter", "R")
            await admin.sees(
                "Rename 1 000 users?", "1 other question stays as it is: several users may be meant"
            )
            await admin.press("n")
            await admin.sees("? 1 001 questions")
            await admin.press("enter", "R", "y")
            await admin.sees("> 1 000 rename ? 1 question")
            await admin.press("s")
            await admin.sees("This will: > 1 000 rename", "Open questions about renames: 1.")
            await admin.press("y")
            await admin.sees("Done: > 1 000 rename")
        state = workspace.snapshot()
        assert state.generation == generation + 1
        assert {"new000", "new999", "p", "q"} <= state.users.keys()

    async def test_those_shown_or_those_marked(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = self.crowd(filled, monkeypatch, 12)
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin, "? 13 questions")
            await admin.press("slash")
            await admin.type("new01")
            await admin.sees("2 (all: 13)")
            await admin.press("enter", "enter", "R")
            await admin.sees("Rename 2 users?")
            await admin.press("y")
            await admin.sees("> 2 rename ? 11 questions")
            await admin.press("escape", "home", "m", "m", "m")
            await admin.sees("3 marked")
            await admin.press("enter", "S")
            await admin.sees("Take 3 users as somebody else?")
            await admin.press("y")
            await admin.sees("+ 3 create - 3 delete > 2 rename ? 8 questions")
            await admin.press("home", "enter", "L")
            await admin.sees("Leave 5 users open?")
            await admin.press("y")
            await admin.sees("? 13 questions")

    async def test_one_alone_is_answered_alone(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, MOVED)
        async with driving(anna_and_bert(filled), **ROOT) as admin:
            await see_plan(admin)
            await admin.press("enter", "R")
            await admin.sees("No other line can take this answer.")


@pytest.mark.parametrize(
    "dialog",
    [
        RenameQuestion(ONE, {}, True, OF_ONE),
        LinkQuestion(ONE, None, True, OF_ONE),
        ReturnQuestion(ONE, True, OF_ONE),
    ],
    ids=lambda dialog: type(dialog).__name__,
)
def test_no_answer_for_all_is_given_for_one_alone(
    dialog: RenameQuestion | LinkQuestion | ReturnQuestion,
) -> None:
    names = [action.name for action in actions_of(*dialog.SCOPES) if action.name.endswith("_all")]
    assert len(names) > 1
    for name in names:
        assert dialog.why_not(name) == "No other line can take this answer."


class TestLink:
    @pytest.fixture
    def two(self, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> Workspace:
        answering(monkeypatch, answer(listed("carl", full="Carl C."), listed("dora")))
        local = [
            User(user_name=name, privileges=["login", "export"], password_hash="x")
            for name in ("carl", "dora")
        ]
        return filled(*local)

    async def test_a_local_user_is_linked_and_keeps_the_privileges(self, two: Workspace) -> None:
        async with driving(two, **ROOT) as admin:
            await see_plan(admin, "! 2 conflict", "link the two")
            await admin.press("enter")
            await admin.sees("full name: (none) -> Carl C.", "Privileges here: Log on, Export")
            await admin.press("i")
            await admin.sees("~ 1 update ! 1 conflict", "authentication Integrated -> Directory")
            await admin.press("s")
            await admin.sees("Synchronize now?")
            await admin.press("y")
            await admin.sees("Done: ~ 1 update")
        carl = two.snapshot().find("carl")
        assert carl
        assert (carl.authentication, carl.privileges, carl.full_name) == (
            "directory_services",
            ["login", "export"],
            "Carl C.",
        )

    async def test_all_and_back(self, two: Workspace) -> None:
        async with driving(two, **ROOT) as admin:
            await see_plan(admin, "! 2 conflict")
            await admin.press("enter", "I")
            await admin.sees("Link 2 users?")
            await admin.press("y")
            await admin.sees("~ 2 update")
            await admin.press("enter", "l")
            await admin.sees("~ 1 update ! 1 conflict")

    async def test_the_last_local_administrator_is_not_linked(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, answer(listed("root")))
        async with driving(filled(), **ROOT) as admin:
            await see_plan(admin, "! 1 conflict")
            await admin.press("enter", "i")
            await admin.sees("! 1 conflict", "no administrator with a local password would remain")
            await admin.press("enter", "l")
            await admin.sees("a local user has this name")


class TestSkipAlways:
    async def test_with_a_reason_and_taken_back_in_options(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, answer(listed("anna"), listed("bert")))
        workspace = filled(managed("gone"))
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin, "+ 2 create - 1 delete")
            await admin.press("x")
            await admin.sees("Leave anna alone", "delete this user. mailroster adds a skip rule to")
            await admin.press("escape", "m", "end", "m", "x")
            await admin.sees("Leave 2 users alone from now on?", "anna", "gone")
            await admin.press("enter")
            await admin.sees("Enter a reason")
            await admin.type("asked for it, ticket 12")
            await admin.press("enter")
            await admin.sees(
                "+ 1 create 1 of 2 users in scope", "Added 2 skip rules to the filters on Options."
            )
            await admin.press("f3")
            await admin.sees("skip user_name anna", "skip user_name gone", "ticket 12")
            await admin.focus("#filters Table")
            await admin.press("end", "x", "ctrl+s")
            await admin.sees("Saved.")
            await admin.press("f5")
            await admin.sees("+ 1 create - 1 delete 1 of 2 users in scope")
        assert [rule.pattern for rule in workspace.snapshot().settings.filters] == ["anna"]

    async def test_not_twice_while_the_rule_is_written(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, answer(listed("anna"), listed("bert")))
        workspace = filled()
        async with driving(workspace, **ROOT) as admin:
            await see_plan(admin, "+ 2 create")
            await admin.press("x")
            await admin.type("asked for it")
            with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
                await admin.press("enter")
                await admin.sees("Waiting for it.")
                await admin.press("x")
                await admin.sees("The changes are being written; wait a moment.")
            await admin.sees("Added 1 skip rule to the filters on Options.")
        assert [rule.pattern for rule in workspace.snapshot().settings.filters] == ["anna"]

    async def test_not_beside_unsaved_settings_and_not_without_a_name(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nameless = InvalidRecord(None, "the user name is missing", None, [])
        answering(monkeypatch, Listing([listed("anna")], [nameless], []))
        async with driving(filled(auto_delete=False), **ROOT) as admin:
            await see_plan(admin, "+ 1 create ! 1 conflict")
            await admin.press("end", "x")
            await admin.sees("This record has no user name to skip it by.")
            await admin.press("home", "f3")
            await admin.focus("#auto_delete")
            await admin.press("space", "f5", "x")
            await admin.sees("Save or discard the changes")


async def test_hostile_texts_in_the_questions(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = managed("old", full_name=HOSTILE * 50, distinguished_name="CN=1")
    local = User(user_name="local", full_name=HOSTILE, password_hash="x")
    answering(
        monkeypatch,
        answer(listed("new", full=f"{HOSTILE}!", dn="CN=1"), listed("local", full=HOSTILE * 9)),
    )
    async with driving(filled(old, local), **ROOT) as admin:
        await see_plan(admin)
        for line, title in (("home", "one person?"), ("end", "under a new name?")):
            await admin.press(line, "enter")
            await admin.sees(title, "[/]")
            assert not any(char in admin.text for char in "\x1b\x07\u202e")
            await admin.press("escape")


async def test_skipped_by_you_counts_no_question(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A skipped rename that is open again is no longer skipped, it is not applied anyway."""
    answering(monkeypatch, answer(*MOVED.users, listed("carla")))
    async with driving(anna_and_bert(filled), **ROOT) as admin:
        await see_plan(admin)
        await admin.press("end", "enter", "r")
        await admin.sees("> 1 rename")
        await admin.press("space")
        await admin.sees("skipped 1")
        await admin.press("end", "enter", "l")
        await admin.sees("? 1 question", "Press Enter to answer.")
        await admin.press("s")
        await admin.sees("This will: + 1 create", "Open questions about renames: 1.")
        assert "Skipped by you" not in admin.text


async def test_all_warnings_are_shown(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings = [f"address {n} is malformed and was dropped" for n in range(8)]
    answering(monkeypatch, Listing([listed("anna")], [], warnings))
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "w")
        await admin.sees("The plan has no warnings.")
        await see_plan(admin, "8 warnings")
        await admin.press("w")
        await admin.sees("Warnings", *warnings)
