"""What the first frame must not wait for."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATER = (
    "httpx",
    "pydantic",
    "cryptography",
    "sync.directory.client",
    "store.validation",
    "sync.demo",
)
SCREENS = ("connection", "options", "privileges", "synchronize", "users", "history")


@pytest.mark.parametrize("module", ["tui.app", *(f"tui.screens.{name}" for name in SCREENS)])
def test_slow_modules_are_loaded_later(module: str) -> None:
    probe = f"import sys, {module}; print([name for name in {LATER!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_first_frame_needs_no_other_screen_and_no_store() -> None:
    probe = "import sys, tui.cli, tui.terminal; tui.cli.Session(None).unread_workspace"
    probe += "; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert {"tui.screens.logon", "sync.workspace"} <= set(loaded)
    assert not [name for name in SCREENS if f"tui.screens.{name}" in loaded]
    assert not [name for name in loaded if name.startswith(("store.tinydb", "tinydb"))]
