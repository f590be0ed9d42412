"""The man page and the shells' completion, made from the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs.commands_reference import COMPLETION, completion, man_page
from tests.docs.pages import ROOT
from tests.support.programs import require
from tui.cli import cli

MAN_PAGE = ROOT / "docs" / "man" / "mailroster.1"
BIN = Path(sys.executable).parent


def test_the_man_page_is_current() -> None:
    assert MAN_PAGE.read_text() == man_page(), "run python -m docs.commands_reference"


@pytest.mark.parametrize("name", COMPLETION)
def test_the_completion_is_current(name: str) -> None:
    assert (ROOT / "docs" / "completion" / name).read_text() == completion(COMPLETION[name])


@pytest.mark.parametrize("group", [[], ["history"], ["settings"], ["store"], ["users"]])
def test_the_lists_of_commands_cut_no_sentence(group: list[str]) -> None:
    listed = CliRunner().invoke(cli, [*group, "--help"]).output.partition("Commands:")[2]
    assert listed
    assert "..." not in listed


def test_man_shows_the_page_without_a_warning() -> None:
    done = subprocess.run(
        [require("man", "man-db"), "-l", "--warnings=w", str(MAN_PAGE)],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "100"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""
    for text in ("--hold-deletes", "users set-password", "MAILROSTER_STORE", "EXIT STATUS"):
        assert text in done.stdout


def test_bash_completes_commands_and_options() -> None:
    script = """
        source docs/completion/mailroster.bash
        complete_line() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            compopt() { :; }
            _mailroster_completion mailroster
            echo "${COMPREPLY[@]}"
        }
        complete_line mailroster users set-
        complete_line mailroster sync --hold
    """
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.splitlines() == ["set-auth set-password set-privileges", "--hold-deletes"]
