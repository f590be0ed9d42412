"""A user directory kept in a CSV or JSON file: what `mailroster directory-server` serves."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import bcrypt
import orjson

from store.errors import InvalidValue
from store.files.durable import read_regular
from store.names import match_key
from store.passwords import COST, MAX_BYTES, decoy_hash
from store.text import printable
from sync.errors import SyncError
from sync.server.file_columns import Layout
from sync.server.file_text import NotServed
from sync.server.file_users import Content, FileUser, read_content

_SETTLED_NS = 2_000_000_000  # coarser than any file system's clock


class DirectoryFileInvalid(SyncError):
    """The directory's file cannot be read or breaks its format."""

    kind = "directory_file"
    untouched = "It was left as it is."


class Unclear(Exception):
    """Nobody can tell from the file which password is right: an outage for that user."""


class Directory:
    """One state of the file, ready to be served. `listing` is the answer to `list`."""

    def __init__(self, users: Sequence[FileUser]) -> None:
        self.listing = orjson.dumps([user.record for user in users])
        self._hashes: dict[str, str | None] = {}
        self._unclear: set[str] = set()
        for user in users:
            if not user.user_name:
                continue
            key = match_key(user.user_name)
            if self._hashes.setdefault(key, user.password_hash) != user.password_hash:
                self._unclear.add(key)
            if not user.has_readable_hash:
                self._unclear.add(key)
        self._has_lost_names = not all(user.user_name for user in users)
        costs = {int(stored.split("$")[2]) for stored in self._hashes.values() if stored}
        self._decoy = decoy_hash(max(costs, default=COST))

    def knows(self, user_name: str) -> bool:
        """Tell whether there is a user of that name."""
        return match_key(user_name) in self._hashes

    def accepts(self, user_name: str, password: str) -> bool:
        """Tell whether the password is right; unknown names take as long as known ones.

        Raises `Unclear` for rows that give a user several passwords, for a malformed hash, and
        for an unknown name while the name of a row cannot be read.
        """
        key = match_key(user_name)
        if key in self._unclear or (self._has_lost_names and key not in self._hashes):
            raise Unclear
        stored = self._hashes.get(key)
        plain = password.encode()
        fits = 0 < len(plain) <= MAX_BYTES
        right = bcrypt.checkpw(plain if fits else b"-", (stored or self._decoy).encode())
        return right and fits and stored is not None


class DirectoryFile:
    """The file, read again whenever it changed. Threads may share it.

    While it cannot be served the last state that could stays. `problem` says so, and `notes` what
    the administrator should know of the file as it was last read.
    """

    def __init__(self, path: Path, layout: Layout | None = None) -> None:
        self._path = path
        self._layout = layout
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._read_at = ""
        self.problem: DirectoryFileInvalid | None = None
        self.notes: list[str] = []
        self._directory = self._read()
        self._told = self.notes

    def current(self) -> Directory:
        """Return what the file says now, or said while it could be served."""
        with self._lock:
            try:
                self._directory = self._read()
                self.problem = None
            except DirectoryFileInvalid as error:
                self._seen = None
                self.problem = DirectoryFileInvalid(
                    f"{error.what} The directory server still serves the file as read at "
                    f"{self._read_at}.",
                    f"{error.advice} The next request reads it again.",
                )
            return self._directory

    def news(self) -> list[str]:
        """Return what is to be logged: what is wrong now, and once what a new state is like."""
        with self._lock:
            told, self._told = self._told, self.notes
            notes = [] if told is self.notes else self.notes
            return [str(self.problem)] if self.problem else notes

    def _read(self) -> Directory:
        try:
            status = os.stat(self._path)
        except OSError as error:
            raise _invalid(self._path, f"it cannot be read ({error.strerror})") from None
        seen = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if seen == self._seen:
            return self._directory
        content = read_file(self._path, self._layout)
        self.notes, self._read_at = content.notes, time.strftime("%Y-%m-%d %H:%M:%S")
        # A second change within one tick of the clock would look the same.
        settled = time.time_ns() - status.st_mtime_ns > _SETTLED_NS
        self._seen = seen if settled else None
        return Directory(content.users)


def hash_directory_password(password: str, cost: int = COST) -> str:
    """Return the bcrypt hash for the column `passwordHash`; `cost` doubles its time by each step.

    Raises `InvalidValue` for an empty password and for one that bcrypt would cut.
    """
    plain = password.encode()
    if not 0 < len(plain) <= MAX_BYTES:
        problem = "it is empty" if not plain else f"it is longer than {MAX_BYTES} bytes"
        raise InvalidValue(f"The password was refused: {problem}.", "Choose another one.")
    return bcrypt.hashpw(plain, bcrypt.gensalt(cost)).decode("ascii")


def read_file(path: Path, layout: Layout | None = None) -> Content:
    """Return the users of the file in its order, and what is to be said of them.

    Raises `DirectoryFileInvalid` for a file that is not a table of users.
    """
    try:
        return read_content(read_regular(path), layout)
    except OSError as error:
        raise _invalid(path, f"it cannot be read ({error.strerror})") from None
    except NotServed as wrong:
        raise _invalid(path, *wrong.args) from None


def _invalid(
    path: Path, problem: str, advice: str = "Check its path and its mode"
) -> DirectoryFileInvalid:
    return DirectoryFileInvalid(
        f"The directory file {printable(path)} cannot be served: {printable(problem, 300)}.",
        f"{advice}.",
    )
