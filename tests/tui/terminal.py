"""The screens in a pseudo-terminal, driven and read byte by byte."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.password_search import look_at

PATIENCE = 20.0
KEYS = {
    "f1": b"\x1bOP",
    "f2": b"\x1bOQ",
    "f3": b"\x1bOR",
    "f4": b"\x1bOS",
    "f5": b"\x1b[15~",
    "f6": b"\x1b[17~",
    "f7": b"\x1b[18~",
    "down": b"\x1b[B",
    "pagedown": b"\x1b[6~",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "escape": b"\x1b",
    "enter": b"\r",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "backspace": b"\x7f",
}
_SETTLED = 0.15  # longer than what the screens wait for before they act on a key
_BETWEEN_BYTES = 0.002
_RUN = """
import sys
from pathlib import Path
from sync.workspace import open_workspace
from tui.terminal import run_app
store, key, administrator, low, readonly = sys.argv[1:]
sys.exit(run_app(
    open_workspace(store, Path(key)), administrator=administrator or None,
    low_bandwidth=low == "True", readonly=readonly == "True",
))
"""


@dataclass
class Terminal:
    """A running program and all that it has sent."""

    process: subprocess.Popen[bytes]
    master: int
    received: bytearray = field(default_factory=bytearray)

    def read(self, seconds: float) -> bytes:
        """Return what arrives within this time."""
        new = bytearray()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            data = self._read_some(left)
            if data is None:
                break
            new += data
        return bytes(new)

    def read_any(self) -> bytes:
        """Return what arrives first."""
        return self._read_some(PATIENCE) or b""

    def settle(self) -> bytes:
        """Return what arrives until nothing does for a moment in which the program did nothing."""
        new = bytearray()
        while True:
            before = self._work()
            data = self._read_some(_SETTLED)
            new += data or b""
            if data is None or (not data and self._work() == before and not self._wants_more()):
                return bytes(new)

    def _work(self) -> int:
        """Return the processor time that the program has used, in ticks."""
        return sum(int(used) for thread in self._threads() for used in thread[11:13])

    def _wants_more(self) -> bool:
        return any(thread[0] == "R" for thread in self._threads())

    def _threads(self) -> Iterator[list[str]]:
        """Yield what the system tells of each thread that still runs: proc_pid_stat(5), from 3."""
        for stat in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            with suppress(OSError):
                yield stat.read_text().rpartition(")")[2].split()

    def press(self, *keys: str) -> bytes:
        """Press keys, by name or `ctrl+x` or as a text, and return what is sent in answer."""
        new = bytearray()
        for key in keys:
            os.write(self.master, _bytes_of(key))
            new += self.settle()
        return bytes(new)

    def type_ahead(self, *keys: str) -> None:
        """Send keys in a single write, as a slow line delivers them."""
        os.write(self.master, b"".join(map(_bytes_of, keys)))

    def type_bytewise(self, *keys: str) -> None:
        """Send keys one byte at a time, faster than a person, with no wait for an answer."""
        for byte in b"".join(map(_bytes_of, keys)):
            os.write(self.master, bytes([byte]))
            time.sleep(_BETWEEN_BYTES)

    def wait_for(self, text: bytes) -> None:
        """Wait until this was sent."""
        end = time.monotonic() + PATIENCE
        while text not in self.received:
            assert time.monotonic() < end, bytes(self.received[-3000:])
            assert self.read(0.1) or self.process.poll() is None, bytes(self.received[-3000:])

    def resize(self, columns: int, lines: int) -> bytes:
        """Give the terminal another size and return what is sent in answer."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        return (self._read_some(PATIENCE) or b"") + self.settle()

    def _read_some(self, seconds: float) -> bytes | None:
        """Return what is there, b"" after this time, None at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return None
        self.received += data
        return data or None


def _bytes_of(key: str) -> bytes:
    """Return what a terminal sends for a key, by its name or `ctrl+x`, or for a text."""
    if key.startswith("ctrl+"):
        return bytes([ord(key[-1]) - ord("a") + 1])
    return KEYS.get(key, key.encode())


@contextmanager
def terminal_on(
    store: Path,
    key: Path,
    *,
    columns: int = 80,
    lines: int = 24,
    administrator: str = "root",
    low_bandwidth: bool = False,
    readonly: bool = False,
    environment: dict[str, str] | None = None,
    shows: bytes = b"",
) -> Iterator[Terminal]:
    """The screens on this store in a terminal of this size, after their first frame.

    It is there once the terminal `shows` this; by default what the first screen always shows.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "COLUMNS", "LINES", "TEXTUAL_FPS")
    }
    arguments = (store, key, administrator, low_bandwidth, readonly)
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, *map(str, arguments)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={
            **inherited,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            **(environment or {}),
        },
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        terminal.wait_for(shows or (b"Synchronize now" if administrator else b"Log on"))
        terminal.settle()
        yield terminal
    finally:
        look_at("the terminal", bytes(terminal.received))
        process.kill()
        process.wait()
        os.close(terminal.master)
