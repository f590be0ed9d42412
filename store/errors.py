"""The parts that every error has, and what can go wrong with the store, under `StoreError`."""

from __future__ import annotations

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Problem(Exception):
    """Root of every failure that is told to an administrator, in parts that are sentences.

    `what` happened, what was left `untouched` (a class says it for its errors, where one error
    does not say otherwise), and the `advice` what to do; a part may be empty. `kind` is the
    stable name used in JSON output. Code decides by the class and reads no sentence.
    """

    kind = "problem"
    untouched = "Nothing was changed."

    def __init__(self, what: str, advice: str, *, untouched: str | None = None) -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice
        if untouched is not None:
            self.untouched = untouched

    def __str__(self) -> str:
        """Return the parts as one line, for logs and tracebacks."""
        return " ".join(filter(None, (self.what, self.untouched, self.advice)))

    def to_record(self) -> dict[str, str]:
        """Return the failure as JSON output shows it."""
        return {
            "kind": self.kind,
            "message": str(self),
            "what": self.what,
            "untouched": self.untouched,
            "advice": self.advice,
        }


class StoreError(Problem):
    """Base of every failure of the store."""

    kind = "store"


class InvalidValue(StoreError):
    """A value that was entered breaks a rule."""

    kind = "invalid_value"
    untouched = "Nothing was written."


class InvalidSetting(InvalidValue):
    """The value of the setting `key` breaks a rule; `rest` is the sentence after the key."""

    def __init__(self, key: str, rest: str, advice: str) -> None:
        super().__init__(f"{key} {rest}", advice)
        self.key = key
        self.rest = rest


class NotFound(InvalidValue):
    """Nothing has the name that was given."""

    untouched = "Nothing was changed."


class LastAdministrator(StoreError):
    """The change would leave no local administrator who can log on."""

    kind = "last_administrator"
    untouched = "Nothing was written."


class StoreConflict(StoreError):
    """Someone else changed what this batch wants to change.

    `differences` holds one sentence per user or setting that changed.
    """

    kind = "conflict"
    untouched = "Nothing was written."

    def __init__(self, differences: list[str]) -> None:
        self.differences = differences
        super().__init__(
            f"Somebody else changed the store meanwhile: {'; '.join(differences)}.",
            "Look at the current state and try again.",
        )


class StoreBusy(StoreError):
    """Another process held the writer's lock for too long."""

    kind = "store_busy"
    untouched = "Nothing was written."


class StoreUnreachable(StoreError):
    """The database's server is not there now, or does not answer; it may be again any moment."""

    kind = "store_unreachable"
    untouched = "Nothing was written."


class OutcomeUnknown(StoreUnreachable):
    """The server went away while it was to make a write last: it did, or it did not."""

    kind = "outcome_unknown"
    untouched = "The write is either complete or was not made."


class StoreDamaged(StoreError):
    """A file is not what mailroster writes."""

    kind = "store_damaged"


class StoreTooNew(StoreDamaged):
    """A newer mailroster wrote the file; this one must not touch it."""

    kind = "store_too_new"
    untouched = "It was left as it is."


class StoreUnwritable(StoreError):
    """The file system refused the write; the old file is whole."""

    kind = "store_unwritable"
    untouched = "Nothing was written."


class StoreFull(StoreUnwritable):
    """No room for the write (disk, quota or file size limit); the old file is whole."""

    kind = "store_full"


class ArchiveNotMounted(StoreError):
    """The archive folders are not at hand: no mark, or that of another store."""

    kind = "archive_not_mounted"


class NoArchive(ArchiveNotMounted):
    """This host is said to have no archive folders."""


class SecretUnavailable(StoreError):
    """The directory's password cannot be read: key lost, or its command or file failed."""

    kind = "secret_unavailable"


def write_failure(
    error: OSError, what: str, advice: str = "", *, untouched: str | None = None
) -> StoreUnwritable:
    """Return what a refused write is: `StoreFull` if only room is missing.

    Without `advice` that follows from it.
    """
    if error.errno in NO_ROOM:
        return StoreFull(
            what, advice or "Make room on the disk and try again.", untouched=untouched
        )
    advice = advice or "Check the folder's rights and try again."
    return StoreUnwritable(what, advice, untouched=untouched)
