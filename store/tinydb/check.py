"""Looking over the store and everything beside it, without changing anything."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from store.check_users import state_problems
from store.errors import StoreError
from store.files.attempts import attempts_path
from store.files.check_host import check_host, exposed
from store.files.durable import read_regular
from store.files.notes import NOTES, Notes
from store.interface import Snapshot
from store.known_sources import KnownSources
from store.lockout import Attempts
from store.progress import OnProgress, untold
from store.text import printable
from store.tinydb.backups import backup_folder
from store.tinydb.history_files import HistoryFiles, history_folder
from store.tinydb.restore import read_backups, read_whole
from store.tinydb.storage import stray_files
from store.upkeep import Finding


def check_store(
    store: Path, key: Path, on_progress: OnProgress = untold
) -> tuple[Snapshot | None, list[Finding]]:
    """Return the store's state, None if it cannot be used, and what is wrong with any file.

    `key` is the file with the key for secrets. Nothing is changed.
    """
    state, findings = None, []
    try:
        state = read_whole(store)
    except StoreError as error:
        findings.append(Finding.of(store, error))
    findings += _folders(store)
    findings += [
        Finding(backup.path, f"This backup cannot be used: {backup.problem}", backup.error)
        for backup in read_backups(store, state, on_progress)
        if not backup.state
    ]
    if state is not None:
        findings += [Finding(store, problem) for problem in state_problems(state)]
        findings += _history(store, state)
    findings += check_host(store, key, state)
    findings += _attempts(store)
    findings += _notes(store)
    findings += _strays(store, key)
    return state, findings


def _folders(store: Path) -> Iterator[Finding]:
    beside = backup_folder(store), history_folder(store)
    for folder in (store.parent, *beside):
        try:
            mode = os.stat(folder).st_mode
        except OSError:
            continue
        if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
            yield Finding(
                folder,
                "Users other than its owner may write to this folder (mode "
                f"{stat.S_IMODE(mode):04o}) and could replace what is in it. Close it with "
                "chmod 700.",
            )
    for folder in beside:
        if os.path.lexists(folder) and not folder.is_dir():
            yield Finding(
                folder,
                "This is not a folder. Move it away; mailroster cannot write before that.",
            )


def _history(store: Path, state: Snapshot) -> Iterator[Finding]:
    files = HistoryFiles(store)
    runs = list(state.history.runs)
    for number in range(*state.history.pages):
        try:
            runs += files.page(number)
        except StoreError as error:
            yield Finding.of(files.page_path(number), error)
    for run in runs:
        path = files.path(run.id)
        try:
            files.read(run.id)
        except StoreError as error:
            yield Finding.of(path, error)
        else:
            yield from exposed(path)


def _attempts(store: Path) -> Iterator[Finding]:
    path, sources = attempts_path(store), KnownSources(store).path
    try:
        attempts = Attempts.from_stored(orjson.loads(read_regular(path)), time.time())
    except FileNotFoundError:
        pass
    except OSError as error:
        yield Finding(
            path,
            f"The failed log-ons cannot be read: {error.strerror}. Nobody can log on meanwhile. "
            "Check its owner and mode, or move away what is there.",
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        yield Finding(
            path,
            "The failed log-ons cannot be read: the file is damaged. Nobody can log on meanwhile. "
            "Move it away; mailroster then counts anew, and no user is locked.",
        )
    else:
        yield from exposed(path)
        for table, name in attempts.unreadable:
            yield Finding(
                path,
                f"The count of “{printable(name, 80)}” among the {table} is damaged. The user or "
                "source cannot log on meanwhile. Unlock it with `mailroster users unlock NAME` or "
                "`mailroster users unlock --source ADDRESS`.",
            )
    if os.path.lexists(sources):
        if sources.is_file() and not sources.is_symlink():
            yield from exposed(sources)
        else:
            yield Finding(
                sources,
                "The file of known log-on sources is not a regular file. Move it away; until then "
                "a user whom others lock cannot log on from anywhere.",
            )


def _notes(store: Path) -> Iterator[Finding]:
    """Look at how the last syncs ended, and at the other notes beside the store."""
    notes = Notes(store)
    for name in NOTES:
        path = notes.path(name)
        try:
            notes.read(name)
        except StoreError as error:
            yield Finding.of(path, error)
        else:
            yield from exposed(path)


def _strays(store: Path, key: Path) -> Iterator[Finding]:
    for stray in stray_files(store):
        yield Finding(stray, "An interrupted write left this file. The next write removes it.")
    for stray in sorted(key.parent.glob(f".{key.name}.*.tmp")):
        yield Finding(
            stray, "mailroster was interrupted while it made a key and left this file. Remove it."
        )
