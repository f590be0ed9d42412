"""Programs that are not Python's, which some tests need."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

_START_SECONDS = 15


def require(program: str, package: str) -> str:
    """Return the path of `program`; without it skip the test, or fail it where CI is set."""
    found = shutil.which(program)
    return found or lacking(f"{program} is not installed (Debian: apt install {package})")


def lacking(reason: str) -> NoReturn:
    """Skip the test for want of something, or fail it where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running(
    command: list[str], port: int, log: Path, *, host: str = "127.0.0.1", **more: Any
) -> Iterator[None]:
    """Run a server that listens on that port of a loopback address until the block ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **more)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection((host, port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{shutil.which(command[0])} did not start: {log.read_text()}")
                time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(20)
