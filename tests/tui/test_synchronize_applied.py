"""Synchronize: what was on the screen is what is applied or saved, once, or nothing is."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.interface import Batch, Edit
from store.models import User
from sync.configure import configure
from sync.directory.listing import Listing
from sync.errors import AlreadyApplied
from sync.runs.apply import apply_plan
from sync.runs.plan_file import load_plan
from sync.workspace import Workspace, open_workspace
from tests.support.answers import answering, answering_by
from tests.support.archived_mail import give_mail
from tests.support.builders import answer, listed, managed
from tests.support.directory import Directory
from tests.support.wrapped_store import Gate, gated, with_store
from tests.tui.driver import Driver, driving
from tests.tui.past_runs import edit_elsewhere
from tests.tui.test_synchronize import ROOT

Filled = Callable[..., Workspace]


async def ask_to_apply(admin: Driver) -> None:
    await admin.press("f5", "t")
    await admin.sees("in scope")
    await admin.press("s")
    await admin.sees("This will:")


async def test_the_history_names_who_is_logged_on(filled: Filled, directory: Directory) -> None:
    directory.put("anna")
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await ask_to_apply(admin)
        await admin.press("y")
        await admin.sees("Done: + 1 create")
    (run,) = workspace.snapshot().history.runs
    assert run.who == "root"


class TestRefused:
    """Another administrator writes while the question is open: nothing is written."""

    @pytest.fixture
    def some(self, filled: Filled, directory: Directory) -> Workspace:
        directory.put("anna", "bert")
        return filled(managed("anna"), User(user_name="local"))

    async def refuse(self, some: Workspace, write: Callable[[], None], *told: str) -> None:
        async with driving(some, **ROOT) as admin:
            await ask_to_apply(admin)
            await admin.sees("+ 1 create ~ 1 update")
            write()
            content = some.host_path.read_bytes()
            await admin.press("y")
            await admin.sees("The plan is stale. Nothing was written.", *told)
            assert some.host_path.read_bytes() == content
            await admin.press("enter")
            await admin.sees("in scope")
        assert not [run for run in some.snapshot().history.runs if run.kind == "sync"]

    async def test_a_touched_user_by_another_process(self, some: Workspace) -> None:
        def write() -> None:
            command = [sys.executable, "-m", "tui.cli", "--store", str(some.host_path)]
            edit = ["users", "edit", "anna", "--full-name", "By hand"]
            subprocess.run(command + edit, check=True, capture_output=True, env=dict(os.environ))

        await self.refuse(some, write, "user “anna” was changed on")

    async def test_settings(self, some: Workspace) -> None:
        def write() -> None:
            other = open_workspace(str(some.host_path))
            configure(other, {"default_privileges": ["login", "export"], "auto_delete": False})
            other.close()

        await self.refuse(
            some, write, "the settings were changed (auto_delete, default_privileges)"
        )

    async def test_an_untouched_user_does_not_matter(self, some: Workspace) -> None:
        async with driving(some, **ROOT) as admin:
            await ask_to_apply(admin)
            edit_elsewhere(some, "local")
            await admin.press("y")
            await admin.sees("Done: + 1 create ~ 1 update")


class TestDeletions:
    """Before users go the directory is asked once more."""

    async def test_who_came_back_is_not_deleted(self, filled: Filled, directory: Directory) -> None:
        directory.put("anna")
        workspace = filled(managed("anna"), managed("gone"))
        async with driving(workspace, **ROOT) as admin:
            await ask_to_apply(admin)
            await admin.sees("- 1 delete")
            directory.put("anna", "gone")
            content = workspace.host_path.read_bytes()
            await admin.press("y")
            await admin.sees("“gone”: delete then, update now", "Nothing was written.")
            assert workspace.host_path.read_bytes() == content
            await admin.press("enter")
            await admin.sees("~ 2 update 2 of 2 users in scope")

    async def test_who_came_meanwhile_does_not_matter(
        self, filled: Filled, directory: Directory
    ) -> None:
        directory.put("anna")
        workspace = filled(managed("anna"), managed("gone"))
        async with driving(workspace, **ROOT) as admin:
            await ask_to_apply(admin)
            directory.put("anna", "new")
            await admin.press("y")
            await admin.sees("Done: ~ 1 update - 1 delete")
        assert set(workspace.snapshot().users) == {"root", "anna"}

    async def test_an_outage_deletes_nobody(self, filled: Filled, directory: Directory) -> None:
        directory.put("anna")
        workspace = filled(managed("anna"), managed("gone"))
        async with driving(workspace, **ROOT) as admin:
            await ask_to_apply(admin)
            directory.stop()
            await admin.press("y")
            await admin.sees("Not done: Synchronize now", "refused the connection")
        assert "gone" in workspace.snapshot().users

    async def test_without_deletions_it_is_not_asked(
        self, filled: Filled, directory: Directory
    ) -> None:
        directory.put("anna")
        async with driving(filled(), **ROOT) as admin:
            await ask_to_apply(admin)
            directory.stop()
            await admin.press("y")
            await admin.sees("Done: + 1 create")

    async def test_what_is_confirmed_is_applied_whatever_is_skipped_while_mail_is_counted(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, answer(listed("anna")))
        gate, slow = gated(filled(managed("anna"), managed("gone"), managed("left")))
        give_mail(slow, "gone", "left")
        async with driving(slow, **ROOT) as admin:
            await admin.press("f5", "t")
            await admin.sees("- 2 delete")
            await admin.press_until_it_waits("s", gate)
            await admin.press("space")
            await admin.sees("- skipped gone")
            gate.open()
            await admin.sees("This will: - 2 delete", "2 archives with mail stay.")
            assert "Skipped by you" not in admin.text
            await admin.press("y")
            await admin.sees("Done: - 2 delete")

    async def test_it_can_be_given_up(
        self, filled: Filled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, answer(listed("anna")))
        workspace = filled(managed("anna"), managed("gone"))
        async with driving(workspace, **ROOT) as admin:
            await ask_to_apply(admin)

            async def hang(*_arguments: Any) -> Listing:
                await asyncio.sleep(60)
                raise AssertionError

            answering_by(monkeypatch, hang)
            await admin.press("y")
            await admin.sees("Asking again before users are deleted ... Esc cancels.")
            await admin.press("escape")
            await admin.sees("- 1 delete 1 of 1 user in scope")
        assert "gone" in workspace.snapshot().users


async def test_comparing_can_be_given_up_and_the_plan_before_stays(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, slow = gated(filled())
    answering(monkeypatch, answer(listed("anna")))
    async with driving(slow, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 1 create 1 of 1 user in scope")
        before = admin.app.listing
        answering(monkeypatch, answer(listed("bert"), listed("carla")))
        gate.shut()
        await admin.press("t")
        await admin.sees("2 users listed. Comparing ...")
        await admin.press("escape")
        await admin.sees("+ 1 create 1 of 1 user in scope", "anna")
        gate.open()
        await admin.pilot.pause(0.1)
        assert admin.app.listing is before
        assert "bert" not in admin.text


async def test_what_others_write_while_the_directory_is_asked_is_in_the_plan(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_arguments: Any) -> Listing:
        await asyncio.sleep(60)
        raise AssertionError

    answering(monkeypatch, answer(listed("anna"), listed("bert")))
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 2 create 2 of 2 users in scope")
        answering_by(monkeypatch, hang)
        await admin.press("t")
        await admin.sees("Asking the directory")
        other = open_workspace(str(workspace.host_path))
        other.store.apply(Batch([Edit.create(managed("anna"))]))
        other.close()
        while admin.app.snapshot.generation < 2:
            await admin.pilot.pause(0.05)
        await admin.press("escape")
        await admin.sees("+ 1 create 2 of 2 users in scope")


async def test_what_is_being_written_is_not_given_up(filled: Filled, directory: Directory) -> None:
    gate, workspace = Gate(), filled()
    directory.put("anna")
    slow = with_store(workspace, apply=gate.through(workspace.store.apply))
    async with driving(slow, **ROOT) as admin:
        await ask_to_apply(admin)
        gate.shut()
        await admin.press("y")
        await admin.sees("Writing ...")
        for key in ("t", "escape", "s", "space", "p"):
            await admin.press(key)
            await admin.sees("The changes are being written; wait a moment.")
        gate.open()
        await admin.sees("Done: + 1 create")


class TestSaved:
    async def save(self, admin: Driver, path: Path) -> None:
        await admin.press("p")
        await admin.sees("Save the plan", "mailroster sync --plan")
        await admin.press("ctrl+u")
        await admin.type(str(path))
        await admin.press("enter")

    async def test_what_is_shown_is_saved_without_what_is_skipped(
        self, filled: Filled, directory: Directory, tmp_path: Path
    ) -> None:
        path = tmp_path / "plan.json"
        directory.put("anna", "bert")
        workspace = filled(managed("gone"))
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f5", "p")
            await admin.sees("it makes a plan to save")
            await admin.press("t")
            await admin.sees("+ 2 create - 1 delete")
            await admin.press("space", "p")
            await admin.sees("It will hold: + 1 create - 1 delete", "not in it: 1.")
            await admin.press("escape")
            await self.save(admin, path)
            await admin.sees("Saved.")
            shown = admin.app.screen.selection.plan  # type: ignore[attr-defined]
            await self.save(admin, path)
            await admin.sees("A file of this name exists already.")
            await admin.press("escape")
        plan = load_plan(workspace, path).plan
        assert [change.user_name for change in plan.changes] == ["bert", "gone"]
        assert plan.id == shown.id
        assert json.loads(path.read_text())["plan"]["listed"] == 2
        apply_plan(workspace, plan, allow_deletes=1)
        assert set(workspace.snapshot().users) == {"root", "bert"}

    async def test_applied_from_the_screen_the_file_is_used_up(
        self, filled: Filled, directory: Directory, tmp_path: Path
    ) -> None:
        directory.put("anna")
        workspace = filled()
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f5", "t")
            await admin.sees("+ 1 create")
            await self.save(admin, tmp_path / "plan.json")
            await admin.sees("Saved.")
            await admin.press("s")
            await admin.sees("Synchronize now?")
            await admin.press("y")
            await admin.sees("Done: + 1 create")
        with pytest.raises(AlreadyApplied):
            load_plan(workspace, tmp_path / "plan.json")

    async def test_not_with_unsaved_settings(self, filled: Filled, directory: Directory) -> None:
        directory.put("anna")
        async with driving(filled(auto_delete=False), **ROOT) as admin:
            await admin.press("f5", "t")
            await admin.sees("+ 1 create")
            await admin.press("f3")
            await admin.focus("#auto_delete")
            await admin.press("space", "f5", "p")
            await admin.sees("Save or discard the changes")

    @pytest.mark.parametrize(
        ("entered", "says"),
        [(" ", "Enter the name of a new file."), ("/no/such/plan", "This folder does not exist.")],
    )
    async def test_a_wrong_name(
        self, filled: Filled, directory: Directory, entered: str, says: str
    ) -> None:
        directory.put("anna")
        async with driving(filled(), **ROOT) as admin:
            await admin.press("f5", "t")
            await admin.sees("+ 1 create")
            await admin.press("p")
            await admin.sees("Save the plan")
            await admin.press("ctrl+u")
            await admin.type(entered)
            await admin.press("enter")
            await admin.sees(says)


async def test_an_answer_is_planned_before_it_is_applied(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that come faster than the plan: the numbers are those of the plan with the answer."""
    gate, slow = gated(filled(managed("old", email_addresses=["a@x.org"])))
    answering(monkeypatch, answer(listed("new", "a@x.org"), listed("bert")))
    async with driving(slow, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 1 create ? 1 question")
        gate.shut()
        threading.Timer(0.5, gate.open).start()
        await admin.press("end", "enter", "r", "s")
        await admin.sees("This will: + 1 create > 1 rename")


async def test_an_answer_that_leaves_nothing_to_apply_is_not_saved_as_a_plan(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that come faster than the plan, as above: what was to be saved is a question again."""
    gate, slow = gated(filled(managed("old", email_addresses=["a@x.org"])))
    answering(monkeypatch, answer(listed("new", "a@x.org")))
    async with driving(slow, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("? 1 question")
        await admin.press("enter", "r")
        await admin.sees("> 1 rename")
        gate.shut()
        threading.Timer(0.5, gate.open).start()
        await admin.press("enter", "l", "p")
        await admin.sees("The plan has nothing to apply.", "? 1 question")
        assert "Save the plan" not in admin.text
