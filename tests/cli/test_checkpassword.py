"""`mailroster checkpassword`: descriptor 3, exit codes, and the program that goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from store.models import User
from sync.runs.by_hand import add_user
from sync.workspace import Workspace
from tests.support.command_line import CommandLine, Done
from tests.support.directory import Directory

PASSWORD = "correct horse battery"
CLI = (sys.executable, "-m", "tui.cli")
SHOW = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
Check = Callable[..., Done]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run it with `data` on descriptor 3 (None: closed), and the environment changed."""

    def run(data: bytes | None, *program: str, **environment: str) -> Done:
        reader, writer = os.pipe()
        if data is not None:
            os.write(writer, data)
        os.close(writer)

        def on_descriptor_3() -> None:
            if data is None:
                os.close(3)
            else:
                os.dup2(reader, 3)

        done = subprocess.run(
            [*CLI, "--store", str(tmp_path / "users.json"), "checkpassword", *(program or SHOW)],
            capture_output=True,
            text=True,
            pass_fds=(3, reader),
            preexec_fn=on_descriptor_3,
            env={**os.environ, **environment},
            timeout=60,
            check=False,
        )
        os.close(reader)
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def anna(workspace: Workspace) -> str:
    add_user(workspace, User(user_name="Anna"), PASSWORD)
    return f"anna\0{PASSWORD}\0\0"


def test_accepted_the_program_goes_on_with_what_dovecot_needs(
    check: Check, anna: str, tmp_path: Path
) -> None:
    done = check(anna.encode(), ORIG_UID="7", SHELL="/bin/x")
    assert done.code == 0, done.err
    told = done.json
    home = tmp_path / "homes" / "anna"
    assert (told["USER"], told["HOME"]) == ("Anna", str(home))
    assert (told["userdb_uid"], told["userdb_gid"]) == (str(os.getuid()), str(os.getgid()))
    assert told["userdb_acl"] == f"vfile:{home}/acl:cache_secs=2"
    assert told["EXTRA"] == "userdb_uid userdb_gid userdb_acl"
    assert (told["ORIG_UID"], told["SHELL"]) == ("7", "/bin/x")
    assert "AUTHORIZED" not in told
    assert PASSWORD not in done.out + done.err


def test_the_programs_exit_code_is_the_answer(check: Check, anna: str) -> None:
    assert check(anna.encode(), "sh", "-c", "exit 7").code == 7


@pytest.mark.parametrize(
    "data", [b"anna\0wrong\0\0", b"anna\0\0\0", b"nobody\0x\0\0", b"\xff\0\xfe\0\0"]
)
def test_refused(check: Check, anna: str, data: bytes) -> None:
    done = check(data)
    assert (done.code, done.out, done.err) == (1, "", "")


@pytest.mark.parametrize(
    "data", [None, b"", b"anna", b"anna\0x", b"anna\0x\0", b"a" * 510 + b"\0\0\0"]
)
def test_misused(check: Check, anna: str, data: bytes | None) -> None:
    done = check(data)
    assert (done.code, done.out) == (2, "")


def test_512_bytes_are_allowed(check: Check, anna: str) -> None:
    assert check(anna.encode() + b"0" * (512 - len(anna))).code == 0
    assert check(anna.encode() + b"0" * (513 - len(anna))).code == 2


def test_without_a_program_it_is_misused(mailroster: CommandLine) -> None:
    assert mailroster("checkpassword").code == 2


def test_nobody_can_tell(check: Check, anna: str, tmp_path: Path) -> None:
    assert check(anna.encode(), "no-such-program").code == 111
    assert check(anna.encode(), TCPREMOTEIP="nonsense").code == 111
    (tmp_path / "users.json").write_text("{")
    assert check(anna.encode()).code == 111
    (tmp_path / "users.json").unlink()
    done = check(anna.encode())
    assert done.code == 111
    assert "is gone, but its backups are there" in done.err
    shutil.rmtree(tmp_path / "users.json.backups")
    done = check(anna.encode())
    assert done.code == 111
    assert "does not exist" in done.err


def test_an_outage_of_the_directory_is_no_refusal(
    check: Check, connected: CommandLine, directory: Directory
) -> None:
    directory.put(dora="right")
    connected("sync", "--yes")
    assert check(b"dora\0right\0\0").code == 0
    assert check(b"dora\0wrong\0\0").code == 1
    directory.stop()
    assert check(b"dora\0right\0\0").code == 111


def test_failures_are_counted_for_the_source(check: Check, anna: str, tmp_path: Path) -> None:
    assert check(b"anna\0wrong\0\0", TCPREMOTEIP="192.0.2.1").code == 1
    assert '"192.0.2.1":[1,' in (tmp_path / "users.json.attempts").read_text()


def test_a_look_up_needs_no_password(check: Check, anna: str) -> None:
    done = check(b"anna\0\0\0", AUTHORIZED="1")
    assert (done.code, done.json["AUTHORIZED"], done.json["USER"]) == (0, "2", "Anna")
    assert check(b"nobody\0\0\0", AUTHORIZED="1").code == 3


def test_stored_passwords_are_told_to_nobody(check: Check, anna: str) -> None:
    assert check(anna.encode(), AUTHORIZED="1", CREDENTIALS_LOOKUP="1").code == 1
