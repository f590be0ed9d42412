"""Ctrl+C at any moment of a write: what is said of it is true."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.command_line import CommandLine
from tui.cli.interrupts import SystemFailed

PASSWORD = "correct horse battery"
INTERRUPTED = """
import os, signal, sys
replace, before = os.replace, sys.argv.pop(1) == "before"
def interrupted(*paths):
    if before:
        os.kill(os.getpid(), signal.SIGINT)
    replace(*paths)
    os.kill(os.getpid(), signal.SIGINT)
os.replace = interrupted
from tui.cli import main
main()
"""


@pytest.mark.parametrize(
    ("when", "says", "name"),
    [
        ("before", "Interrupted. No user and no setting was changed.", None),
        ("after", "its generation was 1 and is 2 now.", "Anna A."),
    ],
)
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
def test_of_the_replace(
    mailroster: CommandLine, when: str, says: str, name: str | None, as_json: list[str]
) -> None:
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    edit = ["users", "edit", "anna", "--full-name", "Anna A.", *as_json]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, when, "--store", str(mailroster.store), *edit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert says in done.stderr
    assert (says in done.stdout) == bool(as_json)
    (anna,) = mailroster("users", "list", "--json").json
    assert anna["full_name"] == name


def test_before_anything_was_read(mailroster: CommandLine) -> None:
    lines = "import sys, os, signal\nfrom tui.cli import main\nimport tui.cli.session as s\n"
    lines += "def stop(*_, **__):\n    os.kill(os.getpid(), signal.SIGINT)\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{lines}s.open_workspace = stop\nmain()", "users", "list"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        130,
        "mailroster: Interrupted. Nothing was written.\n",
    )


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(5, "Input/output error", "/a\n"), "an error: Input/output error (/a\\n)."),
        (MemoryError(), "gives mailroster no more memory."),
        (RuntimeError("can't start new thread"), "gives mailroster no more threads."),
        (RuntimeError("anything else"), ""),
        (OSError("without the system's words"), ""),
    ],
)
def test_what_the_system_refuses_is_no_fault_of_mailroster(error: Exception, says: str) -> None:
    found = SystemFailed.of(error)
    assert says in found.what if found and says else found is None


def test_the_words_are_those_of_python() -> None:
    code = (
        "import resource, threading, time\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "for _ in range(1000):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    kind, _, words = done.stderr.splitlines()[-1].partition(": ")
    assert kind == "RuntimeError"
    assert SystemFailed.of(RuntimeError(words))
