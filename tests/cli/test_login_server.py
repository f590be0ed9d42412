"""`mailroster login-server` and `dovecot-config` as processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from store.models import User
from sync.runs.by_hand import add_user
from sync.workspace import Workspace
from tests.support.command_line import CommandLine

CLI = (sys.executable, "-m", "tui.cli")
PASSWORD = "correct horse battery"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_until_it_is_told_to_stop(workspace: Workspace, number: signal.Signals) -> None:
    add_user(workspace, User(user_name="anna"), PASSWORD)
    process = subprocess.Popen(
        [*CLI, "--store", str(workspace.host_path), "login-server", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr
        url = re.search(r"http://\S+/", process.stderr.readline())
        assert url
        form = {"userName": "anna", "password": PASSWORD}
        assert httpx.post(url[0], data=form, trust_env=False, timeout=30).status_code == 200
        process.send_signal(number)
        assert process.wait(20) == 0
        assert PASSWORD not in process.stderr.read()


def test_another_machines_address_is_refused(mailroster: CommandLine) -> None:
    done = mailroster("login-server", "--host", "0.0.0.0")
    assert (done.code, "not a loopback address" in done.err) == (1, True)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The archive's folder, which is not root's where root runs the tests."""
    (tmp_path / "archive").mkdir()
    if os.geteuid() == 0:
        os.chown(tmp_path / "archive", 107, 109)
    return tmp_path / "archive"


def test_dovecot_config(mailroster: CommandLine, tmp_path: Path, archive: Path) -> None:
    text = mailroster("dovecot-config", "--version", "2.3").out
    owner = archive.stat()
    for part in ("first", "last"):
        assert f"\n{part}_valid_uid = {owner.st_uid}\n" in text
        assert f"\n{part}_valid_gid = {owner.st_gid}\n" in text
    assert f"location = maildir:{tmp_path}/archive:LAYOUT=fs" in text
    assert f"checkpassword --homes {tmp_path}/homes\n" in text
    assert "passdb lua {" in mailroster("dovecot-config", "--version", "2.4").out
    lua = mailroster("dovecot-config", "--version", "2.4", "--lua", "--port", "14399").out
    assert '"http://127.0.0.1:14399/"' in lua
    done = mailroster("dovecot-config", "--version", "2.4", "--method", "checkpassword")
    assert (done.code, done.out) == (1, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
@pytest.mark.parametrize(("uid", "owner"), [(65534, "nobody"), (54321, "54321")])
def test_dovecot_works_for_the_stores_owner_with_or_without_a_name(
    mailroster: CommandLine, tmp_path: Path, uid: int, owner: str
) -> None:
    os.chown(tmp_path, uid, uid)
    text = mailroster("dovecot-config", "--version", "2.3").out
    assert f"  user = {owner}\n" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_that_the_stores_owner_may_not_enter_is_named(mailroster: CommandLine) -> None:
    with TemporaryDirectory() as name:
        home, stores = Path(name), Path(name) / "stores"
        stores.mkdir()
        os.chown(stores, 65534, 65534)
        words = ("--store", str(stores / "users.json"), "dovecot-config", "--version", "2.3")
        closed = mailroster(*words)
        assert f"its owner, nobody, may not enter {home}." in closed.err
        home.chmod(0o711)
        opened = mailroster(*words)  # the control
        assert opened.err == ""
        assert opened.out == closed.out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders of root")
@pytest.mark.parametrize("is_there", [True, False])
def test_an_archive_of_roots_is_refused(
    mailroster: CommandLine, tmp_path: Path, archive: Path, is_there: bool
) -> None:
    assert mailroster("dovecot-config", "--version", "2.3").code == 0
    archive.rmdir()
    if is_there:
        archive.mkdir()
    done = mailroster("dovecot-config", "--version", "2.3")
    assert (done.code, done.out) == (1, "")
    assert f"{tmp_path}/archive belongs to root" in done.err
    assert "adduser --system" in done.err
    assert mailroster("dovecot-config", "--version", "2.3", "--lua").code == 0
