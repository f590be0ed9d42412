"""Quick Access: what a user who is no administrator sees and may do, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from store.files.lock import writer_lock
from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password, verify_password
from sync.workspace import Workspace, open_workspace
from tests.support.builders import managed, stored
from tests.support.directory import Directory
from tests.tui.driver import PASSWORD, Driver, driving, log_on
from tui.actions import ACTIONS, APP, ROWS
from tui.app import MailrosterApp
from tui.screens.logon import LogOnScreen
from tui.screens.quick_access import OwnPassword, QuickAccessScreen
from tui.widgets.table import Table

HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x\u202egnp"
NEW = "another few words"
ANNA = User(
    user_name="anna",
    full_name="Anna A",
    email_addresses=["a@b.example"],
    privileges=["login", "changePassword"],
    folder_privileges={"anna": ["read", "write"], "bert": ["read"]},
    password_hash=hash_password(PASSWORD, "anna"),
)


@asynccontextmanager
async def as_anna(workspace: Workspace, **arguments: Any) -> AsyncIterator[Driver]:
    async with driving(workspace, **arguments) as person:
        await log_on(person, "anna", PASSWORD)
        await person.sees("Quick Access")
        yield person


def change_elsewhere(workspace: Workspace, name: str, **fields: Any) -> None:
    """Change a user as another administrator's session does; delete without fields."""
    other = open_workspace(str(workspace.host_path))
    user = stored(other, name)
    edit = Edit.update(user, replace(user, **fields)) if fields else Edit.delete(user)
    other.store.apply(Batch([edit]))
    other.close()


def works(workspace: Workspace, password: str) -> bool:
    return verify_password(password, stored(workspace, "anna").password_hash)


async def enter(person: Driver, current: str, new: str, again: str) -> None:
    """Open the dialog and fill it in."""
    await person.press("p")
    await person.sees("Change your password")
    await person.fill(current, new)
    await person.type(again)
    await person.press("enter")


async def test_own_details_and_privileges(filled: Callable[..., Workspace]) -> None:
    async with as_anna(filled(ANNA)) as anna:
        await anna.sees("Anna A", "Primary address: a@b.example", "Log on, Change own password")
        await anna.sees("anna Read, Write", "bert Read", "p Change password")
        assert "F6" not in anna.text


async def test_the_own_password_is_changed(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA)
    async with as_anna(workspace) as anna:
        await enter(anna, PASSWORD, NEW, NEW)
        await anna.sees("Changed your password.")
        assert works(workspace, NEW)
        assert not works(workspace, PASSWORD)
        assert stored(workspace, "anna") == replace(
            ANNA, **{name: getattr(stored(workspace, "anna"), name) for name in WRITTEN}
        )


WRITTEN = ("password_hash", "created", "changed", "rev")


async def test_a_wrong_current_password_changes_nothing_and_counts(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA)
    async with as_anna(workspace) as anna:
        await enter(anna, "wrong horse battery", NEW, NEW)
        await anna.sees("The current password is wrong. Nothing was changed.")
        assert workspace.lockout.failures("anna", None)[0].failed == 1
        assert works(workspace, PASSWORD)
        await anna.type(PASSWORD)
        await anna.press("tab", "tab", "enter")
        await anna.sees("Changed your password.")
        assert works(workspace, NEW)


async def test_the_rules_of_a_password_hold(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA)
    async with as_anna(workspace) as anna:
        await enter(anna, PASSWORD, "short", "short")
        await anna.sees("fewer than 15 characters")
        assert isinstance(anna.app.screen, OwnPassword)
        assert works(workspace, PASSWORD)


async def test_password_fields_give_nothing_to_the_clipboard(
    filled: Callable[..., Workspace],
) -> None:
    async with as_anna(filled(ANNA)) as anna:
        await enter(anna, "secret one", "secret two", "secret three")
        for field in anna.app.screen.query(Input):
            field.focus()
            await anna.press("home", "shift+end", "ctrl+c", "ctrl+x")
            assert field.value.startswith("secret")
        assert anna.app.clipboard == ""
        assert "secret" not in anna.text


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"privileges": ["login"]}, "You have no privilege to change your password"),
        ({"authentication": "directory_services"}, "Your password is the directory's"),
    ],
)
async def test_who_may_not_is_told_why(
    filled: Callable[..., Workspace], directory: Directory, fields: dict[str, Any], reason: str
) -> None:
    directory.put(anna=PASSWORD)
    async with as_anna(filled(replace(ANNA, **fields))) as anna:
        await anna.sees(reason)
        await anna.press("p")
        await anna.sees(f"{reason}")
        assert isinstance(anna.app.screen, QuickAccessScreen)


async def test_a_read_only_session_changes_no_password(filled: Callable[..., Workspace]) -> None:
    async with as_anna(filled(ANNA), readonly=True) as anna:
        await anna.press("p")
        await anna.sees("This session is read-only")
        assert isinstance(anna.app.screen, QuickAccessScreen)


async def test_nothing_administrative_is_reached_by_key_or_name(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA)
    before = workspace.snapshot()
    async with as_anna(workspace) as anna:
        for action in ACTIONS:
            if action.scope not in ("quick", "dialog", "message") and action.name != "quit":
                for key in action.key.split(","):
                    if key not in ("escape", "ctrl+p", "f1", "p", "q", "ctrl+q"):
                        await anna.press(key)
                await anna.app.run_action(f"app.{action.name}")
                while not isinstance(anna.app.screen, QuickAccessScreen | LogOnScreen):
                    await anna.press("escape")
                if isinstance(anna.app.screen, LogOnScreen):
                    assert action.name == "back"
                    await log_on(anna, "anna", PASSWORD)
                    await anna.sees("Quick Access")
        assert anna.app.administrator is None
        assert anna.app.current_mode == "_default"
    assert workspace.snapshot() == before


async def test_the_palette_offers_nothing_administrative(
    filled: Callable[..., Workspace],
) -> None:
    async with as_anna(filled(ANNA)) as anna:
        for label in ("Connection", "Options", "Privileges", "Synchronize", "Users"):
            await anna.press("ctrl+p")
            await anna.type(label)
            await anna.sees("not now: Log on as an administrator first.")
            await anna.press("enter")
            await anna.sees("Quick Access", "Log on as an administrator first.")
            assert isinstance(anna.app.screen, QuickAccessScreen)
        await anna.press("ctrl+p")
        hits = [found.label for found in anna.app.screen.query_one(Table).rows]
        own = [action.label for action in ACTIONS if action.scope in ("quick", ROWS, APP)]
        own.remove("Actions")  # the palette itself is not in it
        assert sorted(hits) == sorted(own)
        for administrative in ("anna", "root", "url", "nord"):
            await anna.press("ctrl+u")
            await anna.type(administrative)
            await anna.sees("Nothing with that name was found.")


async def test_an_administrator_does_get_there(filled: Callable[..., Workspace]) -> None:
    """The control of the two tests above."""
    async with driving(filled(ANNA)) as admin:
        await log_on(admin, "root", PASSWORD)
        await admin.sees("Test Settings")
        modes = [action.name for action in ACTIONS if action.scope == APP]
        for name in filter(MailrosterApp.MODES.__contains__, modes):
            await admin.app.run_action(f"app.{name}")
            assert admin.app.current_mode == name
            await admin.settle()


async def test_escape_logs_off_and_the_next_one_can_log_on(
    filled: Callable[..., Workspace],
) -> None:
    async with as_anna(filled(ANNA)) as anna:
        await anna.press("escape")
        assert isinstance(anna.app.screen, LogOnScreen)
        await log_on(anna, "root", PASSWORD)
        await anna.sees("Test Settings")


async def test_the_screen_follows_the_store(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA)
    async with as_anna(workspace) as anna:
        change_elsewhere(workspace, "anna", full_name="Anna B", privileges=["login"])
        await anna.sees("Anna B", "You have no privilege to change your password")
        await anna.press("p")
        assert isinstance(anna.app.screen, QuickAccessScreen)


@pytest.mark.parametrize("fields", [{"privileges": ["none"]}, {}], ids=["disabled", "deleted"])
async def test_whoever_may_not_log_on_any_more_is_logged_off(
    filled: Callable[..., Workspace], fields: dict[str, Any]
) -> None:
    workspace = filled(ANNA)
    async with as_anna(workspace) as anna:
        await anna.press("p")
        await anna.type("half a pass")
        change_elsewhere(workspace, "anna", **fields)
        await anna.sees("Logged off", "lost the right to log on")
        await anna.press("enter")
        assert isinstance(anna.app.screen, LogOnScreen)
        await log_on(anna, "anna", PASSWORD)
        await anna.sees("or this user may not log on")


async def test_a_privilege_taken_away_meanwhile_keeps_the_password(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA)
    async with as_anna(workspace) as anna:
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await enter(anna, PASSWORD, NEW, NEW)
            await anna.sees("Changing ...")
            await anna.press("escape")
            await anna.sees("mailroster is changing the password. Wait a moment.")
        await anna.sees("Changed your password.")
        await enter(anna, NEW, PASSWORD, "")
        change_elsewhere(workspace, "anna", privileges=["login"])
        await anna.type(PASSWORD)
        await anna.press("enter")
        await anna.sees("You have no privilege to change your password", "Nothing was written.")
        assert works(workspace, NEW)


async def test_help_leaves_out_the_screens_of_administrators(
    filled: Callable[..., Workspace],
) -> None:
    async with as_anna(filled(ANNA)) as anna:
        await anna.press("f1")
        await anna.sees("Change password: Change your own local password.", "Quit: Leave")
        assert "Connection" not in anna.text
        assert "as an administrator" not in anna.text


async def test_hostile_fields_are_shown_and_never_obeyed(filled: Callable[..., Workspace]) -> None:
    bad = replace(
        ANNA,
        full_name=HOSTILE,
        distinguished_name=HOSTILE * 50,
        email_addresses=[HOSTILE],
        folder_privileges={HOSTILE: ["read"]},
    )
    async with as_anna(filled(bad, managed("bert"))) as anna:
        await anna.sees(r"\x1b]52")
        for key in ("p", "escape", "f1", "escape", "down"):
            await anna.press(key)
            assert not any(char in anna.text for char in "\x1b\x07\u202e")
        assert anna.app.is_running
