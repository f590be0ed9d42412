"""The exit codes of commands and their meanings."""

from __future__ import annotations

import click

from store.errors import ArchiveNotMounted, StoreBusy, StoreDamaged, StoreFull, StoreUnreachable
from sync.errors import DirectoryError, GuardBlocked, StalePlan

OK = 0
OTHER_ERROR = 1
WRONG_USAGE = 2
CHANGES_PENDING = 10
GUARD_BLOCKED = 11
STALE_PLAN = 12
CONFLICTS_SKIPPED = 13
DIRECTORY_FAILED = 20
STORE_BUSY = 21
STORE_DAMAGED = 22
ARCHIVE_NOT_MOUNTED = 23
INTERRUPTED = 130

MEANINGS = {
    OK: "done, or nothing to do",
    OTHER_ERROR: "any other error",
    WRONG_USAGE: "wrong usage",
    CHANGES_PENDING: "changes are pending (test --exit-code)",
    GUARD_BLOCKED: "stopped by the delete guard",
    STALE_PLAN: "the saved plan is stale",
    CONFLICTS_SKIPPED: "done, but conflicts or open questions were left (test --exit-code too)",
    DIRECTORY_FAILED: "the directory cannot be reached, or its answer cannot be used",
    STORE_BUSY: "another process or sync holds the store, or the database cannot be reached",
    STORE_DAMAGED: "the store is damaged, or the disk is full",
    ARCHIVE_NOT_MOUNTED: "the archive is not mounted",
    INTERRUPTED: "interrupted",
}

_OF_ERRORS: dict[type[Exception], int] = {
    GuardBlocked: GUARD_BLOCKED,
    StalePlan: STALE_PLAN,
    DirectoryError: DIRECTORY_FAILED,
    StoreBusy: STORE_BUSY,
    StoreUnreachable: STORE_BUSY,
    StoreDamaged: STORE_DAMAGED,
    StoreFull: STORE_DAMAGED,
    ArchiveNotMounted: ARCHIVE_NOT_MOUNTED,
}


def exit_code_of(error: BaseException) -> int:
    """Return the exit code for a failure."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    for kind, code in _OF_ERRORS.items():
        if isinstance(error, kind):
            return code
    return OTHER_ERROR
