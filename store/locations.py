"""Where the store, its key and the archive are kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from store.errors import InvalidValue
from store.files.ownership import operating_system_user, owner_for_root

STORE_VARIABLE = "MAILROSTER_STORE"
ARCHIVE_VARIABLE = "MAILROSTER_ARCHIVE_ROOT"
NAME_OR_MAKE = "Name another with --store or MAILROSTER_STORE, or start mailroster to make it."
NO_ARCHIVE = "none"  # its value, or that of the setting, where there are no archive folders
_NAME = "mailroster"


_SHARED = Path("/var/lib/mailroster")  # of a host's things, where its user has no home


def given_store(given: str | None = None) -> str | None:
    """Return what names the store: as given, else `MAILROSTER_STORE`, else nothing."""
    return given or os.environ.get(STORE_VARIABLE) or None


def host_path(kind: str) -> Path:
    """Return where on this host its own things lie, of a store of that kind elsewhere."""
    from platformdirs import user_data_path

    return (_folder(user_data_path) or _SHARED) / kind


def store_path(given: str | None = None) -> Path:
    """Return the store's path: as given, else `MAILROSTER_STORE`, else the platform's place.

    Raises `InvalidValue` where that is below the home of an operating system's user without one.
    """
    chosen = given_store(given)
    if chosen and not (path := os.path.expanduser(chosen)).startswith("~"):
        return Path(path).absolute()
    from platformdirs import user_data_path

    folder = None if chosen else _folder(user_data_path)
    if folder is None:
        raise InvalidValue(
            "mailroster has no place for the user database: the operating system's user "
            f"{operating_system_user()} has no home, and HOME is not set.",
            f"Give its path with --store or {STORE_VARIABLE}.",
            untouched="Nothing was changed.",
        )
    return folder / "users.json"


def config_folder() -> Path | None:
    """Return this user's config directory, None if the user has no home."""
    from platformdirs import user_config_path

    return _folder(user_config_path)


class KeyPlace(NamedTuple):
    """Where the key is; `maker` is the only user (uid) who makes it, None if this process may."""

    path: Path
    maker: int | None = None


def key_place(store: Path) -> KeyPlace:
    """Return the place of the key that encrypts the directory's password and signs plans.

    It is in the config directory. Root works with the key of the user to whom the store's folder
    belongs, and makes none: a key of its own would be one that the service of that user cannot
    read. XDG_CONFIG_HOME says where that is for root, too. A path that is not absolute belongs to
    a user without a home. Raises what `owner_for_root` raises.
    """
    path = (config_folder() or Path()) / "secret.key"
    owner = owner_for_root(store)
    if owner is not None and not os.environ.get("XDG_CONFIG_HOME"):
        path = Path(_home(owner), path.relative_to(Path("~").expanduser()))
    return KeyPlace(path, owner)


def _folder(find: Callable[[str], Path]) -> Path | None:
    """Return a folder of this user's, None if the user has no home."""
    try:
        folder = find(_NAME)
    except RuntimeError:  # platformdirs 4.4 and later
        return None
    return folder if folder.is_absolute() else None


def _home(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return "~"


def archive_root(configured: str, host_path: Path) -> Path | None:
    """Return the folder that holds the archive folders; unless configured, beside `host_path`.

    `MAILROSTER_ARCHIVE_ROOT` names it for this host. None if this host is said to have none.
    """
    chosen = os.environ.get(ARCHIVE_VARIABLE) or configured
    if chosen == NO_ARCHIVE:
        return None
    return Path(chosen) if chosen else host_path.parent / "archive"


def why_no_archive(configured: str) -> str:
    """Return a sentence without its end, of a host that is said to have no archive folders."""
    says = ARCHIVE_VARIABLE if os.environ.get(ARCHIVE_VARIABLE) else "the setting archive_root"
    return f"This host has no archive folders, as {says} says"


def is_archive_root_set(configured: str) -> bool:
    """Tell whether the settings or this host's environment name the archive's root."""
    return bool(os.environ.get(ARCHIVE_VARIABLE) or configured)
