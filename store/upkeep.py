"""Looking after a store: is it whole, a copy of it, and the way back to an earlier state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from store.errors import StoreError
from store.files.folder_work import FolderWork
from store.history import Run, RunSummary
from store.interface import Snapshot
from store.lockout import Attempts


class Finding(NamedTuple):
    """Something that is wrong with `path`, in a sentence or more that say what to do.

    Of a store that is not a file, `path` is where it is, or a table there. `error` has the parts
    of the failure that it tells of, if there was one.
    """

    path: Path | str
    problem: str
    error: dict[str, str] | None = None

    @classmethod
    def of(cls, path: Path | str, error: StoreError) -> Finding:
        """Return the finding that tells of a failure."""
        return cls(path, str(error), error.to_record())


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a store, in numbers."""

    generation: int
    users: int
    runs: int

    @classmethod
    def of(cls, state: Snapshot) -> Content:
        """Count what is in this state."""
        return cls(state.generation, len(state.users), state.history.count)


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup, read and checked whole: what is in it, or what is wrong with it.

    The system did not let one that `is_unreadable` be read, so it may be whole. `error` has the
    parts of the failure.
    """

    path: Path
    state: Content | None
    problem: str = ""
    is_unreadable: bool = False
    error: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """What a return to a backup changes, against the state now.

    Users by name: those who `go`, who `come_back`, and who `become` what they were, with the
    names of the fields. `problem` tells why the state now cannot be read, so that nothing is known
    of what the backup lacks; `error` has the parts of that failure.
    """

    go: tuple[str, ...] = ()
    come_back: tuple[str, ...] = ()
    become: tuple[tuple[str, tuple[str, ...]], ...] = ()
    settings: tuple[str, ...] = ()
    problem: str = ""
    error: dict[str, str] | None = None

    @classmethod
    def between(cls, now: Snapshot, to: Snapshot) -> Loss:
        """Return what changes on the way from the state `now` to the state `to`."""
        go = [now.users[key]["user_name"] for key in now.users.keys() - to.users.keys()]
        come_back = [to.users[key]["user_name"] for key in to.users.keys() - now.users.keys()]
        become = []
        for key in now.users.keys() & to.users.keys():
            old, new = to.users[key], now.users[key]
            names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
            if names := names - {"rev", "changed"}:
                become.append((new["user_name"], tuple(sorted(names))))
        return cls(
            tuple(sorted(go)),
            tuple(sorted(come_back)),
            tuple(sorted(become)),
            tuple(now.settings.changes_to(to.settings)),
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """All of a store, to be put into another one. What is not in it is a host's own.

    `records` are the runs in full, oldest first, byte for byte; `known_sources` are the digests of
    users and sources with the days on which they got in, counted from 1970.
    """

    state: Snapshot
    records: Sequence[tuple[RunSummary, bytes]] = field(repr=False)
    attempts: Attempts = field(repr=False)
    known_sources: Mapping[bytes, int] = field(repr=False)


FolderWorkOf = Callable[[Iterable[Run]], Iterable[FolderWork]]


class Upkeep(Protocol):
    """What `mailroster store` does with a store beside using it."""

    @property
    def backups_are_in(self) -> str:
        """Where the store keeps its backups, for messages."""

    @property
    def keeps_backups(self) -> bool:
        """Whether each write of the store leaves a backup."""

    def check(self, key: Path) -> tuple[Snapshot | None, list[Finding]]:
        """Return the state, None if it cannot be used, and what is wrong. Nothing is changed.

        `key` is the file with the key for secrets.
        """

    def backups(self) -> Iterator[Backup]:
        """Yield the backups that the store keeps, newest first; one is read at a time."""

    def newest_backup(self) -> datetime | None:
        """Return when the newest backup was made, None without one; none is read."""

    def backup_named(self, name: str) -> Path | None:
        """Return the backup of that name, or the copy at that path; None if there is none."""

    def read(self, backup: Path, like: Snapshot | None = None) -> Snapshot:
        """Return the state in a backup or a copy, checked whole; raises `StoreDamaged`.

        It may share with the state `like` the users who are alike, so that both take less memory.
        """

    def loss(self, to: Snapshot) -> Loss:
        """Return what a return to the state `to` would change."""

    def save_copy(self, copy: Path) -> Snapshot:
        """Write a checked copy of the store to the new file `copy`; return the state in it.

        Raises `StoreDamaged`, `StoreFull` or `StoreUnwritable`; then nothing is left at `copy`.
        """

    def set_aside(self) -> Path:
        """Keep the state of now under another name and return that; raises `StoreUnwritable`."""

    def replace_unreadable(self, backup: Path, run: Run, folder_work: FolderWorkOf) -> Path | None:
        """Put `backup` in the place of a store that cannot be read; return where that is kept.

        None if there was nothing to set aside. The history goes on, with `run`, this return, at
        its end. Raises `StoreDamaged`, `StoreBusy`, `StoreFull` or `StoreUnwritable`; then nothing
        was changed.
        """

    def create(self) -> bool:
        """Make what the store needs before its first write; tell whether anything was missing.

        Raises `StoreUnwritable` where this process may not.
        """

    def create_script(self, first: int = 0) -> str:
        """Return what an administrator of the server has to run for that, nothing if not needed.

        `first` is the number of the schema that is there.
        """

    def whole(self) -> Whole:
        """Return all of the store as it is now; raises `StoreDamaged`."""

    def fill(self, whole: Whole) -> None:
        """Put all of another store into this one, which is empty.

        Raises `StoreUnwritable` if it is not, or if it cannot be written; then nothing was written
        that counts.
        """
