"""Whose files are: root works for the owner of the data, and leaves nothing only root can read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from store.errors import StoreUnwritable
from store.files.descriptors import let_go
from store.text import printable

_ACCESS_LIST = "system.posix_acl_access"  # acl(5)


def give_to_owner_of(folder: Path | int, descriptor: int) -> None:
    """Where root opened a file for writing, give it to the owner of `folder`.

    So `sudo mailroster sync` does not lock out a service that runs as the store's own user.
    File systems that do not let root do so are left alone.
    """
    if owner := owner_to_give_to(folder):
        with suppress(OSError):
            os.fchown(descriptor, *owner)


def owner_to_give_to(folder: Path | int) -> tuple[int, int] | None:
    """Return the user and group of `folder`, to whom root gives what it makes there, else None.

    None also where that is root itself, who has what it makes.
    """
    if os.geteuid() == 0:
        with suppress(OSError):
            found = os.stat(folder)
            owner = found.st_uid, found.st_gid
            return owner if owner != (0, os.getegid()) else None
    return None


def owner_for_root(store: Path) -> int | None:
    """Return the user for whom this process, run by root, works on `store`.

    That is the owner of the store's folder. None where this is not root, or the folder is root's
    or not there yet. Raises `StoreUnwritable` where the store belongs to a third user: files that
    root makes in the folder would be root's, and that user could not use them.
    """
    if os.geteuid() != 0:
        return None
    try:
        owner = os.stat(store.parent).st_uid
    except OSError:
        return None
    with suppress(OSError):
        holder = os.lstat(store).st_uid
        if holder not in (0, owner):
            raise StoreUnwritable(
                f"The store {printable(store)} belongs to {user_name(holder)}, and its folder to "
                f"{user_name(owner)}. {user_name(holder)} could not use files that root makes "
                "there.",
                f"Do this as that user, `{command_as(holder)}`, or give the folder to that user "
                "with chown.",
                untouched="Nothing was changed.",
            )
    return owner or None


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
        let_go(descriptor)
    return True


def make_folders(folder: Path, owned_like: Path | None = None) -> None:
    """Make `folder` and what is missing above it, each with mode 0700 under any umask.

    Root gives each to the owner of `owned_like`, else of the folder that it is in. Raises
    `OSError`, also where something else than a folder is there.
    """
    if not folder.is_dir():
        make_folders(folder.parent, owned_like)
        make_folder(folder, owned_like or folder.parent)


def exposure(file: os.stat_result, folder: Path) -> str | None:
    """Return what is wrong with the owner or mode of a secret file in `folder`, or None.

    The file is wholly its owner's (mode 0600), who is this process's user or the folder's owner.
    """
    owners = {os.geteuid(), os.stat(folder).st_uid}
    if file.st_uid not in owners:
        names = " or ".join(user_name(owner) for owner in sorted(owners))
        holder = user_name(file.st_uid)
        return f"belongs to {holder}; give it to {names} with chown, or its folder to {holder}"
    mode = stat.S_IMODE(file.st_mode)
    if mode & 0o077:
        return f"is open to others than its owner (mode {mode:04o}); close it with chmod 600"
    return None


def folder_closed_to(uid: int, path: Path) -> Path | None:
    """Return the first folder above `path` that this user may not enter; None if there is none.

    Where an access control list says more than the mode, the folder is taken for open.
    """
    if uid == 0:
        return None
    import pwd

    try:
        user = pwd.getpwuid(uid)
        groups = os.getgrouplist(user.pw_name, user.pw_gid)
    except KeyError:
        groups = []
    for folder in reversed(path.absolute().parents):
        if not folder.exists():
            break
        found = os.stat(folder)
        mine = stat.S_IXGRP if found.st_gid in groups else stat.S_IXOTH
        needed = stat.S_IXUSR if found.st_uid == uid else mine
        if not found.st_mode & needed and not _has_access_list(folder):
            return folder
    return None


def _has_access_list(folder: Path) -> bool:
    with suppress(OSError):  # of a file system that knows none
        return _ACCESS_LIST in os.listxattr(folder)
    return False


def user_name(uid: int) -> str:
    """Return the name of the operating system's user, or the number of one without a name."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def command_as(uid: int) -> str:
    """Return how to run mailroster as that user of the operating system."""
    name = user_name(uid)
    return f"sudo -u {name if name != f'uid {uid}' else repr(f'#{uid}')} mailroster ..."


def operating_system_user() -> str:
    """Return the name of the operating system's user who runs this process."""
    return user_name(os.geteuid())
