"""Reaching one LDAP server: TCP and TLS by asyncio, and a socket at which libldap finds it all.

libldap's own TLS knows neither our deadline nor our pin, tells no reason when it refuses a
certificate, and can be switched off by the environment. So it speaks in clear over a pair of
sockets, and what it says is carried on from there.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sync.directory.name_lookup import abandon_slow_lookups
from sync.directory.types.ldap import failures
from sync.directory.types.ldap.servers import Server

_CHUNK = 256 << 10  # bytes
_LONGEST_START = 64 << 10  # bytes
# An ExtendedRequest with the OID of StartTLS (RFC 4511, sections 4.12 and 4.14.1), as BER.
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
_EXTENDED_RESPONSE = 0x78


@dataclass(slots=True)
class Meter:
    """What has come from the server, in bytes, and how that ended. `most` is the limit."""

    most: int
    received: int = 0
    is_too_large: bool = False
    is_ended: bool = False


@asynccontextmanager
async def connected(
    server: Server, tls: ssl.SSLContext | None, meter: Meter
) -> AsyncIterator[socket.socket]:
    """Connect, with TLS if there is a context; yield a socket on which the server speaks LDAP.

    At a server that does not begin with TLS, StartTLS asks for it. A reader of the socket
    meets its end as soon as the block is left. Raises `OSError`, `ssl.SSLError` and
    `DirectoryError`.
    """
    reader, writer = await reach(server, tls)
    try:
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            pumps = (_inwards(reader, near, meter), _outwards(near, writer))
            tasks = [asyncio.create_task(pump) for pump in pumps]
            try:
                yield far
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
    finally:
        await close(writer)


async def reach(
    server: Server, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, with TLS if there is a context."""
    abandon_slow_lookups()
    direct = tls if server.is_tls else None
    reader, writer = await asyncio.open_connection(
        server.host, server.port, ssl=direct, limit=_CHUNK
    )
    if tls is None or server.is_tls:
        return reader, writer
    try:
        await _ask_for_tls(server, reader, writer)
        await writer.start_tls(tls, server_hostname=server.host)
    except BaseException:
        await close(writer)
        raise
    return reader, writer


async def close(writer: asyncio.StreamWriter) -> None:
    """Close the connection at once."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def _ask_for_tls(
    server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send StartTLS; raises unless the server agrees, and has said nothing beyond that.

    Who stands between could have sent more, to be taken for what came protected.
    """
    writer.write(_START_TLS)
    answer = b""
    while (size := _size_of_message(answer)) is None or len(answer) < size:
        piece = await reader.read(_LONGEST_START)
        answer += piece
        if not piece or len(answer) > _LONGEST_START:
            raise failures.no_ldap(server)
    code = _code_of_extended_response(answer[:size])
    if code is None or len(answer) > size:
        raise failures.no_ldap(server)
    if code:
        raise failures.start_tls_refused(server, code)


def _size_of_message(data: bytes) -> int | None:
    """Return how long the BER element is that begins here, None while that is open."""
    if len(data) < 2:
        return None
    first = data[1]
    if first < 0x80:
        return 2 + first
    count = first & 0x7F
    return None if len(data) < 2 + count else 2 + count + int.from_bytes(data[2 : 2 + count])


def _code_of_extended_response(message: bytes) -> int | None:
    """Return the result code of the answer to the first request, None if this is no such answer."""
    start = 2 + (message[1] & 0x7F if message[1] & 0x80 else 0)
    body = message[start:]
    if message[:1] != b"\x30" or body[:4] != b"\x02\x01\x01" + bytes([_EXTENDED_RESPONSE]):
        return None
    length = 1 + (body[4] & 0x7F if body[4:5] >= b"\x80" else 0) if len(body) > 4 else 0
    result = body[4 + length : 7 + length]
    return result[2] if length and len(result) == 3 and result[:2] == b"\x0a\x01" else None


async def _inwards(reader: asyncio.StreamReader, near: socket.socket, meter: Meter) -> None:
    loop = asyncio.get_running_loop()
    try:
        while data := await reader.read(_CHUNK):
            meter.received += len(data)
            if meter.received > meter.most:
                meter.is_too_large = True
                return
            await loop.sock_sendall(near, data)
    except (OSError, ssl.SSLError):
        pass  # the connection was lost, which libldap is told like its end
    finally:
        meter.is_ended = True
        with suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)


async def _outwards(near: socket.socket, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while data := await loop.sock_recv(near, _CHUNK):
            writer.write(data)
            await writer.drain()
