"""The commonest jobs, and how many keys each takes; what is typed into a field does not count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from store.models import User
from store.passwords import hash_password
from sync.workspace import Workspace
from tests.support.builders import managed, stored
from tests.support.directory import Directory
from tests.tui.driver import PASSWORD, Driver, driving

ROOT = {"administrator": "root"}


@dataclass
class Counted:
    """Presses keys and counts them."""

    admin: Driver
    keys: int = 0

    async def press(self, *keys: str) -> None:
        self.keys += len(keys)
        await self.admin.press(*keys)


async def test_the_first_sync_from_scratch_takes_9(
    workspace: Workspace, directory: Directory
) -> None:
    directory.put("anna", "bert")
    async with driving(workspace) as admin:
        await admin.sees("the first administrator")
        await admin.fill("root", PASSWORD, PASSWORD)
        await admin.press("ctrl+s")
        await admin.sees("Directory service", "Check connection")
        counted = Counted(admin)
        await admin.type(directory.url)
        await counted.press("tab", "tab", "tab", "tab")
        await admin.type("svc")
        await admin.sees("Application Integration", "[x] Server requires authentication")
        await counted.press("tab")
        await admin.type("secret")
        await counted.press("ctrl+s")
        await admin.sees("Saved. Test Settings now?")
        await counted.press("y")
        await admin.sees("+ 2 create")
        await counted.press("s")
        await admin.sees("Synchronize now?")
        await counted.press("y")
        await admin.sees("Done: + 2 create")
        assert counted.keys == 9
    settings = workspace.snapshot().settings
    assert (settings.requires_authentication, settings.user_name) == (True, "svc")
    assert set(workspace.snapshot().users) == {"root", "anna", "bert"}


async def test_new_users_get_archive_email_in_3(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        counted = Counted(admin)
        await counted.press("f4", "r", "ctrl+s")
        await admin.sees("[x] Archive E-mail", "Saved.")
        assert counted.keys == 3
    assert workspace.snapshot().settings.default_privileges == ("login", "archive")


async def test_why_a_user_cannot_log_on_takes_3_from_the_list(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(*(managed(f"user{n}") for n in range(30))), **ROOT) as admin:
        await admin.press("f6")
        counted = Counted(admin)
        await counted.press("slash")
        await admin.type("user17")
        await counted.press("enter", "e")
        await admin.sees("User name: user17", "This user cannot log on.", "does not list “user17”")
        assert counted.keys == 3


async def test_many_users_get_a_privilege_in_7(filled: Callable[..., Workspace]) -> None:
    """From the list: those that a filter finds, the privilege, and the preview."""
    workspace = filled(*(managed(f"user{n}") for n in range(40)), managed("other"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6")
        counted = Counted(admin)
        await counted.press("slash")
        await admin.type("name:user")
        await counted.press("enter", "m", "v", "r", "ctrl+s")
        await admin.sees("Change the privileges of 40 users?", "+ Archive E-mail: 40 users")
        await counted.press("y")
        await admin.sees("Saved the privileges of 40 users.")
        assert counted.keys == 7
    assert stored(workspace, "other").privileges == ["login"]


@pytest.mark.parametrize("wanted", ["anna.mueller", "anna@example.com"])
async def test_a_locked_user_is_found_and_unlocked_in_3_from_anywhere(
    filled: Callable[..., Workspace], wanted: str
) -> None:
    anna = User(
        user_name="anna.mueller",
        email_addresses=["anna@example.com"],
        privileges=["login"],
        password_hash=hash_password(PASSWORD, "anna.mueller"),
    )
    workspace = filled(anna)
    workspace.lockout.settle("anna.mueller", None, right=False)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f3")
        counted = Counted(admin)
        await counted.press("ctrl+p")
        await admin.type(wanted)
        await counted.press("enter", "u")
        await admin.sees("Unlocked anna.mueller; cleared 1 failed log-on.")
        assert counted.keys == 3
