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


def test_the_first_frame_needs_no_other_screen() -> None:
    probe = "import sys, tui.app; print(*(name for name in sys.modules if name.count('.') == 2))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "tui.screens.logon" in loaded
    assert not [name for name in SCREENS if f"tui.screens.{name}" in loaded]
