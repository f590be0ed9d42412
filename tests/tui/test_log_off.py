"""An administrator who is none any more is logged off; who changes the own entry stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from store.files.lock import writer_lock
from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, User
from store.passwords import hash_password
from store.privileges import ADMIN
from sync.demo import Demo
from sync.workspace import Workspace, open_workspace
from tests.support.answers import answering_by
from tests.support.directory import Directory
from tests.support.wrapped_store import Gate, with_store
from tests.tui.driver import PASSWORD, driving, log_on
from tui.screens.logon import LogOnScreen

ANNA = User(user_name="anna", privileges=[ADMIN], password_hash=hash_password(PASSWORD, "anna"))
AS_ANNA = {"administrator": "anna"}
Filled = Callable[..., Workspace]

LOST = {
    "demoted": ({"privileges": ["login"]}, "anna is no longer an administrator."),
    "disabled": ({"privileges": ["none"]}, "anna is no longer an administrator."),
    "deleted": ({}, "anna was deleted or renamed."),
    "renamed": ({"user_name": "anne"}, "anna was deleted or renamed."),
    "switched": (
        {"authentication": DIRECTORY_SERVICES},
        "anna was switched to Directory Services.",
    ),
}
KEPT = {
    "named": {"full_name": "Anna A"},
    "rights": {"folder_privileges": {"anna": ["read"]}},
    "locked out of nothing": {"privileges": [ADMIN], "email_addresses": ["a@b.example"]},
}


def change_elsewhere(workspace: Workspace, **fields: Any) -> None:
    """Change anna as another administrator's session does; delete without fields."""
    other = open_workspace(str(workspace.host_path))
    user = other.snapshot().find("anna")
    assert user
    edit = Edit.update(user, replace(user, **fields)) if fields else Edit.delete(user)
    other.store.apply(Batch([edit]))
    other.close()


@pytest.mark.parametrize("case", LOST)
async def test_who_is_no_administrator_any_more_is_logged_off(filled: Filled, case: str) -> None:
    fields, reason = LOST[case]
    workspace = filled(ANNA)
    async with driving(workspace) as anna:
        await log_on(anna, "anna", PASSWORD)
        await anna.sees("Test Settings")
        await anna.press("f6", "x")
        await anna.sees("Delete")
        change_elsewhere(workspace, **fields)
        await anna.sees("Logged off", reason)
        assert anna.app.administrator is None
        assert anna.app.current_mode == "log_on"
        await anna.press("enter")
        assert isinstance(anna.app.screen, LogOnScreen)
        await anna.press("tab", "tab", "f6")
        await anna.sees("Log on as an administrator first.")
        await log_on(anna, "root", PASSWORD)
        await anna.sees("Test Settings")
        await anna.press("f6")
        await anna.sees("User name", "root")


@pytest.mark.parametrize("case", KEPT)
async def test_who_still_is_one_goes_on(filled: Filled, case: str) -> None:
    """The control: other changes of the own entry log nobody off."""
    workspace = filled(ANNA)
    async with driving(workspace, **AS_ANNA) as anna:
        await anna.press("f6")
        generation = anna.app.snapshot.generation
        change_elsewhere(workspace, **KEPT[case])
        while anna.app.snapshot.generation == generation:
            await anna.pilot.pause(0.05)
        await anna.settle()
        assert anna.app.administrator == "anna"
        assert anna.app.current_mode == "users"


async def test_what_was_not_saved_is_named(filled: Filled) -> None:
    workspace = filled(ANNA)
    async with driving(workspace, **AS_ANNA) as anna:
        await anna.press("f2")
        await anna.focus("#ca_file")
        await anna.type("/ca.pem")
        await anna.press("f6")
        change_elsewhere(workspace, privileges=["login"])
        await anna.sees("Logged off", "Not saved: changes on Connection.")
        await anna.press("enter")
        await log_on(anna, "root", PASSWORD)
        await anna.press("f2")
        await anna.sees("CA file ▌the system's authorities")
        assert "/ca.pem" not in anna.text


async def test_what_is_being_written_is_written_first(filled: Filled) -> None:
    gate, workspace = Gate(), filled(ANNA)
    slow = with_store(workspace, apply=gate.through(workspace.store.apply))
    gate.shut()
    async with driving(slow, **AS_ANNA) as anna:
        await anna.press("f6", "enter", "c")
        await anna.sees("Change root")
        await anna.type("The Root")
        await anna.press("ctrl+s")
        change_elsewhere(workspace)
        await anna.pilot.pause(1.5)
        assert anna.app.current_mode == "users"
        gate.open()
        await anna.sees(
            "anna was deleted or renamed.",
            "Your last change was written whole, or not at all.",
        )
    root = workspace.snapshot().find("root")
    assert root
    assert root.full_name == "The Root"


async def test_a_write_that_waits_tells_for_whom(filled: Filled) -> None:
    workspace = filled(ANNA)
    async with driving(workspace, **AS_ANNA) as anna:
        await anna.press("f6", "enter", "c")
        await anna.sees("Change root")
        await anna.type("The Root")
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await anna.press("ctrl+s")
            assert "Waiting" not in anna.words
            await anna.sees("The store is being written by process", "Waiting for it.")
        await anna.sees("Saved.")


async def test_asking_the_directory_is_given_up(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_arguments: Any) -> None:
        await asyncio.sleep(30)

    answering_by(monkeypatch, slow)
    workspace = filled(ANNA)
    async with driving(workspace, **AS_ANNA) as anna:
        await anna.press("t")
        await anna.sees("Asking the directory")
        change_elsewhere(workspace)
        await anna.sees("Logged off", "anna was deleted or renamed.")


@pytest.mark.parametrize("name", ["anne", "ANNA"])
async def test_who_renames_the_own_entry_stays(filled: Filled, name: str) -> None:
    workspace = filled(ANNA)
    async with driving(workspace, **AS_ANNA) as anna:
        await anna.press("f6", "down", "enter", "r", "ctrl+u")
        await anna.type(name)
        await anna.press("enter")
        await anna.sees(f"Renamed anna to {name}.")
        await anna.pilot.pause(1.2)  # the watch has seen it too
        assert anna.app.administrator == name
        await anna.press("escape")
        assert anna.app.current_mode == "users"
    assert workspace.snapshot().find(name)


async def test_who_switches_the_own_entry_stays(filled: Filled, directory: Directory) -> None:
    directory.put("anna")
    workspace = filled(ANNA)
    async with driving(workspace, **AS_ANNA) as anna:
        for key, says in (("a", "Switched anna to Directory"), ("z", "back to Integrated.")):
            await anna.press("f6", "home", "down", key)
            await anna.sees("?")
            await anna.press("y")
            await anna.sees(says)
            await anna.pilot.pause(1.2)
            assert anna.app.administrator == "anna"


async def test_the_demo_asks_for_a_log_on_then() -> None:
    with Demo() as demo:
        workspace = demo.workspace
        workspace.store.apply(Batch([Edit.create(ANNA)]))
        async with driving(workspace, administrator=demo.administrator, demo=demo) as admin:
            await admin.sees("F5 Synchronize")
            user = workspace.snapshot().find(demo.administrator)
            assert user
            workspace.store.apply(Batch([Edit.delete(user)]))
            await admin.sees("Logged off", f"{demo.administrator} was deleted or renamed.")
            await admin.press("enter")
            await log_on(admin, "anna", PASSWORD)
            await admin.sees("Test Settings")
