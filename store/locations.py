"""Where the store, its key and the archive are kept."""

from __future__ import annotations

import os
from pathlib import Path

STORE_VARIABLE = "MAILROSTER_STORE"
_NAME = "mailroster"


def store_path(given: str | None = None) -> Path:
    """Return the store's path: as given, else `MAILROSTER_STORE`, else the platform's place."""
    chosen = given or os.environ.get(STORE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path(_NAME) / "users.json"


def key_path() -> Path:
    """Return the path of the key that encrypts the directory's password."""
    from platformdirs import user_config_path

    return user_config_path(_NAME) / "secret.key"


def archive_root(configured: str, store: Path) -> Path:
    """Return the folder that holds the archive folders; beside the store unless configured."""
    return Path(configured) if configured else store.parent / "archive"
