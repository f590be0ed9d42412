"""Earlier states of the store, kept as hard links beside it, or as copies where there are none."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from store.files.durable import link_or_copy
from store.files.ownership import make_folder

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


def link_backup(store: Path, now: datetime, kept_for: str = "") -> None:
    """Keep the current file of `store` under a second name, then drop what is too old.

    A link costs microseconds however large the file is, a copy as long as a write; it must be made
    before the file is replaced. The newest ten stay, and of the days before them the last one of
    each day. One with a reason to be `kept_for`, which becomes part of its name, stays until
    somebody removes it.
    """
    folder = backup_folder(store)
    make_folder(folder, store.parent)
    backups = list_backups(store)
    note = f".{kept_for}" if kept_for else ""
    link_or_copy(store, folder / f"{_next_stamp(backups, now)}{note}.json")
    for path in superseded(list_backups(store)):
        with suppress(OSError):  # what somebody else put there; `store check` names it
            path.unlink(missing_ok=True)


def _next_stamp(backups: list[Path], now: datetime) -> str:
    """Return the time, or just after the newest of `backups` if the clock was set back.

    Names that are not stamps of mailroster do not count.
    """
    stamp = now.strftime(STAMP)
    for path in backups:
        newest = path.name.partition("Z")[0] + "Z"
        if stamp > newest:
            break
        with suppress(ValueError, OverflowError):
            return (datetime.strptime(newest, STAMP) + timedelta(microseconds=1)).strftime(STAMP)
    return stamp


def superseded(backups: list[Path]) -> list[Path]:
    """Return those of `backups` (newest first) that may go.

    The day of a backup is the one on which its state was written, by the clock of then. The names
    go on upwards also after a clock was set back, so they would make one day of many.
    """
    backups = [path for path in backups if len(path.suffixes) <= 2]
    days: set[date] = {_day(path) for path in backups[:KEPT_NEWEST]}
    gone = []
    for path in backups[KEPT_NEWEST:]:
        day = _day(path)
        if day in days or len(days) >= KEPT_DAYS:
            gone.append(path)
        else:
            days.add(day)
    return gone


def backup_time(backup: Path) -> datetime:
    """Return when the backup was made, by its name; the epoch for a name without one."""
    with suppress(ValueError):
        stamp = backup.name.partition("Z")[0] + "Z"
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    return datetime.fromtimestamp(0, UTC)


def _day(backup: Path) -> date:
    """Return the day of a backup, a name without a time is a day of its own."""
    with suppress(OSError, ValueError, OverflowError):  # removed meanwhile, or somebody else's
        return datetime.fromtimestamp(backup.stat().st_mtime, UTC).date()
    return date.min
