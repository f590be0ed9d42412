"""A plan on the command line: a sentence at its end, and on a terminal its signs in colour."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.support.command_line import CommandLine
from tests.support.directory import Directory

GREEN = "\x1b[32m\x1b[1m+\x1b[0m create   anna"


def on_a_terminal(mailroster: CommandLine, environment: dict[str, str]) -> str:
    """What `mailroster test` prints on a terminal."""
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", mailroster.module, "--store", mailroster.store_argument, "test"],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
        env={**inherited, "TERM": "xterm-256color", **environment},
        timeout=60,
        check=True,
    )
    os.close(slave)
    printed = os.read(master, 65536).decode()
    os.close(master)
    assert b"Traceback" not in done.stderr
    return printed


def test_signs_have_a_colour_on_a_terminal_alone(
    connected: CommandLine, directory: Directory
) -> None:
    directory.put("anna")
    assert GREEN in on_a_terminal(connected, {})
    assert "\x1b" not in on_a_terminal(connected, {"NO_COLOR": "1"})
    done = connected("test")
    assert "\x1b" not in done.out
    assert done.out.startswith("+ create   anna")


def test_the_plan_ends_with_a_sentence(connected: CommandLine, directory: Directory) -> None:
    assert connected("settings", "set", "auto_delete=true").code == 0
    directory.put("anna", "bert", "carl", "dora")
    assert connected("test").out.endswith("4 to create (4 of 4 users of the directory in scope).\n")
    assert connected("sync", "--yes").code == 0
    assert connected("test").out == "No changes (4 of 4 users of the directory in scope).\n"
    directory.put("anna", "bert", "carl", "eva", "lager/tor")
    done = connected("test")
    assert done.out.endswith(
        "1 to create, 1 to delete; 1 conflict (4 of 5 users of the directory in scope).\n"
    )


@pytest.mark.parametrize("command", ["test", "sync"])
def test_json_counts_by_action(command: str, connected: CommandLine, directory: Directory) -> None:
    directory.put("anna")
    done = connected(command, "--json", *(["--yes"] if command == "sync" else []))
    assert done.json["counts"]["create"] == 1
    assert "to create" not in done.out


def test_an_undo_names_the_settings_that_it_restored(connected: CommandLine) -> None:
    connected("settings", "set", "max_users=5", "auto_delete=true")
    done = connected("history", "undo", "last", "--yes")
    assert "Restored 2 settings: auto_delete, max_users.\n" in done.err
    assert "Applied" not in done.err
    assert connected("settings", "show", "--json").json["auto_delete"] is False
