"""Every change is a run: what the command line shows of it, asks, and takes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.files.archive_mark import MARK
from store.locations import ARCHIVE_VARIABLE
from tests.support.command_line import CommandLine

PASSWORD = "correct horse battery"


@pytest.fixture
def office(mailroster: CommandLine, tmp_path: Path) -> CommandLine:
    """An administrator, and an archive of its own root."""
    added = mailroster("users", "add", "root", "--privilege", "admin", stdin=PASSWORD)
    assert added.code == 0
    root = tmp_path / "mail"
    root.mkdir()
    assert mailroster("settings", "set", f"archive_root={root}").code == 0
    return mailroster


def add(office: CommandLine, name: str) -> None:
    assert office("users", "add", name, stdin=PASSWORD).code == 0


def story(office: CommandLine, name: str) -> list[str]:
    chapters = office("history", "list", "--user", name, "--json").json
    return [chapter["kind"] for chapter in chapters]


def test_an_undo_of_settings_shows_them_and_asks(office: CommandLine) -> None:
    assert office("settings", "set", "guard_max_deletes=99").code == 0
    asked = office("history", "undo", "last")
    assert (asked.code, "mailroster cannot ask you: stdin is not a terminal" in asked.err) == (
        2,
        True,
    )
    assert "~ setting guard_max_deletes: 99 -> 25" in asked.out
    assert "1 setting to change." in asked.out
    assert office("settings", "show", "--json").json["guard_max_deletes"] == 99
    done = office("history", "undo", "last", "--yes", "--json").json
    assert done["status"] == "applied"
    assert done["settings"] == {"guard_max_deletes": {"old": 99, "new": 25}}
    assert office("settings", "show", "--json").json["guard_max_deletes"] == 25


def test_a_secret_is_shown_by_the_fact_alone(office: CommandLine) -> None:
    assert office("settings", "set", "password", stdin="secret of the service").code == 0
    token = office.store.read_text().split('"password":"')[1].split('"')[0]
    for words in (["history", "show", "last"], ["history", "undo", "last"]):
        shown = office(*words)
        assert "(set)" in shown.out
        assert token not in shown.out + shown.err


def test_who_had_an_earlier_name_before_is_somebody_else(office: CommandLine) -> None:
    for new in ("b", "c"):
        add(office, "a")
        assert office("users", "rename", "a", new).code == 0
    assert story(office, "b") == ["add", "rename"]
    assert story(office, "c") == ["add", "rename"]


class TestNotMounted:
    @pytest.fixture
    def away(self, office: CommandLine, tmp_path: Path) -> CommandLine:
        add(office, "anna")
        (tmp_path / "mail" / MARK).unlink()
        return office

    def test_the_check_names_it(self, away: CommandLine) -> None:
        done = away("store", "check")
        assert (done.code, "The archive is not mounted" in done.out) == (23, True)
        assert away("store", "check", "--take-archive").code == 0

    def test_so_does_a_log_on_explained(self, away: CommandLine) -> None:
        assert "The archive is not mounted" in away("login", "--explain", "anna").out
        assert away("store", "check", "--take-archive").code == 0
        assert "not mounted" not in away("login", "--explain", "anna").out

    def test_what_concerns_no_folder_goes_on_and_the_warning_says_so(
        self, away: CommandLine
    ) -> None:
        assert away("users", "edit", "anna", "--full-name", "Anna").code == 0
        undone = away("history", "undo", "last", "--yes")
        assert undone.code == 0
        assert "Changes that need no archive folder continue." in undone.err
        assert away("users", "delete", "anna", "--yes").code == 23


def test_a_deletion_that_was_taken_back_takes_no_folder(
    office: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(office, "anna")
    monkeypatch.setenv(ARCHIVE_VARIABLE, "none")
    assert office("users", "delete", "anna", "--yes").code == 0
    assert office("history", "undo", "last", "--yes").code == 0
    monkeypatch.delenv(ARCHIVE_VARIABLE)
    assert office("store", "check").code == 0
    assert (tmp_path / "mail" / "anna" / "new").is_dir()


def test_folder_work_that_is_done_is_told_once(
    office: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anna", "bert"):
        add(office, name)
    (tmp_path / "mail" / "anna" / "new" / "1").write_text("mail")
    monkeypatch.setenv(ARCHIVE_VARIABLE, "none")
    for name in ("anna", "bert"):
        assert office("users", "delete", name, "--yes").code == 0
    monkeypatch.delenv(ARCHIVE_VARIABLE)
    assert "Finished 1 piece of work" in office("store", "check").err
    assert "Finished" not in office("store", "check").err
    assert (tmp_path / "mail" / "anna" / "new" / "1").exists()
    assert not (tmp_path / "mail" / "bert").exists()
