"""Failed log-ons, kept beside the store and counted by the rules of `store.lockout`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import orjson

from store.errors import StoreError, StoreUnwritable, write_failure
from store.files.durable import read_regular, replace_whole
from store.files.lock import writer_lock
from store.known_sources import KnownSources
from store.lockout import Attempts, Failures, Standing, source_key
from store.text import printable

_BUSY = "Failed log-ons are being counted by"


def attempts_path(store: Path) -> Path:
    """Return the file of the failed log-ons at `store`."""
    return store.with_name(f"{store.name}.attempts")


class AttemptsUnwritable(StoreUnwritable):
    """A failed log-on could not be counted."""

    kind = "attempts_unwritable"
    untouched = (
        "Until you correct this, mailroster accepts right passwords, and wrong ones lock nobody."
    )


class AttemptsUnreadable(StoreError):
    """Nobody can tell who is locked; the file was left as it is."""

    kind = "attempts_unreadable"
    untouched = "Nobody was let in, and nothing was counted."


class Lockout:
    """Who is locked, in `<store>.attempts` beside the store, mode 0600.

    Users are named by their `match_key`, sources by the IP address that the request names.

    Every verdict is reached under one lock (`<store>.attempts.lock`), after the password was
    checked: what ends after the fifth failure is refused even if it was right. So 50 guesses at
    once reveal no more than five one after the other, while any number of right log-ons at once
    succeed. The file is replaced whole, and is on the disk before: a power cut may cost the
    failures of the last moments, but leaves no half of a file.

    A file that cannot be read, or is damaged (`AttemptsUnreadable`), says nothing about who is
    locked: nobody gets in, nothing is written, and the counts stay. Where single counts of it are
    damaged, this holds for these users and sources alone; their counts stay as they are until an
    administrator unlocks them. Where the file cannot be written, right passwords are accepted, but
    a wrong one is an error (`AttemptsUnwritable`) that front ends log and answer with "try later":
    a full disk does not keep everybody out, and no failure goes uncounted without saying so.
    """

    def __init__(self, store: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = attempts_path(store)
        self._lock_path = self._path.with_name(f"{self._path.name}.lock")
        self._clock = clock
        self._known = KnownSources(store, clock)

    def is_locked(self, user: str, source: str | None, *, known: bool = True) -> bool:
        """Tell whether this user is locked for this source now; takes no lock.

        Raises `AttemptsUnreadable`.
        """
        return self._locks(self._read(), user, source_key(source), known)

    def failures(self, user: str, source: str | None) -> Standing:
        """Return the failures that still count; raises `AttemptsUnreadable`.

        A lock of the user is not one for sources where the user got in (`is_exempt`).
        """
        attempts, origin = self._read(), source_key(source)
        self._check_readable(attempts, user, origin, known=True)
        return attempts.standing(user, origin, known=True)

    def of_user(self, user: str) -> dict[str, Failures]:
        """Return the user's failures for each source; raises `AttemptsUnreadable`."""
        attempts = self._read()
        self._check_readable(attempts, user, None, known=True)
        return attempts.of_user(user)

    def locked_users(self) -> int:
        """Return how many users are locked now, for any source; raises `AttemptsUnreadable`."""
        return len(self._read().locked())

    def is_exempt(self, user: str, source: str | None) -> bool:
        """Tell whether the user got in from there, so that others' failures elsewhere lock not."""
        return self._known.includes(user, source_key(source))

    def settle(
        self,
        user: str,
        source: str | None,
        *,
        right: bool,
        known: bool = True,
        password: str | None = None,
    ) -> bool:
        """Count the outcome of a check; tell whether the log-on is accepted.

        `known` is False for a name that nobody has. `password` is the wrong one, so that its
        repetition is not counted. Raises `AttemptsUnreadable`, and `AttemptsUnwritable` if a
        failure could not be counted.
        """
        origin = source_key(source)
        try:
            with writer_lock(self._lock_path, busy=_BUSY):
                attempts = self._read()
                locked = self._locks(attempts, user, origin, known)
                accepted = right and not locked
                if accepted:
                    changed = attempts.succeed(user, origin)
                else:
                    changed = not locked and attempts.fail(user, origin, password, known=known)
                if changed or attempts.clamped:
                    self._write(attempts)
        except AttemptsUnreadable:
            raise
        except StoreError as error:
            accepted = right and not self.is_locked(user, source, known=known)
            if not accepted:
                what = f"A failed log-on could not be counted. {error.what}"
                raise AttemptsUnwritable(what, error.advice) from None
        if accepted:
            self._known.remember(user, origin)
        return accepted

    def unlock(self, user: str | None = None, source: str | None = None) -> int:
        """Forget the failures of a user or a source; return how many there were."""
        with writer_lock(self._lock_path, busy=_BUSY):
            attempts = self._read()
            if user is not None:
                failed = attempts.forget_user(user)
            else:
                failed = attempts.forget_source(source_key(source))
            if failed:
                self._write(attempts)
        return failed

    def stored(self) -> Attempts:
        """Return all counts; raises `AttemptsUnreadable`."""
        return self._read()

    def put(self, attempts: Attempts) -> None:
        """Let these be all counts; raises `StoreFull` or `StoreUnwritable`."""
        self._write(attempts)

    def _check_readable(
        self, attempts: Attempts, user: str, origin: str | None, *, known: bool
    ) -> None:
        if not attempts.is_readable(user, origin, known=known):
            raise AttemptsUnreadable(
                f"A count of this user's or this source's failed log-ons in "
                f"{printable(self._path)} is damaged.",
                "Unlock both, with `mailroster users unlock NAME` and `mailroster users unlock "
                "--source ADDRESS`; mailroster then counts anew.",
                untouched="The user was not let in, and nothing was counted.",
            )

    def _locks(self, attempts: Attempts, user: str, origin: str, known: bool) -> bool:
        self._check_readable(attempts, user, origin, known=known)
        standing = attempts.standing(user, origin, known=known)
        return standing.locks(lambda: known and self._known.includes(user, origin))

    def _read(self) -> Attempts:
        now = self._clock()
        try:
            data = read_regular(self._path)
        except FileNotFoundError:
            return Attempts(now)
        except OSError as error:
            raise AttemptsUnreadable(
                f"The failed log-ons in {printable(self._path)} cannot be read: {error.strerror}.",
                "Check the owner, mode and kind of that file, and the disk.",
            ) from None
        try:
            return Attempts.from_stored(orjson.loads(data), now)
        except (ValueError, TypeError, LookupError, AttributeError):
            raise AttemptsUnreadable(
                f"The failed log-ons in {printable(self._path)} cannot be read: the file is "
                "damaged.",
                "Move that file away; mailroster then counts anew, and no user is locked.",
            ) from None

    def _write(self, attempts: Attempts) -> None:
        temporary = self._path.with_name(f".{self._path.name}.tmp")  # the lock is held
        try:
            replace_whole(self._path, [orjson.dumps(attempts.to_stored())], temporary=temporary)
        except OSError as error:
            raise write_failure(
                error,
                f"The failed log-ons in {printable(self._path)} cannot be written: "
                f"{error.strerror}.",
                "Make room on the disk, or check the rights of the folder and of the files named "
                ".attempts.",
                untouched="They are as they were.",
            ) from None
