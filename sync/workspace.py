"""What every command and screen works on: the store, its secrets and its archive folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from store.errors import NoArchive
from store.files.ownership import operating_system_user
from store.files.secrets import SecretBox
from store.interface import Clock, LogOnAttempts, Snapshot, Store, utc_now
from store.locations import (
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

if TYPE_CHECKING:
    from store.files.archives import Archives
    from store.upkeep import Upkeep

OnWait = Callable[[str], None] | None
Opened = tuple[Callable[[], Store], Callable[[], "Upkeep"]]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A store with its secrets. It is opened by whoever first asks for it, in the main thread.

    `host_path` is where on this host its own things lie, beside which the archive and the homes
    are unless configured: the store's file, if it is one. `store_argument` is what names the store
    to other commands on this host, after `--store`; messages name it by `store.where`.
    `who` is the administrator whom the history names. `notices` gets what is to be said of a
    change that is written, such as an archive folder that could not be moved yet. `clock` tells
    the time of a run. `on_progress` is told how far long work is. A store that `is_shared` may be
    that of other hosts, too.
    """

    open_store: Callable[[], Store]
    host_path: Path
    store_argument: str
    secrets: SecretBox
    open_upkeep: Callable[[], Upkeep]
    who: str = field(default_factory=operating_system_user)
    notices: list[str] = field(default_factory=list, compare=False)
    clock: Clock = utc_now
    on_progress: OnProgress = untold
    is_shared: bool = False

    @property
    def store(self) -> Store:
        """The open store."""
        return self.open_store()

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

    def state(self) -> Snapshot:
        """Return the store's current state without its users, which costs less."""
        return self.store.find("")

    def archives(self, settings: Settings) -> Archives:
        """Return the archive folders under these settings.

        Raises `NoArchive` on a host that is said to have none.
        """
        from store.files.archives import Archives

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
    on_wait: OnWait = None,
    clock: Clock = utc_now,
    on_progress: OnProgress = untold,
) -> Workspace:
    """Open the store that is given, or that `MAILROSTER_STORE` or the platform names.

    It is a file's path, or a database's address. `key` is the file with the key for secrets, by
    default where `key_place` says. `on_wait` is told for whom a write waits, if that takes long.
    `clock` tells the time, `on_progress` is told how far long work is. Raises `InvalidValue`.
    """
    chosen = given_store(store) or ""
    kinds = (kind for kind in ELSEWHERE.values() if chosen.startswith(kind.addresses))
    if kind := next(kinds, None):
        path = host_path(kind.name)
        open_store, upkeep = kind.open(chosen, path, on_wait, clock, on_progress)
    else:
        path = store_path(store)
        chosen = str(path)
        open_store, upkeep = _in_file(path, on_wait, clock, on_progress)
    place = KeyPlace(key) if key else key_place(path)
    is_shared = kind is not None
    return Workspace(
        open_store,
        path,
        chosen,
        SecretBox(*place, shared=is_shared),
        upkeep,
        clock=clock,
        on_progress=on_progress,
        is_shared=is_shared,
    )


def _in_file(path: Path, on_wait: OnWait, clock: Clock, on_progress: OnProgress) -> Opened:
    @cache
    def opened() -> Store:  # slow, and not for the first frame
        from store.tinydb.store import TinyDBStore

        return TinyDBStore(path, on_wait=on_wait, clock=clock)

    def upkeep() -> Upkeep:  # no log-on needs it
        from store.tinydb.upkeep import TinyDBUpkeep

        return TinyDBUpkeep(path, on_progress)

    return opened, upkeep


def _in_postgres(
    url: str, host: Path, on_wait: OnWait, clock: Clock, on_progress: OnProgress
) -> Opened:
    from store.postgres.store import PostgresStore

    opened = PostgresStore(url, on_wait, clock=clock, on_progress=on_progress)

    def upkeep() -> Upkeep:
        from store.postgres.upkeep import PostgresUpkeep

        return PostgresUpkeep(opened, host)

    return lambda: opened, upkeep


class StoreElsewhere(NamedTuple):
    """A kind of store that is not a file of this host.

    `addresses` is what `--store` begins with, `name` that of the host's own things. `open` takes
    the address, where those things are, and what `open_workspace` has for a store.
    """

    name: str
    addresses: tuple[str, ...]
    open: Callable[[str, Path, OnWait, Clock, OnProgress], Opened]


POSTGRES = StoreElsewhere("postgresql", ("postgresql://", "postgres://"), _in_postgres)
ELSEWHERE = {kind.name: kind for kind in (POSTGRES,)}
