"""A fault of the program shows where it is, and neither a password nor what steers a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from sync.workspace import Workspace
from tests.support.command_line import Done
from tui.app import MailrosterApp

SECRET = "a secret in a variable"
STEERING = "\x1b]0;owned\x07"

# A fault in the middle of a command, with a secret in a variable and in the exception.
CRASH = f"""
import sys
def crash(*_, **__):
    password = {SECRET!r}
    raise ValueError(password + {STEERING!r})
"""
COMMAND = f"""{CRASH}
import {{module}} as module
module.{{name}} = crash
from tui.cli import main
main()
"""


def run(module: str, name: str, folder: Path, *words: str) -> Done:
    """Run a command in which `module.name` has a fault."""
    program = COMMAND.format(module=module, name=name)
    store = str(folder / "users.json")
    done = subprocess.run(
        [sys.executable, "-c", program, "--store", store, *words],
        capture_output=True,
        text=True,
        input=SECRET,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def check(text: str) -> None:
    assert "This is a fault of mailroster." in text
    assert "ValueError" in text
    assert "in crash" in text
    assert SECRET not in text
    assert "owned" not in text


@pytest.mark.parametrize(
    ("module", "name", "words", "code"),
    [
        ("tui.cli.users", "table_lines", ["users", "list"], 1),
        ("sync.logon.login", "log_on", ["login", "anna"], 111),
        ("tui.cli.login", "check_log_on", ["login", "anna"], 111),
        ("sync.logon.explain", "explain", ["login", "--explain", "anna"], 111),
    ],
)
def test_in_a_command(tmp_path: Path, module: str, name: str, words: list[str], code: int) -> None:
    done = run(module, name, tmp_path, *words)
    assert done.code == code
    if name == "log_on":  # where a log-on is checked, a fault is one more outage
        assert (done.out, done.err) == (
            "",
            "mailroster: Something unexpected went wrong (ValueError).\n",
        )
    else:
        assert done.out == ""
        check(done.err)


def test_as_json(tmp_path: Path) -> None:
    done = run("tui.cli.users", "print_json", tmp_path, "users", "list", "--json")
    assert done.code == 1
    check(done.err)
    done = run("tui.cli.login", "check_log_on", tmp_path, "login", "anna", "--json")
    answer = json.loads(done.out)
    assert (answer["exit_code"], answer["error"]["kind"]) == (111, "unexpected")
    check(answer["error"]["message"])


async def test_on_the_screens(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    def crash() -> None:
        password = SECRET
        raise ValueError(password + STEERING)

    async def soon(pilot: Pilot[Any]) -> None:
        pilot.app.call_later(crash)

    app = MailrosterApp(workspace)
    await app.run_async(headless=True, auto_pilot=soon)
    assert app.return_code == 1
    check(" ".join(capfd.readouterr().err.split()))
