"""A small LDAP server that answers what a test says, right or wrong (RFC 4511)."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

BIND, UNBIND, SEARCH, EXTENDED = 0x60, 0x42, 0x63, 0x77
_PAGED = b"1.2.840.113556.1.4.319"


class Request(NamedTuple):
    """What came: the message's number, the operation's tag, and the count of searches so far."""

    id: int
    tag: int
    searches: int


Answer = Callable[[Request], Iterable[bytes]]


class Responder:
    """Listens on loopback; `answer` yields the bytes for each request, and ends by `Hang` or `Cut`.

    Bytes are sent as they are yielded.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_over = threading.Event()
        self.url = f"ldap://127.0.0.1:{self._listener.getsockname()[1]}"
        self.seen: list[Request] = []

    def __enter__(self) -> Responder:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._listener.close()

    def hang(self) -> None:
        """Wait until the test is over."""
        self._is_over.wait(60)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        searches = 0
        with connection, contextlib.suppress(OSError, Cut), connection.makefile("rb") as stream:
            while message := _read(stream.read):
                number, tag = message
                searches += tag == SEARCH
                request = Request(number, tag, searches)
                self.seen.append(request)
                if tag == UNBIND:
                    return
                try:
                    for data in self._answer(request):
                        connection.sendall(data)
                except Hang:
                    self.hang()
                    return


class Hang(Exception):
    """Say nothing more."""


class Cut(Exception):
    """Close the connection."""


def trickle(data: bytes, seconds: float = 0.1) -> Iterator[bytes]:
    """Yield a byte at a time."""
    for place in range(len(data)):
        yield data[place : place + 1]
        time.sleep(seconds)


def bound(request: Request, code: int = 0) -> bytes:
    """Return the answer to a bind."""
    return _message(request.id, _tlv(0x61, _result(code)))


def extended(request: Request, code: int = 0) -> bytes:
    """Return the answer to StartTLS."""
    return _message(request.id, _tlv(0x78, _result(code)))


def entry(request: Request, dn: str | bytes, **attributes: list[str | bytes]) -> bytes:
    """Return an entry that was found."""
    held = [
        _tlv(0x30, _text(name), _tlv(0x31, *map(_text, values)))
        for name, values in attributes.items()
    ]
    return _message(request.id, _tlv(0x64, _text(dn), _tlv(0x30, *held)))


def person(request: Request, number: int) -> bytes:
    """Return a person like others."""
    name = f"user{number}"
    return entry(
        request,
        f"uid={name},dc=example,dc=com",
        objectClass=["person", "inetOrgPerson"],
        uid=[name],
        cn=[name],
        mail=[f"{name}@example.com"],
        entryUUID=[f"id-{number}"],
    )


def reference(request: Request, url: str) -> bytes:
    """Return a reference to another server."""
    return _message(request.id, _tlv(0x73, _text(url)))


def done(
    request: Request, code: int = 0, cookie: bytes = b"", *, with_control: bool = True
) -> bytes:
    """Return the end of a page; a cookie says that there are more."""
    value = _tlv(0x30, _tlv(0x02, b"\x00"), _tlv(0x04, cookie))
    control = _tlv(0xA0, _tlv(0x30, _tlv(0x04, _PAGED), _tlv(0x04, value)))
    end = _tlv(0x65, _result(code))
    return _message(request.id, end, control if with_control else b"")


def disconnected() -> bytes:
    """Return a notice of disconnection, which nobody asked for (section 4.4.1)."""
    return _message(0, _tlv(0x78, _result(52), _tlv(0x8A, b"1.3.6.1.4.1.1466.20036")))


def _message(number: int, *parts: bytes) -> bytes:
    return _tlv(0x30, _tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1)), *parts)


def _result(code: int) -> bytes:
    return _tlv(0x0A, bytes([code])) + _tlv(0x04) + _tlv(0x04)


def _text(value: str | bytes) -> bytes:
    return _tlv(0x04, value.encode() if isinstance(value, str) else value)


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x84" + size.to_bytes(4)
    return bytes([tag]) + length + content


def _read(read: Callable[[int], bytes]) -> tuple[int, int] | None:
    """Return the number and the tag of the next message, None at the end."""
    head = read(2)
    if len(head) < 2:
        return None
    size = int.from_bytes(read(head[1] & 0x7F)) if head[1] & 0x80 else head[1]
    body = read(size)
    count = body[1]
    return int.from_bytes(body[2 : 2 + count]), body[2 + count]
