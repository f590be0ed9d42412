"""User: everything about one, and what is done to this one."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from store.files.lock import writer_lock
from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password, verify_password
from sync.runs.apply import apply_plan
from sync.runs.by_hand import release
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.builders import answer, listed, managed, stored
from tests.tui.driver import PASSWORD, Driver, driving

HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x\u202egnp"
ANNA = User(
    user_name="anna",
    full_name="Anna A",
    distinguished_name="CN=Anna",
    email_addresses=["a@b.example", "anna@b.example"],
    privileges=["login"],
    folder_privileges={"anna": ["read"]},
    password_hash=hash_password(PASSWORD, "anna"),
)


@asynccontextmanager
async def details_of_anna(workspace: Workspace) -> AsyncIterator[Driver]:
    async with driving(workspace, administrator="root") as admin:
        await admin.press("f6", "home", "down", "enter")
        await admin.sees("Archive folder of")
        yield admin


async def test_a_pinned_user_is_marked_and_says_which_undo_keeps_it(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(managed("anna"), managed("bert"))
    directory = answer(listed("bert"))
    run = apply_plan(workspace, preview(workspace, directory), allow_deletes=1).run or ""
    apply_plan(workspace, undo_preview(workspace, run))
    async with driving(workspace, administrator="root") as admin:
        await admin.press("f6", "slash")
        await admin.type("pinned")
        await admin.press("enter")
        await admin.sees("anna", "pinned, Directory", "1 of 1 (all: 3)")
        await admin.press("enter")
        await admin.sees(f"Pinned: by the undo of {run},", "will not delete this user until")
        pinned = stored(workspace, "anna")
        workspace.store.apply(Batch([Edit.update(pinned, replace(pinned, full_name="A"))]))
        admin.app.refresh_store()
        await admin.sees("Pinned: by hand or an undo; syncs will")
        release(workspace, "anna")
        admin.app.refresh_store()
        await admin.sees("Authentication: Directory Services Local password: none")
        assert "Pinned" not in admin.text


async def test_all_fields_and_the_way_back(filled: Callable[..., Workspace]) -> None:
    async with details_of_anna(filled(ANNA)) as admin:
        await admin.sees("Anna A", "CN=Anna", "Primary address: a@b.example", "Log on", "UTC")
        await admin.sees("Other addresses: anna@b.example", "Integrated", "Local password: set")
        await admin.sees("anna Read")
        await admin.press("escape")
        await admin.sees("2 of 2")


async def test_editing_the_first_address_is_the_primary_one(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA, managed("bert", email_addresses=["b@b.example"]))
    async with details_of_anna(workspace) as admin:
        await admin.press("c")
        await admin.sees("Change anna", "the first one is primary")
        await admin.press("tab", "tab", "ctrl+u")
        await admin.type("new@b.example, a@b.example")
        await admin.press("ctrl+s")
        await admin.sees("Saved.", "Primary address: new@b.example")
        assert stored(workspace, "anna").email_addresses == ["new@b.example", "a@b.example"]
        assert stored(workspace, "anna").full_name == "Anna A"
        await admin.press("c")
        await admin.sees("Change anna")
        await admin.press("tab", "tab", "ctrl+u")
        await admin.type("b@b.example")
        await admin.press("enter")
        await admin.sees("Not done: Change", "belongs to “bert”")


async def test_renaming_takes_the_archive_along(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA, managed("bert"))
    archives = workspace.archives(workspace.snapshot().settings)
    archives.create("anna")
    (archives.path("anna") / "new" / "1").write_text("mail")
    async with details_of_anna(workspace) as admin:
        await admin.press("r")
        await admin.sees("Rename anna")
        await admin.press("ctrl+u")
        await admin.type("BERT")
        await admin.sees("Another user has this name already.")
        await admin.press("ctrl+u")
        await admin.type("anne")
        await admin.press("enter")
        await admin.sees("Renamed anna to anne.", "User name: anne", "anne Read")
        assert archives.messages("anne") == 1
        assert set(workspace.snapshot().users) == {"root", "anne", "bert"}
        await admin.press("escape")
        await admin.sees("anne")


async def test_privileges(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA)
    async with details_of_anna(workspace) as admin:
        await admin.press("v")
        await admin.sees("Privileges of anna", "[x] Log on")
        await admin.press("tab", "tab", "space")
        await admin.sees("Choose a privilege, or None")
        await admin.press("ctrl+s")
        await admin.press("tab", "space", "ctrl+s")
        await admin.sees("Saved the privileges of anna.", "Privileges: Change own password")
        assert "Note:" not in admin.text
        assert stored(workspace, "anna").privileges == ["changePassword"]


async def test_deleting_by_half_is_said_to_have_no_effect(
    filled: Callable[..., Workspace],
) -> None:
    async with details_of_anna(filled(replace(ANNA, privileges=["login", "delete"]))) as admin:
        await admin.sees("Note: The privilege delete has no effect without delete on a folder.")


async def untick_read(admin: Driver) -> None:
    await admin.sees("[x] Read")
    await admin.press("tab", "tab", "space", "ctrl+s")


async def test_rights_on_folders(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA, managed("bert"))
    async with details_of_anna(workspace) as admin:
        await admin.press("n")
        await admin.sees("Rights of anna")
        await admin.type("nobody")
        await admin.press("tab", "tab", "space", "ctrl+s")
        await admin.sees("either a user nor an archive folder")
        await admin.press("enter", "n")
        await admin.sees("Rights of anna")
        await admin.type("Bert")
        await admin.press("enter", "tab", "space", "ctrl+s")
        await admin.sees("Saved.", "bert Read")
        assert stored(workspace, "anna").folder_privileges == {"anna": ["read"], "bert": ["read"]}
        await admin.press("down", "enter")
        await untick_read(admin)
        await admin.sees("Saved.", "anna Read")
        assert "bert" not in admin.text
        await admin.press("enter")
        await untick_read(admin)
        assert stored(workspace, "anna").folder_privileges == {}
        await admin.press("enter")
        await admin.sees("This list is empty. Press n to give rights on a folder.")


async def test_password_and_unlock(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA)
    async with details_of_anna(workspace) as admin:
        await admin.press("p")
        await admin.sees("New password for anna")
        await admin.fill("another few words", "another few words")
        await admin.press("shift+tab", "enter")
        await admin.sees("Changed the password of anna.")
        assert verify_password("another few words", stored(workspace, "anna").password_hash or "")
        await admin.press("u")
        await admin.sees("anna has no failed log-ons.")
        workspace.lockout.settle("anna", None, right=False)
        await admin.press("u")
        await admin.sees("Unlocked anna; cleared 1 failed log-on.")


async def test_while_something_is_saved_the_keyboard_goes_on_and_nothing_gets_lost(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA)
    async with details_of_anna(workspace) as admin:
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await admin.press("c", "ctrl+u")
            await admin.type("Anna B")
            await admin.press("ctrl+s")
            await admin.sees("Waiting for it.")
            for key in ("c", "v", "escape"):
                await admin.press(key)
                await admin.sees("This is being saved; wait a moment.", "Full name: Anna A")
            await admin.press("q")
            await admin.sees("Quit and lose unsaved changes?", "Not saved: the user")
            await admin.press("n")
        await admin.sees("Saved.", "Full name: Anna B")
        await admin.press("escape")
        await admin.sees("2 of 2")


async def test_a_user_that_is_deleted_under_the_help_takes_its_page_along(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA)
    async with details_of_anna(workspace) as admin:
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await admin.press("x")
            await admin.sees("Delete anna?")
            await admin.press("y")
            await admin.sees("Waiting for it.")
            await admin.press("f1")
            await admin.sees("On this screen")
        while admin.app.snapshot.find("anna"):
            await admin.pilot.pause(0.02)
        await admin.sees("On this screen")
        await admin.press("escape")
        await admin.sees("of 1")


async def test_what_cannot_be_written_is_taken_back_and_said(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA)
    before = workspace.host_path.read_bytes()
    async with details_of_anna(workspace) as admin:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
        try:
            await admin.press("c", "ctrl+u")
            await admin.type("Anna B")
            await admin.press("ctrl+s")
            await admin.sees("Not done: Change", "The previous state is whole.")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert workspace.host_path.read_bytes() == before
        await admin.press("enter")
        await admin.sees("Full name: Anna A")
        await admin.press("c", "ctrl+u")
        await admin.type("Anna C")
        await admin.press("ctrl+s")
        await admin.sees("Saved.", "Full name: Anna C")


async def test_deleting_goes_back_to_the_users(filled: Callable[..., Workspace]) -> None:
    workspace = filled(ANNA)
    async with details_of_anna(workspace) as admin:
        await admin.press("x")
        await admin.sees("Delete anna?", "y Delete anna n Cancel")
        assert "next sync" not in admin.text
        await admin.press("y")
        await admin.sees("Deleted anna; kept 0 archives.", "1 of 1")
        assert set(workspace.snapshot().users) == {"root"}


async def test_a_user_who_is_deleted_elsewhere_stays_in_sight(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(ANNA)
    async with details_of_anna(workspace) as admin:
        workspace.store.apply(Batch([Edit.delete(stored(workspace, "anna"))]))
        admin.app.refresh_store()
        await admin.press("e")
        await admin.sees("Somebody else deleted or renamed anna.", "CN=Anna")


async def test_hostile_fields_are_shown_and_never_obeyed(filled: Callable[..., Workspace]) -> None:
    bad = User(
        user_name=HOSTILE,
        full_name=HOSTILE,
        distinguished_name=HOSTILE * 50,
        email_addresses=[HOSTILE, HOSTILE],
        folder_privileges={HOSTILE: ["read"]},
        password_hash=ANNA.password_hash,
    )
    async with driving(filled(bad), administrator="root") as admin:
        await admin.press("f6", "end", "enter")
        await admin.sees(r"\x1b]52")
        for key in ("e", "r", "v", "enter", "n", "p", "x"):
            await admin.press(key)
            assert not any(char in admin.text for char in "\x1b\x07\u202e")
            await admin.press("n" if key == "x" else "escape")
        assert admin.app.is_running
