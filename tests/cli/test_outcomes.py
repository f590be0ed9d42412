"""Every `mailroster sync` leaves how it ended, in a file of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from typing import Any

from tests.support.command_line import CommandLine
from tests.support.directory import Directory


def outcome(mailroster: CommandLine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(mailroster.store.with_name("users.json.outcome").read_text())
    return found


def test_with_and_without_changes(connected: CommandLine, directory: Directory) -> None:
    directory.put("anna")
    assert connected("sync", "--yes").code == 0
    assert outcome(connected)["succeeded"]["result"] == "applied"
    before = os.stat(connected.store)[:2], connected.store.read_bytes()
    assert connected("sync", "--yes").code == 0
    assert outcome(connected)["succeeded"]["result"] == "no_changes"
    assert (os.stat(connected.store)[:2], connected.store.read_bytes()) == before
    mode = connected.store.with_name("users.json.outcome").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_directory_that_is_away(connected: CommandLine, directory: Directory) -> None:
    directory.put("anna")
    assert connected("sync", "--yes").code == 0
    directory.stop()
    assert connected("sync", "--yes").code == 20
    found = outcome(connected)
    assert found["failed"]["problem"]["kind"] == "connection_failed"
    assert found["failing_since"] == found["failed"]["at"]
    assert found["succeeded"]["result"] == "applied"


def test_a_guard_stop_an_empty_terminal_and_a_lost_plan(
    connected: CommandLine, directory: Directory
) -> None:
    assert connected("settings", "set", "auto_delete=true").code == 0
    directory.put(*(f"user{number}" for number in range(9)))
    assert connected("sync").code == 2  # nobody is there to be asked
    assert outcome(connected)["failed"]["problem"]["kind"] == "usage"
    assert connected("sync", "--yes").code == 0
    directory.put("user0")
    assert connected("sync", "--yes").code == 11
    assert outcome(connected)["failed"]["result"] == "blocked"
    assert connected("sync", "--yes", "--plan", "nowhere").code == 1
    assert outcome(connected)["failed"]["problem"]["kind"] == "plan_file"


def test_test_settings_leaves_none(connected: CommandLine, directory: Directory) -> None:
    directory.put("anna")
    assert connected("test").code == 0
    assert not connected.store.with_name("users.json.outcome").exists()


def test_one_that_is_killed(connected: CommandLine, directory: Directory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert connected("settings", "set", f"url=http://127.0.0.1:{port}/").code == 0
        command = [sys.executable, "-m", "tui.cli", "--store", str(connected.store), "sync"]
        process = subprocess.Popen([*command, "--yes"], stderr=subprocess.DEVNULL)
        with silent.accept()[0], process:
            process.send_signal(signal.SIGKILL)
    began = outcome(connected)["began"]
    assert began["process"] == process.pid
    directory.stop()
    assert connected("sync", "--yes").code == 20
    found = outcome(connected)
    assert (found["failed"]["result"], found["began"]) == ("failed", None)
    assert found["failing_since"] == began["at"]


def test_a_second_one_leaves_what_is_known_of_the_first(
    connected: CommandLine, directory: Directory
) -> None:
    directory.put("anna")
    assert connected("sync", "--yes").code == 0
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert connected("settings", "set", f"url=http://127.0.0.1:{port}/").code == 0
        command = [sys.executable, "-m", "tui.cli", "--store", str(connected.store), "sync"]
        process = subprocess.Popen([*command, "--yes"], stderr=subprocess.DEVNULL)
        with silent.accept()[0], process:
            assert connected("sync", "--yes").code == 21
            assert connected("status").code == 0  # it did not fail: the first one does the work
            assert outcome(connected)["began"]["process"] == process.pid
            process.send_signal(signal.SIGKILL)
    assert connected("status", "--json").json["troubles"][0]["kind"] == "sync_failed"
    directory.stop()
