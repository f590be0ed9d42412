"""What both small servers share: a listener, and one posted form for each connection."""

from __future__ import annotations

import base64
import socket
import socketserver
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

from store.text import printable
from sync.server.server_log import to_stderr

_MOST_FIELDS = 8


class FormServer(socketserver.ThreadingTCPServer):
    """Listens from the start, on a free port if `port` is 0, with a thread for each connection.

    `log` takes one line per request; by default it goes to stderr. Raises `OSError` or
    `OverflowError` for an address that cannot be used.
    """

    allow_reuse_address = True

    def __init__(
        self,
        host: str,
        port: int,
        handler: type[FormHandler],
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.log = log or to_stderr
        self._host = host
        super().__init__((host, port), handler)

    def address(self, scheme: str = "http") -> str:
        """Return where it answers."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.server_address[1]}/"


def cannot_listen(what: str, host: str, port: int, error: Exception) -> str:
    """Return the text of the failure to listen on an address."""
    return (
        f"{what} cannot listen on {printable(host)} port {port}: "
        f"{getattr(error, 'strerror', None) or error}. Nothing was started. "
        "Choose another address or port."
    )


class Refused(Exception):
    """A request that is answered with an error status, before its command is looked at."""

    def __init__(self, status: HTTPStatus, *headers: tuple[str, str]) -> None:
        self.status = status
        self.headers = headers


class FormHandler(BaseHTTPRequestHandler):
    """Reads a posted form and Basic credentials; never logs or repeats what was sent.

    `encoding_errors` says what happens to a form that is not UTF-8: `strict` refuses it,
    `surrogateescape` hands it on, so that a wrong password is answered as one.
    """

    server_version = "mailroster"
    sys_version = ""
    largest_body = 64 * 1024  # bytes
    realm = "mailroster"
    encoding_errors = "strict"
    status_of_a_short_body = HTTPStatus.BAD_REQUEST

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

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is no HTTP; its text may hold a password and is not repeated."""
        self.answer(HTTPStatus(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing here: each server writes its own line per request."""

    def _body(self) -> bytes:
        """Return the whole body, so that a refusal is not lost with what was left unread."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > self.largest_body:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refused(self.status_of_a_short_body)
        return body

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
