"""What can go wrong with the user database, as one tree under `StoreError`."""

from __future__ import annotations

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoreError(Exception):
    """Base of every failure of the store. Its text is written for the administrator.

    `kind` is the stable name used in JSON output.
    """

    kind = "store"


class InvalidValue(StoreError):
    """A value that was entered breaks a rule; nothing was written."""

    kind = "invalid_value"


class LastAdministrator(StoreError):
    """The change would leave no local administrator who can log on; nothing was written."""

    kind = "last_administrator"


class StoreConflict(StoreError):
    """Someone else changed what this batch wants to change; nothing was written.

    `differences` holds one sentence per user or setting that changed.
    """

    kind = "conflict"

    def __init__(self, differences: list[str]) -> None:
        self.differences = differences
        super().__init__(
            "Changed meanwhile by someone else: "
            + "; ".join(differences)
            + ". Nothing was written. Look at the current state and try again."
        )


class StoreBusy(StoreError):
    """Another process held the writer's lock for too long; nothing was written."""

    kind = "store_busy"


class StoreDamaged(StoreError):
    """The file is not a mailroster store; it was left as it is."""

    kind = "store_damaged"


class StoreTooNew(StoreDamaged):
    """A newer mailroster wrote the file; this one must not touch it."""

    kind = "store_too_new"


class StoreUnwritable(StoreError):
    """The file system refused the write; the old file is whole."""

    kind = "store_unwritable"


class StoreFull(StoreUnwritable):
    """No room for the write (disk, quota or file size limit); the old file is whole."""

    kind = "store_full"


def write_failure(error: OSError) -> type[StoreUnwritable]:
    """Return what a refused write is: `StoreFull` if only room is missing."""
    return StoreFull if error.errno in NO_ROOM else StoreUnwritable


def write_advice(kind: type[StoreUnwritable]) -> str:
    """Return what to do about a refused write, as the last sentence of its message."""
    what = "Make room on the disk" if kind is StoreFull else "Check the folder's rights"
    return f"{what} and try again."


class SecretUnavailable(StoreError):
    """The directory's password cannot be read: key lost, or its command or file failed."""

    kind = "secret_unavailable"
