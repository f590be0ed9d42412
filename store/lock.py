"""The lock that a writer holds."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import StoreBusy, StoreUnwritable
from store.ownership import give_to_owner_of
from store.text import printable

WAIT_SECONDS = 10.0
_POLL_SECONDS = 0.02


@contextmanager
def writer_lock(
    path: Path, wait: float = WAIT_SECONDS, busy: str = "The store is being written by"
) -> Iterator[None]:
    """Hold the exclusive `flock` on `path`, waiting at most `wait` seconds for it.

    The file is created once and never replaced, removed or written, so that all lock the same
    inode; its folder is made if need be. Raises `StoreUnwritable`, or `StoreBusy`, in which `busy`
    is what is said of the holder.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnwritable(
            f"The folder {printable(path.parent)} cannot be made: {error.strerror}. "
            "Nothing was written. Make it by hand, or choose another store with --store."
        ) from None
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreUnwritable(
            f"The lock {printable(path)} cannot be opened: {error.strerror}. Nothing was written. "
            "Check the owner and the mode of the folder and the file."
        ) from None
    try:
        give_to_owner_of(path.parent, descriptor)
        _acquire(descriptor, path, time.monotonic() + wait, busy)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float, busy: str) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreBusy(
                    f"{busy} {_holder(descriptor)} (lock {printable(path)}). Nothing was written. "
                    "Try again in a moment."
                ) from None
            time.sleep(_POLL_SECONDS)


def _holder(descriptor: int) -> str:
    """Name the process that has the lock, where the kernel tells (Linux, proc_locks(5))."""
    inode = str(os.fstat(descriptor).st_ino)
    with contextlib.suppress(OSError, IndexError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
                return f"process {words[4]}"
    return "another process"
