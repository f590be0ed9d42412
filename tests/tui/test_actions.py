"""The registry: every action is bound, can be called, and is in help and palette."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.binding import Binding

from sync.workspace import Workspace
from tests.support.builders import managed
from tests.tui.driver import Driver, driving
from tui.actions import ACTIONS, APP, ROWS, Action, actions_of
from tui.app import MailrosterApp
from tui.finding import Found
from tui.screens import (
    connection,
    connection_dialogs,
    dialogs,
    first_administrator,
    history,
    logon,
    options,
    palette,
    pinned,
    privileges,
    quick_access,
    run,
    sync_questions,
    synchronize,
    undo,
    user,
    user_dialogs,
    user_form,
    users,
)
from tui.screens.base import BaseScreen
from tui.screens.palette import Palette
from tui.widgets.filtered_table import FilterField
from tui.widgets.keys import KeyLine
from tui.widgets.table import Table

OWNERS: list[type[Any]] = [
    MailrosterApp,
    logon.LogOnScreen,
    first_administrator.FirstAdministratorScreen,
    quick_access.QuickAccessScreen,
    quick_access.OwnPassword,
    connection.ConnectionScreen,
    options.OptionsScreen,
    privileges.PrivilegesScreen,
    synchronize.SynchronizeScreen,
    users.UsersScreen,
    user.UserScreen,
    user_form.NewUserScreen,
    history.HistoryScreen,
    run.RunScreen,
    undo.UndoScreen,
    pinned.PinnedScreen,
    user_dialogs.ChooseMethod,
    user_dialogs.EditUser,
    user_dialogs.ChoosePrivileges,
    user_dialogs.FolderRights,
    dialogs.Message,
    dialogs.Confirm,
    dialogs.Entry,
    dialogs.NewPassword,
    dialogs.TypedNumber,
    sync_questions.RenameQuestion,
    sync_questions.LinkQuestion,
    sync_questions.ReturnQuestion,
    sync_questions.IdsQuestion,
    connection_dialogs.CertificateDialog,
    connection_dialogs.TryLogOn,
    palette.Palette,
    FilterField,
    Table,
]
SCREENS = {
    "f2": "connection",
    "f3": "options",
    "f4": "privileges",
    "f5": "synchronize",
    "f6": "users",
    "f7": "history",
}


def found_by(admin: Driver) -> list[Found]:
    """What the palette shows."""
    palette = admin.app.screen
    assert isinstance(palette, Palette)
    return palette.query_one(Table).rows


def owners_of(action: Action) -> list[type[Any]]:
    return [owner for owner in OWNERS if action.scope in getattr(owner, "SCOPES", (APP,))]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_bound_where_it_belongs(action: Action) -> None:
    owners = owners_of(action)
    assert owners
    for owner in owners:
        bound = {item.id: item for item in owner.BINDINGS if isinstance(item, Binding)}
        assert bound[action.id].key == action.key
        assert bound[action.id].tooltip == action.tooltip
        assert callable(getattr(owner, f"action_{action.name}"))


def test_no_key_means_two_things_on_one_screen() -> None:
    for owner in OWNERS:
        scopes = getattr(owner, "SCOPES", (APP,))
        if issubclass(owner, BaseScreen):
            scopes = (*scopes, APP)
        if "table" in scopes:
            scopes = (*scopes, ROWS)
        keys = [key for action in actions_of(*scopes) for key in action.key.split(",")]
        assert len(keys) == len(set(keys)), owner


@pytest.mark.parametrize("key", SCREENS)
async def test_help_palette_and_key_line_show_every_action(
    key: str, filled: Callable[..., Workspace]
) -> None:
    async with driving(filled(), administrator="root") as admin:
        await admin.sees("Synchronize now")
        await admin.press(key)
        screen = admin.app.screen
        assert isinstance(screen, BaseScreen)
        own = actions_of(*screen.scopes)
        words = {action: f"{action.key_text} {action.label}" for action in own}
        await admin.sees(*(text for action, text in words.items() if not action.rare))
        assert not [text for action, text in words.items() if action.rare and text in admin.words]

        await admin.press("ctrl+p")
        for action in (*own, *actions_of(APP)):
            if action.name != "command_palette":
                await admin.press("ctrl+u")
                await admin.type(action.label)
                shown = [(found.label, found.where) for found in found_by(admin)]
                assert (action.label, action.key_text) in shown
                assert shown[0][0] == action.label
        await admin.press("escape")

        await admin.press("f1")
        await admin.sees("Help", "On this screen")
        shown = str(admin.app.screen.query(".text Static").first().render())
        for action in (*own, *actions_of(APP)):
            assert f"{action.key_text}  {action.label}: {action.tooltip}" in shown
        await admin.press("escape")
        assert admin.app.screen is screen


async def test_what_cannot_be_done_is_greyed_and_says_why(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(directory_service="none"), administrator="root") as admin:
        await admin.press("f5")
        await admin.press("t")
        await admin.sees("No directory service is set up")
        shown = admin.app.screen.active_bindings
        assert not shown["t"].enabled
        assert not shown["slash"].enabled  # there is no list yet
        assert shown["f1"].enabled


async def test_a_filter_that_matches_nothing_greys_what_needs_a_row(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), administrator="root") as admin:
        await admin.press("f6", "slash")
        await admin.type("nobody")
        await admin.press("enter")
        await admin.sees("0 of 0")
        shown = admin.app.screen.query_one(KeyLine).content
        dim = {
            shown.plain[span.start : span.end] for span in shown.spans if "dim" in str(span.style)
        }
        assert {" Delete ", " Details ", " Mark "} <= dim
        assert " New " not in dim


async def test_the_palette_runs_actions_and_says_why_not(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), administrator="root") as admin:
        await admin.press("f6", "slash")
        await admin.type("nobody")
        await admin.press("ctrl+p")
        await admin.type("Delete")
        await admin.sees("not now: This list is empty.")
        await admin.press("enter")
        await admin.sees("This list is empty.", "To the lines")
        await admin.press("ctrl+p")
        await admin.type("Options")
        await admin.sees("Set automatic deletion, delete guard")
        await admin.press("enter")
        await admin.sees("Automatically delete users")


async def test_nothing_but_log_on_before_log_on(filled: Callable[..., Workspace]) -> None:
    async with driving(filled()) as admin:
        await admin.sees("User name", "Password")
        await admin.press("f6")
        await admin.sees("Log on as an administrator first.")
        assert isinstance(admin.app.screen, logon.LogOnScreen)


@pytest.mark.parametrize("key", SCREENS)
async def test_every_screen_can_be_left_with_escape(
    key: str, filled: Callable[..., Workspace]
) -> None:
    async with driving(filled(), administrator="root") as admin:
        await admin.sees("Synchronize now")
        await admin.press(key, "escape")
        await admin.sees("Test Settings (t)")


@pytest.mark.parametrize("owner", [owner for owner in OWNERS if issubclass(owner, dialogs.Dialog)])
def test_every_dialog_can_be_left_with_escape(owner: type[dialogs.Dialog[Any]]) -> None:
    keys = [key for action in actions_of(*owner.SCOPES) for key in action.key.split(",")]
    assert "escape" in keys


ROOT = {"administrator": "root"}


async def test_letters_move_in_a_list(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(*(managed(f"user{n}") for n in range(5))), **ROOT) as admin:
        await admin.press("f6")
        for keys, place in (("j", 2), ("j", 3), ("k", 2), ("G", 6), ("g", 1)):
            await admin.press(keys)
            await admin.sees(f"{place} of 6")


async def test_what_is_under_the_cursor_is_copied(filled: Callable[..., Workspace]) -> None:
    workspace = filled(
        managed("anna", email_addresses=["a@example.com"]), managed("\x1b]52;c;ZXZpbA==\x07")
    )
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "y")
        await admin.sees("Copied: anna")
        assert admin.app.clipboard == "anna"
        await admin.press("Y")
        assert admin.app.clipboard.split("\t")[0] == "anna"
        assert "a@example.com" in admin.app.clipboard
        await admin.press("down", "y")
        assert "\x1b" not in admin.app.clipboard
        assert admin.app.clipboard != "a@example.com"


async def test_help_is_there_in_dialogs_and_by_a_question_mark(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "question_mark")
        await admin.sees("On this screen")
        await admin.press("pagedown")
        await admin.sees("Go to the line above")
        await admin.press("escape", "p", "f1")
        await admin.sees("Help", "Take what was entered")
        await admin.press("f1", "escape")
        await admin.sees("Once more")
