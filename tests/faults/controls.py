"""Each guard taken away, to see that the campaign finds what it guards against."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

import orjson

from store.tinydb.storage import DurableStorage


def in_place() -> None:
    """Write into the file itself, as a script does with `open(path, "w")`."""

    def write(self: DurableStorage, data: Any, kept_for: str = "") -> None:
        content = orjson.dumps(data)
        path: Path = self._path
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for start in range(0, len(content), 64):
            os.write(descriptor, content[start : start + 64])
            time.sleep(0.0001)  # a store of many users takes that long
        os.close(descriptor)
        self.read()

    DurableStorage.write = write  # type: ignore[method-assign]


def no_sweep() -> None:
    """Leave what killed writers left."""
    DurableStorage.sweep = lambda self: None  # type: ignore[method-assign]


def no_fsync() -> None:
    """Acknowledge what the disk does not have yet."""
    os.fsync = lambda fd: None


def no_lock() -> None:
    """Let everybody write at once."""
    fcntl.flock = lambda fd, operation: None


CONTROLS = {
    "in-place": in_place,
    "no-sweep": no_sweep,
    "no-fsync": no_fsync,
    "no-lock": no_lock,
}
