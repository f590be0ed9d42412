"""The command line as its users meet it: a process with stdin, stdout, stderr and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.password_search import learn, look_at
from tests.support.warm_start import run as run_warm

_OF_THE_START = ("LD_PRELOAD", "PYTHONPATH")  # variables that nobody reads later


class Done(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, read as JSON."""
        return json.loads(self.out)


class CommandLine:
    """Calls `mailroster` as a process of its own, on a store of its own in `folder`.

    `module` is what Python runs. Commands of mailroster itself are forked from a process that has
    imported it, unless they are not `warm` or their environment is for Python's start.
    """

    environment: Mapping[str, str] | None = None

    def __init__(self, folder: Path, module: str = "tui.cli", *, warm: bool = True) -> None:
        self.module = module
        self.is_warm = warm and module == "tui.cli"
        self.store = folder / "users.json"
        self.archive = folder / "archive"

    @property
    def store_argument(self) -> str:
        """What names the store after `--store`."""
        return str(self.store)

    def __call__(self, *words: str, stdin: str = "") -> Done:
        """Run one command, with `stdin` piped in; none may end with a traceback.

        What is piped in are passwords: no command may print one, nor the hash of one.
        """
        learn(stdin.removesuffix("\n"))
        arguments = ["--store", self.store_argument, *words]
        environment = os.environ if self.environment is None else self.environment
        if self.is_warm and environment.keys().isdisjoint(_OF_THE_START):
            done = Done(*run_warm(arguments, stdin, environment))
        else:
            done = self._run_cold(arguments, stdin, environment)
        look_at(f"stdout of mailroster {' '.join(words)}", done.out)
        look_at(f"stderr of mailroster {' '.join(words)}", done.err)
        assert "Traceback" not in done.err, done.err
        return done

    def _run_cold(self, arguments: list[str], stdin: str, environment: Mapping[str, str]) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", self.module, *arguments],
            input=stdin,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def set_up(self, url: str, *assignments: str) -> None:
        """Point the settings at the directory at `url`."""
        service = "directory_service=application_integration"
        done = self("settings", "set", service, f"url={url}", *assignments)
        assert done.code == 0, done.err

    def users(self) -> dict[str, dict[str, Any]]:
        """Return what `users list` says, by user name."""
        listed = self("users", "list", "--json")
        assert listed.code == 0, listed.err
        return {user["user_name"]: user for user in listed.json}

    def log_on(self, name: str, password: str) -> int:
        """Return the exit code of a log-on."""
        return self("login", name, stdin=password + "\n").code
