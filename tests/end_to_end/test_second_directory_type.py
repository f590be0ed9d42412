"""A directory type that no product file knows works everywhere: one file, and one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.models import User
from store.privileges import ADMIN
from sync.configure import configure
from sync.directory.types import TYPES
from sync.runs.by_hand import add_user
from sync.workspace import Workspace
from tests.support.command_line import CommandLine
from tests.support.user_file import USER_FILE
from tests.tui.driver import PASSWORD, driving

SECRET = "a password that is read backwards"
CHOSEN = "directory_service=user_file"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file of two users, below a header."""
    file = tmp_path / "people.txt"
    file.write_text(f"name;address;password\nanna;anna@x.org;{SECRET[::-1]}\nbert;bert@x.org;-\n")
    return file


def test_on_the_command_line(tmp_path: Path, people: Path) -> None:
    mailroster = CommandLine(tmp_path, "tests.support.user_file")
    known = ["user_file_separator=semicolon", "user_file_header_lines=1"]
    refused = mailroster("settings", "set", CHOSEN, "user_file=people.txt", *known)
    assert (refused.code, "user_file must be an absolute path" in refused.err) == (1, True)
    assert mailroster("settings", "set", CHOSEN, f"user_file={people}", *known).code == 0
    shown = mailroster("settings", "show", "--json").json
    assert shown["user_file_header_lines"] == 1
    assert shown["user_file_in_clear"] is False
    assert "user_file_separator" in mailroster("settings", "show").out

    tested = mailroster("test", "--json")
    assert (tested.code, tested.err) == (0, "")
    assert [change["user_name"] for change in tested.json["changes"]] == ["anna", "bert"]
    assert mailroster("sync", "--yes").code == 0
    assert mailroster.users()["anna"]["email_addresses"] == ["anna@x.org"]
    assert mailroster.log_on("Anna", SECRET) == 0
    assert mailroster.log_on("anna", "another password") == 1
    assert f"directory's, at {people}." in mailroster("login", "anna", "--explain").out
    assert mailroster("sync", "--yes", "--json").json["status"] == "no_changes"

    assert mailroster("settings", "set", "user_file_in_clear=true").code == 0
    for command in (("test",), ("sync", "--yes")):
        assert "warning: passwords are in clear in the file." in mailroster(*command).err
    checked = mailroster("directory-check", "none", CHOSEN, f"user_file={people}", *known)
    assert (checked.code, checked.err) == (0, "")
    assert "The list: 2 users." in checked.out
    assert checked.out.endswith("mailroster can use the directory.\n")
    people.unlink()
    failed = mailroster("sync", "--yes", "--json")
    assert (failed.code, failed.json["error"]["kind"]) == (20, "user_file_unreadable")
    assert mailroster.log_on("anna", SECRET) == 111


def test_without_its_line_it_is_not_there(tmp_path: Path) -> None:
    mailroster = CommandLine(tmp_path)
    for assignment, says in {
        CHOSEN: "Choose from: none, application_integration, ldap.",
        "user_file=/x": "“user_file” is not a setting.",
    }.items():
        refused = mailroster("settings", "set", assignment)
        assert (refused.code, says in refused.err) == (1, True)


async def test_on_the_screens(
    workspace: Workspace, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TYPES, USER_FILE.name, USER_FILE)
    add_user(workspace, User(user_name="root", privileges=[ADMIN]), PASSWORD)
    async with driving(workspace, administrator="root") as admin:
        await admin.press("f2")
        await admin.sees("URL", "CA file")
        assert "File of users" not in admin.words
        await admin.focus("#directory_service")
        await admin.press("enter", "end", "enter")
        await admin.sees("“File of users” must be an absolute path.", "How the file is written")
        assert "URL" not in admin.words
        assert "CA file" not in admin.words

        await admin.focus("#user_file")
        await admin.type(str(people))
        await admin.focus("#user_file_separator")
        await admin.press("enter", "end", "enter")
        await admin.focus("#user_file_header_lines")
        await admin.press("ctrl+u")
        await admin.type("one")
        await admin.sees("“Lines of the header” is “one”, not a whole number.")
        await admin.press("ctrl+u")
        await admin.type("1")
        await admin.press("ctrl+g")
        await admin.sees("A directory service of this type shows no certificate.")
        await admin.press("ctrl+t")
        await admin.sees("Reached: 2 users listed", "Not saved yet.")
        await admin.focus("#user_file_in_clear")
        await admin.press("space")
        await admin.sees("WARNING: passwords are in clear in the file.")
        await admin.press("space", "ctrl+s")
        await admin.sees("Saved. Test Settings now?")
        settings = workspace.snapshot().settings
        assert settings.more == {
            "user_file": str(people),
            "user_file_separator": "semicolon",
            "user_file_header_lines": 1,
        }

        await admin.press("y")
        await admin.sees("anna", "bert", "+ create")
        await admin.press("f2")
        configure(workspace, {"user_file": "/elsewhere"})
        admin.app.refresh_store()
        await admin.sees("/elsewhere")
