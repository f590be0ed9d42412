"""The palette: everything is found from everywhere, and done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store.files.lock import writer_lock
from store.models import User
from sync.workspace import Workspace
from tests.support.builders import managed
from tests.tui.driver import driving
from tui.setting_places import setting_places
from tui.widgets.table import Table

ROOT = {"administrator": "root"}
HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x\u202egnp"


async def test_a_user_is_found_by_name_or_address_and_opened(
    filled: Callable[..., Workspace],
) -> None:
    anna = managed("anna", full_name="Anna Meier", email_addresses=["office@example.com"])
    async with driving(filled(anna, managed("bert")), **ROOT) as admin:
        for query in ("anna", "meier", "office@ex"):
            await admin.press("f3", "ctrl+p")
            await admin.type(query)
            await admin.press("enter")
            await admin.sees("User name: anna", "office@example.com")
            await admin.press("escape")
            await admin.sees("1 of 3")


async def test_an_action_of_another_screen_is_done_there(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f3", "ctrl+p")
        await admin.type("new rule")
        await admin.press("escape", "f6", "ctrl+p")
        await admin.type("test settings")
        await admin.sees("Test Settings Synchronize, t")
        await admin.press("enter")
        await admin.sees("0 of 0 users in scope")
        await admin.press("ctrl+p")
        await admin.type("pinned users")
        await admin.press("enter")
        await admin.sees("No user is pinned.")


async def test_what_cannot_be_done_there_says_why(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(directory_service="none"), **ROOT) as admin:
        await admin.press("f6", "ctrl+p")
        await admin.type("test settings")
        await admin.press("enter")
        await admin.sees("No directory service is set up")


PLACED = [place for place in setting_places() if place.mode and not place.key.startswith("ldap")]


@pytest.mark.parametrize("mode", dict.fromkeys(place.mode for place in PLACED))
async def test_a_setting_is_found_by_key_and_label_and_gets_the_focus(
    filled: Callable[..., Workspace], mode: str
) -> None:
    places = [place for place in PLACED if place.mode == mode]
    async with driving(filled(), **ROOT) as admin:
        for key, query in ((place.key, by) for place in places for by in (place.key, place.label)):
            await admin.press("f7", "ctrl+p")
            await admin.sees("Find an action")
            await admin.type(query)
            await admin.sees(key)
            table = admin.app.screen.query_one(Table)
            assert key in [found.also for found in table.rows]
            while table.current.also != key:  # type: ignore[union-attr]
                await admin.press("down")
            await admin.press("enter")
            await admin.settle()
            focused = admin.app.focused
            if key == "pinned_certificate":  # which is nothing to be entered
                await admin.sees("does not have this setting")
            else:
                assert focused is not None
                assert key in [node.id for node in focused.ancestors_with_self]


async def test_a_setting_of_another_type_or_of_the_command_line_says_so(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("ctrl+p")
        await admin.type("ldap_base")
        await admin.press("enter")
        await admin.sees("The chosen directory service does not have this setting.")
        await admin.press("ctrl+p")
        await admin.type("history_max_mib")
        await admin.press("enter")
        await admin.sees("mailroster settings set history_max_mib=VALUE")


async def test_a_screen_on_which_something_is_open_says_so(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(managed("anna")), **ROOT) as admin:
        await admin.press("f6", "down", "enter")
        await admin.sees("Archive folder of")
        await admin.press("f5", "ctrl+p")
        await admin.type("add a user")
        await admin.press("enter")
        await admin.sees("Close what is open on Users first.", "User name: anna")


async def test_a_question_that_is_open_there_is_no_setting(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(directory_service="none"), **ROOT) as admin:
        lock = admin.app.workspace.host_path.with_name("users.json.lock")
        await admin.press("f2")
        await admin.type("http://127.0.0.1:1/")
        with writer_lock(lock):
            await admin.press("ctrl+s", "f5")
            await admin.sees("Waiting for it.")
        await admin.sees("Saved.")
        await admin.press("ctrl+p")
        await admin.type("url")
        await admin.press("enter")
        await admin.sees("Close what is open on Connection first.", "Saved. Test Settings now?")


async def test_a_theme_is_tried(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("ctrl+p")
        await admin.type("nord")
        await admin.press("enter")
        await admin.sees('To keep this theme, write theme = "nord" in tui.toml.')
        assert admin.app.theme == "nord"


async def test_without_colours_there_is_no_other_theme(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), plain_colours=True, **ROOT) as admin:
        before = admin.app.theme
        await admin.press("ctrl+p")
        await admin.type("nord")
        await admin.press("enter")
        await admin.sees("This session uses the terminal's own colours.")
        assert admin.app.theme == before


async def test_before_the_log_on_nobody_is_found(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(managed("anna"))) as admin:
        await admin.sees("Log on")
        await admin.press("ctrl+p")
        await admin.type("anna")
        await admin.sees("Nothing with that name was found.")
        await admin.press("enter")
        await admin.sees("Nothing with that name was found.")
        await admin.press("ctrl+u")
        await admin.type("url")
        await admin.sees("Nothing with that name was found.")


async def test_nothing_of_a_hostile_name_is_obeyed(filled: Callable[..., Workspace]) -> None:
    workspace = filled(User(user_name="anna", full_name=HOSTILE, email_addresses=["a@b.example"]))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("ctrl+p")
        await admin.type("anna")
        await admin.sees(r"\x1b]52")
        await admin.press("enter")
        await admin.sees("User name: anna")


async def test_esc_and_arrows(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "ctrl+p")
        await admin.sees("Find an action", "Enter Go")
        first = admin.app.screen.query_one(Table).current
        await admin.press("down", "down", "up", "pagedown", "pageup")
        assert admin.app.screen.query_one(Table).current is not first
        await admin.press("escape")
        await admin.sees("1 of 1")
