"""Earlier states of the store, kept as hard links beside it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from store.ownership import make_folder

KEPT_NEWEST = 10
KEPT_DAYS = 14
STAMP = "%Y%m%dT%H%M%S.%fZ"


def backup_folder(store: Path) -> Path:
    """Return the folder of the backups of `store`."""
    return store.with_name(f"{store.name}.backups")


def list_backups(store: Path) -> list[Path]:
    """Return the backups of `store`, newest first."""
    folder = backup_folder(store)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [folder / name for name in sorted(names, reverse=True) if name.endswith(".json")]


def link_backup(store: Path, kept_for: str = "") -> None:
    """Keep the current file of `store` under a second name, then drop what is too old.

    A link costs microseconds however large the file is; it must be made before the file is
    replaced. The newest ten stay, and of the days before them the last one of each day. One with
    a reason to be `kept_for`, which becomes part of its name, stays until somebody removes it.
    """
    folder = backup_folder(store)
    make_folder(folder, store.parent)
    backups = list_backups(store)
    note = f".{kept_for}" if kept_for else ""
    os.link(store, folder / f"{_next_stamp(backups)}{note}.json")
    for path in superseded(list_backups(store)):
        path.unlink(missing_ok=True)


def _next_stamp(backups: list[Path]) -> str:
    """Return the time, or just after the newest of `backups` if the clock was set back."""
    stamp = datetime.now(UTC).strftime(STAMP)
    newest = backups[0].name.partition("Z")[0] + "Z" if backups else ""
    if stamp > newest:
        return stamp
    try:
        after = datetime.strptime(newest, STAMP) + timedelta(microseconds=1)
    except ValueError:  # a file that somebody else put there
        return stamp
    return after.strftime(STAMP)


def superseded(backups: list[Path]) -> list[Path]:
    """Return those of `backups` (newest first) that may go."""
    backups = [path for path in backups if len(path.suffixes) <= 2]
    days: set[str] = {path.name[:8] for path in backups[:KEPT_NEWEST]}
    gone = []
    for path in backups[KEPT_NEWEST:]:
        day = path.name[:8]
        if day in days or len(days) >= KEPT_DAYS:
            gone.append(path)
        else:
            days.add(day)
    return gone
