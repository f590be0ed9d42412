"""Looking over what a host has beside any store: archive folders, the password's file, the key."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from store.errors import StoreError
from store.files.archive_mark import check_owner, done_until, not_mounted
from store.files.folder_work import under_way
from store.files.ownership import exposure
from store.files.secrets import SecretBox, password_in_use
from store.interface import Snapshot
from store.locations import archive_root, is_archive_root_set
from store.text import quantity
from store.upkeep import Finding


def check_host(host: Path, key: Path, state: Snapshot | None) -> Iterator[Finding]:
    """Look over what is this host's own: archive folders, the password's file, the key."""
    if state is not None:
        yield from _folder_work(host, state)
        yield from _password_file(state)
    yield from _key(key, state)


def _folder_work(store: Path, state: Snapshot) -> Iterator[Finding]:
    root = archive_root(state.settings.archive_root, store)
    if root is None or not state.store_id:
        return
    done = 0
    try:
        is_marked = check_owner(root, state.store_id)
        if not is_marked and is_archive_root_set(state.settings.archive_root):
            raise not_mounted(root)
        done = done_until(root)
    except StoreError as error:
        yield Finding.of(root, error)
    moves = [item for item in state.folder_work if item.act == "move" and item.generation > done]
    if moves:
        yield Finding(
            root,
            f"{quantity(len(moves), 'archive folder')} of renamed users cannot be moved yet. No "
            "mail is lost. Mount the archive, or check its owner and mode; the next write or "
            "log-on moves them.",
        )
    known = {str(item.generation) for item in state.folder_work}
    for place in under_way(root):
        if place.name not in known:
            yield Finding(
                place,
                "mailroster does not know to which run these folders of renamed users belong. "
                "Move them to their users' names by hand.",
            )


def _key(key: Path, state: Snapshot | None) -> Iterator[Finding]:
    """Look at the key wherever there is one: it signs plans, also where no password is stored."""
    token = password_in_use(state.settings) if state else ""
    if not key.is_absolute() and not token:
        return  # a user without a home has no place for one
    box = SecretBox(key)
    try:
        if token:
            box.decrypt(token)
        else:
            box.check()
    except StoreError as error:
        yield Finding.of(key, error)
    else:
        yield from exposed(key)


def _password_file(state: Snapshot) -> Iterator[Finding]:
    """Look at the file with the directory's password, which is not ours to be the owner of."""
    if not state.settings.password_file:
        return
    path = Path(state.settings.password_file)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        yield Finding(
            path,
            f"The password file cannot be looked at: {reason}. Correct password_file, or the "
            "owner and mode of that file.",
        )
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Finding(
            path,
            "Everybody on this machine may read or change the directory's password in this file "
            f"(mode {stat.S_IMODE(mode):04o}). Close it with chmod o= and change the password.",
        )


def exposed(path: Path) -> Iterator[Finding]:
    """Tell of a file that others may read or change, if it is there."""
    if path.exists() and (problem := exposure(path.stat(), path.parent)):
        yield Finding(path, f"This file {problem}.")
