"""Whose files are: root works for the owner of the data, and leaves nothing only root can read."""

from __future__ import annotations

import os
import stat
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


def make_folder(folder: Path, owned_like: Path) -> bool:
    """Make `folder`, mode 0700, unless it is there; tell whether it was not.

    Root gives it to the owner of `owned_like`. Raises `OSError`, also where something else than a
    folder is there.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        give_to_owner_of(owned_like, descriptor)
    finally:
        os.close(descriptor)
    return True


def exposure(file: os.stat_result, folder: Path) -> str | None:
    """Return what is wrong with the owner or mode of a secret file in `folder`, or None.

    The file is wholly its owner's (mode 0600), who is this process's user or the folder's owner.
    """
    owners = {os.geteuid(), os.stat(folder).st_uid}
    if file.st_uid not in owners:
        names = " or ".join(user_name(owner) for owner in sorted(owners))
        return f"belongs to {user_name(file.st_uid)}; give it to {names} with chown"
    mode = stat.S_IMODE(file.st_mode)
    if mode & 0o077:
        return f"is open to others than its owner (mode {mode:04o}); close it with chmod 600"
    return None


def user_name(uid: int) -> str:
    """Return the name of the operating system's user, or the number of one without a name."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
