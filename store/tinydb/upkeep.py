"""Check, backup and restore of the user database in a TinyDB file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from store.history import Run
from store.interface import Snapshot
from store.progress import OnProgress, untold
from store.text import printable
from store.tinydb import restore
from store.tinydb.backups import backup_folder, backup_time, list_backups
from store.tinydb.check import check_store
from store.tinydb.copy import read_all, write_all
from store.upkeep import Backup, Finding, FolderWorkOf, Loss, Whole


class TinyDBUpkeep:
    """The `Upkeep` of the store in that file; `on_progress` is told how far its work is."""

    def __init__(self, path: Path, on_progress: OnProgress = untold) -> None:
        self._path = path
        self._on_progress = on_progress

    @property
    def backups_are_in(self) -> str:
        """The folder of the backups, for messages."""
        return printable(backup_folder(self._path))

    @property
    def keeps_backups(self) -> bool:
        """That each write makes one."""
        return True

    def check(self, key: Path) -> tuple[Snapshot | None, list[Finding]]:
        """Return the state and what is wrong with any file; see `Upkeep.check`."""
        return check_store(self._path, key, self._on_progress)

    def backups(self) -> Iterator[Backup]:
        """Yield the backups, newest first."""
        return restore.read_backups(self._path, on_progress=self._on_progress)

    def newest_backup(self) -> datetime | None:
        """Return when the newest backup got its name, the epoch if somebody else named it."""
        return next(map(backup_time, list_backups(self._path)), None)

    def backup_named(self, name: str) -> Path | None:
        """Return the backup of that name, or the copy at that path."""
        beside = backup_folder(self._path) / name
        path = beside if beside.exists() else Path(name).absolute()
        return path if path.exists() else None

    def read(self, backup: Path, like: Snapshot | None = None) -> Snapshot:
        """Return the state in a backup or a copy; see `Upkeep.read`."""
        return restore.read_whole(backup, like)

    def loss(self, to: Snapshot) -> Loss:
        """Return what a return to the state `to` would change."""
        return restore.loss(self._path, to)

    def save_copy(self, copy: Path) -> Snapshot:
        """Write a checked copy of the store to the new file `copy`."""
        return restore.save_copy(self._path, copy)

    def set_aside(self) -> Path:
        """Keep the file of now under another name."""
        return restore.link_aside(self._path)

    def replace_unreadable(self, backup: Path, run: Run, folder_work: FolderWorkOf) -> Path | None:
        """Put `backup` in the place of a file that cannot be read."""
        return restore.replace_unreadable(self._path, backup, run, folder_work)

    def create(self) -> bool:
        """Make nothing: the first write makes the file."""
        return False

    def create_script(self, first: int = 0) -> str:
        """Return nothing: a file needs no preparation."""
        return ""

    def whole(self) -> Whole:
        """Return all of the store."""
        return read_all(self._path)

    def fill(self, whole: Whole) -> None:
        """Make the store's file and those beside it, where none are yet."""
        write_all(self._path, whole, self._on_progress)
