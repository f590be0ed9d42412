"""Users: the table and what is done to users."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import replace

import pytest

from store.files.lock import writer_lock
from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, INTEGRATED, User
from store.passwords import hash_password, verify_password
from store.tinydb.store import TinyDBStore
from sync.workspace import Workspace, open_workspace
from tests.support.answers import silent
from tests.support.builders import managed
from tests.support.directory import Directory
from tests.tui.driver import PASSWORD, Driver, driving
from tui.widgets.keys import KeyLine
from tui.widgets.table import Table

ROOT = {"administrator": "root"}
HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x\u202egnp"


def local(name: str) -> User:
    return User(user_name=name, privileges=["login"], password_hash=hash_password(PASSWORD, name))


def method_of_file(workspace: Workspace, key: str) -> str:
    """The method that is durable; the session's own snapshot may wait for a write."""
    other = open_workspace(str(workspace.host_path))
    try:
        return method_of(other, key)
    finally:
        other.close()


def method_of(workspace: Workspace, key: str) -> str:
    return workspace.snapshot().users[key]["authentication"]


async def test_marked_users_are_switched_together(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna")
    workspace = filled(local("anna"), local("bert"), local("carl"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "space", "space")
        await admin.sees("2 marked")
        await admin.press("a")
        await admin.sees("Switch 2 users to Directory Services?", "does NOT know 1 of them", "bert")
        await admin.press("n")
        assert method_of(workspace, "anna") == INTEGRATED
        await admin.press("a")
        await admin.sees("Switch 2 users to Directory Services?")
        await admin.press("y")
        await admin.sees("Switched 2 users to Directory Services.")
        assert method_of(workspace, "anna") == DIRECTORY_SERVICES
        assert method_of(workspace, "bert") == DIRECTORY_SERVICES
        assert method_of(workspace, "carl") == INTEGRATED


async def test_the_directory_is_asked_once_for_switches_one_after_the_other(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna", "bert")
    async with driving(filled(local("anna"), local("bert"), local("carl")), **ROOT) as admin:
        for keys, says, asked in (
            (["down"], "The directory knows anna.", 1),
            (["down"], "The directory knows bert.", 1),
            (["down"], "NOT know carl. This user could not log on", 2),
            ([], "NOT know carl. This user could not log on", 3),
        ):
            await admin.press("f6", *keys, "a")
            await admin.sees(says)
            assert len([line for line in directory.log if "cmd=list" in line]) == asked
            await admin.press("n")
        directory.put("carl")
        await admin.press("a")
        await admin.sees("The directory knows carl.")


async def test_a_switch_says_if_the_directory_cannot_be_asked(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(local("anna"), url="http://127.0.0.1:1/"), **ROOT) as admin:
        await admin.press("f6", "down", "a")
        await admin.sees("mailroster could not ask the directory:", "refused the connection")


async def test_several_users_without_password_are_switched_one_at_a_time(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(managed("anna"), managed("bert"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "space", "space", "a")
        await admin.sees("have no local password", "one at a time: anna, bert")
        await admin.press("escape")
        assert "marked" not in admin.text


async def test_a_mixed_marking_asks_which_method(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"), managed("bert"), managed("carl"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "m")
        await admin.sees("4 marked")
        await admin.press("a")
        await admin.sees("Marked: 2 Integrated, 2 Directory Services.")
        await admin.press("i")
        await admin.sees(
            "2 users have no local password and stay as they are.", "one at a time: bert, carl"
        )
        await admin.press("m")
        assert "marked" not in admin.text
        await admin.press("down", "space", "space", "a", "d")
        await admin.sees("Switch anna to Directory Services?")
        await admin.press("y")
        await admin.sees("Switched anna to Directory Services.")


async def test_the_last_switch_can_be_undone(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"), managed("bert"))
    before = workspace.snapshot().users["bert"]
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "z")
        await admin.sees("No switch of an authentication method is left to undo.")
        await admin.press("end", "a")
        await admin.sees("Switch bert to Integrated: set a local password")
        await admin.fill(PASSWORD, PASSWORD)
        await admin.press("shift+tab", "enter")
        await admin.sees("Switch bert to Integrated?")
        await admin.press("y")
        await admin.sees("Switched bert to Integrated.")
        assert workspace.snapshot().users["bert"]["password_hash"]
        await admin.press("z")
        await admin.sees("Undo the last switch?", "back to Directory Services")
        await admin.press("y")
        await admin.sees("Switched bert back to Directory Services.")
        after = workspace.snapshot().users["bert"]
        assert (after["authentication"], after["password_hash"]) == (DIRECTORY_SERVICES, None)
        assert after["rev"] > before["rev"]


async def test_an_undo_spares_what_others_wrote(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"), url="http://127.0.0.1:1/")
    async with driving(workspace, **ROOT) as admin:
        await switch_anna(admin)
        await admin.sees("Switched anna to Directory Services.")
        stored = workspace.snapshot().find("anna")
        assert stored
        edited = replace(stored, full_name="Anna")
        workspace.store.apply(Batch([Edit.update(stored, edited)]))
        await admin.press("z")
        await admin.sees("Undo the last switch?")
        await admin.press("y")
        await admin.sees("anna keeps its authentication method.", "changed")
        assert method_of(workspace, "anna") == DIRECTORY_SERVICES


async def switch_anna(admin: Driver) -> None:
    await admin.press("f6", "home", "down", "a")
    await admin.sees("Switch anna to Directory Services?")
    await admin.press("y")


async def test_a_switch_shows_at_once_and_the_keyboard_goes_on(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(local("anna"), local("bert"), url="http://127.0.0.1:1/")
    async with driving(workspace, **ROOT) as admin:
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await switch_anna(admin)
            await admin.sees("saving: Dire", "Saving 1 user ...")
            assert method_of_file(workspace, "anna") == INTEGRATED
            await admin.press("a")
            await admin.sees("This is being saved; wait a moment.")
            await admin.press("down", "space")
            await admin.sees("3 of 3, 1 marked", "saving: Dire")
        await admin.sees("Switched anna to Directory Services.")
        assert "saving" not in admin.text
        assert method_of_file(workspace, "anna") == DIRECTORY_SERVICES


async def test_a_switch_that_cannot_be_locked_is_taken_back(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(local("anna"), url="http://127.0.0.1:1/")
    impatient = TinyDBStore(workspace.host_path, lock_wait=0.5)
    workspace = replace(workspace, open_store=lambda: impatient)
    async with driving(workspace, **ROOT) as admin:
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await switch_anna(admin)
            await admin.sees("saving: Dire")
            await admin.sees("anna keeps its", "The store is being written by")
        await admin.press("enter")
        assert "saving" not in admin.text
        assert method_of(workspace, "anna") == INTEGRATED


async def test_a_switch_on_a_full_disk_is_taken_back(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"), url="http://127.0.0.1:1/")
    before = workspace.host_path.read_bytes()
    async with driving(workspace, **ROOT) as admin:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
        try:
            await switch_anna(admin)
            await admin.sees("anna keeps its", "The previous state is whole.")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert workspace.host_path.read_bytes() == before
        await admin.press("enter", "a")
        await admin.sees("Switch anna to Directory Services?")
        await admin.press("y")
        await admin.sees("Switched anna to Directory Services.")


async def test_asking_the_directory_can_be_given_up(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(monkeypatch)
    async with driving(filled(local("anna")), **ROOT) as admin:
        await admin.press("f6", "down", "a")
        await admin.sees("Asking the directory ... Esc cancels.")
        await admin.press("escape")
        assert "Asking" not in admin.text
        await admin.sees("2 of 2")


async def test_the_last_administrator_is_safe(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("root")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "x")
        await admin.sees("Delete root?")
        await admin.press("y")
        await admin.sees("Not done: Delete", "last administrator")
        await admin.press("enter", "a")
        await admin.sees("Switch root to Directory Services?", "The directory knows root.")
        await admin.press("y")
        await admin.sees("Not done: Authentication", "last administrator")


async def test_deleting_says_what_becomes_of_the_archive(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(local("anna"), local("bert"))
    archives = workspace.archives(workspace.snapshot().settings)
    archives.create("anna")
    (archives.path("anna") / "new" / "1").write_text("mail")
    generation = workspace.snapshot().generation
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down", "space", "space", "delete")
        await admin.sees("Delete 2 users?", "1 archive that holds mail stays:", "anna: 1 message")
        await admin.press("y")
        await admin.sees("Deleted 2 users; kept 1 archive.")
        assert set(workspace.snapshot().users) == {"root"}
        assert workspace.snapshot().generation == generation + 1
        assert archives.path("anna").exists()


async def test_a_password_is_set_for_integrated_users_only(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(local("anna"), managed("bert"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "end", "p")
        await admin.sees("The password of bert is the directory's.")
        await admin.press("up", "p")
        await admin.sees("New password for anna")
        await admin.fill("another few words", "another few words")
        await admin.press("shift+tab", "enter")
        await admin.sees("Changed the password of anna.")
        stored = workspace.snapshot().users["anna"]["password_hash"]
        assert verify_password("another few words", stored)


async def test_a_new_user_of_the_directory_needs_no_password(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "n", "ctrl+s")
        await admin.sees("The user name is empty.")
        await admin.fill("zoe", "Zoe", "zoe@example.com, z@example.com")
        await admin.sees("fewer than 15 characters")
        await admin.press("escape")
        await admin.sees("Discard the new user?")
        await admin.press("n")
        await admin.focus("#authentication")
        await admin.press("enter", "down", "enter")
        await admin.press("ctrl+s")
        await admin.sees("Added zoe.")
        row = admin.app.workspace.snapshot().users["zoe"]
        assert row["authentication"] == DIRECTORY_SERVICES
        assert row["email_addresses"] == ["zoe@example.com", "z@example.com"]
        assert row["privileges"] == ["login", "changePassword"]


async def test_saving_twice_adds_one_user(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "n")
        await admin.fill("zoe")
        await admin.focus("#password")
        await admin.fill(PASSWORD, PASSWORD)
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await admin.press("ctrl+s", "ctrl+s")
            await admin.sees("This is being saved; wait a moment.")
            await admin.press("escape")
            assert "Discard" not in admin.text
        await admin.sees("Added zoe.", "of 2")


async def test_a_deletion_that_waits_is_not_forgotten(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"))
    async with driving(workspace, **ROOT) as admin:
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock")):
            await admin.press("f6", "down", "x")
            await admin.sees("Delete anna?")
            await admin.press("y")
            for key in ("p", "a", "x"):
                await admin.press(key)
                await admin.sees("This is being saved; wait a moment.")
        await admin.sees("Deleted anna;")


async def test_a_user_that_is_added_while_another_screen_is_shown_closes_only_the_form(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "n")
        await admin.fill("zoe")
        await admin.focus("#password")
        await admin.fill(PASSWORD, PASSWORD)
        with writer_lock(admin.app.workspace.host_path.with_name("users.json.lock")):
            await admin.press("ctrl+s")
            await admin.sees("Waiting for it.")
            await admin.press("f5")
            await admin.sees("Test Settings")
        await admin.sees("Added zoe.", "Test Settings")
        await admin.press("f6")
        await admin.sees("zoe", "of 2")
        await admin.press("q")
        assert admin.app.return_code == 0


async def test_a_refused_new_user_stays_in_the_form(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(local("anna")), **ROOT) as admin:
        await admin.press("f6", "n")
        await admin.fill("ANNA", "", "")
        await admin.focus("#password")
        await admin.fill(PASSWORD, PASSWORD)
        await admin.press("ctrl+s")
        await admin.sees("The user “ANNA” exists already.")
        await admin.press("enter")
        await admin.sees("New user")


async def test_the_table_follows_the_store(filled: Callable[..., Workspace]) -> None:
    workspace = filled(local("anna"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "slash")
        await admin.type("ann")
        await admin.press("enter")
        other = open_workspace(str(workspace.host_path))
        other.store.apply(Batch([Edit.create(managed("hannah")), Edit.create(managed("zoe"))]))
        other.close()
        await admin.sees("hannah", "1 of 2 (all: 4)")
        await admin.press("escape")
        await admin.sees("zoe")


ADDRESSES = ["anna@example.com", "vertrieb@example.com", "Mu\u0308ller@example.com"]


def underlined(admin: Driver) -> list[str]:
    """What the rows of the table show as found."""
    table = admin.app.screen.query_one(Table)
    strips = [table.render_line(y) for y in range(1, 4)]
    return [
        segment.text
        for strip in strips
        for segment in strip
        if segment.style and segment.style.underline
    ]


@pytest.mark.parametrize(
    ("typed", "shows", "hit"),
    [
        ("anna@", "anna@example.com", "anna@"),
        ("VERTRIEB", "vertrieb@", "vertrieb"),
        ("m\u00fcller@", "m\u00fcller@", "M\u00fcller@"),
        ("mu\u0308ller@", "m\u00fcller@", "M\u00fcller@"),
        ("ou=zentrale", "OU=Zentrale", "OU=Zentrale"),
        ("anna", "anna", "anna"),
    ],
)
async def test_whose_address_is_this(
    filled: Callable[..., Workspace], typed: str, shows: str, hit: str
) -> None:
    dn = f"CN=Anna,OU={'x' * 80},OU=Zentrale,DC=example"
    anna = managed("anna", email_addresses=ADDRESSES, distinguished_name=dn)
    workspace = filled(anna, managed("bert", email_addresses=["bert@example.com"]))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "slash")
        assert underlined(admin) == []
        await admin.type(typed)
        await admin.sees("1 of 1 (all: 3)", "anna")
        assert shows.casefold() in admin.text.casefold()
        assert hit in underlined(admin)
        await admin.press("ctrl+u")
        await admin.type(f"!{typed}")
        await admin.sees("of 2 (all: 3)", "bert")
        assert underlined(admin) == []


def greyed(admin: Driver, label: str) -> bool:
    """Whether the key line shows this action as one that cannot be done now."""
    shown = admin.app.screen.query_one(KeyLine).content
    place = shown.plain.index(f" {label} ")
    return any(span.start <= place < span.end and "dim" in str(span.style) for span in shown.spans)


async def test_the_keys_are_greyed_while_a_filter_matches_nobody(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(local("anna")), **ROOT) as admin:
        await admin.press("f6")
        assert not greyed(admin, "Delete")
        await admin.press("slash")
        await admin.type("nobody at all")
        await admin.press("enter")
        await admin.sees("0 of 0")
        assert all(greyed(admin, label) for label in ("Details", "Delete", "Password", "Mark"))
        await admin.press("slash", "ctrl+u", "enter")
        await admin.sees("1 of 2")
        assert not greyed(admin, "Delete")


async def test_the_table_is_sorted_by_one_column_after_the_other(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(managed("anna", full_name="Zoe"), managed("bert", full_name="Ada"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "O")
        await admin.sees("The lines are not sorted by a column; o does that.")
        for key, order in (
            ("o", ["anna", "bert", "root"]),
            ("O", ["root", "bert", "anna"]),
            ("o", ["root", "bert", "anna"]),  # by full name, of which root has none
            ("O", ["anna", "bert", "root"]),
        ):
            await admin.press(key)
            assert [word for word in admin.words.split() if word in order] == order


async def test_of_many_marked_users_the_first_are_named(filled: Callable[..., Workspace]) -> None:
    users = [managed(f"user{number:02}") for number in range(12)]
    async with driving(filled(*users), **ROOT) as admin:
        await admin.press("f6", "slash")
        await admin.type("user")
        await admin.press("enter", "m", "x")
        await admin.sees("Delete 12 users?", "user00", "user09 and 2 more")
        await admin.sees("If the directory still lists 12 of them", "y Delete 12 users n Cancel")
        await admin.press("n", "space", "space", "x")
        await admin.sees("Delete 10 users?", "user02", "user11")
        assert "more" not in admin.text


async def test_hostile_names_are_shown_and_never_obeyed(filled: Callable[..., Workspace]) -> None:
    bad = managed(HOSTILE, full_name=HOSTILE, email_addresses=[HOSTILE])
    workspace = filled(bad, managed("y" * 10_000, full_name="[/]"))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "down")
        await admin.sees(r"\x1b]52")
        for keys in (
            ["enter"],
            ["escape"],
            ["x"],
            ["n"],
            ["p"],
            ["a"],
            ["escape"],
            ["end", "x"],
            ["n"],
            ["enter"],
            ["escape"],
            ["slash"],
        ):
            await admin.press(*keys)
            assert not any(char in admin.text for char in "\x1b\x07\u202e")
        await admin.type("\x1b]52;c;ZXZpbA==\x07")
        assert not any(char in admin.text for char in "\x1b\x07\u202e")
        assert admin.app.is_running


async def test_how_many_are_marked_is_seen_beside_a_filter(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(*(managed(f"user{number}") for number in range(120)))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f6", "slash")
        await admin.type("user")
        await admin.press("enter", "m")
        await admin.sees("1 of 120 (all: 121), 120 marked")
