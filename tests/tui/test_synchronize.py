"""Synchronize: fetching, the diff, the guard, applying."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from store.interface import Batch, Edit, Snapshot
from store.models import User
from sync.configure import configure
from sync.directory.listing import Listing, Progress
from sync.workspace import Workspace, open_workspace
from tests.support.answers import answering, answering_by
from tests.support.builders import answer, listed, managed
from tests.support.directory import Directory
from tests.support.wrapped_store import Gate, with_store
from tests.tui.driver import driving
from tui.screens.synchronize import SynchronizeScreen

ROOT = {"administrator": "root"}
HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x\u202egnp"


async def test_progress_is_counted_and_can_be_cancelled(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(progress: Callable[[Progress], None]) -> Any:
        progress(Progress(1000, 5000, 7))
        await asyncio.sleep(60)

    answering_by(monkeypatch, slow)
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("7 users, 1 000 bytes of 5 000 (20 %)", "Esc cancels")
        await admin.press("t")
        await admin.sees("mailroster is asking the directory. Press Esc")
        await admin.press("escape")
        await admin.sees("Test Settings (t) asks the directory")
        assert admin.app.listing is None


async def test_a_low_terminal_shows_the_plan_and_not_its_details(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ create", "Details")
        await admin.pilot.resize_terminal(60, 15)
        await admin.sees("+ create")
        assert "Details" not in admin.words


async def test_a_failure_is_told_in_full(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(url="http://127.0.0.1:1/"), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("Not done: Test Settings", "refused the connection")
        await admin.press("enter")
        assert isinstance(admin.app.screen, SynchronizeScreen)


async def test_every_kind_of_change_with_its_details(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("new", "known", "local")
    workspace = filled(
        managed("known", full_name="Old Name"), managed("gone"), User(user_name="local")
    )
    workspace.archives(workspace.snapshot().settings).create("gone")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 1 create ~ 1 update - 1 delete ! 1 conflict", "3 of 3 users in scope")
        await admin.sees("+ create new", "full name (none) -> New")
        await admin.press("down")
        await admin.sees("full name Old Name -> Known")
        await admin.press("down")
        await admin.sees("- delete gone", "archive is removed: it is empty")
        await admin.press("down", "space")
        await admin.sees("Conflicts are never applied.")
        await admin.press("slash")
        await admin.type("KNOWN")
        await admin.sees("(all: 4)")
        await admin.press("escape", "s")
        await admin.sees("Synchronize now?")
        await admin.press("y")
        await admin.sees("Done: + 1 create ~ 1 update - 1 delete", "+ created")
        await admin.press("home", "down", "down")
        await admin.sees("archive removed: it was empty")
        assert not workspace.archives(workspace.snapshot().settings).path("gone").exists()
        await admin.press("space")
        await admin.sees("These changes are applied. Run Test Settings (t)")
        await admin.press("escape")
        await admin.sees("! 1 conflict 3 of 3 users in scope")
        await admin.press("s")
        await admin.sees("The plan has nothing to apply.")


async def test_synchronize_now_asks_the_directory_itself(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "s")
        await admin.sees("Synchronize now?", "+ 1 create")
        await admin.press("n")
        assert set(admin.app.workspace.snapshot().users) == {"root"}


async def test_a_question_waits_on_its_own_screen(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = asyncio.Event()

    async def slow(*_arguments: Any) -> Listing:
        await answered.wait()
        return answer(listed("anna"))

    answering_by(monkeypatch, slow)
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "s", "f6")
        await admin.sees("root", "Details")
        answered.set()
        await admin.pilot.pause(0.3)
        await admin.press("y")
        assert "Synchronize now?" not in admin.text
        await admin.press("f5")
        await admin.sees("Synchronize now?", "+ 1 create")
        await admin.press("y")
        await admin.sees("Done: + 1 create")


async def test_the_guard_needs_the_exact_number(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(*(managed(f"user{number}") for number in range(5)))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("All 5 managed users would be deleted.")
        await admin.press("s")
        await admin.sees("Type 5 to delete 5 users", "- 5 delete", "Enter Delete 5 users")
        await admin.press("4", "enter")
        await admin.sees("This is not the number of deletions.")
        await admin.press("backspace", "5", "enter")
        await admin.sees("Done: + 1 create - 5 delete")
        assert set(workspace.snapshot().users) == {"root", "anna"}


async def test_deletions_can_be_held_back(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(*(managed(f"user{number}") for number in range(5)))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "s")
        await admin.sees("to delete")
        await admin.press("h")
        await admin.sees("Done: + 1 create skipped 5", "+1, 5 held back")
        await admin.press("j")
        await admin.sees("- delete user0", "Left out: not applied.")
        assert "- deleted" not in admin.text
        assert "archive" not in admin.words
        assert len(workspace.snapshot().users) == 7


async def test_the_cursor_stays_while_the_written_store_is_planned_anew(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(*(managed(f"user{number}") for number in range(5)))
    gate = Gate()

    def applied(batch: Batch) -> Snapshot:
        try:
            return workspace.store.apply(batch)
        finally:
            gate.through(len)("")

    async with driving(with_store(workspace, apply=applied), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("1 of 6", "+ create")
        await admin.press("s")
        await admin.sees("to delete")
        await admin.press_until_it_waits("h", gate)
        while not admin.app.snapshot.users.get("anna"):
            await admin.settle()
        await admin.settle()
        assert "1 of 6" in admin.text
        gate.open()
        await admin.sees("Done: + 1 create skipped 5", "1 of 6")


async def test_an_empty_answer_deletes_nobody(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    async with driving(filled(managed("anna")), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("The directory listed no users at all")
        await admin.press("s")
        assert set(admin.app.workspace.snapshot().users) == {"root", "anna"}


async def test_the_plan_follows_settings_and_store_without_another_fetch(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna", "bert")
    workspace = filled(managed("gone"), auto_delete=False)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 2 create 2 of 2 users in scope")
        requests = len(directory.log)
        other = open_workspace(str(workspace.host_path))
        configure(other, {"auto_delete": True})
        await admin.sees("+ 2 create - 1 delete")
        other.store.apply(Batch([Edit.create(managed("anna"))]))
        await admin.sees("+ 1 create ~ 1 update - 1 delete")
        other.close()
        assert len(directory.log) == requests


async def test_a_stale_plan_is_refused(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "s")
        await admin.sees("Synchronize now?")
        other = open_workspace(str(workspace.host_path))
        other.store.apply(Batch([Edit.create(managed("anna"))]))
        other.close()
        await admin.press("y")
        await admin.sees("The plan is stale", "user “anna” was added")
        await admin.press("enter")
        await admin.sees("~ 1 update")


async def test_skipping_leaves_out_what_depends_on_it(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = filled(managed("anna", email_addresses=["shared@example.com"]), managed("bert"))
    answering(
        monkeypatch,
        answer(listed("anna", "anna@example.com"), listed("bert", "shared@example.com")),
    )
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("~ 2 update")
        await admin.press("space")
        await admin.sees("skipped 2", "Left out too")
        await admin.press("s")
        await admin.sees("The plan has nothing to apply.")


async def test_a_whole_group_is_skipped_and_taken_in(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna", "bert")
    async with driving(filled(managed("gone")), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 2 create - 1 delete")
        await admin.press("space", "home", "a")
        await admin.sees("skipped 2", "+ skipped anna", "+ skipped bert", "- delete gone")
        await admin.press("s")
        await admin.sees("This will: - 1 delete", "Skipped by you: 2.")
        await admin.press("escape", "a")
        await admin.sees("+ create anna", "+ create bert")
        await admin.press("s")
        await admin.sees("This will: + 2 create - 1 delete", "1 empty archive is removed.")


async def test_the_archive_in_sight_tells_its_messages(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(managed("anna"), managed("gone"))
    archives = workspace.archives(workspace.snapshot().settings)
    archives.create("gone")
    for name in "12":
        (archives.path("gone") / "cur" / name).write_text("mail")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("- 1 delete")
        await admin.press("end")
        await admin.sees("- delete gone", "archive stays: 2 messages")
        await admin.press("s")
        await admin.sees("1 archive with mail stays.", "gone archive stays: 2 messages")
        await admin.press("y")
        await admin.sees("- deleted gone", "Done:")
        await admin.press("end")
        await admin.sees("archive kept: 2 messages")


async def test_what_is_entered_and_not_saved_is_in_the_plan_but_not_applied(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    async with driving(filled(managed("gone"), auto_delete=False), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 1 create 1 of 1 user in scope")
        requests = len(directory.log)
        await admin.press("f3")
        await admin.focus("#auto_delete")
        await admin.press("space", "f4")
        await admin.sees("[ ] Export E-mail")
        await admin.press("f5")
        await admin.sees("+ 1 create - 1 delete", "This plan uses unsaved changes on Options")
        await admin.press("s")
        await admin.sees("Save or discard the changes")
        await admin.press("f3", "ctrl+s")
        await admin.sees("Saved.")
        await admin.press("f5")
        await admin.sees("+ 1 create - 1 delete")
        assert "unsaved" not in admin.text
        assert len(directory.log) == requests


async def test_default_privileges_change_the_plan_at_once(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("privileges (none) -> Log on")
        configure(admin.app.workspace, {"default_privileges": ["login", "export"]})
        admin.app.refresh_store()
        await admin.press("end")
        await admin.sees("privileges (none) -> Log on, Export E-mail")


def hostile_listing() -> Listing:
    return answer(
        listed(HOSTILE, full=HOSTILE),
        listed("x" * 10_000),
        listed("anna", full=f"{HOSTILE}{'y' * 10_000}", dn="[/][bold]"),
    )


async def test_hostile_names_are_shown_and_never_obeyed(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, hostile_listing())
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("create")
        for key in ("home", "down", "down", "s"):
            await admin.press(key)
            assert not any(char in admin.text for char in "\x1b\x07\u202e")
        await admin.press("n", "home")
        assert "[/]" in admin.text
        assert admin.app.is_running


class FakeDemo:
    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def switch_directory(self) -> str:
        self.directory.put("anna", "bert")
        return "The directory is another one."


async def test_the_demo_switches_its_directory(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    async with driving(filled(), demo=FakeDemo(directory), **ROOT) as admin:
        await admin.sees("d Switch directory")
        await admin.press("t")
        await admin.sees("+ 1 create")
        await admin.press("d")
        await admin.sees("The directory is another one.", "+ 2 create")
    async with driving(admin.app.workspace, **ROOT) as admin:
        await admin.sees("Test Settings")
        assert "Switch directory" not in admin.text


async def test_synchronize_now_says_if_the_answer_changes_nothing(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("root")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "s")
        await admin.sees("The plan has nothing to apply.", "! 1 conflict 1 of 1 user in scope")
        assert isinstance(admin.app.screen, SynchronizeScreen)


async def test_escape_takes_the_marks_away_first(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna", "bert")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f5", "t")
        await admin.sees("+ 2 create")
        await admin.press("m", "m")
        await admin.sees("2 of 2, 2 marked")
        await admin.press("escape")
        await admin.sees("2 of 2", "+ create anna")
        assert "marked" not in admin.text


async def test_the_guard_s_question_is_read_by_the_arrows(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(*(managed(f"user{number:02}") for number in range(33)))
    folders = workspace.archives(workspace.snapshot().settings)
    for number in ("00", "01"):  # whose archives stay, and who come last
        folders.create(f"user{number}")
        (folders.path(f"user{number}") / "mail").write_text("x")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f5", "s")
        await admin.sees("Type 33 to delete 33 users", "All 33 managed users would be deleted.")
        assert "guard_max" not in admin.words
        assert "archive stays" not in admin.words
        await admin.press(*["down"] * 9)
        await admin.sees("and 23 more")
        await admin.press("escape")
