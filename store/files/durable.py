"""Files that are whole and on the disk before anybody relies on them."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterable
from pathlib import Path

from store.files.descriptors import let_go
from store.files.ownership import give_to_owner_of

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
LARGEST_TEXT = 64 << 10  # bytes; of a file with a line or two
BUFFER_BYTES = 1 << 18  # that a call to the system reads or writes at most


def temporary_beside(path: Path) -> Path:
    """Return the name under which this thread writes what is to be `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}.tmp")


def write_new(
    path: Path, pieces: Iterable[bytes], *, below: int | None = None, through: bool = True
) -> int:
    """Make `path`, mode 0600, write `pieces` through to the disk and return the open descriptor.

    Without `through` the system writes to the disk when it likes.

    A relative `path` stands in the open folder `below`, if there is one. Raises `FileExistsError`
    if something is there, and other `OSError`s; then nothing is left.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600, dir_fd=below)
    try:
        os.fchmod(descriptor, 0o600)
        give_to_owner_of(path.parent if below is None else below, descriptor)
        with open(descriptor, "wb", BUFFER_BYTES, closefd=False) as file:
            file.writelines(pieces)
        if through:
            os.fsync(descriptor)
    except BaseException:
        let_go(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(path, dir_fd=below)
        raise
    return descriptor


def replace_whole(
    path: Path, pieces: Iterable[bytes], *, temporary: Path | None = None, through: bool = True
) -> None:
    """Put a file with these `pieces`, mode 0600, in the place of `path`, in one step.

    It is written as `temporary`, which nobody else writes meanwhile. Raises `OSError`; then `path`
    is as it was.
    """
    temporary = temporary or temporary_beside(path)
    temporary.unlink(missing_ok=True)  # of somebody who was killed
    try:
        let_go(write_new(temporary, pieces, through=through))
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def add_whole(path: Path, content: bytes) -> None:
    """Make the new file `path`, mode 0600: at once whole, on the disk, and never over something.

    Raises `FileExistsError` if something is there, and other `OSError`s; then it is not there, or,
    where it cannot be removed again, whole.
    """
    temporary = temporary_beside(path)
    temporary.unlink(missing_ok=True)  # of a thread of this number that was killed
    try:
        let_go(write_new(temporary, [content]))
        link_or_copy(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    try:
        sync_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def link_or_copy(source: Path, target: Path) -> None:
    """Give the file `source` the second name `target`.

    On a file system without hard links, as FAT and some network file systems are, `target` is a
    copy with the same time of modification. Raises `FileExistsError` if something is there, and
    other `OSError`s; then nothing is left.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with open(source, "rb", BUFFER_BYTES) as file:
            descriptor = write_new(target, iter(lambda: file.read(BUFFER_BYTES), b""))
            written = os.fstat(file.fileno()).st_mtime_ns
        os.utime(descriptor, ns=(written, written))
        let_go(descriptor)


def read_regular(path: Path, largest: int | None = None) -> bytes:
    """Return what is in the file `path`, of at most so many bytes if `largest` is given.

    Raises `OSError`, also for a pipe, a device or a larger file: nobody waits for what a pipe may
    bring, nor reads `/dev/zero` to its end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        content = file.read() if largest is None else file.read(largest + 1)
    if largest is not None and len(content) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest} bytes", str(path))
    return content


def is_there(path: Path) -> bool:
    """Tell whether anything has that name.

    Raises `OSError` where that cannot be told; `os.path.lexists` would say no, and mail or a store
    would be taken for gone.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Write the names in `folder` through to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        let_go(descriptor)
