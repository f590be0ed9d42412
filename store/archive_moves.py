"""Moving archive folders along with renamed users, so that a crash leaves no mail with others.

A move has two halves around the write of the store. First the folders go to a place that is no
user's, with a journal beside them; after the write they go on to their new names. Whoever comes
next completes what a crash cut short: forwards if the store knows the run, else back.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from store.archives import Archives
from store.durable import sync_folder, write_new
from store.errors import InvalidValue, StoreUnwritable, write_failure
from store.ownership import make_folder
from store.text import printable

_PLACE = ".mailroster-moves"
_JOURNAL = "journal.json"

Pairs = Sequence[tuple[str, str]]


class ArchiveMoves:
    """The folders that are on their way below one archive root."""

    def __init__(self, archives: Archives) -> None:
        self._archives = archives
        self._place = archives.root / _PLACE

    def begin(self, run_id: str, pairs: Pairs) -> None:
        """Take the folders of all `pairs` (old and new user name) off their old names.

        `finish` comes before it, for what an earlier run left, and after the write. Raises
        `InvalidValue` if a new name's folder holds mail of somebody else, and `StoreUnwritable`;
        then every folder is where it was.
        """
        if not pairs:
            return
        leaving = {self._archives.path(old) for old, _ in pairs}
        for old, new in pairs:
            target = self._archives.path(new)
            if target not in leaving and self._archives.is_kept(new):
                raise InvalidValue(
                    f"“{printable(old)}” cannot be renamed: the archive folder {printable(target)} "
                    "holds mail already. Nothing was written. Move that folder away first."
                )
        staging = self._place / run_id
        try:
            self._archives.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_folder(self._place, self._archives.root)
            make_folder(staging, self._archives.root)
            os.close(write_new(staging / _JOURNAL, [orjson.dumps(pairs)]))
            for folder in (staging, self._place, self._archives.root):
                sync_folder(folder)
            for number, (old, _) in enumerate(pairs):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(self._archives.path(old), staging / str(number))
        except OSError as error:
            self.finish(lambda _: False)
            raise write_failure(error)(
                f"The archive folders below {printable(self._archives.root)} cannot be moved: "
                f"{error.strerror}. No user was changed. Check that folder's owner, mode and room."
            ) from None

    def finish(self, is_written: Callable[[str], bool]) -> None:
        """Bring every folder home: under the new name if the store has the run, else the old.

        Raises `StoreUnwritable` if a folder cannot be moved; a later call tries again.
        """
        try:
            runs = sorted(self._place.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._stuck(self._place, error) from None
        for staging in runs:
            written = is_written(staging.name)
            for staged, old, new in self._staged(staging):
                try:
                    self._bring_home(staged, new if written else old)
                except OSError as error:
                    raise self._stuck(staged, error) from None
        with contextlib.suppress(OSError):
            for staging in runs:
                (staging / _JOURNAL).unlink(missing_ok=True)
                staging.rmdir()
            self._place.rmdir()
            sync_folder(self._archives.root)

    def _staged(self, staging: Path) -> list[tuple[Path, str, str]]:
        """Return what is under way in `staging`, each with its old and its new user's name."""
        journal = staging / _JOURNAL
        try:
            pairs = orjson.loads(journal.read_bytes())
            moves = [(staging / str(place), old, new) for place, (old, new) in enumerate(pairs)]
        except (OSError, ValueError, TypeError):
            if set(os.listdir(staging)) <= {_JOURNAL}:
                return []  # the crash came before the journal was whole: nothing was moved yet
            raise StoreUnwritable(
                f"The journal {printable(journal)} cannot be read, so nobody knows whose the "
                "archive folders beside it are. They were left there, no mail is lost. Mend the "
                "journal, or move these folders to their users' names by hand."
            ) from None
        return [move for move in moves if os.path.lexists(move[0])]

    def _bring_home(self, staged: Path, user_name: str) -> None:
        home = self._archives.path(user_name)
        if home.is_symlink() or not self._archives.remove_if_empty(user_name):
            _merge(staged, home)  # mail came for this very user while the folder was away
        else:
            os.rename(staged, home)

    def _stuck(self, folder: Path, error: OSError) -> StoreUnwritable:
        return StoreUnwritable(
            f"The archive folder {printable(folder)} cannot be moved to its user's name: "
            f"{error.strerror}. No mail is lost, and the next sync or rename tries again. Check "
            f"the owner and mode of {printable(self._archives.root)}."
        )


def _merge(staged: Path, home: Path) -> None:
    """Move each message of `staged` into `home`, never over another one."""
    if home.is_symlink() or not home.is_dir() or staged.is_symlink():
        raise FileExistsError(errno.EEXIST, f"{printable(home)} is in the way")
    for folder, _, files in os.walk(staged, topdown=False):
        target = home / Path(folder).relative_to(staged)
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in files:
            free = target / name
            if os.path.lexists(free):
                free = target / f"{os.urandom(6).hex()}.{name}"
            os.rename(Path(folder, name), free)
        os.rmdir(folder)
