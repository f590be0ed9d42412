"""The whole job through the screens, from the first start to the user list."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, INTEGRATED, User
from sync.workspace import Workspace, open_workspace
from tests.support.directory import Directory
from tests.tui.driver import PASSWORD, driving


@pytest.mark.both_stores
async def test_the_whole_job(workspace: Workspace, directory: Directory) -> None:
    directory.put("anna", "bert", "carl", "svc-print")
    async with driving(workspace) as admin:
        # The first administrator, who is logged on at once
        await admin.sees("the first administrator", "At least 15 characters")
        await admin.fill("root", PASSWORD, PASSWORD)
        await admin.press("ctrl+s")
        await admin.sees("Directory service", "Check connection")

        # Connection: the failure is named, then it works
        await admin.focus("#url")
        await admin.type("http://127.0.0.1:1/")
        await admin.press("ctrl+t")
        await admin.sees("refused the connection")
        await admin.press("ctrl+u")
        await admin.type(directory.url)
        await admin.press("ctrl+t")
        await admin.sees("Reached: 4 users listed, 0 warnings.")
        await admin.press("ctrl+s")
        await admin.sees("Saved. Test Settings now?")
        await admin.press("n")

        # Options and a filter
        await admin.press("f3")
        await admin.sees("Automatically delete users")
        await admin.press("space")
        await admin.focus("#filters Table")
        await admin.press("n")
        await admin.sees("Enter keeps the rule, Esc drops it")
        await admin.type("svc-*")
        await admin.press("enter")
        await admin.sees("exclude user_name svc-*")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")

        # Default privileges
        await admin.press("f4")
        await admin.sees("[x] Log on", "[ ] Export E-mail")

        # Test Settings, one change skipped, Synchronize now
        await admin.press("f5", "t")
        await admin.sees(
            "+ 3 create", "3 of 4 users in scope", "anna", "in the directory, unknown here"
        )
        await admin.press("down", "down", "space")
        await admin.sees("skipped 1")
        await admin.press("s")
        await admin.sees("Synchronize now?", "+ 2 create")
        await admin.press("y")
        await admin.sees("Done: + 2 create", "skipped 1", "+ created", "+ skipped")
        assert set(workspace.snapshot().users) == {"root", "anna", "bert"}

        # The directory changes
        directory.put("anna", "carl")
        await admin.press("t")
        await admin.sees("+ 1 create", "- 1 delete", "absent from the directory")
        await admin.press("s")
        await admin.sees("+ 1 create - 1 delete", "1 empty archive is removed.")
        await admin.press("y")
        await admin.sees("Done: + 1 create - 1 delete")

        # Users: one key switches the authentication method
        await admin.press("f6")
        await admin.sees("root", "anna", "Directory Services")
        await admin.press("down")
        await admin.press("a")
        await admin.sees("Switch anna to Integrated: set a local password")
        await admin.fill(PASSWORD, PASSWORD)
        await admin.press("shift+tab", "enter")
        await admin.sees("Switch anna to Integrated?")
        await admin.press("y")
        await admin.sees("Switched anna to Integrated.")
        assert workspace.snapshot().users["anna"]["authentication"] == INTEGRATED
        await admin.press("a")
        await admin.sees("Switch anna to Directory Services?", "The directory knows anna.")
        await admin.press("y")
        await admin.sees("Switched anna to Directory Services.")
        assert workspace.snapshot().users["anna"]["authentication"] == DIRECTORY_SERVICES

        # Add and delete
        await admin.press("n")
        await admin.sees("New user")
        await admin.fill("zoe", "Zoe Z", "zoe@example.com")
        await admin.focus("#password")
        await admin.fill(PASSWORD, PASSWORD)
        await admin.press("ctrl+s")
        await admin.sees("Added zoe.", "zoe@example.com")
        await admin.press("end", "x")
        await admin.sees("Delete zoe?", "The archive holds no mail")
        await admin.press("y")
        await admin.sees("Deleted zoe; kept 0 archives.")
        assert "zoe" not in workspace.snapshot().users
        await admin.press("q")
    assert admin.app.return_code == 0


@pytest.mark.both_stores
async def test_what_another_session_changes_shows_by_itself(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(User(user_name="anna"))
    other = open_workspace(workspace.store_argument, workspace.host_path.with_name("key"))
    async with driving(workspace, administrator="root") as admin:
        await admin.press("f6")
        await admin.sees("anna")
        other.store.apply(Batch([Edit.create(User(user_name="zoe"))]))
        await admin.sees("zoe")
    other.close()
