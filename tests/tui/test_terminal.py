"""The screens on a real terminal: silent when idle, and a terminal that is given back."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sync.workspace import Workspace

_PATIENCE = 20.0
_LEAVES_THE_ALTERNATE_SCREEN = b"\x1b[?1049l"
_RUN = """
import sys
from pathlib import Path
from sync.workspace import open_workspace
from tui.app import run_app
sys.exit(run_app(open_workspace(sys.argv[1], Path(sys.argv[2])), administrator="root"))
"""


@dataclass
class Terminal:
    process: subprocess.Popen[bytes]
    master: int
    received: bytearray = field(default_factory=bytearray)

    def read(self, seconds: float) -> bytes:
        """Return what arrives within this time."""
        new = bytearray()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            try:
                data = os.read(self.master, 65536) if ready else b""
            except OSError:
                break
            if ready and not data:
                break
            new += data
        self.received += new
        return bytes(new)

    def wait_for(self, text: bytes) -> None:
        end = time.monotonic() + _PATIENCE
        while text not in self.received:
            assert time.monotonic() < end, bytes(self.received[-2000:])
            self.read(0.1)


@pytest.fixture
def terminal(filled: Callable[..., Workspace], tmp_path: Path) -> Iterator[Terminal]:
    """The screens in a terminal of 80x24, after their first frame."""
    path = filled().path
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, path, tmp_path / "secret.key"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    opened = Terminal(process, master)
    try:
        opened.wait_for(b"Synchronize now")
        yield opened
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_nothing_is_sent_while_nothing_happens(terminal: Terminal) -> None:
    terminal.read(2.0)
    assert terminal.read(3.0) == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(terminal: Terminal, number: signal.Signals) -> None:
    terminal.process.send_signal(number)
    terminal.wait_for(_LEAVES_THE_ALTERNATE_SCREEN)
    assert terminal.process.wait(_PATIENCE) == 128 + number


def test_quitting_gives_the_terminal_back(terminal: Terminal) -> None:
    os.write(terminal.master, b"q")
    terminal.wait_for(_LEAVES_THE_ALTERNATE_SCREEN)
    assert terminal.process.wait(_PATIENCE) == 0
