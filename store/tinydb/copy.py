"""All of a store in a TinyDB file and the files beside it: read to be put elsewhere, and written.

The file alone, without the others, is what a backup is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

from store.errors import StoreDamaged, StoreUnwritable, write_failure
from store.files.attempts import Lockout, attempts_path
from store.files.descriptors import let_go
from store.files.durable import sync_folder, write_new
from store.files.ownership import make_folders
from store.history import RunSummary
from store.interface import Snapshot
from store.known_sources import KnownSources
from store.progress import OnProgress
from store.text import printable
from store.tinydb.file_format import USERS, Tables, as_text
from store.tinydb.history_files import HistoryFiles, history_folder
from store.tinydb.migrations import SCHEMA
from store.tinydb.restore import read_whole
from store.tinydb.store import TinyDBStore
from store.upkeep import Whole


def read_all(path: Path) -> Whole:
    """Return all of the store at `path`; raises `StoreDamaged`."""
    state, store = read_whole(path), TinyDBStore(path)
    try:
        records = list(_records(HistoryFiles(path), store.runs()))
    finally:
        store.close()
    return Whole(state, records, Lockout(path).stored(), KnownSources(path).stored())


def write_all(path: Path, whole: Whole, on_progress: OnProgress) -> None:
    """Make a store at `path`, where nothing is yet, its own file last.

    Raises `StoreFull` or `StoreUnwritable`; then nothing is left of it.
    """
    beside = (KnownSources(path).path, attempts_path(path))
    for there in filter(os.path.lexists, (path, history_folder(path), *beside)):
        raise StoreUnwritable(
            f"A store exists at {printable(path)} already, or a part of one: {printable(there)}.",
            "Give the path of a new file.",
        )
    try:
        make_folders(path.parent)
        HistoryFiles(path).put(whole.state.history, whole.records, on_progress)
        KnownSources(path).put(whole.known_sources)
        Lockout(path).put(whole.attempts)
        write_state(path, whole.state)
    except (OSError, StoreUnwritable) as error:
        rmtree(history_folder(path), ignore_errors=True)
        for written in (*beside, path):
            with suppress(OSError):
                written.unlink()
        if isinstance(error, StoreUnwritable):
            raise
        raise write_failure(
            error, f"The store {printable(path)} could not be made: {error.strerror}."
        ) from None


def write_state(path: Path, state: Snapshot) -> None:
    """Write users, settings and the list of runs to the new file `path`; raises `OSError`."""
    written = time.time_ns()
    descriptor = write_new(path, as_text(_tables(state, written)))
    os.utime(descriptor, ns=(written, written))
    let_go(descriptor)
    sync_folder(path.parent)


def with_all_runs(state: Snapshot, runs: Iterable[RunSummary]) -> Snapshot:
    """Return the state with all runs in its own list, as it has to be without files beside it."""
    return replace(state, history=replace(state.history, runs=tuple(runs), pages=(0, 0)))


def _tables(state: Snapshot, written: int) -> Tables:
    meta: dict[str, Any] = {
        "schema": SCHEMA,
        "store_id": state.store_id,
        "generation": state.generation,
        "written": written,
        "archive_marked": state.archive_marked,
        "history": state.history.to_stored(),
        "folder_work": [item.to_stored() for item in state.folder_work],
    }
    return {
        USERS: {str(number): row for number, row in enumerate(state.users.values(), 1)},
        "meta": {"1": meta},
        "settings": {"1": state.settings.to_stored()},
    }


def _records(files: HistoryFiles, runs: Iterable[RunSummary]) -> Iterator[tuple[RunSummary, bytes]]:
    for run in runs:
        try:
            yield run, files.record(run.id)
        except OSError:
            raise StoreDamaged(
                f"The record of the run {printable(run.id, 60)} cannot be read, so the history is "
                "incomplete.",
                "Bring the file back from a backup of the machine; `mailroster store check` tells "
                "more.",
                untouched="Nothing was copied.",
            ) from None
