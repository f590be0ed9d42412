"""Output that its stream cannot take, and an operating system's user without a home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.directory import Directory

PASSWORD = "correct horse battery"
HOMELESS = """
import os, pwd
def nobody(uid):
    raise KeyError(uid)
pwd.getpwuid = nobody
from tui.cli import main
main()
"""


def run(*words: str, env: dict[str, str] | None = None, **more: Any) -> Any:
    command = [sys.executable, "-m", "tui.cli", *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return subprocess.run(
        command, env={**os.environ, **(env or {})}, timeout=60, check=False, **{**streams, **more}
    )


class TestEncoding:
    @pytest.mark.parametrize("encoding", ["iso-8859-1", "cp1252"])
    def test_what_it_lacks_is_escaped_and_the_sync_goes_on(
        self, connected: CommandLine, directory: Directory, encoding: str
    ) -> None:
        directory.put("Łukasz", "Jürgen")
        env = {"PYTHONIOENCODING": encoding}
        done = run("--store", str(connected.store), "sync", "--yes", env=env)
        assert done.returncode == 0, done.stderr
        assert b"\\u0141ukasz" in done.stdout
        assert "Jürgen".encode(encoding, "backslashreplace") in done.stdout
        assert connected.users().keys() == {"Łukasz", "Jürgen"}

    def test_of_the_control(self, connected: CommandLine, directory: Directory) -> None:
        directory.put("Łukasz")
        env = {"PYTHONIOENCODING": "utf-8"}
        done = run("--store", str(connected.store), "test", env=env)
        assert "Łukasz".encode() in done.stdout


class TestFullDisk:
    @pytest.mark.parametrize("buffered", ["", "1"])
    @pytest.mark.parametrize(
        "words",
        [
            ["users", "list"],
            ["users", "list", "--json"],
            ["settings", "show"],
            ["sync", "--yes"],
            ["--help"],
            ["--version"],
        ],
    )
    def test_it_is_told_as_one(
        self, connected: CommandLine, directory: Directory, words: list[str], buffered: str
    ) -> None:
        connected("users", "add", "root", "--privilege", "admin", stdin=PASSWORD)
        directory.put("bert")
        with open("/dev/full", "w") as full:
            done = run(
                "--store",
                str(connected.store),
                *words,
                env={"PYTHONUNBUFFERED": buffered},
                stdout=full,
            )
        assert done.returncode == 1
        said = done.stderr.decode()
        assert "The output cannot be written: No space left on device." in said
        assert "fault of mailroster" not in said
        assert "Traceback" not in said
        assert "Exception ignored" not in said
        changed = "bert" in connected.users()
        assert ("The store was written meanwhile" in said) == changed

    def test_of_both_streams(self, connected: CommandLine) -> None:
        with open("/dev/full", "w") as full:
            words = ["--store", str(connected.store), "settings", "show"]
            assert run(*words, stdout=full, stderr=full).returncode == 1

    def test_a_reader_who_left_is_none(self, connected: CommandLine) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        done = run("--store", str(connected.store), "settings", "show", stdout=writer)
        os.close(writer)
        assert done.stderr == b""


class TestWithoutAHome:
    def call(self, folder: Path, *words: str, **variables: str) -> Any:
        env = {name: value for name, value in os.environ.items() if name != "HOME"}
        env = {name: value for name, value in env.items() if not name.startswith("XDG_")}
        return subprocess.run(
            [sys.executable, "-c", HOMELESS, *words],
            cwd=folder,
            env={**env, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
            input="secret",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @pytest.mark.parametrize("words", [["users", "list"], ["store", "check"], ["settings", "show"]])
    def test_a_store_that_is_named_can_be_used(self, tmp_path: Path, words: list[str]) -> None:
        done = self.call(tmp_path, "--store", str(tmp_path / "users.json"), *words)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr

    def test_a_password_has_no_place(self, tmp_path: Path) -> None:
        words = ["--store", str(tmp_path / "users.json"), "settings", "set", "password"]
        done = self.call(tmp_path, *words)
        assert done.returncode == 1
        assert "has no home" in done.stderr
        assert "Set XDG_CONFIG_HOME" in done.stderr
        done = self.call(tmp_path, *words, XDG_CONFIG_HOME=str(tmp_path / "config"))
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "config" / "mailroster" / "secret.key").exists()

    @pytest.mark.parametrize("store", [[], ["--store", "~/users.json"]])
    def test_a_store_that_is_not(self, tmp_path: Path, store: list[str]) -> None:
        done = self.call(tmp_path, *store, "users", "list", "--json")
        assert done.returncode == 1
        assert "Give its path with --store" in json.loads(done.stdout)["error"]["message"]
        assert list(tmp_path.iterdir()) == []
