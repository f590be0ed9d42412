"""A program on a real pseudo-terminal of 80x24, timed by what arrives from it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

PATIENCE = 60.0
_QUIET = 0.3


class Terminal:
    """Starts `command`; use it in a `with` statement, which ends the program."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            list(map(str, command)),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def send(self, keys: bytes) -> float:
        """Type, and return when."""
        os.write(self._master, keys)
        return time.perf_counter()

    def until(self, text: str) -> float:
        """Return when `text` has arrived."""
        wanted = text.encode()
        received = b""
        deadline = time.perf_counter() + PATIENCE
        while wanted not in received:
            data = self._read(deadline - time.perf_counter())
            if not data:
                raise TimeoutError(f"{text!r} did not arrive: {received[-3000:]!r}")
            received += data
        return time.perf_counter()

    def settled(self) -> tuple[float, int]:
        """Wait until nothing more arrives; return when the last byte came, and how many came."""
        last, count = time.perf_counter(), 0
        while data := self._read(_QUIET):
            last, count = time.perf_counter(), count + len(data)
        return last, count

    def idle(self, seconds: float) -> tuple[int, float]:
        """Return the bytes that arrive and the share of a CPU that is used meanwhile."""
        cpu, end, count = self.processor_seconds(), time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            count += len(self._read(left))
        return count, (self.processor_seconds() - cpu) / seconds

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        try:
            return os.read(self._master, 65536) if ready else b""
        except OSError:
            return b""

    def processor_seconds(self) -> float:
        """Return what all threads have used, in nanoseconds exact rather than in ticks."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
