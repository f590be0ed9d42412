"""The recipes and hooks of CONTRIBUTING.md: they exist, and are lines that can be run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

BIN = Path(sys.executable).parent
RECIPES = (ROOT / "justfile").read_text()
NAMES = re.findall(r"^([a-z][\w-]*)(?: \*\w+)?:$", RECIPES, re.MULTILINE)


def just(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "just", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_recipes_that_the_page_names_are_there() -> None:
    named = re.findall(r"`just ([\w-]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert named
    assert set(named) <= set(NAMES)
    assert {"run", "test", "lint", "bench", "snapshot-update"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_recipe_calls_what_exists(name: str) -> None:
    done = just("--dry-run", name)
    assert done.returncode == 0, done.stderr
    for tool in re.findall(r"\.venv/bin/([\w-]+)", done.stderr):
        assert (BIN / tool).exists() or tool == "pip", tool


def test_the_hooks_are_local_and_valid() -> None:
    configuration = ROOT / ".pre-commit-config.yaml"
    done = subprocess.run(
        [BIN / "pre-commit", "validate-config", configuration], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    assert re.findall(r"repo: (\S+)", configuration.read_text()) == ["local"]
