"""Returning to a backup: what that would lose, and doing it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from store.backups import STAMP, list_backups
from store.durable import sync_folder, write_new
from store.errors import StoreDamaged, StoreUnwritable, write_advice, write_failure
from store.interface import Snapshot
from store.lock import WAIT_SECONDS, writer_lock
from store.models import SETTING_KEYS
from store.storage import DurableStorage
from store.tables_file import as_text, read_tables
from store.text import printable
from store.tinydb_store import TinyDBStore


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup, read and checked whole: its state, or what is wrong with it."""

    path: Path
    state: Snapshot | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """What a return to a backup changes, against the state now.

    Users by name: those who `go`, who `come_back`, and who `become` what they were, with the
    names of the fields. `runs` are those that the history will not list any more. `problem` tells
    why the state now cannot be read, so that nothing is known of what the backup lacks.
    """

    go: tuple[str, ...] = ()
    come_back: tuple[str, ...] = ()
    become: tuple[tuple[str, tuple[str, ...]], ...] = ()
    settings: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    problem: str = ""


def read_whole(path: Path) -> Snapshot:
    """Return the state in a store's file, every field checked; raises `StoreDamaged`."""
    store = TinyDBStore(path, check_all=True)
    try:
        return store.snapshot()
    finally:
        store.close()


def read_backups(store: Path) -> list[Backup]:
    """Return the backups of `store`, newest first."""
    found = []
    for path in list_backups(store):
        try:
            found.append(Backup(path, read_whole(path)))
        except StoreDamaged as error:
            found.append(Backup(path, None, str(error)))
    return found


def loss(store: Path, to: Snapshot) -> Loss:
    """Return what a return to the state `to` would change."""
    try:
        now = read_whole(store)
    except StoreDamaged as error:
        return Loss(problem=str(error))
    go = [now.users[key]["user_name"] for key in now.users.keys() - to.users.keys()]
    come_back = [to.users[key]["user_name"] for key in to.users.keys() - now.users.keys()]
    become = []
    for key in now.users.keys() & to.users.keys():
        old, new = to.users[key], now.users[key]
        names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        if names := names - {"rev", "changed"}:
            become.append((new["user_name"], tuple(sorted(names))))
    return Loss(
        tuple(sorted(go)),
        tuple(sorted(come_back)),
        tuple(sorted(become)),
        tuple(
            name
            for name in SETTING_KEYS
            if getattr(now.settings, name) != getattr(to.settings, name)
        ),
        tuple(run.id for run in now.history.runs if to.history.find(run.id) is None),
    )


def restore(store: Path, backup: Path, wait: float = WAIT_SECONDS) -> Path | None:
    """Return to the state of `backup`; the file of now is set aside, and its new path returned.

    None if there was nothing to set aside. The generation goes on above every one that was there
    before, so that nothing that was made from a lost state (an open dialog, a saved plan) can be
    taken for made from this one. Raises `StoreDamaged` for an unusable backup, `StoreBusy`,
    `StoreFull` or `StoreUnwritable`; then nothing was changed.
    """
    with writer_lock(store.with_name(f"{store.name}.lock"), wait):
        read_whole(backup)
        with backup.open("rb") as file:
            tables = read_tables(file)
        written = time.time_ns()
        tables["meta"]["1"] |= {"generation": _generation_above(store), "written": written}
        temporary = store.with_name(f".{store.name}.{os.getpid()}.tmp")
        aside = store.with_name(f"{store.name}.{datetime.now(UTC).strftime(STAMP)}.aside")
        is_aside = False
        try:
            DurableStorage(store).sweep()
            descriptor = write_new(temporary, as_text(tables))
            os.utime(descriptor, ns=(written, written))
            os.close(descriptor)
            is_aside = _set_aside(store, aside)
            os.replace(temporary, store)
            sync_folder(store.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if is_aside:
                os.replace(aside, store)
                aside.unlink(missing_ok=True)  # two links to one file are left as they are
            kind = write_failure(error)
            raise kind(
                f"The store {printable(store)} could not be restored: {error.strerror}. It is as "
                f"it was, and so are its backups. {write_advice(kind)}"
            ) from None
    return aside if is_aside else None


def _set_aside(store: Path, aside: Path) -> bool:
    """Keep what is there as `aside`, without a moment in which a file is gone from its place."""
    if store.is_file() and not store.is_symlink():
        os.link(store, aside)
    elif os.path.lexists(store):
        os.rename(store, aside)
    else:
        return False
    return True


def save_copy(store: Path, copy: Path) -> Snapshot:
    """Write a copy of the store, checked whole, to the new file `copy`; return the state in it.

    Raises `StoreDamaged`, and `StoreFull` or `StoreUnwritable` if there is something already or it
    cannot be written; then nothing is left at `copy`.
    """
    if not read_whole(store).store_id:
        raise StoreUnwritable(
            f"There is no store at {printable(store)} yet, so there is nothing to copy."
        )
    try:
        os.close(write_new(copy, [store.read_bytes()]))
        sync_folder(copy.parent)
    except OSError as error:
        kind = write_failure(error)
        raise kind(
            f"The copy {printable(copy)} could not be written: {error.strerror}. The store is as "
            "it was. Choose a new file in a folder with room."
        ) from None
    return read_whole(copy)


def _generation_above(store: Path) -> int:
    """Return a generation that no state of this store, readable or not, has had."""
    known = [backup.state.generation for backup in read_backups(store) if backup.state]
    with suppress(StoreDamaged):
        known.append(read_whole(store).generation)
    return max(known, default=0) + len(list_backups(store)) + 2
