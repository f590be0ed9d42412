"""The rules of failed log-ons, as values: what counts, what locks, and for how long.

A failure is counted three times, each time under a bound of its own:

- `PAIR`: by user and source together. Five failures, each within 15 minutes of the one before,
  lock that pair for 15 minutes. Somebody who knows a name locks themselves out, not the owner of
  the name, who comes from elsewhere.
- `USER`: by user over all sources, because an attacker may have many. 100 failures in 24 hours
  lock the user for 15 minutes, and so does each further one until the 24 hours are over. Sources
  where the user got in within 30 days (`store.known_sources`) are exempt, so the owner gets in.
- `SOURCE`: by source over all users, because an attacker may try one password on many names. 100
  failures in 15 minutes are more than an office behind one router mistypes.

So a count goes from nothing over some failures to locked and back to nothing::

    (none) --failure--> counting --failure, at the limit--> locked --15 minutes--> (none)
       ^                   |                                  |    (USER: counting, at the limit)
       +---- forgotten ----+------------- unlocked -----------+

- An attempt that meets a lock counts nowhere and prolongs nothing: it was not checked, and tells
  nothing. So a phone that goes on trying locks neither its office nor its owner's other devices.
- The same wrong password again does not count, because phones repeat an old one. Of the last
  `_REMEMBERED` of a pair, keyed digests of 16 bits are kept: enough to know a repetition (a guess
  passes for one once in 16 000 times), and of little help to a reader of the file.
- A success clears its own pair only. Else an account of one's own would reset its source, or the
  owner's log-ons would reset what others do to the name.
- Names that nobody has are counted alike, so a lock tells nothing about who exists. They may be
  passwords that were typed into the wrong field: they stand as keyed digests of 16 bits.
- Each table keeps at most `MOST` counts; the lowest go first, and of these the oldest.
- A count that cannot be read is kept as it stands until an administrator unlocks the user or the
  source; meanwhile nobody knows whether they are locked (`is_readable`).
- A clock that is set back neither ends a lock nor prolongs it beyond 15 minutes from then.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from store.errors import InvalidValue
from store.text import printable

LOCAL = "local"  # the source of attempts that name none, or a loopback address
LOCK_SECONDS = 15 * 60
_REMEMBERED = 4
MOST = 10_000
_KEY_BYTES = 16


class Bound(NamedTuple):
    """`limit` failures within `seconds` of the first (if `renewed`, of the last) lock."""

    limit: int
    seconds: int
    renewed: bool = False


PAIR = Bound(5, 15 * 60, renewed=True)
USER = Bound(100, 24 * 60 * 60)
SOURCE = Bound(100, 15 * 60)


class Failures(NamedTuple):
    """The failures that still count, of which `limit` lock.

    `seconds` is the time until they are forgotten, or until the lock ends.
    """

    failed: int
    seconds: float
    locked: bool
    limit: int


class Standing(NamedTuple):
    """How a user stands who comes from a source; `user` and `source` are each over all others."""

    pair: Failures
    user: Failures
    source: Failures

    def locks(self, is_exempt: Callable[[], bool]) -> bool:
        """Tell whether a log-on is refused, whatever the password.

        `is_exempt` tells whether what others do to the name elsewhere does not concern the source.
        """
        if self.pair.locked or self.source.locked:
            return True
        return self.user.locked and not is_exempt()


class Count(NamedTuple):
    """Failures so far, when they are forgotten, until when they lock; digests of what was tried."""

    failed: int = 0
    until: float = 0.0
    locked_until: float = 0.0
    tried: tuple[str, ...] = ()

    def plus(self, bound: Bound, now: float, tried: str | None = None) -> Count:
        """Return the count with one failure more."""
        failed = self.failed + 1
        until = now + bound.seconds if bound.renewed or not self.failed else self.until
        locked_until = now + LOCK_SECONDS if failed >= bound.limit else 0.0
        digests = (*self.tried, tried)[-_REMEMBERED:] if tried else self.tried
        return Count(failed, max(until, locked_until), locked_until, digests)

    def clamped(self, bound: Bound, now: float) -> Count:
        """Return the count as it would be at most, had its last failure been now."""
        return self._replace(
            until=min(self.until, now + bound.seconds),
            locked_until=min(self.locked_until, now + LOCK_SECONDS),
        )

    def shown(self, bound: Bound, now: float) -> Failures:
        """Return what to tell of it."""
        locked = now < self.locked_until
        until = self.locked_until if locked else self.until
        return Failures(self.failed, max(0.0, until - now), locked, bound.limit)


_Counts = dict[str, Count]


@dataclass(slots=True)
class Attempts:
    """All counts at the time `now`. `key` makes the digests and is kept with the counts.

    `user` is a `match_key`, `known` tells whether anybody has that name.
    """

    now: float
    key: bytes = field(default_factory=lambda: secrets.token_bytes(_KEY_BYTES), repr=False)
    pairs: _Counts = field(default_factory=dict)
    users: _Counts = field(default_factory=dict)
    sources: _Counts = field(default_factory=dict)
    clamped: bool = False  # the clock was set back since they were written
    unreadable: dict[tuple[str, str], Any] = field(default_factory=dict)  # by table and name

    @classmethod
    def from_stored(cls, stored: Any, now: float) -> Attempts:
        """Return what still counts, clamped to `now`; single counts may be `unreadable`.

        Raises `ValueError`, `TypeError`, `LookupError` or `AttributeError` where the key or a whole
        table is not what `to_stored` returned.
        """
        key = bytes.fromhex(stored["key"])
        if len(key) != _KEY_BYTES:
            raise ValueError("no key of ours")
        attempts = cls(now, key)
        for name, bound in _BOUNDS.items():
            counts = getattr(attempts, name)
            for who, count in stored[name].items():
                try:
                    failed, until, locked_until, tried = count
                    read = Count(int(failed), float(until), float(locked_until), tuple(tried))
                except (ValueError, TypeError):
                    attempts.unreadable[name, who] = count
                    continue
                if read.until > now:
                    counts[who] = read.clamped(bound, now)
                    attempts.clamped |= counts[who] != read
        return attempts

    def to_stored(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        counts: dict[str, dict[str, Any]] = {
            name: {who: tuple(count) for who, count in getattr(self, name).items()}
            for name in _BOUNDS
        }
        for (name, who), count in self.unreadable.items():
            counts[name][who] = count
        return {"key": self.key.hex(), **counts}

    def standing(self, user: str, source: str, *, known: bool) -> Standing:
        """Return how that user stands who comes from that source."""
        who = self.name(user, known)
        return Standing(
            self.pairs.get(_pair(who, source), Count()).shown(PAIR, self.now),
            self.users.get(who, Count()).shown(USER, self.now),
            self.sources.get(source, Count()).shown(SOURCE, self.now),
        )

    def is_readable(self, user: str, source: str | None, *, known: bool) -> bool:
        """Tell whether all counts of that user can be read, from that source or from any."""
        who = self.name(user, known)
        places = {("users", who), ("sources", source or "")}
        if source is None:
            places.update(("pairs", pair) for pair in self._unreadable_pairs(0, who))
        else:
            places.add(("pairs", _pair(who, source)))
        return places.isdisjoint(self.unreadable)

    def of_user(self, user: str) -> dict[str, Failures]:
        """Return the user's failures for each source from which there were any."""
        pairs = self._pairs_of(0, user)
        return {pair.partition("/")[2]: self.pairs[pair].shown(PAIR, self.now) for pair in pairs}

    def locked(self) -> set[str]:
        """Return the users, of those that there are, who are locked now, if only for a source."""
        of_pairs = {pair.partition("/")[0] for pair in _locking(self.pairs, self.now)}
        return {who for who in of_pairs | _locking(self.users, self.now) if who[0] != "?"}

    def fail(self, user: str, source: str, password: str | None, *, known: bool) -> bool:
        """Count a failure; tell whether it counts, which the same password again does not."""
        who = self.name(user, known)
        pair = _pair(who, source)
        tried = None if password is None else self._digest(f"{pair}\0{password}")
        before = self.pairs.get(pair, Count())
        if tried in before.tried:
            return False
        self.pairs[pair] = before.plus(PAIR, self.now, tried)
        self.users[who] = self.users.get(who, Count()).plus(USER, self.now)
        self.sources[source] = self.sources.get(source, Count()).plus(SOURCE, self.now)
        for counts in (self.pairs, self.users, self.sources):
            for _ in range(len(counts) - MOST):
                del counts[min(counts, key=counts.__getitem__)]
        return True

    def succeed(self, user: str, source: str) -> bool:
        """Forget the pair's failures; tell whether there were any."""
        return self.pairs.pop(_pair(user, source), None) is not None

    def forget_user(self, user: str) -> int:
        """Forget the user's failures, from every source; return how many there were."""
        of_pairs = _forget(self.pairs, *self._pairs_of(0, user))
        failed = max(of_pairs, _forget(self.users, user))
        return failed + self._forget_unreadable("users", user, self._unreadable_pairs(0, user))

    def forget_source(self, source: str) -> int:
        """Forget the failures from a source, of every user; return how many there were."""
        of_pairs = _forget(self.pairs, *self._pairs_of(2, source))
        failed = max(of_pairs, _forget(self.sources, source))
        return failed + self._forget_unreadable(
            "sources", source, self._unreadable_pairs(2, source)
        )

    def _pairs_of(self, part: int, who: str) -> list[str]:
        return [pair for pair in self.pairs if pair.partition("/")[part] == who]

    def _unreadable_pairs(self, part: int, who: str) -> list[str]:
        pairs = [name for table, name in self.unreadable if table == "pairs"]
        return [pair for pair in pairs if pair.partition("/")[part] == who]

    def _forget_unreadable(self, table: str, who: str, pairs: list[str]) -> int:
        """Forget these; return how many there were, as each is one failure at least."""
        before = len(self.unreadable)
        for place in [(table, who), *(("pairs", pair) for pair in pairs)]:
            self.unreadable.pop(place, None)
        return before - len(self.unreadable)

    def name(self, user: str, known: bool) -> str:
        """Return under which name a user is counted."""
        return user if known else f"?{self._digest(user)}"

    def _digest(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, key=self.key, digest_size=2).hexdigest()


_BOUNDS = {"pairs": PAIR, "users": USER, "sources": SOURCE}
KINDS = tuple(_BOUNDS)


def _locking(counts: _Counts, now: float) -> set[str]:
    return {who for who, count in counts.items() if now < count.locked_until}


def _pair(who: str, source: str) -> str:
    return f"{who}/{source}"  # no name has a slash


def _forget(counts: _Counts, *names: str) -> int:
    return sum(counts.pop(name, Count()).failed for name in names)


def source_key(source: str | None) -> str:
    """Return the form under which a source is counted: an address, of an IPv6 one its /64.

    No source, or a loopback address, is one source, the same on all hosts: it is this machine,
    or a proxy that does not tell whom it speaks for. Raises `InvalidValue` for a text that is no
    IP address.
    """
    if not source:
        return LOCAL
    from ipaddress import IPv6Address, ip_address, ip_network

    try:
        address = ip_address(source.partition("%")[0])
    except ValueError:
        raise InvalidValue(
            f"“{printable(source, 60)}” is not an IP address.",
            "Give the address that the log-on comes from, without a port.",
            untouched="Nothing was checked or counted.",
        ) from None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            network = ip_network((address, 64), strict=False)
            return LOCAL if address.is_loopback else str(network)
        address = address.ipv4_mapped
    return LOCAL if address.is_loopback else str(address)
