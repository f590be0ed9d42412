"""The archive folders: one Maildir per user below the archive root."""

from __future__ import annotations

import contextlib
import hashlib
import os
import string
from pathlib import Path

from store.errors import StoreUnwritable, write_failure
from store.names import match_key
from store.ownership import make_folder
from store.text import printable

_SAFE = frozenset(string.ascii_lowercase + string.digits + "._@+-")
_MAX_FOLDER_NAME = 200  # file systems allow 255 bytes; mail servers append to it
_MAILDIR = ("tmp", "new", "cur")


def folder_name(user_name: str) -> str:
    """Return the folder's name: plain ASCII, without meaning to a shell, IMAP or a file system.

    Other characters than `a-z 0-9 . _ @ + -` become `=XX` per UTF-8 byte. Very long names are cut
    and made unique by a digest of the whole.
    """
    key = match_key(user_name)
    escaped = "".join(
        char if char in _SAFE else "".join(f"={byte:02X}" for byte in char.encode()) for char in key
    )
    if len(escaped) <= _MAX_FOLDER_NAME:
        return escaped
    digest = hashlib.sha256(key.encode()).hexdigest()[:24]
    return f"{escaped[: _MAX_FOLDER_NAME - 25]}={digest}"


class Archives:
    """The archive folders below one root. Nothing here ever removes a message."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, user_name: str) -> Path:
        """Return the folder of this user."""
        return self.root / folder_name(user_name)

    def create(self, user_name: str) -> bool:
        """Make the user's Maildir and tell whether there was no such folder.

        What is there already stays as it is. Where it fails, no new folder is left.
        """
        folder, is_new = self.path(user_name), False
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_new = make_folder(folder, self.root)
            for part in _MAILDIR:
                make_folder(folder / part, self.root)
        except OSError as error:
            if is_new:
                with contextlib.suppress(StoreUnwritable):
                    self.remove_if_empty(user_name)
            raise write_failure(error)(
                f"The archive folder {printable(folder)} cannot be made: {error.strerror}. "
                "No user was changed. Check the archive root's owner, mode and room."
            ) from None
        return is_new

    def is_kept(self, user_name: str) -> bool:
        """Tell whether the user's archive would survive the user: it holds something."""
        folder = self.path(user_name)
        if folder.is_symlink():
            return True
        if not folder.exists():
            return False
        return not folder.is_dir() or any(files for _, _, files in os.walk(folder, onerror=_refuse))

    def messages(self, user_name: str) -> int:
        """Return how many messages the user's archive and its subfolders hold."""
        return sum(
            len(files)
            for folder, _, files in os.walk(self.path(user_name))
            if os.path.basename(folder) in ("new", "cur")
        )

    def remove_if_empty(self, user_name: str) -> bool:
        """Remove the user's archive if it holds nothing; tell whether it is gone.

        Only empty folders are ever removed, so mail that arrives meanwhile stays; then the
        Maildir is made whole again.
        """
        folder = self.path(user_name)
        if not folder.exists():
            return True
        if self.is_kept(user_name):
            return False
        try:
            for inner, _, _ in os.walk(folder, topdown=False):
                os.rmdir(inner)
        except OSError:
            with contextlib.suppress(StoreUnwritable):
                self.create(user_name)
            return False
        return True


def _refuse(error: OSError) -> None:
    raise StoreUnwritable(
        f"The archive folder {printable(error.filename)} cannot be read: {error.strerror}. "
        "Nothing was changed. Check its owner and mode."
    )
