"""What every command and screen works on: the store, its secrets and its archive folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from store.archives import Archives
from store.interface import Snapshot, Store
from store.locations import archive_root, key_path, store_path
from store.lockout import Lockout
from store.models import Settings
from store.secrets import SecretBox
from store.tinydb_store import TinyDBStore


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open store with its secrets and its failed log-ons; `path` is where it lives."""

    path: Path
    store: Store
    secrets: SecretBox
    lockout: Lockout

    def snapshot(self) -> Snapshot:
        """Return the store's current state."""
        return self.store.snapshot()

    def archives(self, settings: Settings) -> Archives:
        """Return the archive folders under these settings."""
        return Archives(archive_root(settings.archive_root, self.path))

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def open_workspace(
    store: str | None = None,
    key: Path | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Workspace:
    """Open the store at the path given, or where `MAILROSTER_STORE` or the platform says.

    `key` is the file with the key for secrets, by default in the config directory.
    `on_wait` is told for whom a write waits, if that takes long.
    """
    path = store_path(store)
    opened = TinyDBStore(path, on_wait=on_wait)
    return Workspace(path, opened, SecretBox(key or key_path()), Lockout(path))
