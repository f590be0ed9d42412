"""TinyDB's storage on a file that is whole at every moment."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from tinydb.storages import Storage

from store.errors import StoreDamaged, write_failure
from store.files.descriptors import let_go
from store.files.durable import BUFFER_BYTES, sync_folder, temporary_beside, write_new
from store.files.ownership import exposure, user_name
from store.text import printable
from store.tinydb.backups import link_backup, list_backups
from store.tinydb.file_format import as_text, is_as_written, read_tables
from store.tinydb.soundness import Unsound, check_unique_keys
from store.tinydb.user_index import tables_with, write_index


class DurableStorage(Storage):
    """Reads and replaces one JSON file; the file on disk is always an old or a new one, whole.

    The descriptor of the loaded file stays open, so that its inode cannot be reused and a
    replacement by another process is seen by comparing inodes; an edit in place, by the times.

    The tables hold when they were written (`meta`, `written`, in nanoseconds), and the file's time
    of modification is set to that. Where the two differ, the file is not as it was left here
    (`is_foreign`), and what it holds is to be checked; with `check_all`, every file is. Users who
    are alike among those of `like` are the same objects (`read_tables`).
    """

    def __init__(
        self, path: Path, check_all: bool = False, like: Mapping[str, Any] | None = None
    ) -> None:
        self._path = path
        self._check_all = check_all
        self._like = like
        self._descriptor: int | None = None
        self._seen: tuple[int, ...] | None = None
        self.is_foreign = False

    def changed(self) -> bool:
        """Tell whether the path holds another file than the one last read or written.

        Any thread may ask, also while another one reads or writes.
        """
        seen = self._seen
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return seen is not None or bool(list_backups(self._path))
        except OSError:
            return True  # `read` says what is wrong
        return seen != _identity(there)

    def read(self) -> dict[str, dict[str, Any]] | None:
        """Return the tables, or None where there is no file; raises `StoreDamaged`.

        A file that is gone while its backups are there is no new store, but a lost one.
        """
        self.close()
        descriptor = self._open()
        if descriptor is None:
            return None
        try:
            seen = _identity(os.fstat(descriptor))
            tables = self._load(descriptor)
        except BaseException as error:
            let_go(descriptor)
            if isinstance(error, OSError):
                raise self.damaged(f"cannot be read: {error.strerror}") from error
            raise
        self._descriptor, self._seen = descriptor, seen
        return tables

    def read_user(self, key: str) -> dict[str, dict[str, Any]] | None:
        """Return the tables with this user alone, or None where the whole file is to be read."""
        return tables_with(self._path, key)

    def write_index(self, keys: Collection[str]) -> None:
        """Have the next `read_user` know where each user of the file that was read stands."""
        if self._descriptor is not None:
            with open(self._descriptor, "rb", BUFFER_BYTES, closefd=False) as file:
                write_index(self._path, file, keys)

    def _open(self) -> int | None:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            return os.open(self._path, flags)
        except FileNotFoundError:
            if list_backups(self._path):
                raise self.damaged(
                    "is gone, but its backups are there",
                    "Nobody can log on until you restore a backup, or move the backups away to "
                    "begin a new store.",
                ) from None
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise self.damaged(
                    "is a symbolic link. Give the path of the file itself with --store"
                ) from None
            raise self.damaged(
                f"cannot be opened by {user_name(os.geteuid())}: {error.strerror}"
            ) from error

    def _load(self, descriptor: int) -> dict[str, dict[str, Any]]:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise self.damaged("is not a regular file")
        try:
            with open(descriptor, "rb", BUFFER_BYTES, closefd=False) as file:
                tables = read_tables(file, self._like)
                self.is_foreign = self._check_all or _written(tables) != found.st_mtime_ns
                if self.is_foreign and not _is_as_written(tables, file):
                    file.seek(0)
                    check_unique_keys(file.read())
                    file.seek(0)
                    tables = read_tables(file)  # nothing shared: 1 equals true, but is not it
        except orjson.JSONDecodeError as error:
            mark = ", because it begins with a byte order mark" if _has_mark(descriptor) else ""
            raise self.damaged(
                f"is not valid JSON at line {error.lineno}, column {error.colno}{mark}"
            ) from None
        except Unsound as problem:
            raise self.damaged(str(problem)) from None
        if not isinstance(tables, dict):
            raise self.damaged("does not hold TinyDB's tables")
        return tables

    def check_exposure(self) -> None:
        """Raise `StoreDamaged` where others than the owner may use the file that was read."""
        if self._descriptor is None:
            return
        try:
            problem = exposure(os.fstat(self._descriptor), self._path.parent)
        except OSError as error:
            raise self.damaged(f"cannot be looked at: {error.strerror}") from error
        if problem:
            raise self.damaged(problem)

    def write(self, data: dict[str, dict[str, Any]], kept_for: str = "") -> None:
        """Replace the file durably; raises `StoreFull` or `StoreUnwritable`, the old file whole.

        The old file becomes a backup; `kept_for` is why that one is never dropped, if it is not.
        """
        temporary = temporary_beside(self._path)
        descriptor: int | None = None
        what, state = "could not be written", "The previous state is whole."
        try:
            self.sweep()
            descriptor = write_new(temporary, as_text(data))
            written = _written(data) or time.time_ns()
            os.utime(descriptor, ns=(written, written))
            if self._path.exists():
                link_backup(self._path, datetime.fromtimestamp(written / 1e9, UTC), kept_for)
            os.replace(temporary, self._path)
            what = "was written, but the disk did not confirm it"
            state = "The new state is in place, but a power cut might undo it."
            sync_folder(self._path.parent)
        except BaseException as error:
            if descriptor is not None:
                let_go(descriptor)
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise write_failure(
                error,
                f"The store {printable(self._path)} {what}: {error.strerror}"
                f"{_where(error, temporary)}.",
                untouched=state,
            ) from error
        self.close()
        with contextlib.suppress(OSError):  # else the next snapshot reads it
            self._seen = _identity(os.fstat(descriptor))
        self._descriptor = descriptor

    def close(self) -> None:
        """Let go of the file."""
        self._seen = None
        if self._descriptor is not None:
            let_go(self._descriptor)
            self._descriptor = None

    def sweep(self) -> None:
        """Remove what killed writers left; the writer's lock, held, makes sure none is alive."""
        for stray in stray_files(self._path):
            stray.unlink(missing_ok=True)

    def damaged(self, problem: str, left: str = "It was left as it is.") -> StoreDamaged:
        """Return the error for a file that cannot be used, naming the newest backup."""
        advice = "It has no backup beside it."
        for backup in list_backups(self._path)[:1]:
            advice = (
                f"Its newest backup is {printable(backup.name)}; return to it with `mailroster "
                "store restore`, which shows what would change and asks."
            )
        what = f"The store {printable(self._path)} {problem}."
        return StoreDamaged(what, advice, untouched=left)


def stray_files(store: Path) -> list[Path]:
    """Return what writes of `store` that were cut short left, if its folder can be looked into."""
    start, end = f".{store.name}.", ".tmp"
    try:
        names = os.listdir(store.parent)
    except OSError:
        return []
    return [
        store.with_name(name)
        for name in sorted(names)
        if name.startswith(start)
        and name.endswith(end)
        and name[len(start) : -len(end)].replace(".", "").isdigit()
    ]


def _has_mark(descriptor: int) -> bool:
    """Tell whether the file begins with a byte order mark, as some editors write it."""
    return os.pread(descriptor, len(BOM_UTF8), 0) == BOM_UTF8


def _identity(file: os.stat_result) -> tuple[int, ...]:
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns


def _written(tables: Any) -> int | None:
    """Return when mailroster wrote these tables, or None if they do not say."""
    try:
        written = tables["meta"]["1"]["written"]
    except (LookupError, TypeError):
        return None
    return written if type(written) is int else None


def _is_as_written(tables: Any, file: BinaryIO) -> bool:
    """Tell that of tables which may be anything at all."""
    try:
        return is_as_written(tables, file)
    except (TypeError, AttributeError):
        return False


def _where(error: OSError, temporary: Path) -> str:
    """Name the file in the way, unless it is our own temporary one."""
    name = error.filename2 or error.filename
    return "" if name is None or str(name) == str(temporary) else f" ({printable(name)})"
