"""The archive folders: one Maildir per user below the archive root."""

from __future__ import annotations

import contextlib
import hashlib
import os
import string
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from store.errors import StoreUnwritable, write_failure
from store.files.descriptors import let_go
from store.files.ownership import make_folder, make_folders, owner_to_give_to
from store.names import match_key
from store.text import printable

_SAFE = frozenset(string.ascii_lowercase + string.digits + "._@+-")
_MAX_FOLDER_NAME = 200  # file systems allow 255 bytes; mail servers append to it
_CUT = "=x"  # before the digest of a name that is cut; no escape is spelled like this
_DIGITS = 32  # of the digest, hexadecimal
_MAILDIR = ("tmp", "new", "cur")
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def folder_name(user_name: str) -> str:
    """Return the folder's name: plain ASCII, without meaning to a shell, IMAP or a file system.

    Other characters than `a-z 0-9 . _ @ + -` become `=XX` per UTF-8 byte. Very long names are cut
    and made unique by a digest of the whole, which no name that is not cut can spell.
    """
    key = match_key(user_name)
    escaped = _escaped(key)
    if len(escaped) <= _MAX_FOLDER_NAME:
        return escaped
    end = f"{_CUT}{_digest(key)[:_DIGITS]}"
    return escaped[: _MAX_FOLDER_NAME - len(end)] + end


def folder_name_of_schema_2(user_name: str) -> str:
    """Return the folder's name as it was when a cut name could be another user's whole one."""
    escaped = _escaped(key := match_key(user_name))
    if len(escaped) <= _MAX_FOLDER_NAME:
        return escaped
    return f"{escaped[: _MAX_FOLDER_NAME - 25]}={_digest(key)[:24]}"


def same_folder(user_names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Map those of `user_names` whose folder belongs to another name already to that name.

    Only names that are cut can meet, where one was made to have the other's digest.
    """
    cut = [name for name in user_names if _is_cut(name)]
    owners: dict[str, str] = {}
    for name in filter(_is_cut, others) if cut else ():
        owners[folder_name(name)] = name
    found = {}
    for name in cut:
        owner = owners.setdefault(folder_name(name), name)
        if match_key(owner) != match_key(name):
            found[name] = owner
    return found


def _escaped(key: str) -> str:
    if _SAFE.issuperset(key):
        return key
    return "".join(
        char if char in _SAFE else "".join(f"={byte:02X}" for byte in char.encode()) for char in key
    )


def _is_cut(name: str) -> bool:
    longest = (3 if name.isascii() else 12) * len(name)  # of a character's escape
    return longest > _MAX_FOLDER_NAME and _CUT in folder_name(name)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class Archives:
    """The archive folders below one root. Nothing here ever removes a message."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, user_name: str) -> Path:
        """Return the folder of this user."""
        return self.root / folder_name(user_name)

    def create(self, user_name: str) -> bool:
        """Make the user's Maildir and tell whether there was no such folder."""
        return self.create_folder(folder_name(user_name))

    def create_folder(self, name: str) -> bool:
        """Make the Maildir of that name and tell whether there was none; see `create_folders`."""
        return bool(list(self.create_folders([name])))

    def create_folders(self, names: Iterable[str]) -> Iterator[str]:
        """Make the Maildirs of these names, and yield each name that had no folder once it has.

        What is there already stays as it is. Raises `StoreUnwritable`; of the Maildir that could
        not be made whole nothing is left.
        """
        name = ""
        try:
            make_folders(self.root)
            root = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                owner = owner_to_give_to(root)
                for name in names:
                    if self._make_new(root, name, owner):
                        yield name
                    else:
                        self._make(self.root / name)
            finally:
                let_go(root)
        except OSError as error:
            raise write_failure(
                error,
                f"The archive folder {printable(self.root / name)} cannot be made: "
                f"{error.strerror}.",
                "Check the archive root's owner, mode and room.",
                untouched="No user was changed.",
            ) from None

    def is_kept(self, user_name: str) -> bool:
        """Tell whether the user's archive would survive the user.

        It does if it holds something, or if that cannot be told.
        """
        try:
            return not self.is_empty(folder_name(user_name))
        except StoreUnwritable:
            return True

    def is_empty(self, folder: str) -> bool:
        """Tell whether the folder of that name holds nothing, or is not there.

        Raises `StoreUnwritable` where that cannot be told.
        """
        path = self.root / folder
        try:
            if path.is_symlink():
                return False
            if not path.exists():
                return True
            inside = os.walk(path, onerror=_refuse)
            return path.is_dir() and not any(files for _, _, files in inside)
        except OSError as error:
            _refuse(error)

    def messages(self, user_name: str) -> int:
        """Return how many messages the user's archive and its subfolders hold."""
        return sum(
            len(files)
            for folder, _, files in os.walk(self.path(user_name))
            if os.path.basename(folder) in ("new", "cur")
        )

    def remove_folder(self, folder: str) -> bool:
        """Remove the folder of that name if it holds nothing; tell whether it is gone.

        Only empty folders are ever removed, so mail that arrives meanwhile stays; then the
        Maildir is made whole again.
        """
        path = self.root / folder
        if not path.exists():
            return True
        if not self.is_empty(folder):
            return False
        try:
            for inner, _, _ in os.walk(path, topdown=False):
                os.rmdir(inner)
        except OSError:
            with contextlib.suppress(OSError):
                self._make(path)
            return False
        return True

    def holds_a_users_folder(self, user_names: Iterable[str]) -> bool:
        """Tell whether the root holds the folder of any of these users."""
        try:
            there = set(os.listdir(self.root))
        except OSError:
            return False
        return any(folder_name(name) in there for name in user_names)

    def _make(self, folder: Path) -> None:
        """Make what is missing of a Maildir."""
        for part in ("", *_MAILDIR):
            make_folder(folder / part, self.root)

    def _make_new(self, root: int, name: str, owner: tuple[int, int] | None) -> bool:
        """Make a Maildir in the open folder `root`, by root for `owner`, unless the name is taken.

        Until it is whole it is root's own, mode 0700, so that nobody changes what is in it. Calls
        are few and relative to open folders, as the first sync makes hundreds of thousands.
        """
        try:
            os.mkdir(name, 0o700, dir_fd=root)
        except FileExistsError:
            return False
        try:
            folder = os.open(name, _OPEN, dir_fd=root)
            try:
                for part in _MAILDIR:
                    os.mkdir(part, 0o700, dir_fd=folder)
                if owner and os.fstat(folder).st_uid == os.geteuid():
                    with contextlib.suppress(OSError):  # some file systems do not let root do so
                        for part in _MAILDIR:
                            os.chown(part, *owner, dir_fd=folder, follow_symlinks=False)
                        os.fchown(folder, *owner)
            finally:
                let_go(folder)
        except BaseException:
            with contextlib.suppress(StoreUnwritable):
                self.remove_folder(name)
            raise
        return True


def _refuse(error: OSError) -> NoReturn:
    raise StoreUnwritable(
        f"The archive folder {printable(error.filename)} cannot be read: {error.strerror}.",
        "Check its owner and mode.",
        untouched="Nothing was changed.",
    )
