"""The campaign of `tests.faults`, in short, and that it finds what it looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.campaign
ROOT = Path(__file__).parents[2]


def campaign(*words: str) -> subprocess.CompletedProcess[str]:
    """Run what `words` say, and nothing else."""
    chosen = ["--kills", "0", "--power-cuts", "0", "--race", "0", "--calls", "0", *words]
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_killed_at_random_moments_nothing_is_lost() -> None:
    done = campaign("--kills", "28")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "28 times" in done.stdout


def test_after_power_cuts_nothing_is_lost() -> None:
    done = campaign("--power-cuts", "3")
    if "SKIPPED" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 times" in done.stdout


def test_processes_and_screens_lose_no_update() -> None:
    done = campaign("--race", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 processes, 2 of them screens" in done.stdout


def test_whatever_call_to_the_system_fails_nothing_is_lost() -> None:
    done = campaign("--calls", "20")
    if "SKIPPED" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 of " in done.stdout


class TestControls:
    """With one guard taken away, the campaign must fail."""

    @pytest.mark.parametrize(
        ("control", "fault", "finds"),
        [
            ("in-place", ["--kills", "20", "--job", "user edit"], "StoreDamaged"),
            ("no-sweep", ["--kills", "40", "--job", "user edit"], "stray files"),
            ("no-lock", ["--race", "1"], "a process failed"),
            ("in-place", ["--calls", "30"], "StoreDamaged"),
        ],
    )
    def test_without(self, control: str, fault: list[str], finds: str) -> None:
        done = campaign(*fault, "--control", control)
        assert done.returncode == 1, done.stdout
        assert finds in done.stdout

    def test_without_fsync(self) -> None:
        done = campaign("--power-cuts", "2", "--job", "user edit", "--control", "no-fsync")
        if "SKIPPED" in done.stdout:
            pytest.skip(done.stdout)
        assert done.returncode == 1, done.stdout
        assert "an acknowledged step is lost" in done.stdout
