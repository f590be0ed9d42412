"""Connection, Options, Default privileges and a new user's; leaving with unsaved changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from store.files.lock import writer_lock
from sync.configure import configure
from sync.directory.listing import Listing, Progress
from sync.workspace import Workspace, open_workspace
from tests.support.answers import answering_by
from tests.tui.driver import PASSWORD, driving
from tui.screens.connection import ConnectionScreen
from tui.screens.synchronize import SynchronizeScreen
from tui.widgets.fields import Field, Tick
from tui.widgets.privilege_boxes import PrivilegeBoxes

ROOT = {"administrator": "root"}


async def test_mistakes_are_named_while_typing(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#url")
        await admin.press("ctrl+u")
        await admin.type("ftp://host/")
        await admin.sees("does not start with http:// or https://")
        await admin.press("ctrl+s")
        assert admin.app.workspace.snapshot().settings.url.startswith("http")


async def test_the_password_is_kept_unless_typed(filled: Callable[..., Workspace]) -> None:
    workspace = filled(requires_authentication=True, user_name="svc")
    configure(workspace, {}, password="first secret")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2")
        await admin.sees("(set) leave empty to keep it")
        token = workspace.snapshot().settings.password
        await admin.focus("#user_name")
        await admin.type("2")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")
        assert workspace.snapshot().settings.user_name == "svc2"
        assert workspace.snapshot().settings.password == token
        await admin.focus("#password")
        await admin.type("second secret")
        await admin.sees("Not saved yet.")
        await admin.press("ctrl+s")
        await admin.sees("(set) leave empty to keep it")
        settings = workspace.snapshot().settings
        assert workspace.secrets.decrypt(settings.password) == "second secret"
        assert "second secret" not in admin.text


async def test_a_password_that_is_typed_while_another_is_saved_stays(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(requires_authentication=True, user_name="svc")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#password")
        await admin.type("first secret")
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await admin.press("ctrl+s")
            await admin.sees("Waiting for it.")
            await admin.type(" and more")
        await admin.sees("Saved.", "Not saved yet.")
        settings = workspace.snapshot().settings
        assert workspace.secrets.decrypt(settings.password) == "first secret"
        await admin.press("ctrl+s")
        await admin.sees("(set) leave empty to keep it")
        settings = workspace.snapshot().settings
        assert workspace.secrets.decrypt(settings.password) == "first secret and more"


async def test_what_is_saved_here_is_nobody_elses(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    configure(workspace, {"guard_max_deletes": 7})
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f3")
        await admin.focus("#guard_max_delete_percent")
        await admin.type("0")
        await admin.press("f7", "u")
        await admin.sees("setting guard_max_deletes: 7 -> 25")
        await admin.press("u", "y")
        await admin.sees("Restored 1 setting")
        await admin.sees("The saved settings changed. Not saved, and kept: changes on Options.")


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"url": "http://directory.example/"}, "WARNING: plain http"),
        ({"url": "https://h/", "ignore_ssl_warnings": True}, "WARNING: SSL warnings are ignored"),
    ],
)
async def test_danger_is_shown_on_every_screen(
    settings: dict[str, object], warning: str, filled: Callable[..., Workspace]
) -> None:
    async with driving(filled(**settings), **ROOT) as admin:
        for key in ("f2", "f3", "f4", "f5", "f6"):
            await admin.press(key)
            await admin.sees(warning)


async def test_loopback_is_no_danger(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2")
        assert "WARNING" not in admin.text
        await admin.focus("#url")
        await admin.press("ctrl+u")
        await admin.type("http://directory.example/")
        await admin.sees("WARNING: plain http")
        await admin.press("ctrl+u")
        await admin.type("http://localhost:8080/")
        await admin.sees("localhost:8080")
        assert "WARNING" not in admin.text


async def test_a_malformed_url_in_the_file_is_named_once_it_is_touched(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(url="http://[::1/"), **ROOT) as admin:
        await admin.press("f2")
        await admin.sees("http://[::1/")
        assert "WARNING" not in admin.text
        await admin.focus("#url")
        await admin.type("x")
        await admin.sees("is malformed (Invalid IPv6 URL).", "Nothing was written.")


async def test_escape_asks_before_changes_are_lost(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#ca_file")
        await admin.type("/ca.pem")
        await admin.press("escape")
        await admin.sees("Discard the changes?", "changes on Connection")
        await admin.press("n")
        await admin.sees("/ca.pem")
        assert isinstance(admin.app.screen, ConnectionScreen)
        await admin.press("escape", "y")
        await admin.sees("Test Settings")
        assert isinstance(admin.app.screen, SynchronizeScreen)
        await admin.press("f2")
        assert "/ca.pem" not in admin.text
        await admin.press("escape")
        assert isinstance(admin.app.screen, SynchronizeScreen)
        await admin.press("escape")
        await admin.sees("You are at the top level. Press q to quit.")


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quit_asks_before_changes_are_lost(
    key: str, filled: Callable[..., Workspace]
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f4", "space", "f5", key)
        await admin.sees("Quit and lose unsaved changes?", "default privileges")
        await admin.press("n")
        assert admin.app.is_running
        await admin.press(key, "y")
    assert admin.app.return_code == 0


async def test_changes_survive_another_screen(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#ca_file")
        await admin.type("/ca.pem")
        await admin.press("f3", "f2")
        await admin.sees("/ca.pem", "Not saved yet.")


async def test_what_others_save_and_what_is_typed_are_both_kept(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#ca_file")
        await admin.type("/ca.pem")
        other = open_workspace(str(workspace.host_path))
        configure(other, {"user_name": "someone"})
        other.close()
        await admin.sees("someone", "/ca.pem", "Not saved, and kept: changes on Connection.")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")
        settings = workspace.snapshot().settings
        assert (settings.user_name, settings.ca_file) == ("someone", "/ca.pem")


async def test_default_privileges_that_stand_alone(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f4")
        await admin.sees("[x] Log on", "[ ] Administrator")
        await admin.press("tab", "space")
        await admin.sees("[ ] Log on", "[x] Administrator")
        await admin.press("tab", "space")
        await admin.sees("[x] Log on", "[ ] Administrator")
        await admin.press("space")
        await admin.sees("No privilege was given.")
        await admin.press("tab", "tab", "space", "ctrl+s")
        await admin.sees("Saved.")
        settings = admin.app.workspace.snapshot().settings
        assert settings.default_privileges == ("archive",)
        assert settings.default_folder_privileges == ("read",)


async def test_a_new_user_has_a_privilege(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "n")
        await admin.type("zoe")
        await admin.focus("#password")
        await admin.fill(PASSWORD, PASSWORD)
        for box in admin.app.screen.query(Tick):
            if box.value:
                box.focus()
                await admin.press("space")
        await admin.sees("Choose a privilege, or None for no access.")
        await admin.press("ctrl+s")
        assert "zoe" not in workspace.snapshot().users


async def test_no_cursor_blinks(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        for keys in ("f2", "f3", "f6", "slash", "escape", "n", "escape", "ctrl+p"):
            await admin.press(keys)
            assert not any(field.cursor_blink for field in admin.app.screen.query(Field))
        assert not admin.app.screen.query_one("Input").cursor_blink  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "field", "entered", "says"),
    [
        ("f2", "#max_users", "many", "“Most users” is “many”, not a whole number."),
        ("f2", "#list_timeout", "0", "“List timeout, seconds” must be at least 1."),
        (
            "f3",
            "#guard_max_delete_percent",
            "101",
            "“or more than … % of the managed users” is at most 100.",
        ),
        ("f3", "#guard_small_deletes", "-1", "“and more than … users” is “-1”, not a whole"),
    ],
)
async def test_a_wrong_number_is_told_by_the_label(
    filled: Callable[..., Workspace], key: str, field: str, entered: str, says: str
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press(key)
        await admin.focus(field)
        await admin.press("ctrl+u", "ctrl+k")
        await admin.type(entered)
        await admin.sees(says, "Nothing was written.")
        assert field.removeprefix("#") not in admin.words


async def test_the_connection_check_counts_while_it_is_answered(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    async def slow(*arguments: Any, **_more: Any) -> Listing:
        arguments[-1](Progress(users=7, received_bytes=5000, total_bytes=20000))
        await go_on.wait()
        return Listing([], [], [])

    answering_by(monkeypatch, slow)
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2", "ctrl+t")
        await admin.sees("7 users, 5 000 bytes of 20 000 (25 %). Esc cancels.")
        go_on.set()
        await admin.sees("Reached: 0 users listed, 0 warnings.")


async def test_arrows_go_from_box_to_box(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f4")
        await admin.sees("Default privileges")
        await admin.focus("#default_privileges Checkbox")
        chosen = admin.app.screen.query_one("#default_privileges", PrivilegeBoxes)
        before = chosen.value
        names = [str(box.name) for box in chosen.query(Tick)]
        for keys, place in (("down", 2), ("right", 3), ("down", 5), ("left", 4), ("up", 2)):
            await admin.press(keys)
            assert admin.app.focused is not None
            assert admin.app.focused.name == names[place]
        assert chosen.value == before
        await admin.press("down", "down", "down", "down")
        assert admin.app.focused in admin.app.screen.query("#default_folder_privileges Checkbox")
        await admin.press("up")
        assert admin.app.focused in chosen.query(Tick)


async def test_a_user_of_the_directory_has_no_password_to_enter(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "n")
        await admin.focus("#authentication")
        password = admin.app.screen.query_one("#password")
        assert not password.disabled
        await admin.press("enter", "down", "enter")
        await admin.sees("Directory Services")
        assert password.disabled


async def test_what_is_wrong_is_said_once(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "n", "z", "ctrl+s")
        await admin.sees("The password has fewer")
        assert admin.words.count("The password has fewer") == 1
        await admin.press("escape", "y", "p", "enter", "enter")
        await admin.sees("The password has fewer")
        assert admin.words.count("The password has fewer") == 1


async def test_letters_are_those_of_the_first_group_after_another_screen(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f4")
        own = admin.app.screen.query_one("#default_folder_privileges", PrivilegeBoxes)
        before = tuple(own.value)
        own.query(Tick).first().focus()
        await admin.press("f5", "f4", "r")
        chosen = admin.app.screen.query_one("#default_privileges", PrivilegeBoxes).value
        assert ("archive" in chosen, tuple(own.value)) == (True, before)
