"""A user directory kept in a CSV or JSON file: what `mailroster directory-server` serves."""

from __future__ import annotations

import csv
import io
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bcrypt
import orjson

from store.errors import InvalidValue
from store.names import match_key
from store.text import printable
from sync.errors import SyncError

COST = 12
MAX_PASSWORD_BYTES = 72  # bcrypt reads no more
FIELDS = ("userName", "distinguishedName", "fullName", "emailAddresses", "passwordHash")

_HASH = re.compile(
    r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII
)
# The hash of a random password that nobody knows, checked at the cost that the file uses, so that
# an unknown user takes as long as a wrong password.
_NOBODY = "$2b${:02}$uvHqLCRuIxpmPiRFyela9upJtmzhxGyHOEESryy6.WcPC4uuVJ9Pi"
_SETTLED_NS = 2_000_000_000  # coarser than any file system's clock


class DirectoryFileInvalid(SyncError):
    """The directory's file cannot be read or breaks its format; it was left as it is."""

    kind = "directory_file"


class FileUser(NamedTuple):
    """One user of the file."""

    user_name: str
    distinguished_name: str | None
    full_name: str | None
    email_addresses: list[str]
    password_hash: str | None


class Directory:
    """One state of the file, ready to be served. `listing` is the answer to `list`."""

    def __init__(self, users: list[FileUser]) -> None:
        self.listing = orjson.dumps(
            [
                dict(zip(FIELDS, user[:-1], strict=False))  # the hash, the last one, stays here
                for user in users
            ]
        )
        self._hashes = {
            match_key(user.user_name): user.password_hash for user in users if user.password_hash
        }
        costs = {int(stored.split("$")[2]) for stored in self._hashes.values()}
        self._decoy = _NOBODY.format(max(costs, default=COST))

    def accepts(self, user_name: str, password: str) -> bool:
        """Tell whether the password is right; unknown names take as long as known ones."""
        stored = self._hashes.get(match_key(user_name))
        plain = password.encode()
        fits = 0 < len(plain) <= MAX_PASSWORD_BYTES
        right = bcrypt.checkpw(plain if fits else b"-", (stored or self._decoy).encode())
        return right and fits and stored is not None


class DirectoryFile:
    """The file, read again whenever it changed. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._directory = Directory([])

    def current(self) -> Directory:
        """Return what the file says now; raises `DirectoryFileInvalid`."""
        with self._lock:
            try:
                status = os.stat(self._path)
            except OSError as error:
                raise _invalid(self._path, f"it cannot be read ({error.strerror})") from None
            seen = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            if seen != self._seen:
                self._seen = None
                self._directory = Directory(read_users(self._path))
                # A second change within one tick of the clock would look the same.
                if time.time_ns() - status.st_mtime_ns > _SETTLED_NS:
                    self._seen = seen
            return self._directory


def hash_directory_password(password: str, cost: int = COST) -> str:
    """Return the bcrypt hash for the column `passwordHash`; `cost` doubles its time by each step.

    Raises `InvalidValue` for an empty password and for one that bcrypt would cut.
    """
    plain = password.encode()
    if not 0 < len(plain) <= MAX_PASSWORD_BYTES:
        problem = "it is empty" if not plain else f"it is longer than {MAX_PASSWORD_BYTES} bytes"
        raise InvalidValue(
            f"The password was refused: {problem}. Nothing was written. Choose another one."
        )
    return bcrypt.hashpw(plain, bcrypt.gensalt(cost)).decode("ascii")


def read_users(path: Path) -> list[FileUser]:
    """Return the users of the CSV or JSON file, in its order.

    Raises `DirectoryFileInvalid` with the line (CSV) or record (JSON) and the column. Names that
    are equal under the matching rule are refused, because a log-on could mean either.
    """
    try:
        records = _READERS[path.suffix.lower()]
    except KeyError:
        raise _invalid(path, "its name ends neither in .csv nor in .json") from None
    try:
        text = path.read_text("utf-8-sig")
        users: list[FileUser] = []
        places: dict[str, str] = {}
        for place, record in records(text):
            user = _user(place, record)
            first = places.setdefault(match_key(user.user_name), place)
            if first != place:
                raise _Wrong(f"{place}: “{user.user_name}” is there already, in {first}")
            users.append(user)
    except OSError as error:
        raise _invalid(path, f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise _invalid(path, f"it is not UTF-8 (byte {error.start})") from None
    except _Wrong as wrong:
        raise _invalid(path, str(wrong)) from None
    return users


class _Wrong(Exception):
    """What is wrong, and where in the file."""


def _invalid(path: Path, problem: str) -> DirectoryFileInvalid:
    return DirectoryFileInvalid(
        f"The directory file {printable(path)} cannot be served: {printable(problem, 300)}. "
        "It was left as it is. Correct it; it is read again with the next request."
    )


def _csv_records(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
        for column in header:
            if column not in FIELDS:
                raise _Wrong(f"line 1: “{column}” is no column; they are {', '.join(FIELDS)}")
            if header.count(column) > 1:
                raise _Wrong(f"line 1: the column {column} is there twice")
        if "userName" not in header:
            raise _Wrong("line 1: there is no column userName")
        for row in rows:
            if not row:
                continue
            place = f"line {rows.line_num}"
            if len(row) != len(header):
                raise _Wrong(f"{place}: {len(row)} cells, but the header has {len(header)}")
            record: dict[str, Any] = {
                column: cell.strip() or None for column, cell in zip(header, row, strict=True)
            }
            addresses = record.get("emailAddresses") or ""
            record["emailAddresses"] = addresses.replace(";", " ").split()
            yield place, record
    except csv.Error as error:
        raise _Wrong(f"line {rows.line_num}: {error}") from None


def _json_records(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        records = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _Wrong(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(records, list):
        raise _Wrong("it is not an array of objects")
    for number, record in enumerate(records, 1):
        place = f"record {number}"
        if not isinstance(record, dict):
            raise _Wrong(f"{place}: it is not an object")
        for field in record:
            if field not in FIELDS:
                raise _Wrong(f"{place}: “{field}” is no field; they are {', '.join(FIELDS)}")
        yield place, record


_READERS = {".csv": _csv_records, ".json": _json_records}


def _user(place: str, record: dict[str, Any]) -> FileUser:
    texts = {field: record.get(field) for field in FIELDS if field != "emailAddresses"}
    for field, value in texts.items():
        if not (value is None or isinstance(value, str)):
            raise _Wrong(f"{place}: {field} is not a text")
    if not texts["userName"]:
        raise _Wrong(f"{place}: userName is empty")
    addresses = record.get("emailAddresses") or []
    if not isinstance(addresses, list) or not all(isinstance(item, str) for item in addresses):
        raise _Wrong(f"{place}: emailAddresses is not an array of texts")
    stored = texts["passwordHash"] or None
    if stored and not _HASH.fullmatch(stored):
        raise _Wrong(f"{place}: passwordHash is no bcrypt hash")
    return FileUser(
        texts["userName"], texts["distinguishedName"], texts["fullName"], addresses, stored
    )
