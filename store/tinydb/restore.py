"""Returning to a backup: what that would lose, and doing it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from store.errors import StoreDamaged, StoreUnwritable, write_failure
from store.files.descriptors import let_go
from store.files.durable import (
    add_whole,
    is_there,
    link_or_copy,
    sync_folder,
    temporary_beside,
    write_new,
)
from store.files.folder_work import FolderWork
from store.files.lock import writer_lock
from store.history import History, Run, RunSummary
from store.interface import Snapshot
from store.progress import OnProgress, untold, with_progress
from store.text import printable
from store.tinydb.backups import STAMP, list_backups
from store.tinydb.file_format import as_text, read_tables
from store.tinydb.history_files import HistoryFiles
from store.tinydb.migrations import migrated
from store.tinydb.storage import DurableStorage
from store.tinydb.store import TinyDBStore
from store.upkeep import Backup, Content, Loss

_AS_IT_WAS = "It is as it was, and so are its backups."


def read_whole(path: Path, like: Snapshot | None = None) -> Snapshot:
    """Return the state in a store's file, every field checked; raises `StoreDamaged`.

    It shares with the state `like` the users who are alike: they take no memory and no check.
    """
    store = TinyDBStore(path, check_all=True, like=like.users if like else None)
    try:
        return store.snapshot()
    finally:
        store.close()


def read_backups(
    store: Path, like: Snapshot | None = None, on_progress: OnProgress = untold
) -> Iterator[Backup]:
    """Yield the backups of `store`, newest first; of each no more than its numbers is kept.

    Each shares with the one before, the newest with `like`, the users who are alike.
    """
    state = like
    for path in with_progress(list_backups(store), "Backups read", on_progress):
        try:
            state = read_whole(path, like=state)
            yield Backup(path, Content.of(state))
        except StoreDamaged as error:
            is_unreadable = isinstance(error.__cause__, OSError)
            yield Backup(path, None, str(error), is_unreadable, error.to_record())


def loss(store: Path, to: Snapshot) -> Loss:
    """Return what a return to the state `to` would change."""
    try:
        now = read_whole(store, like=to)
    except StoreDamaged as error:
        return Loss(problem=str(error), error=error.to_record())
    return Loss.between(now, to)


def replace_unreadable(
    store: Path,
    backup: Path,
    run: Run,
    folder_work: Callable[[Iterable[Run]], Iterable[FolderWork]],
) -> Path | None:
    """Put `backup` in the place of a store that cannot be read; return where that is kept.

    None if there was nothing to set aside. The generation goes on above every one that was there
    before, so that nothing that was made from a lost state (an open dialog, a saved plan) can be
    taken for made from this one; and the history lists all runs whose records are there, and then
    `run`, this return. `folder_work` is asked what is to be done to archive folders, of the runs
    since the backup whose records can be read. Raises `StoreDamaged` for an unusable backup,
    `StoreBusy`, `StoreFull` or `StoreUnwritable`; then nothing was changed.
    """
    with writer_lock(store.with_name(f"{store.name}.lock")):
        state = read_whole(backup)
        files, written = HistoryFiles(store), time.time_ns()
        temporary = temporary_beside(store)
        aside, is_aside, is_in_place = _aside_name(store), False, False
        try:
            history, work = _with_run(store, state, run, folder_work)
            with backup.open("rb") as file:
                tables = read_tables(file)
            tables = migrated(tables, tables["meta"]["1"]["schema"])
            tables["meta"]["1"] |= {
                "generation": history.runs[-1].generation,
                "written": written,
                "history": history.to_stored(),
                "folder_work": [item.to_stored() for item in work],
            }
            DurableStorage(store).sweep()
            descriptor = write_new(temporary, as_text(tables))
            os.utime(descriptor, ns=(written, written))
            let_go(descriptor)
            is_aside = _set_aside(store, aside)
            os.replace(temporary, store)
            is_in_place = True
            sync_folder(store.parent)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            if not is_in_place and os.path.lexists(store):
                with suppress(OSError):
                    aside.unlink(missing_ok=True)  # a second name of what is there
                raise _not_restored(store, error) from None
            if not is_aside or _is_put_back(aside, store):
                raise _not_restored(store, error) from None
            there = "The backup is in its place" if is_in_place else "The backup is not there yet"
            raise _not_restored(
                store, error, f"{there}; the former file is kept as {printable(aside)}."
            ) from None
        with suppress(StoreUnwritable):  # else the next write gives the record its name
            files.settle(history)
    return aside if is_aside else None


def _with_run(
    store: Path,
    state: Snapshot,
    run: Run,
    folder_work: Callable[[Iterable[Run]], Iterable[FolderWork]],
) -> tuple[History, list[FolderWork]]:
    """Return the history of a return to `state` with that `run`, and all work on folders."""
    files, generation = HistoryFiles(store), _generation_above(store)
    kept = files.with_all_records(state.history)
    files.settle(kept)
    run = replace(run, summary=replace(run.summary, generation=generation))
    work = folder_work(_readable(files, kept.runs, state.generation))
    return (
        files.add(kept, run, state.settings.history_max_mib),
        [*state.folder_work, *(replace(item, generation=generation) for item in work)],
    )


def _readable(files: HistoryFiles, runs: Iterable[RunSummary], after: int) -> Iterator[Run]:
    for run in runs:
        if run.generation > after:
            with suppress(StoreDamaged):
                yield files.read(run.id)


def link_aside(store: Path) -> Path:
    """Keep the file of now under another name and return that; raises `StoreUnwritable`."""
    aside = _aside_name(store)
    try:
        link_or_copy(store, aside)
    except OSError as error:
        raise _not_restored(store, error) from None
    return aside


def _aside_name(store: Path) -> Path:
    return store.with_name(f"{store.name}.{datetime.now(UTC).strftime(STAMP)}.aside")


def _not_restored(store: Path, error: OSError, state: str = _AS_IT_WAS) -> StoreUnwritable:
    return write_failure(
        error,
        f"The store {printable(store)} could not be restored: {error.strerror}.",
        untouched=state,
    )


def _is_put_back(aside: Path, store: Path) -> bool:
    """Put what was set aside back into its place; tell whether it is there again."""
    try:
        os.replace(aside, store)
        aside.unlink(missing_ok=True)  # two links to one file are left as they are
    except OSError:
        return False
    return True


def _set_aside(store: Path, aside: Path) -> bool:
    """Keep what is there as `aside`, without a moment in which a file is gone from its place."""
    if store.is_file() and not store.is_symlink():
        link_or_copy(store, aside)
    elif is_there(store):
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
            f"The store {printable(store)} does not exist yet, so it cannot be copied.",
            "Give its path with --store or MAILROSTER_STORE.",
        )
    is_ours = False
    try:
        content = store.read_bytes()
        is_ours = not os.path.lexists(copy)
        add_whole(copy, content)
        return read_whole(copy)
    except (OSError, StoreDamaged) as error:
        is_ours = is_ours and not isinstance(error, FileExistsError)
        if is_ours:
            with suppress(OSError):
                copy.unlink(missing_ok=True)
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        left = " An incomplete copy remains there." if is_ours and os.path.lexists(copy) else ""
        raise write_failure(
            cause,
            f"The copy {printable(copy)} could not be written: {cause.strerror}.",
            "Choose a new file in a folder with room.",
            untouched=f"The store is as it was.{left}",
        ) from None


def _generation_above(store: Path) -> int:
    """Return a generation that no state of this store, readable or not, has had."""
    known = []
    for path in (store, *list_backups(store)):
        with suppress(StoreDamaged), closing(TinyDBStore(path)) as state:
            known.append(state.snapshot().generation)
    return max(known, default=0) + len(list_backups(store)) + 2
