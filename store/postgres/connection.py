"""The one connection of a process to the database: made, watched over, and replaced when lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from store.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreUnwritable,
)
from store.postgres.address import Address
from store.postgres.schema import NO_RIGHT
from store.text import printable

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

T = TypeVar("T")

READ_SECONDS = 10.0  # without a byte from the server; a log-on waits no longer
WRITE_SECONDS = 120.0  # of one statement within a write; it may be a million users
_FAILED_SECONDS = 1.0  # in which nobody asks again, so that threads do not queue for a dead host
_PARAMETERS = {
    "connect_timeout": 5,  # of each host
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # keepalives alone do not notice what is sent into silence
    "target_session_attrs": "read-write",
    "application_name": "mailroster",
    "client_encoding": "UTF8",
}


class Silence(Exception):
    """The server did not answer in time."""


class Database:
    """A connection that threads share, one at a time. Nothing is connected before it is needed.

    Statements are sent as text, so that nothing is prepared that a pooler would lose between two
    transactions. `prepare` is called with each new connection, before anybody uses it.
    `ask_seconds` is for how long it is asked whether a write happened whose answer was lost: in
    that time another server may have become the primary.
    """

    ask_seconds = 30.0

    def __init__(self, address: Address, prepare: Callable[[Connection], None]) -> None:
        self.address = address
        self.mutex = threading.RLock()
        self._prepare = prepare
        self._connection: Connection | None = None
        self._failure: tuple[float, StoreError] | None = None

    @property
    def where(self) -> str:
        """The address, and which server is connected if that does not tell."""
        where, connection = self.address.where, self._connection
        if connection is None or connection.closed:
            return where
        info = connection.info
        if "," not in where and info.host in where:
            return where
        return f"{where} (now {printable(info.host, 100)}:{info.port})"

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` does with a connection that is idle, and idle again afterwards.

        Where the connection turns out to be lost, or its server to be no longer the
        primary, `work` is done once again with another one: it must not be halfway by then, as a
        transaction that was not committed is not. Raises `StoreUnreachable` and the store's
        other errors for what psycopg raises; what else `work` raises passes.
        """
        psycopg = driver()
        with self.mutex:
            was_open = self._connection is not None
            while True:
                connection = self._open()
                try:
                    return work(connection)
                except (psycopg.Error, Silence) as error:
                    if not is_lost(error, connection):
                        raise self.problem(error) from None
                    self.drop()
                    if not was_open:
                        raise self.problem(error) from None
                    was_open = False
                finally:
                    self._tidy()

    def drop(self) -> None:
        """Let go of the connection; the next use makes another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()

    def problem(self, error: Exception) -> StoreError:
        """Return what a failure of psycopg is for people. Values of rows are left out."""
        return problem_of(error, self.address.where)

    def _open(self) -> Connection:
        if self._connection is not None:
            return self._connection
        if self._failure and time.monotonic() < self._failure[0]:
            raise self._failure[1]
        psycopg = driver()
        try:
            connection = connect(self.address)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        except (psycopg.Error, Silence) as error:
            problem = self.problem(error)
            self._failure = (time.monotonic() + _FAILED_SECONDS, problem)
            raise problem from None
        self._connection, self._failure = connection, None
        return connection

    def _tidy(self) -> None:
        """Leave no transaction open, whatever ended it."""
        import psycopg
        from psycopg.pq import TransactionStatus

        connection = self._connection
        if connection is None:
            return
        if connection.closed:
            self.drop()
        elif connection.info.transaction_status != TransactionStatus.IDLE:
            try:
                connection.execute("ROLLBACK")
            except (psycopg.Error, Silence):
                self.drop()


def connect(address: Address) -> Connection:
    """Return a new connection in autocommit mode; raises `psycopg.Error` and `StoreError`."""
    psycopg = driver()
    from orjson import loads
    from psycopg.types.json import set_json_loads

    from store.postgres.patience import PatientConnection

    parameters = {**_PARAMETERS, **address.parameters()}
    connection = PatientConnection.connect(
        **parameters,  # type: ignore[arg-type]
        autocommit=True,
        prepare_threshold=None,
        cursor_factory=psycopg.ClientCursor,
    )
    set_json_loads(loads, connection)
    return connection


def driver() -> ModuleType:
    """Return psycopg; raises `StoreError` on a host without it."""
    try:
        import psycopg
    except ImportError as error:
        raise StoreError(
            "A user database in PostgreSQL needs the Python package psycopg, which cannot be "
            f"loaded here ({printable(str(error).splitlines()[0], 100)}).",
            "In mailroster's clone run `pip install -c constraints.txt '.[postgresql]'`, with the "
            "pip of mailroster's environment.",
            untouched="Nothing was opened.",
        ) from None
    return psycopg


def sendable(text: str) -> str:
    """Return the text, or nothing for one that no text in the database can be."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return ""
    return "" if "\0" in text else text


def put(connection: Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a table; `table` has its columns in brackets, unless all are given."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


@contextlib.contextmanager
def patient(connection: Connection, seconds: float) -> Iterator[None]:
    """Wait for each answer that long within the block."""
    before, connection.patience = connection.patience, seconds  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.patience = before  # type: ignore[attr-defined]


def within(seconds: float, waiting: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    """Pass on what a generator of psycopg waits for; raise `Silence` after that long for nothing.

    psycopg wakes it every tenth of a second also where nothing has come.
    """
    deadline = time.monotonic() + seconds
    try:
        state = next(waiting)
        while True:
            ready = yield state
            if ready:
                deadline = time.monotonic() + seconds
            elif time.monotonic() > deadline:
                raise Silence(f"no answer within {seconds:g} s")
            state = waiting.send(ready)
    except StopIteration as done:
        result: T = done.value
        return result


def is_lost(error: Exception, connection: Connection) -> bool:
    """Tell whether the connection is of no more use: cut, silent, or to a server that only reads.

    25006 is read_only_sql_transaction; of class 57 are shutdowns and crashes.
    """
    state = getattr(error, "sqlstate", None) or ""
    return (
        isinstance(error, Silence)
        or bool(connection.closed or connection.broken)
        or state in ("25006", "57P01", "57P02", "57P03", "57P05", "25P03")
        or state.startswith("08")
    )


_ROOM = ("53100", "53200")
_BUSY = ("53300", "55P03", "40001", "40P01")


def problem_of(error: Exception, where: str) -> StoreError:
    """Return what a failure of psycopg is for people; of what the server says of rows, nothing.

    A message of the server about a row has the whole row in it, hashes included, so only codes
    and the names of constraints are shown.
    """
    import psycopg

    state = getattr(error, "sqlstate", None) or ""
    if state in _ROOM:
        return StoreFull(
            f"The user database {where} has no room left (SQLSTATE {state}).",
            "Make room on the database's server and try again.",
        )
    if state == NO_RIGHT:
        return StoreUnwritable(
            f"The database's role may not do this in {where} (SQLSTATE {state}).",
            "Use a role that may do this, or grant it the right; docs/HOSTS.md has the roles.",
        )
    if state in _BUSY:
        return StoreUnreachable(
            f"The user database {where} is too busy now (SQLSTATE {state}).",
            "Try again in a moment.",
        )
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, Silence)):
        return _unreachable(error, where)
    detail = f"SQLSTATE {state}" if state else type(error).__name__
    if constraint := getattr(getattr(error, "diag", None), "constraint_name", None):
        detail += f", {printable(constraint, 60)}"
    return StoreDamaged(
        f"The user database {where} is not in the form that mailroster makes ({detail}).",
        "Look at it with `mailroster store check`.",
        untouched="Nothing was written.",
    )


def _unreachable(error: Exception, where: str) -> StoreUnreachable:
    reason = str(error)
    if "password" in reason.lower():
        advice = "Put the role's password into this user's ~/.pgpass (mode 0600)."
    else:
        advice = "Try again later; running programs continue by themselves once the server is back."
    last = reason.strip().rsplit("failed: ", 1)[-1].splitlines() or [""]
    return StoreUnreachable(
        f"The user database {where} cannot be reached now: {printable(last[0].rstrip('.'), 200)}.",
        advice,
    )
