"""Log on, and the first administrator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from rich.color import Color as RichColor
from textual import events
from textual.widgets import Input

from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, User
from store.privileges import ADMIN
from sync.workspace import Workspace
from tests.support.builders import managed
from tests.tui.driver import PASSWORD, PATIENCE, Driver, driving, log_on, screen_lines
from tui.colours import DARK


async def test_wrong_password_then_right(filled: Callable[..., Workspace]) -> None:
    async with driving(filled()) as admin:
        await log_on(admin, "root", "wrong")
        await admin.sees("The user name or the password is wrong")
        assert admin.app.screen.query_one("#password", Input).value == ""
        await log_on(admin, "root", PASSWORD)
        await admin.sees("Test Settings")
        assert admin.app.administrator == "root"


async def test_an_outage_is_no_wrong_password(filled: Callable[..., Workspace]) -> None:
    boss = User(user_name="boss", authentication=DIRECTORY_SERVICES, privileges=[ADMIN])
    async with driving(filled(boss, url="http://127.0.0.1:1/")) as admin:
        await log_on(admin, "boss", "whatever")
        await admin.sees("mailroster cannot check the password now.", "refused the connection")


async def test_the_key_is_greyed_until_both_are_entered(filled: Callable[..., Workspace]) -> None:
    async with driving(filled()) as admin:
        await admin.sees("Enter Log on")
        await admin.press("enter", "enter")
        await admin.sees("Enter the user name and the password.")


async def test_first_administrator_must_keep_the_rules(workspace: Workspace) -> None:
    async with driving(workspace) as admin:
        await admin.sees("the first administrator", "has no users yet.")
        await admin.fill("root", "short", "short")
        await admin.sees("fewer than 15 characters")
        await admin.press("ctrl+s")
        assert not workspace.snapshot().users
        await admin.focus("#again")
        await admin.press("ctrl+u", "shift+tab", "ctrl+u")
        await admin.type(PASSWORD)
        await admin.sees("The two entries of the password differ")
        await admin.press("tab")
        await admin.type(PASSWORD)
        await admin.press("enter")
        await admin.sees("Directory service")
        assert workspace.snapshot().users["root"]["privileges"] == [ADMIN]


async def test_a_damaged_store_is_named(workspace: Workspace) -> None:
    workspace.host_path.write_text("{")
    async with driving(workspace) as admin:
        await admin.sees("It was left as it is.")
        await admin.press("enter")
        await log_on(admin, "root", PASSWORD)
        await admin.sees("mailroster cannot check the password now.")


async def test_escape_empties_the_form(filled: Callable[..., Workspace]) -> None:
    async with driving(filled()) as admin:
        await admin.sees("User name", "Password")
        await admin.type("root")
        await admin.press("enter")
        await admin.type("half a pass")
        await admin.press("escape")
        assert [field.value for field in admin.app.screen.query(Input)] == ["", ""]
        await admin.type("root")
        await admin.press("enter")
        await admin.type(PASSWORD)
        await admin.press("enter")
        await admin.sees("Test Settings")


@pytest.mark.parametrize(("users", "number"), [(1, "1 user"), (1207, "1 207 users")])
async def test_users_without_a_local_administrator_are_counted(
    workspace: Workspace, users: int, number: str
) -> None:
    workspace.store.apply(Batch([Edit.create(managed(f"user{n}")) for n in range(users)]))
    async with driving(workspace) as admin:
        await admin.sees(
            "the first administrator",
            f"has {number}, but no administrator with a local password yet.",
        )
        assert "no users yet" not in admin.words


async def test_escape_says_how_to_leave_the_first_start(workspace: Workspace) -> None:
    async with driving(workspace) as admin:
        await admin.sees("the first administrator")
        await admin.press("escape")
        await admin.sees("Press ^Q to quit.", "the first administrator")


async def test_a_password_field_gives_nothing_to_the_clipboard(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled()) as admin:
        await admin.sees("Password")
        await admin.focus("#password")
        await admin.type("secret")
        await admin.press("home", "shift+end", "ctrl+c", "ctrl+x")
        assert admin.app.clipboard == ""
        assert admin.app.screen.query_one("#password", Input).value == "secret"
        assert "secret" not in admin.text


async def holds(person: Driver, *values: str) -> None:
    """Wait until the fields hold these texts."""
    async with asyncio.timeout(PATIENCE):
        while [field.value for field in person.app.screen.query(Input)] != list(values):
            await person.pilot.pause(0.02)


async def test_what_is_typed_ahead_goes_into_the_field_that_it_is_for(
    workspace: Workspace,
) -> None:
    """On a slow line keys come in one packet; a password must not be seen in the field before."""
    async with driving(workspace) as admin:
        await admin.sees("the first administrator")
        for key in ("r", "tab", *"secret", "tab", *"secret", "shift+tab", "x"):
            admin.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await holds(admin, "r", "secretx", "secret")


async def test_what_is_typed_ahead_after_enter(filled: Callable[..., Workspace]) -> None:
    async with driving(filled()) as admin:
        await admin.sees("User name", "Password")
        for key in ("r", "enter", *"secret"):
            admin.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await holds(admin, "r", "secret")


async def test_what_is_wrong_can_be_read(workspace: Workspace) -> None:
    async with driving(workspace) as admin:
        await admin.press("x", "tab", "y")
        await admin.sees("The password has fewer")
        segments = [part for strip in screen_lines(admin.app) for part in strip]
        (style,) = {part.style for part in segments if "The password has" in part.text}
        assert style
        assert style.color
        assert style.color.triplet == RichColor.parse("red").get_truecolor(DARK)
