"""The documents as the tests run them.

An HTML comment before a code block, unseen by readers, says what to do with it. A trailing comment
of a shell line says what it ends with (`# exit 11`) or prints (`# prints 401`).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^ *```(?P<language>\w+)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_EXPECTED = re.compile(r"  # (?:(?P<how>exit|prints|asks y/N) ?)?(?P<what>.*)$")


class Block(NamedTuple):
    """A code block: its language, its text, and the comment right before it."""

    language: str
    text: str
    mark: str


def blocks(page: str) -> list[Block]:
    """Return the code blocks of a document, named from the root of the repository."""
    text = (ROOT / page).read_text()
    return [
        Block(found["language"], dedent(found["text"]), found["mark"] or "")
        for found in _BLOCK.finditer(text)
    ]


def write_files(page: str, folder: Path) -> None:
    """Write the blocks that are files of the reader's (`<!-- file: NAME -->`)."""
    for block in blocks(page):
        kind, _, name = block.mark.partition(": ")
        if kind == "file":
            (folder / name).write_text(block.text)


class Shell:
    """Runs lines of a document in a folder, with a home and a store of its own.

    `start` is a command that runs the shell elsewhere.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        password: str,
        environment: Mapping[str, str] | None = None,
        start: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._url = url
        self._environment = environment or {}
        self._start = start
        self._password = password
        self.commands: list[str] = []

    def run(self, text: str) -> list[str]:
        """Run each line, with the password on stdin; return what each printed."""
        return [self._line(line) for line in _lines(text)]

    def _line(self, line: str) -> str:
        expected = _EXPECTED.search(line)
        command = line[: expected.start()].strip() if expected else line.strip()
        how, what = (expected["how"], expected["what"]) if expected else (None, "")
        self.commands.append(command)
        with _terminal_saying("y\n") as terminal:
            process = subprocess.Popen(
                [
                    *self._start,
                    "bash",
                    "-c",
                    command.replace("https://directory.example.com/", self._url),
                ],
                cwd=self._folder,
                env={
                    "HOME": str(self._folder),
                    "LANG": "C.UTF-8",
                    "MAILROSTER_STORE": str(self._folder / "store" / "users.json"),
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    **self._environment,
                },
                stdin=terminal if how == "asks y/N" else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            out, err = process.communicate(f"{self._password}\n" if process.stdin else None, 300)
        wanted = int(what.split()[0].rstrip(":,")) if how == "exit" else 0
        assert process.returncode == wanted, f"{line}\n{out}{err}"
        if how == "prints":
            assert out.strip() == what, line
        return out


@contextmanager
def _terminal_saying(text: str) -> Iterator[int]:
    """A terminal on which somebody types this."""
    master, slave = os.openpty()
    try:
        os.write(master, text.encode())
        yield slave
    finally:
        os.close(slave)
        os.close(master)


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line
