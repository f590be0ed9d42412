"""Locks that hold on every host: rows with a holder and a lease by the database's clock.

A lease is renewed while its holder works. A holder that is cut off keeps it for `LEASE_SECONDS` at
most; one that was stopped for longer finds out before it writes anything. Where the process of a
holder on the same host is gone, its lock is free at once.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import StoreBusy, StoreError
from store.files.ownership import operating_system_user
from store.postgres.connection import Database
from store.processes import is_running
from store.text import printable

if TYPE_CHECKING:
    from store.postgres.connection import Connection

LEASE_SECONDS = 8.0
_RENEW_SECONDS = 2.0
_POLL_SECONDS = 0.1
_SILENT_SECONDS = 1.0


class _Held(threading.local):
    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}


class Locks:
    """The locks of one session; `prepare` makes the tables where there are none yet."""

    def __init__(self, database: Database, prepare: Callable[[Connection], object]) -> None:
        self._database = database
        self._prepare = prepare
        self._held = _Held()

    @contextlib.contextmanager
    def hold(
        self, name: str, busy: str, wait: float, on_wait: Callable[[str], None] | None
    ) -> Iterator[None]:
        """Hold the lock of that name; see `Store.lock`."""
        token = str(uuid.uuid4())
        self._acquire(name, token, busy, wait, on_wait)
        released = threading.Event()
        renewer = threading.Thread(
            target=self._renew, args=(name, token, released), name=f"lease {name}", daemon=True
        )
        self._held.tokens[name] = token
        renewer.start()
        try:
            yield
        finally:
            del self._held.tokens[name]
            with contextlib.suppress(StoreError):  # then it is tried again beside other work
                self._database.run(lambda db: _release(db, name, token))
                token = ""
            released.set()
            if token:
                self._release_later(name, token)

    def check(self, connection: Connection) -> None:
        """Raise `StoreBusy` if a lock that this thread holds was lost; else renew it.

        Within the transaction of a write, so that nobody takes the lock before that is made.
        """
        for name, token in self._held.tokens.items():
            if not _extend(connection, name, token):
                raise StoreBusy(
                    f"The lock “{name}” was lost, as this host did not renew it in time; "
                    f"{_holder(connection, name) or 'nobody'} has it now.",
                    "Do it again.",
                )

    def _acquire(
        self, name: str, token: str, busy: str, wait: float, on_wait: Callable[[str], None] | None
    ) -> None:
        start = time.monotonic()
        while True:
            holder = self._database.run(lambda db: self._take(db, name, token))
            if holder is None:
                return
            waited = time.monotonic() - start
            if waited >= wait:
                raise StoreBusy(f"{busy} {holder}.", "Try again in a moment.")
            if on_wait and waited >= _SILENT_SECONDS:
                on_wait(f"{busy} {holder}. Waiting for it.")
                on_wait = None
            time.sleep(_POLL_SECONDS)

    def _take(self, connection: Connection, name: str, token: str) -> str | None:
        """Take the lock if it is free; return who has it, None if that is this session now."""
        self._prepare(connection)
        if holder := _holder(connection, name, token):
            return holder
        taken = connection.execute(
            "INSERT INTO locks AS held (name, token, holder, process, until) "
            "VALUES (%s, %s::uuid, %s, %s, clock_timestamp() + %s * interval '1 second') "
            "ON CONFLICT (name) DO UPDATE SET token = excluded.token, holder = excluded.holder, "
            "process = excluded.process, until = excluded.until "
            "WHERE held.until <= clock_timestamp() OR held.token = excluded.token",
            [name, token, _who(), f"{_kernel()}/{os.getpid()}", LEASE_SECONDS],
        ).rowcount
        return None if taken else _holder(connection, name, token) or "another session"

    def _renew(self, name: str, token: str, released: threading.Event) -> None:
        while not released.wait(_RENEW_SECONDS):
            with contextlib.suppress(StoreError):  # it is tried again, and checked before a write
                self._database.run(lambda db: _extend(db, name, token))

    def _release_later(self, name: str, token: str) -> None:
        """Try to release the lock until its lease is over; the database is away for now."""

        def release() -> None:
            end = time.monotonic() + LEASE_SECONDS
            while time.monotonic() < end:
                time.sleep(_POLL_SECONDS)
                with contextlib.suppress(StoreError):
                    return self._database.run(lambda db: _release(db, name, token))
            return None

        threading.Thread(target=release, name=f"release {name}", daemon=True).start()


def _extend(connection: Connection, name: str, token: str) -> bool:
    return (
        connection.execute(
            "UPDATE locks SET until = clock_timestamp() + %s * interval '1 second' "
            "WHERE name = %s AND token = %s::uuid AND until > clock_timestamp()",
            [LEASE_SECONDS, name, token],
        ).rowcount
        > 0
    )


def _release(connection: Connection, name: str, token: str) -> None:
    connection.execute("DELETE FROM locks WHERE name = %s AND token = %s::uuid", [name, token])


def _holder(connection: Connection, name: str, token: str | None = None) -> str | None:
    """Return who has the lock, unless it is free or has this `token`.

    It is free, and made so, where its holder was a process of this host that is gone.
    """
    found = connection.execute(
        "SELECT holder, process, token FROM locks WHERE name = %s AND until > clock_timestamp() "
        "AND token IS DISTINCT FROM %s::uuid",
        [name, token],
    ).fetchone()
    if found and _is_gone(found[1]):
        _release(connection, name, found[2])
        return None
    return printable(found[0], 200) if found else None


def _who() -> str:
    return f"{operating_system_user()} on {platform.node()} (process {os.getpid()})"


@cache
def _kernel() -> str:
    """Return what only processes have that can see each other: of one boot and one namespace."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    return ""


def _is_gone(process: str) -> bool:
    kernel, _, pid = process.rpartition("/")
    if not kernel or kernel != _kernel() or not pid.isdecimal():
        return False
    return not is_running(int(pid))
