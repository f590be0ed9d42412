"""The command line as its users meet it: a process with stdin, stdout, stderr and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.password_search import learn, look_at


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

    `module` is what Python runs.
    """

    environment: Mapping[str, str] | None = None

    def __init__(self, folder: Path, module: str = "tui.cli") -> None:
        self.module = module
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
        done = subprocess.run(
            [sys.executable, "-m", self.module, "--store", self.store_argument, *words],
            input=stdin,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        look_at(f"stdout of mailroster {' '.join(words)}", done.stdout)
        look_at(f"stderr of mailroster {' '.join(words)}", done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
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
