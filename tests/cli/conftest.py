"""The command line as its users meet it: a process with stdin, stdout, stderr and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.directory import Directory


class Done(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, read as JSON."""
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def mailroster(tmp_path: Path) -> Command:
    """Run `mailroster` on the test's store; `stdin` is what is piped in."""

    def run(*arguments: str, stdin: str = "") -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "tui.cli", "--store", str(tmp_path / "users.json"), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def connected(mailroster: Command, directory: Directory) -> Command:
    """The same, with the directory set up."""
    assert (
        mailroster(
            "settings", "set", "directory_service=application_integration", f"url={directory.url}"
        ).code
        == 0
    )
    return mailroster
