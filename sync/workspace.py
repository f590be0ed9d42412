"""What every command and screen works on: the store, its secrets and its archive folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import NoArchive
from store.files.archives import Archives
from store.files.ownership import operating_system_user
from store.files.secrets import SecretBox
from store.interface import Clock, LogOnAttempts, Snapshot, Store, utc_now
from store.locations import (
    ADDRESSES,
    KeyPlace,
    archive_root,
    given_store,
    host_path,
    key_place,
    store_path,
    why_no_archive,
)
from store.models import Settings
from store.progress import OnProgress, untold
from store.tinydb.store import TinyDBStore

if TYPE_CHECKING:
    from store.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open store with its secrets.

    `host_path` is where on this host its own things lie, beside which the archive and the homes
    are unless configured: the store's file, if it is one. `store_argument` is what names the store
    to other commands on this host, after `--store`; messages name it by `store.where`.
    `who` is the administrator whom the history names. `notices` gets what is to be said of a
    change that is written, such as an archive folder that could not be moved yet. `clock` tells
    the time of a run. `on_progress` is told how far long work is.
    """

    store: Store
    host_path: Path
    store_argument: str
    secrets: SecretBox
    open_upkeep: Callable[[], Upkeep]
    who: str = field(default_factory=operating_system_user)
    notices: list[str] = field(default_factory=list, compare=False)
    clock: Clock = utc_now
    on_progress: OnProgress = untold

    @property
    def upkeep(self) -> Upkeep:
        """Check, backup and restore of the store."""
        return self.open_upkeep()

    @property
    def lockout(self) -> LogOnAttempts:
        """The failed log-ons that the store counts."""
        return self.store.attempts

    def snapshot(self) -> Snapshot:
        """Return the store's current state."""
        return self.store.snapshot()

    def archives(self, settings: Settings) -> Archives:
        """Return the archive folders under these settings.

        Raises `NoArchive` on a host that is said to have none.
        """
        root = archive_root(settings.archive_root, self.host_path)
        if root is None:
            raise NoArchive(
                f"{why_no_archive(settings.archive_root)}.", "Do this on a host that has them."
            )
        return Archives(root)

    def messages(self, user_name: str) -> int:
        """Return how many messages the user's archive holds, 0 on a host without archives."""
        try:
            return self.archives(self.snapshot().settings).messages(user_name)
        except NoArchive:
            return 0

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def open_workspace(
    store: str | None = None,
    key: Path | None = None,
    on_wait: Callable[[str], None] | None = None,
    clock: Clock = utc_now,
    on_progress: OnProgress = untold,
) -> Workspace:
    """Open the store that is given, or that `MAILROSTER_STORE` or the platform names.

    It is a file's path, or a database's address. `key` is the file with the key for secrets, by
    default where `key_place` says. `on_wait` is told for whom a write waits, if that takes long.
    `clock` tells the time, `on_progress` is told how far long work is. Raises `InvalidValue`.
    """
    chosen = given_store(store)
    if chosen and chosen.startswith(ADDRESSES):
        return _in_postgres(chosen, key, on_wait, clock, on_progress)
    path = store_path(store)

    def upkeep() -> Upkeep:  # no log-on needs it
        from store.tinydb.upkeep import TinyDBUpkeep

        return TinyDBUpkeep(path, on_progress)

    opened = TinyDBStore(path, on_wait=on_wait, clock=clock)
    secrets = _secrets(key, path)
    return Workspace(opened, path, str(path), secrets, upkeep, clock=clock, on_progress=on_progress)


def _in_postgres(
    url: str,
    key: Path | None,
    on_wait: Callable[[str], None] | None,
    clock: Clock,
    on_progress: OnProgress,
) -> Workspace:
    from store.postgres.store import PostgresStore

    path, opened = host_path(), PostgresStore(url, on_wait, clock=clock)

    def upkeep() -> Upkeep:
        from store.postgres.upkeep import PostgresUpkeep

        return PostgresUpkeep(opened, path)

    secrets = _secrets(key, path, shared=True)
    return Workspace(opened, path, url, secrets, upkeep, clock=clock, on_progress=on_progress)


def _secrets(key: Path | None, host: Path, *, shared: bool = False) -> SecretBox:
    return SecretBox(*(KeyPlace(key) if key else key_place(host)), shared=shared)
