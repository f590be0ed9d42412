"""A loopback server that answers in every way that an HTTP server should not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from store.models import Settings

_PATIENCE = 5.0  # seconds; more than any deadline of the tests


class Request(NamedTuple):
    """What the client sent, as it sent it."""

    head: str
    body: bytes


class Connection:
    """One connection, and ways to answer on it."""

    def __init__(self, peer: socket.socket, stopping: threading.Event) -> None:
        self._peer = peer
        self._stopping = stopping

    def send(self, data: bytes) -> None:
        """Send it all at once."""
        self._peer.sendall(data)

    def drip(self, data: bytes, seconds: float = 0.1) -> None:
        """Send one byte every so many `seconds`, until the client leaves."""
        for byte in data:
            if self._stopping.wait(seconds):
                return
            self._peer.sendall(bytes([byte]))

    def hold(self) -> None:
        """Say nothing until the client leaves."""
        with contextlib.suppress(OSError):
            while self._peer.recv(65536):
                pass

    def reset(self) -> None:
        """End the connection with a reset instead of an orderly close."""
        self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Behaviour = Callable[[Connection], None]


class HostileServer:
    """Listens on a free port; `requests` is what it was sent."""

    def __init__(
        self, behave: Behaviour, tls: ssl.SSLContext | None, waits_for_request: bool
    ) -> None:
        self.requests: list[Request] = []
        self._waits_for_request = waits_for_request
        self._behave = behave
        self._tls = tls
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.02)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/ai"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def settings(self, **changes: Any) -> Settings:
        """The settings of a client of this server."""
        return replace(
            Settings(directory_service="application_integration", url=self.url), **changes
        )

    def stop(self) -> None:
        """Stop listening; a connection that is open ends first."""
        self._stopping.set()
        self._thread.join(_PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(OSError):
                peer, _ = self._listener.accept()
                peer.settimeout(_PATIENCE)
                with peer:
                    self._converse(peer)

    def _converse(self, peer: socket.socket) -> None:
        if self._tls:
            peer = self._greet(peer, self._tls)
        with peer:
            if self._waits_for_request:
                self.requests.append(_read_request(peer))
            self._behave(Connection(peer, self._stopping))

    def _greet(self, peer: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        encrypted = tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
        try:
            encrypted.do_handshake()
        except OSError:
            with encrypted:
                # A close with bytes unread would be a reset, which can overtake the alert.
                encrypted.shutdown(socket.SHUT_WR)
                Connection(encrypted, self._stopping).hold()
            raise
        return encrypted


def _read_request(peer: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _receive(peer)
    head, _, body = data.partition(b"\r\n\r\n")
    announced = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while len(body) < sum(announced):
        body += _receive(peer)
    return Request(head.decode("latin-1"), body)


def _receive(peer: socket.socket) -> bytes:
    data = peer.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


@contextmanager
def hostile_server(
    behave: Behaviour, tls: ssl.SSLContext | None = None, *, waits_for_request: bool = True
) -> Iterator[HostileServer]:
    """A server that behaves like this on every connection, one after the other."""
    server = HostileServer(behave, tls, waits_for_request)
    try:
        yield server
    finally:
        server.stop()


def raw(data: bytes) -> Behaviour:
    """Answer with these bytes, then close."""
    return lambda connection: connection.send(data)


def answer(body: bytes | str, status: str = "200 OK", **headers: str) -> Behaviour:
    """Answer with a whole and correct response; `_` in a header's name stands for `-`."""
    content = body.encode() if isinstance(body, str) else body
    return raw(response(content, status, Content_Length=str(len(content)), **headers))


def response(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """The bytes of a response with these headers and no others."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(*chunks: bytes) -> bytes:
    """The bytes of a chunked body, whole if the last chunk is empty."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
