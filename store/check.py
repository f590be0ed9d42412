"""Looking over the store and everything beside it, without changing anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from store.backups import backup_folder
from store.errors import StoreError
from store.history_files import HistoryFiles, history_folder
from store.interface import Snapshot
from store.lockout import attempts_path
from store.ownership import exposure
from store.restore import read_backups, read_whole
from store.secrets import SecretBox
from store.storage import stray_files


class Finding(NamedTuple):
    """Something that is wrong with `path`, in a sentence or more that say what to do."""

    path: Path
    problem: str


def check_store(store: Path, key: Path) -> tuple[Snapshot | None, list[Finding]]:
    """Return the store's state, None if it cannot be used, and what is wrong with any file.

    `key` is the file with the key for secrets. Nothing is changed.
    """
    state, findings = None, []
    try:
        state = read_whole(store)
    except StoreError as error:
        findings.append(Finding(store, str(error)))
    findings += _folders(store)
    findings += [
        Finding(backup.path, f"This backup cannot be used: {backup.problem}")
        for backup in read_backups(store)
        if not backup.state
    ]
    if state is not None:
        findings += _history(store, state)
        findings += _key(key, state)
    findings += _attempts(store)
    findings += _strays(store)
    return state, findings


def _folders(store: Path) -> Iterator[Finding]:
    try:
        mode = os.stat(store.parent).st_mode
    except OSError:
        return
    if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
        yield Finding(
            store.parent,
            f"Others than its owner may write to this folder (mode {stat.S_IMODE(mode):04o}), and "
            "so replace the store. Close it with chmod 700.",
        )
    for folder in (backup_folder(store), history_folder(store)):
        if os.path.lexists(folder) and not folder.is_dir():
            yield Finding(
                folder,
                "Something else is in the place of this folder. Move it away; nothing can be "
                "written before that.",
            )


def _history(store: Path, state: Snapshot) -> Iterator[Finding]:
    files = HistoryFiles(store)
    for run in state.history.runs:
        path = files.path(run.id)
        try:
            files.read(run.id)
        except StoreError as error:
            yield Finding(path, str(error))
        else:
            yield from _exposed(path)


def _key(key: Path, state: Snapshot) -> Iterator[Finding]:
    if not state.settings.password:
        return
    try:
        SecretBox(key).decrypt(state.settings.password)
    except StoreError as error:
        yield Finding(key, str(error))
    else:
        yield from _exposed(key)


def _attempts(store: Path) -> Iterator[Finding]:
    path = attempts_path(store)
    try:
        stored = orjson.loads(path.read_bytes())
        for counts in (stored["users"], stored["sources"]):
            for count, until in counts.values():
                int(count), float(until)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Finding(
            path,
            f"The failed log-ons cannot be read: {error.strerror}. They lock nobody meanwhile. "
            "Move away what is there.",
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        yield Finding(
            path,
            "The failed log-ons cannot be read: the file is damaged. The next failed log-on sets "
            "it aside (.damaged) and begins to count anew.",
        )
    else:
        yield from _exposed(path)


def _strays(store: Path) -> Iterator[Finding]:
    for stray in stray_files(store):
        yield Finding(stray, "A write that was cut short left this. The next one removes it.")


def _exposed(path: Path) -> Iterator[Finding]:
    if problem := exposure(path.stat(), path.parent):
        yield Finding(path, f"This file {problem}.")
