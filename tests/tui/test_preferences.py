"""Keys and theme of one's own, the key reference, and read-only sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs.keys_reference import PATH, keys_reference
from store.errors import StoreUnwritable
from store.interface import Batch
from store.models import Settings
from sync.workspace import Workspace
from tests.tui.driver import driving
from tui.actions import ACTIONS
from tui.cli import cli
from tui.preferences import Preferences, load_preferences, preferences_path
from tui.theme import PLAIN

ROOT = {"administrator": "root"}


def preferences(tmp_path: Path, text: str) -> Preferences:
    file = tmp_path / "tui.toml"
    file.write_text(text)
    return load_preferences(file)


def test_the_key_reference_is_current() -> None:
    assert PATH.read_text("utf-8") == keys_reference(), "run python -m docs.keys_reference"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_the_key_reference_names_every_action(action: object) -> None:
    assert f"`{action.id}`" in keys_reference()  # type: ignore[attr-defined]


def test_no_file_means_no_preferences() -> None:
    assert preferences_path().name == "tui.toml"
    assert load_preferences(preferences_path()) == Preferences()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("theme = ", "It is not TOML:"),
        ("theme = 'neon'", "“neon” is not a theme; choose from mailroster-dark,"),
        ("theme = 5", "“5” is not a theme"),
        ("theme = []", "“[]” is not a theme"),
        ("colour = 1", "“colour” is unknown; theme, sign_after and [keys] are known."),
        ("sign_after = -1", "“-1”, for sign_after, is not a number of seconds"),
        ("sign_after = true", "“True”, for sign_after, is not a number of seconds"),
        ("sign_after = nan", "“nan”, for sign_after, is not a number of seconds"),
        ("keys = 1", "keys is not a table"),
        ("[keys]\n'users.fly' = 'x'", "“users.fly” is not an action"),
        ("[keys]\n'user.delete' = 'hyper+x'", "“hyper+x”, for user.delete, is not a key"),
        ("[keys]\n'user.delete' = ''", "“”, for user.delete, is not a key"),
        ("[keys]\n'user.delete' = ['x']", "for user.delete, is not a key"),
        ("[keys]\n'user.delete' = 'n'", "“n”, for user.delete, is already the key of users.new."),
        ("[keys]\n'user.delete' = 'f1'", "is already the key of app.help."),
        ("[keys]\n'connection.check' = 'ctrl+s'", "is already the key of form.save."),
        ("[keys]\n'demo.switch_directory' = 't'", "is already the key of synchronize.test."),
    ],
)
def test_what_cannot_be_used_is_named_and_left_out(text: str, problem: str, tmp_path: Path) -> None:
    read = preferences(tmp_path, text)
    (said,) = read.problems
    assert problem in said
    assert (read.theme, dict(read.keys)) == ("", {})


def test_an_unreadable_file(tmp_path: Path) -> None:
    assert "cannot be read" in load_preferences(tmp_path).problems[0]
    (tmp_path / "latin").write_bytes(b"theme = '\xe9'")
    assert load_preferences(tmp_path / "latin").problems == ("It is not UTF-8.",)


def test_keys_can_be_exchanged(tmp_path: Path) -> None:
    read = preferences(tmp_path, "[keys]\n'users.new' = 'm'\n'users.mark_all' = 'n'")
    assert read.problems == ()


async def test_ones_own_keys_work_and_are_shown(
    filled: Callable[..., Workspace], tmp_path: Path
) -> None:
    own = preferences(
        tmp_path,
        "theme = 'nord'\n[keys]\n'users.new' = 'f9,plus'\n'app.users' = 'f12'\n'confirm.yes' = 'j'",
    )
    assert own.problems == ()
    async with driving(filled(), preferences=own, **ROOT) as admin:
        assert admin.app.theme == "nord"
        await admin.sees("F12 Users")
        await admin.press("f12")
        await admin.sees("F9 New")
        await admin.press("f1")
        await admin.sees("F9 New: Add a user by hand.")
        await admin.press("escape", "n")
        assert "New user" not in admin.text
        await admin.press("plus")
        await admin.sees("New user")
        await admin.type("x")
        await admin.press("escape")
        await admin.sees("Discard the new user?", "j Discard the new user")
        await admin.press("j", "ctrl+p")
        await admin.type("New")
        await admin.sees("New F9 Add a user by hand.")


async def test_a_bad_file_is_reported_and_the_defaults_work(
    filled: Callable[..., Workspace], tmp_path: Path
) -> None:
    own = preferences(tmp_path, "[keys]\n'users.\\u001b[31mfly' = 'x'")
    async with driving(filled(), preferences=own, **ROOT) as admin:
        await admin.sees("In tui.toml", "mailroster uses the defaults instead.")
        await admin.press("escape", "f6", "n")
        await admin.sees("New user")


async def test_no_colour_sends_no_truecolor(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driving(filled(), preferences=Preferences(theme="nord"), **ROOT) as admin:
        assert admin.app.theme == PLAIN.name


def test_every_action_that_writes_is_marked() -> None:
    verbs = ("delete", "save", "create", "new", "set_", "switch_auth", "rename", "undo_", "reset")
    unmarked = [action.id for action in ACTIONS if not action.writes]
    assert not [name for name in unmarked if name.partition(".")[2].startswith(verbs)]


async def test_a_read_only_session_writes_nothing(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    generation = workspace.snapshot().generation
    async with driving(workspace, readonly=True, **ROOT) as admin:
        await admin.sees("This session is read-only (--readonly).")
        for key, tried in (("f2", "ctrl+s"), ("f5", "s"), ("f6", "x"), ("f6", "n"), ("f6", "a")):
            await admin.press(key)
            assert not admin.app.screen.active_bindings[tried].enabled
            await admin.press(tried)
        await admin.press("f2")
        await admin.focus("#ca_file")
        await admin.type("/ca.pem")
        await admin.press("ctrl+s")
        await admin.press("f6", "ctrl+p")
        await admin.type("Delete")
        await admin.sees("not now: This session is read-only")
        await admin.press("escape")
        with pytest.raises(StoreUnwritable, match="read-only"):
            admin.app.workspace.store.apply(Batch(settings=Settings(url="x")))
    assert workspace.snapshot().generation == generation


async def test_a_read_only_session_on_a_new_store(workspace: Workspace) -> None:
    async with driving(workspace, readonly=True) as admin:
        await admin.sees("the first administrator", "This session is read-only")
        await admin.press("ctrl+s")
        assert not admin.app.workspace.snapshot().users


@pytest.mark.parametrize("option", ["--readonly", "--low-bandwidth"])
def test_options_of_the_screens_are_refused_elsewhere(option: str) -> None:
    result = CliRunner().invoke(cli, [option, "settings", "show"])
    assert result.exit_code == 2
    assert "are for the screens" in result.output
