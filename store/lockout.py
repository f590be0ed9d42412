"""Failed log-ons: five lock a user for 15 minutes, too many lock the address they come from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson

from store.errors import InvalidValue, StoreError, StoreUnwritable
from store.lock import writer_lock
from store.ownership import give_to_owner_of
from store.text import printable

LIMIT = 5
SOURCE_LIMIT = 100
LOCK_SECONDS = 15 * 60

_Counts = dict[str, tuple[int, float]]  # who: failures so far, and when they are forgotten


class Failures(NamedTuple):
    """The failed log-ons of a user or a source that still count.

    `failed` goes on while locked. `seconds` is the time until they are forgotten, which is also
    how long a lock still lasts.
    """

    failed: int
    seconds: float
    locked: bool


def attempts_path(store: Path) -> Path:
    """Return the file of the failed log-ons at `store`."""
    return store.with_name(f"{store.name}.attempts")


class AttemptsUnwritable(StoreUnwritable):
    """A failed log-on could not be counted."""

    kind = "attempts_unwritable"


class Lockout:
    """The failures of users and sources, in `<store>.attempts` beside the store, mode 0600.

    `LIMIT` failures, each within 15 minutes of the one before, lock a user for 15 minutes;
    failures meanwhile are counted but do not prolong that. A success makes the user's failures
    forgotten.

    A source is an address, of an IPv6 address its /64. It stands for a whole office behind one
    router as often as for one attacker, so its limit is far higher: 100 is more than an office
    mistypes in 15 minutes, and still holds one address to 400 guesses an hour, spread over
    however many users. A success does not reset it, or one account of one's own would. Attempts
    on a locked user, which tell nothing, do not count against it: a phone that goes on trying
    must not lock its office. A loopback address is a proxy's, says nothing about who asks, and
    is not counted.

    Every verdict is reached under one lock (`<store>.attempts.lock`), after the password was
    checked: what ends after the fifth failure is refused even if it was right. So 50 guesses at
    once count as 50 and reveal no more than five one after the other, while any number of right
    log-ons at once succeed. The file is replaced whole, without fsync: a power cut may cost the
    failures of the last moments, which is better than a disk's latency in every failure.

    A damaged file is set aside (`.damaged`) by the next log-on, and the count starts anew:
    nobody is locked out by it, and the lockout works on. Where the file cannot be written,
    right passwords are accepted, but a wrong one is an error (`AttemptsUnwritable`) that
    front ends log and answer with "try later": a full disk does not keep everybody out, and
    no failure goes uncounted without saying so.
    """

    def __init__(self, store: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = attempts_path(store)
        self._lock_path = self._path.with_name(f"{self._path.name}.lock")
        self._clock = clock

    @property
    def damaged(self) -> Path:
        """Where a damaged file is set aside."""
        return self._path.with_name(f"{self._path.name}.damaged")

    def is_locked(self, user: str | None, source: str | None) -> bool:
        """Tell whether this user (a `match_key`) or this source is locked now; takes no lock."""
        return any(failures.locked for failures in self.failures(user, source))

    def failures(self, user: str | None, source: str | None) -> tuple[Failures, Failures]:
        """Return the failures of the user and of the source that still count."""
        users, sources = self._read()
        return self._of(users, user, LIMIT), self._of(sources, source_key(source), SOURCE_LIMIT)

    def settle(self, user: str | None, source: str | None, *, right: bool) -> bool:
        """Count the outcome of a check; tell whether the log-on is accepted.

        `user` is None for a name that nobody has: it is work of the same time, and only the
        source's failures count. Raises `AttemptsUnwritable` if a failure could not be counted.
        """
        origin = source_key(source)
        try:
            with writer_lock(self._lock_path):
                users, sources = self._read(set_aside=True)
                user_locked = self._of(users, user, LIMIT).locked
                source_locked = self._of(sources, origin, SOURCE_LIMIT).locked
                if right and not user_locked and not source_locked:
                    if users.pop(user or "", None):
                        with suppress(AttemptsUnwritable):
                            self._write(users, sources)
                    return True
                if not source_locked:
                    self._count(users, user, LIMIT)
                if not user_locked:
                    self._count(sources, origin, SOURCE_LIMIT)
                self._write(users, sources)
        except StoreError as error:
            if right and not self.is_locked(user, source):
                return True
            if isinstance(error, AttemptsUnwritable):
                raise
            raise _uncounted(str(error)) from None
        return False

    def unlock(self, user: str | None = None, source: str | None = None) -> bool:
        """Forget the failures of a user or a source; tell whether there were any."""
        with writer_lock(self._lock_path):
            users, sources = self._read(set_aside=True)
            known = users.pop(user or "", None) or sources.pop(source_key(source) or "", None)
            if known:
                self._write(users, sources)
        return known is not None

    def _of(self, counts: _Counts, who: str | None, limit: int) -> Failures:
        count, until = counts.get(who or "", (0, 0.0))
        return Failures(count, max(0.0, until - self._clock()), count >= limit)

    def _count(self, counts: _Counts, who: str | None, limit: int) -> None:
        if who is None:
            return
        count, until = counts.get(who, (0, 0.0))
        counts[who] = (count + 1, until if count >= limit else self._clock() + LOCK_SECONDS)

    def _read(self, *, set_aside: bool = False) -> tuple[_Counts, _Counts]:
        """Return what still counts; what the clock, set back, would keep for ever does not."""
        try:
            stored = orjson.loads(self._path.read_bytes())
            return self._current(stored["users"]), self._current(stored["sources"])
        except OSError:
            pass
        except (ValueError, TypeError, LookupError, AttributeError):
            if set_aside:
                with suppress(OSError):
                    os.replace(self._path, self.damaged)
        return {}, {}

    def _current(self, stored: dict[str, tuple[int, float]]) -> _Counts:
        now = self._clock()
        return {
            who: (int(count), float(until))
            for who, (count, until) in stored.items()
            if now < until <= now + LOCK_SECONDS
        }

    def _write(self, users: _Counts, sources: _Counts) -> None:
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(temporary, flags, 0o600)
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                give_to_owner_of(self._path.parent, descriptor)
                file.write(orjson.dumps({"users": users, "sources": sources}))
            os.replace(temporary, self._path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _uncounted(
                f"{printable(self._path)} cannot be written: {error.strerror}."
            ) from None


def _uncounted(problem: str) -> AttemptsUnwritable:
    return AttemptsUnwritable(
        f"A failed log-on could not be counted. {problem} Until that is mended, right passwords "
        "are accepted, and wrong ones lock nobody. Make room on the disk, or check the rights of "
        "the folder and of the files named .attempts."
    )


def source_key(source: str | None) -> str | None:
    """Return the form under which a source is counted, None for one that is not.

    Raises `InvalidValue` for a text that is no IP address.
    """
    if not source:
        return None
    from ipaddress import IPv6Address, ip_address, ip_network

    try:
        address = ip_address(source.partition("%")[0])
    except ValueError:
        raise InvalidValue(
            f"“{printable(source, 60)}” is no IP address. Nothing was checked or counted. Give "
            "the address that the log-on comes from, without a port."
        ) from None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            network = ip_network((address, 64), strict=False)
            return None if address.is_loopback else str(network)
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)
