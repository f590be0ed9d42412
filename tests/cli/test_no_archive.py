"""A store without archive folders: `archive_root` is none, and no host names a root of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cli.test_checkpassword import Check, check
from tests.cli.test_login_server import CLI
from tests.support.command_line import CommandLine

PASSWORD = "correct horse battery"
__all__ = ["check"]


@pytest.fixture
def bare(mailroster: CommandLine) -> CommandLine:
    """Such a store, with an administrator and two users."""
    assert mailroster("settings", "set", "archive_root=none").code == 0
    assert mailroster("users", "add", "root", "--privilege", "admin", stdin=PASSWORD).code == 0
    for name in ("anna", "bert"):
        assert mailroster("users", "add", name, stdin=PASSWORD).code == 0
    return mailroster


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mail").mkdir()
    return tmp_path / "mail"


def test_users_come_change_and_go_without_folders(bare: CommandLine) -> None:
    assert bare("users", "rename", "anna", "anne").code == 0
    deleted = bare("users", "delete", "bert", "--yes")
    assert (deleted.code, "a host that has the archive keeps" in deleted.err) == (0, True)
    assert bare.log_on("anne", PASSWORD) == 0
    assert not bare.store.with_name("archive").exists()
    assert bare("store", "check").code == 0
    assert bare("settings", "show", "--json").json["archive_root"] == "none"
    done = bare("status")
    assert done.code == 0, done.out
    assert "none on this host" in done.out
    assert bare("status", "--json").json["archive"]["root"] is None


def test_control_by_default_a_user_has_a_folder(mailroster: CommandLine) -> None:
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    assert mailroster.store.with_name("archive").joinpath("anna").is_dir()


def test_no_folder_is_taken_as_the_archive(bare: CommandLine) -> None:
    done = bare("store", "check", "--take-archive")
    assert done.code == 23
    assert "no archive folders, as the setting archive_root says." in done.err


@pytest.mark.parametrize("value", ["None", "no", "./none"])
def test_what_is_neither_a_path_nor_none_is_refused(mailroster: CommandLine, value: str) -> None:
    done = mailroster("settings", "set", f"archive_root={value}")
    assert done.code == 1
    assert "or “none” if this host has no archive folders" in done.err


def test_folders_that_stay_in_a_root_that_is_given_up_are_told_of(
    mailroster: CommandLine, root: Path
) -> None:
    assert mailroster("settings", "set", f"archive_root={root}").code == 0
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    told = f"The archive folders of users stay in {root}, and mailroster looks for them"
    (other := root.with_name("other")).mkdir()
    done = mailroster("settings", "set", f"archive_root={other}")
    assert (done.code, f"{told} in {other} from now on." in done.err) == (0, True), done.err
    assert (root / "anna").is_dir()
    assert told not in mailroster("settings", "set", "max_users=7").err
    assert mailroster("settings", "set", f"archive_root={root}").err == ""  # nobody's is there
    assert f"{told} on other hosts only" in mailroster("settings", "set", "archive_root=none").err


def test_a_host_that_names_a_root_has_the_archive(
    bare: CommandLine, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bare("users", "rename", "anna", "anne").code == 0
    monkeypatch.setenv("MAILROSTER_ARCHIVE_ROOT", str(root))
    (root / "anna").mkdir()
    (root / "anna" / "mail").write_text("hello")
    assert bare("store", "check", "--take-archive").code == 0
    assert (root / "anne" / "mail").read_text() == "hello"
    assert bare("users", "add", "carla", stdin=PASSWORD).code == 0
    assert (root / "carla").is_dir()


def test_switching_marks_the_root_that_is_named_then(bare: CommandLine, root: Path) -> None:
    assert bare("settings", "set", f"archive_root={root}").code == 0
    assert (root / ".mailroster-archive").exists()
    assert bare.log_on("anna", PASSWORD) == 0
    assert (root / "anna").is_dir()
    assert bare("settings", "set", "archive_root=none").code == 0
    root.rename(root.with_name("away"))
    assert bare("users", "add", "carla", stdin=PASSWORD).code == 0


def test_a_login_server_lets_in_and_a_mail_server_is_told_to_try_later(
    bare: CommandLine, check: Check
) -> None:
    """A proxy such as nginx needs no folder; Dovecot does."""
    process = subprocess.Popen(
        [*CLI, "--store", str(bare.store), "login-server", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    with process:
        try:
            assert process.stderr
            url = re.search(r"http://\S+/", process.stderr.readline())
            assert url
            for password, status in ((PASSWORD, 200), ("wrong", 403), (PASSWORD, 200)):
                form = {"userName": "anna", "password": password}
                answer = httpx.post(url[0], data=form, trust_env=False, timeout=30)
                assert (answer.status_code, "home=" in answer.text) == (status, False)
        finally:
            process.terminate()
    done = check(f"anna\0{PASSWORD}\0\0".encode())
    assert done.code == 111
    assert "no archive folders" in done.err
    assert check(b"anna\0wrong\0\0").code == 1
