"""What is to be done to archive folders after a run, kept in the store until it is done.

The work stands in the store from the very write that changed the users, so a crash loses none of
it. It is carried out at once where the archive is at hand, else by the next to come by, in the
order of the runs. Carrying it out again does no harm: before anybody makes a folder, all work
that waits is done, and the archive's mark says up to which generation moves are done.

A run's moves have two halves, so that names may be swapped. First every folder leaves its old
name for a place that belongs to no user; once a file says that all have left, they go to their new
names.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from store.errors import StoreUnwritable
from store.files.archive_mark import HeldRoot, done_until, held, not_mounted, store_in
from store.files.archives import Archives
from store.files.durable import is_there, sync_folder
from store.files.ownership import make_folder, make_folders
from store.text import printable

STILL_TO_DO = "The users are written, no mail is lost, and the next write or log-on tries again."
_PLACE = ".mailroster-moves"
_ALL_LEFT = "all-left"
_MOVES = ("move", "aside")


@dataclass(frozen=True, slots=True)
class FolderWork:
    """One thing to do to the archive folder of that name, for the run that wrote `generation`.

    `move` gives it the name `to`, `aside` the name `to` only if it holds something, `remove`
    removes it if it holds nothing, `make` makes it if it is not there.
    """

    act: Literal["move", "aside", "remove", "make"]
    folder: str
    to: str = ""
    generation: int = 0

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> FolderWork:
        """Build it from the store's own record."""
        return cls(**stored)

    def to_stored(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


def concerns(work: Iterable[FolderWork], folder: str) -> bool:
    """Tell whether any of the work is about the folder of that name."""
    return any(folder in (item.folder, item.to) for item in work)


def waiting_work(archives: Archives, work: Iterable[FolderWork]) -> list[FolderWork]:
    """Return the part of the work that is not done yet."""
    done = done_until(archives.root)
    return [
        item
        for item in work
        if (item.generation > done if item.act in _MOVES else _is_to_tidy(archives, item))
    ]


def carry_out(
    archives: Archives, store_id: str, work: Sequence[FolderWork], *, is_marked: bool = False
) -> list[str]:
    """Do all the work that is not done yet, run by run; return the empty folders that stay.

    Raises `ArchiveNotMounted` where an archive that `is_marked` has no mark, and `StoreUnwritable`
    where a folder cannot be moved; a later call goes on from there.
    """
    if not work:
        return []
    root, staying = archives.root, []
    try:
        make_folders(root)
        with held(root) as folder:
            if is_marked and store_in(root) is None:
                raise not_mounted(root)
            folder.check()
            done = done_until(root)
            for generation, group in groupby(work, lambda item: item.generation):
                items = list(group)
                if not any(item.act in _MOVES for item in items):
                    staying += _tidy(archives, items)
                elif generation > done:
                    place = f"{_PLACE}/{generation}"
                    staying += _take_off(archives, folder, place, items)
                    _bring_home(archives, root / place, items)
                    _tidy(archives, [item for item in items if item.act == "make"])
                    folder.mark(store_id, generation)
            folder.check()
    except OSError as error:
        raise _stuck(archives, error) from None
    _sweep(root, done_until(root))
    return staying


def under_way(root: Path) -> list[Path]:
    """Return the places below `root` that hold folders on their way."""
    try:
        return sorted((root / _PLACE).iterdir())
    except OSError:
        return []


def _is_to_tidy(archives: Archives, item: FolderWork) -> bool:
    """Tell whether a folder that may be empty is still to be removed, or to be made."""
    if not (archives.root / item.folder).exists():
        return item.act == "make"
    try:
        return item.act == "remove" and archives.is_empty(item.folder)
    except StoreUnwritable:
        return False  # what cannot be looked into stays


def _tidy(archives: Archives, items: Iterable[FolderWork]) -> list[str]:
    """Remove and make folders; return those that are empty and cannot be removed."""
    staying = []
    for item in items:
        if item.act == "remove":
            with contextlib.suppress(StoreUnwritable):  # what cannot be looked into stays
                if not archives.remove_folder(item.folder) and _is_to_tidy(archives, item):
                    staying.append(item.folder)
        elif item.act == "make":
            archives.create_folder(item.folder)
    return staying


def _take_off(
    archives: Archives, folder: HeldRoot, place: str, items: Sequence[FolderWork]
) -> list[str]:
    """Take the folders that move from their places; return what `_tidy` does."""
    root, staging = archives.root, archives.root / place
    if (staging / _ALL_LEFT).exists():
        return []
    make_folder(staging.parent, root)
    make_folder(staging, root)
    staying = _tidy(archives, [item for item in items if item.act == "remove"])
    for item in items:
        if item.act == "aside" and not archives.is_empty(item.folder):
            _rename(root / item.folder, root / item.to)
    for number, item in enumerate(items):
        if item.act == "move":
            _rename(root / item.folder, staging / str(number))
    for changed in (staging, staging.parent, root):
        sync_folder(changed)
    folder.check()
    folder.write_new(f"{place}/{_ALL_LEFT}")
    sync_folder(staging)
    return staying


def _rename(folder: Path, to: Path) -> None:
    if not is_there(to):  # else it left before a crash
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder, to)


def _bring_home(archives: Archives, staging: Path, items: Sequence[FolderWork]) -> None:
    for number, item in enumerate(items):
        staged, home = staging / str(number), archives.root / item.to
        if not is_there(staged):
            continue
        if not home.is_symlink() and archives.remove_folder(item.to):
            os.rename(staged, home)
        else:
            _merge(staged, home)  # mail came for this very user while the folder was away
    sync_folder(archives.root)


def _merge(staged: Path, home: Path) -> None:
    """Move each message of `staged` into `home`, never over another one."""
    if home.is_symlink() or not home.is_dir() or staged.is_symlink():
        raise FileExistsError(errno.EEXIST, f"{printable(home)} is in the way")
    for folder, _, files in os.walk(staged, topdown=False):
        target = home / Path(folder).relative_to(staged)
        make_folders(target)
        for name in files:
            free = target / name
            if is_there(free):
                free = target / f"{os.urandom(6).hex()}.{name}"
            os.rename(Path(folder, name), free)
        os.rmdir(folder)


def _sweep(root: Path, done: int) -> None:
    """Remove the empty places of moves that are done."""
    for staging in under_way(root):
        if staging.name.isdecimal() and int(staging.name) <= done:
            with contextlib.suppress(OSError):
                (staging / _ALL_LEFT).unlink(missing_ok=True)
                staging.rmdir()
    with contextlib.suppress(OSError):
        (root / _PLACE).rmdir()


def _stuck(archives: Archives, error: OSError) -> StoreUnwritable:
    what = f" ({printable(error.filename)})" if error.filename else ""
    return StoreUnwritable(
        f"An archive folder below {printable(archives.root)} cannot be moved to its user's name: "
        f"{error.strerror}{what}.",
        "Check that folder's owner, mode and room.",
        untouched=STILL_TO_DO,
    )
