"""Failed log-ons in the database, counted over all hosts by the rules of `store.lockout`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from store.errors import StoreError
from store.known_sources import KNOWN_DAYS, source_digest
from store.lockout import KINDS, MOST, PAIR, Attempts, Count, Failures, Standing, source_key
from store.postgres.connection import Database, sendable

if TYPE_CHECKING:
    from store.postgres.connection import Connection

_DAY_SECONDS = 24 * 60 * 60
_LOCKS = (1, 2)  # of users and of sources, each for the time of a transaction

# One statement after the locks sees all writes of their former holders.
_LOCK = """
    SELECT set_config('lock_timeout', '5s', true),
        set_config('idle_in_transaction_session_timeout', '5s', true),
        set_config('synchronous_commit', 'local', true);
    SELECT pg_advisory_xact_lock(%(user_lock)s, hashtext(%(who)s));
    SELECT pg_advisory_xact_lock(%(source_lock)s, hashtext(%(source)s));
"""
_READ = """
    SELECT extract(epoch FROM clock_timestamp())::float8, attempts_key,
        (SELECT day FROM known_sources WHERE digest = %(digest)s),
        (SELECT json_agg(json_build_array(kind, who, failed, until, locked_until, tried))
            FROM failed_log_ons
            WHERE kind IN ('pairs', 'users', 'sources') AND who = ANY(%(counted)s))
    FROM store
"""
_WRITE = """
    INSERT INTO failed_log_ons (kind, who, failed, until, locked_until, tried)
    SELECT * FROM json_to_recordset(%s) AS counts (
        kind text, who text, failed integer, until float8, locked_until float8, tried text[])
    ON CONFLICT (kind, who) DO UPDATE SET failed = excluded.failed, until = excluded.until,
        locked_until = excluded.locked_until, tried = excluded.tried
"""
# Never waits for a row, so it cannot be in anybody's way for good.
_PRUNE = """
    DELETE FROM failed_log_ons AS old USING (
        SELECT kind, who FROM failed_log_ons
        WHERE until <= coalesce(%(now)s, extract(epoch FROM clock_timestamp())) OR (kind, who) IN (
            SELECT kind, who FROM (
                SELECT kind, who, row_number() OVER (
                    PARTITION BY kind ORDER BY failed DESC, until DESC
                ) AS place
                FROM failed_log_ons
            ) AS ranked WHERE place > %(most)s
        )
        FOR UPDATE SKIP LOCKED
    ) AS least
    WHERE old.kind = least.kind AND old.who = least.who
"""


class Look:
    """One user from one source, and what the database says of both.

    While nobody knows whether the user exists (`known` is None), it looks under both names under
    which the user may be counted.
    """

    def __init__(self, user: str, source: str, known: bool | None, key: bytes) -> None:
        self.user, self.source, self.known, self.key = user, source, known, key
        self.attempts = Attempts(0.0, key)
        either = (True, False) if known is None else (known,)
        names = [sendable(self.attempts.name(user, one)) for one in either]
        pairs = [f"{name}/{source}" for name in names]
        self.parameters: dict[str, Any] = {
            "user": sendable(user),
            "who": names[0],
            "source": source,
            "pairs": pairs,
            "counted": [*pairs, *names, source],
            "digest": source_digest(user, source),
            "user_lock": _LOCKS[0],
            "source_lock": _LOCKS[1],
        }
        self.day: int | None = None
        self.before: tuple[Any, ...] | None = None

    def read(self, connection: Connection, before: str, clock: Callable[[], float] | None) -> None:
        """Read what is counted; what is said `before` may tell one row of its own."""
        cursor = connection.execute((before + _READ).encode(), self.parameters)
        self.before = cursor.fetchone() if before and cursor.rowcount > 0 else None
        while cursor.nextset():
            pass
        stored: dict[str, Any] = {kind: {} for kind in KINDS}
        now, key, self.day, counts = cursor.fetchone() or (0.0, b"", None, None)
        for kind, who, *count in counts or ():
            stored[kind][who] = count
        self.key = bytes(key)
        stored["key"] = self.key.hex()
        self.attempts = Attempts.from_stored(stored, clock() if clock else now)

    @property
    def today(self) -> int:
        """The day, counted from 1970."""
        return int(self.attempts.now / _DAY_SECONDS)

    @property
    def is_exempt(self) -> bool:
        """Whether the user got in from that source within `KNOWN_DAYS`."""
        age = KNOWN_DAYS + 1 if self.day is None else abs(self.today - self.day)
        return bool(self.known) and age <= KNOWN_DAYS

    @property
    def standing(self) -> Standing:
        """How the user stands."""
        return self.attempts.standing(self.user, self.source, known=bool(self.known))

    @property
    def is_locked(self) -> bool:
        """Whether the log-on is refused, whatever the password."""
        return self.standing.locks(lambda: self.is_exempt)


class PostgresAttempts:
    """The `LogOnAttempts` of a store that hosts share; the database's clock counts for all.

    Failures of one user, or of one source, are counted one after the other, so what ends after the
    fifth failure is refused even if it was right, as `store.files.attempts` does.
    """

    def __init__(self, database: Database, clock: Callable[[], float] | None = None) -> None:
        self._database = database
        self._clock = clock
        self._key = b""  # as of the last look

    def is_locked(self, user: str, source: str | None, *, known: bool = True) -> bool:
        """Tell whether this user is locked for this source now."""
        return self._look(user, source, known).is_locked

    def failures(self, user: str, source: str | None) -> Standing:
        """Return the failures that still count."""
        return self._look(user, source, True).standing

    def of_user(self, user: str) -> dict[str, Failures]:
        """Return the user's failures for each source."""
        found = self._database.run(partial(_pairs_of, user=user))
        now = self._clock() if self._clock else found[0]
        counts = {
            who.partition("/")[2]: Count(failed, until, locked_until).clamped(PAIR, now)
            for who, failed, until, locked_until in found[1]
        }
        return {
            source: count.shown(PAIR, now) for source, count in counts.items() if count.until > now
        }

    def locked_users(self) -> int:
        """Return how many users are locked now, if only for one source."""
        return self._database.run(_locked)

    def is_exempt(self, user: str, source: str | None) -> bool:
        """Tell whether the user got in from there, so that others' failures elsewhere lock not."""
        return self._look(user, source, True).is_exempt

    def look(
        self,
        connection: Connection,
        user: str,
        source: str,
        known: bool | None = None,
        before: str = "",
    ) -> Look:
        """Return what is counted, asked in one round trip with what is said `before`."""
        while True:
            look = Look(user, source, known, self._key)
            look.read(connection, before, self._clock)
            if look.key == self._key:
                return look
            self._key = look.key  # the first look, or another store by now

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

        A right password takes one round trip, and another one once a day or after a failure; a
        wrong one takes two. Raises `StoreUnreachable` where nobody can tell or count.
        """
        origin = source_key(source)
        if right:
            return self._database.run(partial(self._succeed, user=user, source=origin, known=known))
        fail = partial(self._fail, user=user, source=origin, known=known, password=password)
        if self._database.run(fail):
            with suppress(StoreError):  # the next failure prunes
                self._database.run(self._prune)
        return False

    def unlock(self, user: str | None = None, source: str | None = None) -> int:
        """Forget the failures of a user or a source; return how many there were."""
        if user is not None:
            who, kind, of_pairs = user, "users", "split_part(who, '/', 1)"
        else:
            who, kind = source_key(source), "sources"
            of_pairs = "substr(who, strpos(who, '/') + 1)"
        return self._database.run(partial(self._forget, who=who, kind=kind, of_pairs=of_pairs))

    def _look(self, user: str, source: str | None, known: bool) -> Look:
        ask = partial(self.look, user=user, source=source_key(source), known=known)
        return self._database.run(ask)

    def _succeed(self, connection: Connection, user: str, source: str, known: bool) -> bool:
        """One statement sees every failure that was answered before, so no lock is needed."""
        attempt = self.look(connection, user, source, known)
        if attempt.attempts.clamped:
            connection.execute(_WRITE, [_stored(_counts(attempt.attempts))])
        if attempt.is_locked:
            return False
        if attempt.attempts.succeed(user, source):
            connection.execute(
                "DELETE FROM failed_log_ons WHERE kind = 'pairs' AND who = ANY(%(pairs)s)",
                attempt.parameters,
            )
        if attempt.day != attempt.today:
            connection.execute(
                "INSERT INTO known_sources (digest, day) VALUES (%(digest)s, %(day)s) "
                "ON CONFLICT (digest) DO UPDATE SET day = excluded.day; "
                "DELETE FROM known_sources WHERE day < %(day)s - %(kept)s",
                {**attempt.parameters, "day": attempt.today, "kept": KNOWN_DAYS},
            )
        return True

    def _fail(
        self, connection: Connection, user: str, source: str, known: bool, password: str | None
    ) -> bool:
        """Count a failure; tell whether a count is new, so that there are more than before."""
        attempt = self.look(connection, user, source, known, before="BEGIN;" + _LOCK)
        counts = attempt.attempts
        before = _counts(counts)
        if not attempt.is_locked:
            counts.fail(user, source, password, known=known)
        after = _counts(counts)
        changed = {
            name: count
            for name, count in after.items()
            if counts.clamped or before.get(name) != count
        }
        connection.execute(f"{_WRITE}; COMMIT", [_stored(changed)])
        return len(after) > len(before)

    def _prune(self, connection: Connection) -> None:
        now = self._clock() if self._clock else None
        connection.execute(_PRUNE, {"now": now, "most": MOST})

    def _forget(self, connection: Connection, who: str, kind: str, of_pairs: str) -> int:
        now = self._clock() if self._clock else None
        rows = connection.execute(
            f"DELETE FROM failed_log_ons WHERE (kind = %s AND who = %s) "  # noqa: S608
            f"OR (kind = 'pairs' AND {of_pairs} = %s) RETURNING kind, failed, "
            f"until > coalesce(%s, extract(epoch FROM clock_timestamp()))".encode(),
            [kind, who, who, now],
        ).fetchall()
        failed = {kind: 0 for kind, _, _ in rows}
        for found, count, still_counts in rows:
            failed[found] += count if still_counts else 0
        return max(failed.values(), default=0)


def _counts(attempts: Attempts) -> dict[tuple[str, str], Count]:
    return {(kind, who): count for kind in KINDS for who, count in getattr(attempts, kind).items()}


def _stored(counts: Mapping[tuple[str, str], Count]) -> str:
    rows = [{"kind": kind, "who": who, **count._asdict()} for (kind, who), count in counts.items()]
    return orjson.dumps(rows).decode()


def _pairs_of(connection: Connection, user: str) -> tuple[float, Sequence[tuple[Any, ...]]]:
    rows = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp())::float8, who, failed, until, locked_until "
        "FROM failed_log_ons WHERE kind = 'pairs' AND split_part(who, '/', 1) = %s ORDER BY who",
        [user],
    ).fetchall()
    return (rows[0][0] if rows else 0.0), [row[1:] for row in rows]


def _locked(connection: Connection) -> int:
    if not connection.execute("SELECT to_regclass('failed_log_ons')::text").fetchone()[0]:  # type: ignore[index]
        return 0
    found = connection.execute(
        "SELECT count(DISTINCT split_part(who, '/', 1)) FROM failed_log_ons "
        "WHERE kind IN ('pairs', 'users') AND who NOT LIKE '?%' "
        "AND locked_until > extract(epoch FROM clock_timestamp())"
    ).fetchone()
    return int(found[0]) if found else 0
