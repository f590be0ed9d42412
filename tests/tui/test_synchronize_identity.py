"""Synchronize: who a name is, asked and answered, and ids that are taken over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.workspace import Workspace
from tests.support.archived_mail import give_mail
from tests.support.builders import answer, listed, managed, stored
from tests.support.directory import Directory
from tests.tui.driver import driving
from tests.tui.test_synchronize import ROOT, answering
from tests.tui.test_synchronize_answers import see_plan

Filled = Callable[..., Workspace]

JANE = answer(listed("jsmith", "jane@x.org", full="Jane"), listed("bert"), listed("carla"))


def with_mail(filled: Filled) -> Workspace:
    workspace = filled(managed("bert"), managed("carla"))
    give_mail(workspace, "jsmith")
    return workspace


async def test_somebody_new_is_answered_and_applied(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = with_mail(filled)
    answering(monkeypatch, JANE)
    async with driving(workspace, **ROOT) as admin:
        await see_plan(admin, "? 1 question", "? return jsmith")
        await admin.press("enter")
        await admin.sees("the same person as before?", "full name: (none) -> Jane")
        await admin.press("n")
        await admin.sees("+ 1 create", "+ create jsmith", "is set aside")
        await admin.press("enter", "s")
        await admin.sees("+ 1 return", "+ return jsmith")
        await admin.press("enter", "l")
        await admin.sees("? 1 question")
        await admin.press("enter", "l")
        await admin.sees("The question is open already.")
        await admin.press("escape", "enter", "n")
        await admin.sees("+ 1 create")
        await admin.press("s")
        await admin.sees("This will: + 1 create")
        await admin.press("y")
        await admin.sees("Done: + 1 create")
    assert stored(workspace, "jsmith").full_name == "Jane"
    assert workspace.messages("jsmith") == 0


async def test_all_marked_are_answered_at_once(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = with_mail(filled)
    give_mail(workspace, "zoe")
    answering(monkeypatch, answer(listed("jsmith"), listed("zoe"), listed("bert"), listed("carla")))
    async with driving(workspace, **ROOT) as admin:
        await see_plan(admin, "? 2 questions")
        await admin.press("enter", "S")
        await admin.sees("Take 2 users as the same people?")
        await admin.press("y")
        await admin.sees("+ 2 return")


async def test_another_id_says_why_log_ons_are_refused(
    filled: Filled, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f"application_integration {directory.url}"
    workspace = filled(managed("bert"), managed("dora", directory_id="1", directory=here))
    answering(monkeypatch, answer(listed("bert"), listed("dora", stable_id="2")))
    async with driving(workspace, **ROOT) as admin:
        await see_plan(admin, "? 1 question", "? return dora", "~ update dora")
        await admin.press("s")
        await admin.sees("Synchronize now?")
        await admin.press("y")
        await admin.sees("Done: ~ 1 update")
        await admin.press("f6", "slash", *"dora", "enter", "enter")
        await admin.sees("Id: 1 (", "Log-on refused: the directory lists this name with the id 2")


async def test_ids_are_taken_over_by_one_answer(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = filled(managed("anna"), managed("bert"))
    answering(monkeypatch, answer(listed("anna", stable_id="1"), listed("bert", stable_id="2")))
    async with driving(workspace, **ROOT) as admin:
        await see_plan(admin, "? 1 question about ids", "(ids of the directory)")
        await admin.press("x")
        await admin.sees("Press Enter to answer it.")
        await admin.press("enter")
        await admin.sees("Take the ids of this directory over by name?", "the ids of 2 users")
        await admin.press("t")
        await admin.sees("~ update anna", "~ update bert")
        await admin.press("s")
        await admin.press("y")
        await admin.sees("Done:")
        await admin.press("f6", "slash", *"anna", "enter", "enter")
        await admin.sees("Id: 1 (")
    assert stored(workspace, "bert").directory_id == "2"
