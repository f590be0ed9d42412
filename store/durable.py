"""Files that are whole and on the disk before anybody relies on them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from store.ownership import give_to_owner_of

BUFFER_BYTES = 1 << 18  # that a call to the system reads or writes at most


def write_new(path: Path, pieces: Iterable[bytes]) -> int:
    """Make `path`, mode 0600, write `pieces` through to the disk and return the open descriptor.

    Raises `FileExistsError` if something is there, and other `OSError`s; then nothing is left.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        give_to_owner_of(path.parent, descriptor)
        with open(descriptor, "wb", BUFFER_BYTES, closefd=False) as file:
            file.writelines(pieces)
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    return descriptor


def sync_folder(folder: Path) -> None:
    """Write the names in `folder` through to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
