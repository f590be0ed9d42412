"""The lock that a writer holds."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import StoreBusy, write_failure
from store.files.descriptors import let_go
from store.files.ownership import give_to_owner_of, make_folders
from store.text import printable

WAIT_SECONDS = 10.0
_POLL_SECONDS = 0.02
_SILENT_SECONDS = 1.0


@contextmanager
def writer_lock(
    path: Path,
    wait: float = WAIT_SECONDS,
    busy: str = "The store is being written by",
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Hold the exclusive `flock` on `path`, waiting at most `wait` seconds for it.

    The file is created once and never replaced, removed or written by mailroster, so that all
    lock the same inode; where somebody removed it meanwhile, the new one is locked instead.
    Its folder is made if need be. `on_wait` is told once, after a second, who is waited for.
    Raises `StoreUnwritable`, `StoreFull` or `StoreBusy`. In both texts `busy` is what is said of
    the holder.
    """
    deadline = time.monotonic() + wait
    descriptor = _open(path)
    try:
        _acquire(descriptor, path, deadline, busy, on_wait)
        while not _is_at(path, descriptor):
            stale, descriptor = descriptor, _open(path)
            let_go(stale)
            _acquire(descriptor, path, deadline, busy, on_wait)
        yield
    finally:
        let_go(descriptor)


def _open(path: Path) -> int:
    try:
        make_folders(path.parent)
    except OSError as error:
        raise write_failure(
            error,
            f"The folder {printable(path.parent)} cannot be reached or made: {error.strerror}.",
            "Check the owner and mode of the folders above it, make it by hand, or choose another "
            "store with --store.",
        ) from None
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise write_failure(
            error,
            f"The lock {printable(path)} cannot be opened: {error.strerror}.",
            "Check the folder's owner, mode and room.",
        ) from None
    give_to_owner_of(path.parent, descriptor)
    return descriptor


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise write_failure(
            error,
            f"The lock {printable(path)} cannot be looked at: {error.strerror}.",
            "Check that its file system works.",
        ) from None


def _acquire(
    descriptor: int,
    path: Path,
    deadline: float,
    busy: str,
    on_wait: Callable[[str], None] | None,
) -> None:
    silent_until = time.monotonic() + _SILENT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreBusy(
                    f"{busy} {_holder(descriptor)} (lock {printable(path)}).",
                    "Try again in a moment.",
                ) from None
            if on_wait and time.monotonic() >= silent_until:
                on_wait(f"{busy} {_holder(descriptor)}. Waiting for it.")
                on_wait = None
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            raise write_failure(
                error,
                f"The lock {printable(path)} cannot be taken: {error.strerror}.",
                "Check that its file system is a local one and works.",
            ) from None


def _holder(descriptor: int) -> str:
    """Name the process that has the lock, where the kernel tells (Linux, proc_locks(5))."""
    inode = str(os.fstat(descriptor).st_ino)
    with contextlib.suppress(OSError, IndexError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
                name = Path(f"/proc/{words[4]}/comm").read_text().strip()
                return f"process {words[4]} ({printable(name)})"
    return "another process"
