"""What is done to one user on the user's page, and to all marked ones on the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from store.models import DIRECTORY_SERVICES, INTEGRATED, User
from store.passwords import hash_password
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import Workspace
from tests.support.answers import silent
from tests.support.builders import answer, listed, managed, stored
from tests.support.directory import Directory
from tests.tui.driver import PASSWORD, Driver, driving

ROOT = {"administrator": "root"}


def local(name: str, *privileges: str) -> User:
    hashed = hash_password(PASSWORD, name)
    return User(user_name=name, privileges=list(privileges or ("login",)), password_hash=hashed)


async def switch_on_the_page(admin: Driver) -> None:
    await admin.press("f6", "down", "enter", "a")
    await admin.sees("Switch anna to Directory Services?", "The directory knows anna.")
    await admin.press("y")
    await admin.sees("Switched anna to Directory Services.", "Local password: set")


async def test_the_method_is_switched_on_the_users_page(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(local("anna"))
    async with driving(workspace, **ROOT) as admin:
        await switch_on_the_page(admin)
        await admin.press("a")
        await admin.sees("Switch anna to Integrated?")
        await admin.press("n")
        assert stored(workspace, "anna").authentication == DIRECTORY_SERVICES
        await admin.press("escape")
        await admin.sees("Directory Services", "2 of 2")


async def test_asking_for_a_switch_can_be_given_up_on_the_users_page(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(monkeypatch)
    async with driving(filled(local("anna")), **ROOT) as admin:
        await admin.press("f6", "down", "enter", "a")
        await admin.sees("Asking the directory ... Esc cancels.")
        await admin.press("escape")
        await admin.sees("Archive folder of")
        await admin.press("escape")
        await admin.sees("2 of 2")


WHY = {
    "a user of the directory who is not listed": (
        managed("anna"),
        ["This user cannot log on.", "The directory does not list “anna”."],
    ),
    "a local user without the privilege": (
        local("anna", "export"),
        ["This user cannot log on.", "include neither “Log on” nor “Administrator”"],
    ),
    "a local user": (
        local("anna"),
        ["Nothing that was looked at keeps this user from logging on."],
    ),
}


@pytest.mark.parametrize("case", WHY)
async def test_why_a_user_can_or_cannot_log_on_stands_beside_the_user(
    filled: Callable[..., Workspace], case: str
) -> None:
    user, says = WHY[case]
    async with driving(filled(user), **ROOT) as admin:
        await admin.press("f6", "down", "enter")
        await admin.sees("Archive folder of")
        await admin.press("e")
        await admin.sees("User name: anna", *says)
        await admin.press("escape")
        await admin.sees("User name: anna", "Archive folder of")
        await admin.press("e")
        await admin.sees(*says)
        await admin.press("e")
        await admin.sees("Archive folder of")


async def test_between_the_narrow_and_the_wide_page_the_top_line_stays(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(local("anna")), **ROOT) as admin:
        await admin.press("f6", "down", "enter")
        for columns in (80, 110, 120):
            await admin.pilot.resize_terminal(columns, 40)
            await admin.sees("Archive folder of")
            top, *_ = admin.text.splitlines()
            assert ("root@" in top) == (columns >= 100), top
            await admin.press("e")
            await admin.sees("Nothing that was looked at")
            assert ("Archive folder of" in admin.text) == (columns >= 120)
            await admin.press("e")


async def test_a_directory_that_is_silent_is_given_up(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(monkeypatch)
    async with driving(filled(managed("anna")), **ROOT) as admin:
        await admin.press("f6", "down", "e")
        await admin.sees("mailroster asks it")
        await admin.press("escape")
        await admin.sees("Stopped asking the directory.")
        await admin.press("escape")
        await admin.sees("2 of 2")


def lived(workspace: Workspace) -> None:
    """Anna comes, gets a right, is renamed, loses it, goes and comes back."""
    apply_plan(workspace, preview(workspace, answer(listed("anne", dn="CN=A", full="Anna"))))
    by_hand.change_privileges(workspace, [stored(workspace, "anne")], ["archive"])
    by_hand.rename_user(workspace, stored(workspace, "anne"), "anna")
    by_hand.set_privileges(workspace, stored(workspace, "anna"), folders={"root": ["read"]})
    by_hand.change_privileges(workspace, [stored(workspace, "anna")], (), ["archive"])
    apply_plan(workspace, preview(workspace, answer(listed("zoe"))), allow_deletes=1)
    back = answer(listed("anna", dn="CN=A", full="Anna"), listed("zoe"))
    apply_plan(workspace, preview(workspace, back))


async def test_a_users_story_is_told_over_renames(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    lived(workspace)
    async with driving(workspace, **ROOT) as admin:
        await admin.pilot.resize_terminal(80, 60)
        await admin.press("f6", "slash")
        await admin.type("anna")
        await admin.press("enter", "h")
        await admin.sees("+ created", "given: Log on", "given: Archive E-mail", "> renamed")
        await admin.sees("user name: anne -> anna", "ended: Archive E-mail", "- deleted")
        await admin.sees("given: Read on the archive folder of root", "+ returned", "by root")
        runs = [run.id for run in workspace.snapshot().history.runs]
        await admin.sees(*runs)
        shown = admin.words
        places = [shown.index(run) for run in runs]
        assert places == sorted(places, reverse=True), "the newest first"


async def test_the_story_of_a_user_who_is_gone_is_told_from_a_run(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(local("anna"))
    by_hand.delete_users(workspace, [stored(workspace, "anna")])
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f7", "enter")
        await admin.sees("- deleted")
        await admin.press("h")
        await admin.sees("History of anna", "deleted by hand", "ended: Log on")


async def test_beside_the_details_is_the_story_where_there_is_room(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(local("anna"))
    by_hand.change_privileges(workspace, [stored(workspace, "anna")], ["export"])
    async with driving(workspace, **ROOT) as admin:
        await admin.pilot.resize_terminal(120, 40)
        await admin.press("f6", "down", "enter")
        await admin.sees("Archive folder of", "given: Export E-mail")
        by_hand.change_privileges(workspace, [stored(workspace, "anna")], (), ["export"])
        await admin.sees("ended: Export E-mail")
        await admin.press("escape")
        await admin.sees("2 of 2")


async def test_marked_users_get_a_privilege_in_one_run(filled: Callable[..., Workspace]) -> None:
    """Each keeps the others that it has; an administrator stays one."""
    users = [managed(f"user{n:02}") for n in range(40)]
    workspace = filled(*users, local("anna", "export"), local("bert", "archive"))
    before = workspace.snapshot()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "m", "v")
        await admin.sees("Privileges of 43 users", "[~] Administrator", "[ ] Change own password")
        await admin.press("r")
        await admin.sees("[x] Archive E-mail", "[~] Administrator", "[~] Export E-mail")
        await admin.press("ctrl+s")
        await admin.sees("Change the privileges of 43 users?", "+ Archive E-mail: 41 users")
        await admin.sees("Unchanged: 2 users.", "and 31 more")
        await admin.press("n")
        assert workspace.snapshot().generation == before.generation
        await admin.press("v", "r", "ctrl+s")
        await admin.sees("Change the privileges of 43 users?")
        await admin.press("y")
        await admin.sees("Saved the privileges of 43 users.")
        assert "marked" not in admin.text
    after = workspace.snapshot()
    assert after.generation == before.generation + 1
    assert len(after.history.runs) == len(before.history.runs) + 1
    assert after.users["root"]["privileges"] == ["admin"]
    assert after.users["anna"]["privileges"] == ["archive", "export"]
    assert after.users["bert"]["privileges"] == ["archive"]
    assert after.users["user39"]["privileges"] == ["login", "archive"]


async def test_a_box_that_only_some_have_goes_on_and_back(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(local("anna", "login", "export"), local("bert"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "space", "space", "v")
        for shown in ("[~]", "[x]", "[ ]", "[~]"):
            await admin.sees(f"{shown} Export E-mail")
            await admin.press("e")
        await admin.press("e")
        await admin.sees("[ ] Export E-mail")
        await admin.press("ctrl+s")
        await admin.sees("- Export E-mail: 1 user", "Unchanged: 1 user.")
        await admin.press("y")
        await admin.sees("Saved the privileges of 2 users.")
        assert stored(workspace, "anna").privileges == ["login"]


async def test_nothing_to_change_is_said(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna", "login", "archive"), local("bert"))
    generation = workspace.snapshot().generation
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "space", "space", "v", "ctrl+s")
        await admin.sees("Nothing was changed")
    assert workspace.snapshot().generation == generation


async def test_the_last_administrator_keeps_the_privilege(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(local("anna")), **ROOT) as admin:
        await admin.press("f6", "v", "l", "ctrl+s")
        await admin.sees("Not done: Privileges", "last administrator")


async def test_marked_users_are_unlocked_together(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"), local("bert"), local("carl"))
    for name in ("anna", "bert"):
        workspace.lockout.settle(name, None, right=False)
    runs = len(workspace.snapshot().history.runs)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "space", "space", "space", "u")
        await admin.sees("Unlock 3 users?", "anna", "bert", "carl")
        await admin.press("y")
        await admin.sees("Unlocked 2 users; cleared 2 failed log-ons.")
        await admin.press("escape", "end", "u")
        await admin.sees("carl has no failed log-ons.")
    assert len(workspace.snapshot().history.runs) == runs + 1


async def test_change_and_rename_from_the_list(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "c")
        await admin.sees("Change anna")
        await admin.type("Anna A")
        await admin.press("ctrl+s")
        await admin.sees("Saved.", "Anna A")
        await admin.press("r")
        await admin.sees("Rename anna")
        await admin.type("anne")
        await admin.press("enter")
        await admin.sees("Renamed anna to anne.", "anne Anna A")
        assert stored(workspace, "anne").authentication == INTEGRATED


async def test_root_who_renames_the_own_entry_on_the_list_stays(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "r")
        await admin.type("chief")
        await admin.press("enter")
        await admin.sees("Renamed root to chief.")
        assert admin.app.administrator == "chief"


async def test_nothing_is_written_about_a_user_who_is_gone(
    filled: Callable[..., Workspace],
) -> None:
    """But the story of that user can still be read."""
    workspace = filled(local("anna"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "enter")
        await admin.sees("User name: anna")
        by_hand.delete_users(workspace, [stored(workspace, "anna")])
        await admin.app.reload()
        await admin.sees("User name: anna")
        for key in ("a", "v", "c", "e", "x"):
            await admin.press(key)
            await admin.sees("Somebody else deleted or renamed anna.")
        await admin.press("h")
        await admin.sees("- deleted", "deleted by hand")


async def test_a_pinned_entry_is_not_lost_by_a_change(filled: Callable[..., Workspace]) -> None:
    workspace = filled(replace(managed("anna"), pinned=True))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "v", "r", "ctrl+s")
        await admin.sees("Saved the privileges of anna.")
    assert stored(workspace, "anna").pinned


async def test_the_address_is_copied(filled: Callable[..., Workspace]) -> None:
    workspace = filled(managed("anna", email_addresses=["anna@example.com", "a@example.com"]))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "at")
        await admin.sees("root has no e-mail address.")
        await admin.press("down", "at")
        await admin.sees("Copied: anna@example.com")
        assert admin.app.clipboard == "anna@example.com"
        await admin.press("enter", "y", "at")
        assert admin.app.clipboard == "anna@example.com"
