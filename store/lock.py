"""The lock that a writer holds."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import StoreBusy, StoreUnwritable
from store.text import printable

WAIT_SECONDS = 10.0
_POLL_SECONDS = 0.02


@contextmanager
def writer_lock(path: Path, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the exclusive `flock` on `path`, waiting at most `wait` seconds for it.

    The file is created once and never replaced or removed, so that all writers lock the same
    inode; its content names the holder. Raises `StoreBusy`.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreUnwritable(
            f"The lock {printable(path)} cannot be opened: {error.strerror}. Nothing was written. "
            "Check the owner and the mode of the folder and the file."
        ) from None
    try:
        _acquire(descriptor, path, time.monotonic() + wait)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = printable(os.pread(descriptor, 80, 0).decode(errors="replace"))
                raise StoreBusy(
                    f"The store is being written by {holder or 'another process'} "
                    f"(lock {printable(path)}). Nothing was written. Try again in a moment."
                ) from None
            time.sleep(_POLL_SECONDS)
