"""What both small servers share: one request for each connection, most often a posted form."""

from __future__ import annotations

import base64
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from store.text import printable
from sync.server.listener import Listener

HEALTH = "/health"
ANSWER_SECONDS = 120.0  # to take in an answer, such as a list of 100 000 users
_MOST_FIELDS = 8
_UNREAD = frozenset(
    {
        HTTPStatus.LENGTH_REQUIRED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    }
)
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 4 * 1024 * 1024
_MOST_DIGITS = 18  # of a length in bytes


def cannot_listen(what: str, host: str, port: int, error: Exception) -> tuple[str, str]:
    """Return what is told of the failure to listen on an address, and the advice."""
    reason = getattr(error, "strerror", None) or error
    return (
        f"{what} cannot listen on {printable(host)} port {port}: {reason}.",
        "Choose another address or port.",
    )


class Refused(Exception):
    """A request that is answered with an error status, before its command is looked at."""

    def __init__(self, status: HTTPStatus, *headers: tuple[str, str]) -> None:
        self.status = status
        self.headers = headers


class _Head:
    """A request as it arrives, of which lines, its head, may have `largest` bytes in all."""

    def __init__(self, file: BinaryIO, largest: int) -> None:
        self._file = file
        self._left = largest
        self.read = file.read
        self.close = file.close

    @property
    def is_too_long(self) -> bool:
        """Tell whether there was more than is read."""
        return self._left < 0

    def readline(self, size: int) -> bytes:
        """Return the next line; of what is too long nothing, as at the end."""
        if self.is_too_long:
            return b""
        line = self._file.readline(min(size, self._left + 1))
        self._left -= len(line)
        return line


class FormHandler(BaseHTTPRequestHandler):
    """Reads a posted form and Basic credentials; never logs or repeats what was sent.

    It is HTTP/1.1 for `Expect: 100-continue`, as clients wait where that is not heard (curl one
    second, Dovecot two).

    `encoding_errors` says what happens to a form that is not UTF-8: `strict` refuses it,
    `surrogateescape` hands it on, so that a wrong password is answered as one.
    """

    server: Listener
    rfile: _Head  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    server_version = "mailroster"
    sys_version = ""
    largest_head = 16 * 1024  # bytes
    largest_body = 64 * 1024  # bytes
    realm = "mailroster"
    encoding_errors = "strict"
    status_of_a_short_body = HTTPStatus.BAD_REQUEST

    def setup(self) -> None:
        """Wait no longer for a byte than for the request; bound what is read of a head."""
        self.request.settimeout(self.server.limits.request_seconds)
        super().setup()
        self.rfile = _Head(self.rfile, self.largest_head)  # type: ignore[arg-type]

    def parse_request(self) -> bool:
        """Read the head; tell whether there is something to answer yet."""
        if self.rfile.is_too_long:  # with the first line
            self.command, self.request_version = "", self.protocol_version
            self.requestline, parsed = "", True
        else:
            parsed = super().parse_request()
        if parsed and self.rfile.is_too_long:
            self.answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        return parsed

    def form(self) -> dict[str, str]:
        """Return the form (application/x-www-form-urlencoded); raises `Refused`."""
        return self._parsed(self._body())

    def basic_credentials(self) -> tuple[str, str]:
        """Return the user name and password (RFC 7617, in UTF-8); raises `Refused`."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except ValueError:
            given = b""
        user_name, colon, password = given.decode(errors="surrogateescape").partition(":")
        if scheme.lower() != "basic" or not colon:
            raise Refused(HTTPStatus.UNAUTHORIZED, self.challenge)
        return user_name, password

    @property
    def challenge(self) -> tuple[str, str]:
        """The header that asks for Basic credentials."""
        return "WWW-Authenticate", f'Basic realm="{self.realm}", charset="UTF-8"'

    def answer(
        self,
        status: HTTPStatus,
        *headers: tuple[str, str],
        body: bytes | None = None,
        content_type: str = "text/plain; charset=utf-8",
    ) -> None:
        """Answer with `body`, or with the status in words, and end the connection."""
        content = f"{status.value} {status.phrase}\n".encode() if body is None else body
        self.close_connection = True
        if status not in _UNREAD:
            self.server.arrived(self.connection, ANSWER_SECONDS)
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        if status in _UNREAD:
            self._pass_over_the_rest()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is not HTTP; its text may hold a password and is not repeated."""
        self.answer(HTTPStatus(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing here: each server writes its own line per request."""

    def _body(self) -> bytes:
        """Return the whole body, so that a refusal is not lost with what was left unread."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(HTTPStatus.LENGTH_REQUIRED)
        if len(length) > _MOST_DIGITS or int(length) > self.largest_body:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refused(self.status_of_a_short_body)
        self.server.arrived(self.connection, ANSWER_SECONDS)
        return body

    def _pass_over_the_rest(self) -> None:
        """Read what is still sent, or the client's system would throw the answer away."""
        self.connection.settimeout(_LINGER_SECONDS)
        with suppress(OSError):
            read = 0
            while read < _LINGER_BYTES and (part := self.connection.recv(64 * 1024)):
                read += len(part)

    def _parsed(self, body: bytes) -> dict[str, str]:
        try:
            pairs = parse_qsl(
                body.decode("ascii"), True, errors=self.encoding_errors, max_num_fields=_MOST_FIELDS
            )
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST) from None
        form = dict(pairs)
        if len(form) != len(pairs):
            raise Refused(HTTPStatus.BAD_REQUEST)
        return form
