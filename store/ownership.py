"""Whose files are: root works for the owner of the data, and leaves nothing only root can read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """Where root opened a file for writing, give it to the owner of `folder`.

    So `sudo mailroster sync` does not lock out a service that runs as the store's own user.
    File systems that do not let root do so are left alone.
    """
    if os.geteuid() == 0:
        with suppress(OSError):
            owner = os.stat(folder)
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def make_folder(folder: Path, owned_like: Path) -> None:
    """Make `folder`, mode 0700, unless it is there; root gives it to the owner of `owned_like`.

    Raises `OSError`, also where something else than a folder is there.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        give_to_owner_of(owned_like, descriptor)
    finally:
        os.close(descriptor)
