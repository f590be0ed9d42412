"""Noticing what others write: by a connection that listens, and by looking twice a second.

Notifications come within milliseconds; looking is for poolers, which lose them without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from store.interface import Snapshot
from store.postgres.address import Address
from store.postgres.connection import Silence, connect
from store.postgres.state import CHANNEL

if TYPE_CHECKING:
    from store.postgres.connection import Connection

_LOOK_SECONDS = 0.5
_LISTEN_AGAIN_SECONDS = 5.0


async def watch(
    address: Address, read: Callable[[], Snapshot], seen_now: Callable[[], Snapshot]
) -> AsyncIterator[Snapshot]:
    """Yield what `read` returns whenever it is new; `seen_now` is what was read last by anybody."""
    seen = seen_now()
    ear = _Ear(address)
    try:
        while True:
            await ear.wait(_LOOK_SECONDS)
            now = await asyncio.to_thread(read)
            if now is not seen:
                seen = now
                yield now
    finally:
        ear.close()


class _Ear:
    """A connection that listens, made again when it is lost."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._heard = asyncio.Event()
        self._try_at = 0.0

    async def wait(self, seconds: float) -> None:
        """Return once something was heard, or after so many seconds."""
        loop = asyncio.get_running_loop()
        if self._connection is None and loop.time() >= self._try_at:
            self._try_at = loop.time() + _LISTEN_AGAIN_SECONDS
            self._connection = await asyncio.to_thread(_listening, self._address)
            if self._connection is not None:
                loop.add_reader(self._connection.fileno(), self._take)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), seconds)
        self._heard.clear()

    def close(self) -> None:
        """Stop listening."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                asyncio.get_running_loop().remove_reader(connection.fileno())
            connection.close()

    def _take(self) -> None:
        import psycopg

        connection = self._connection
        if connection is None:
            return
        try:
            connection.pgconn.consume_input()
            while connection.pgconn.notifies():
                self._heard.set()
        except psycopg.Error:
            self._heard.set()
            self.close()


def _listening(address: Address) -> Connection | None:
    """Return a connection that listens; None where there is none now."""
    import psycopg

    try:
        connection = connect(address)
    except (psycopg.Error, Silence):
        return None
    try:
        connection.execute(f"LISTEN {CHANNEL}")
    except (psycopg.Error, Silence):
        connection.close()
        return None
    return connection
