"""TinyDB's storage on a file that is whole at every moment."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

import orjson
from tinydb.storages import Storage

from store.backups import link_backup, list_backups
from store.collector import collector_paused
from store.durable import sync_folder, write_new
from store.errors import NO_ROOM, StoreDamaged, StoreFull, StoreUnwritable
from store.text import printable


class DurableStorage(Storage):
    """Reads and replaces one JSON file; the file on disk is always an old or a new one, whole.

    The descriptor of the loaded file stays open, so that its inode cannot be reused and a
    replacement by another process is seen by comparing inodes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def changed(self) -> bool:
        """Tell whether the path holds another file than the one last read or written."""
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return self._descriptor is not None
        if self._descriptor is None:
            return True
        return not os.path.samestat(there, os.fstat(self._descriptor))

    def read(self) -> dict[str, dict[str, Any]] | None:
        """Return the tables, or None where there is no file; raises `StoreDamaged`."""
        self.close()
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.damaged(f"cannot be opened: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self.damaged("is not a regular file")
        try:
            with open(descriptor, "rb", closefd=False) as file, collector_paused():
                tables = orjson.loads(file.read())
        except orjson.JSONDecodeError as error:
            os.close(descriptor)
            raise self.damaged(
                f"is not valid JSON at line {error.lineno}, column {error.colno}"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        if not isinstance(tables, dict):
            raise self.damaged("does not hold TinyDB's tables")
        return tables

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Replace the file durably; raises `StoreFull` or `StoreUnwritable`, the old file whole."""
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        descriptor: int | None = None
        try:
            self._sweep()
            descriptor = write_new(temporary, orjson.dumps(data))
            if self._path.exists():
                link_backup(self._path)
            os.replace(temporary, self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            if descriptor is not None:
                os.close(descriptor)
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
            kind = StoreFull if error.errno in NO_ROOM else StoreUnwritable
            raise kind(
                f"The store {printable(self._path)} could not be written: {error.strerror}. "
                "The previous state is whole. "
                + ("Make room on the disk" if kind is StoreFull else "Check the folder's rights")
                + " and try again."
            ) from error
        self.close()
        self._descriptor = descriptor

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _sweep(self) -> None:
        """Remove what killed writers left; the writer's lock makes sure that none is alive."""
        for stray in self._path.parent.glob(f".{self._path.name}.*.tmp"):
            stray.unlink(missing_ok=True)

    def damaged(self, problem: str) -> StoreDamaged:
        """Return the error for a file that cannot be used, naming the newest backup."""
        advice = "There is no backup beside it."
        for backup in list_backups(self._path)[:1]:
            advice = f"Its newest backup is {printable(backup)}; copy it back to return to it."
        return StoreDamaged(
            f"The store {printable(self._path)} {problem}. It was left as it is. {advice}"
        )
