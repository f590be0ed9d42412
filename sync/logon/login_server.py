"""The log-on path over loopback HTTP, for mail servers and reverse proxies."""

from __future__ import annotations

import base64
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from store.errors import StoreError
from store.text import printable
from sync.errors import SyncError
from sync.logon.access_keeper import AccessKeeper
from sync.logon.login import Verdict
from sync.logon.mail_access import MailAccess, admit
from sync.server.server_log import to_stderr
from sync.workspace import Workspace

MAX_WORKERS = 32
MAX_BODY_BYTES = 16 * 1024
REQUEST_SECONDS = 5.0
_POLL_SECONDS = 0.1
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n"
)
_CHALLENGE = ("WWW-Authenticate", 'Basic realm="mail archive", charset="UTF-8"')
_STATUSES = {
    "accepted": HTTPStatus.OK,
    "refused": HTTPStatus.FORBIDDEN,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}


class LoginServerFailed(SyncError):
    """The server cannot start: its address cannot be used, or is not this machine's own."""

    kind = "login_server"


class LoginServer(socketserver.ThreadingTCPServer):
    """Answers log-ons on a loopback address; see docs/LOGON.md for the protocol.

    It listens from the start, on a free port if `port` is 0. At most `MAX_WORKERS` requests are
    worked on at once, whoever comes then gets 503 at once; a request must have arrived within
    `REQUEST_SECONDS`. `log` takes one line per request, free of passwords; by default it goes to
    stderr. The store is kept in memory and read again when it was changed; sessions that are
    open then follow (`AccessKeeper`). Raises `LoginServerFailed`.
    """

    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(
        self,
        workspace: Workspace,
        homes: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Callable[[str], None] | None = None,
    ) -> None:
        _check_loopback(host)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.workspace = workspace
        self.homes = homes
        self.log = log or to_stderr
        self.arriving: dict[socket.socket, float] = {}
        self._workers = threading.BoundedSemaphore(MAX_WORKERS)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise LoginServerFailed(
                f"The login server cannot listen on {printable(host)} port {port}: "
                f"{getattr(error, 'strerror', None) or error}. Choose another port."
            ) from None
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.server_address[1]}/"

    def run(self) -> None:
        """Answer requests until `stop`, then finish those that are being worked on."""
        keeper = AccessKeeper(self.workspace, self.homes, self.log)
        keeper.start()
        try:
            self.serve_forever(_POLL_SECONDS)
        finally:
            keeper.stop()
            self.server_close()
            keeper.join()

    def stop(self) -> None:
        """Let `run` return; may be called from a signal handler or another thread."""
        threading.Thread(target=self.shutdown, daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a worker, or say at once that there is none."""
        if not self._workers.acquire(blocking=False):
            self.log(f"busy: {MAX_WORKERS} requests are being worked on")
            with suppress(OSError):
                request.sendall(_BUSY)
            self.shutdown_request(request)
            return
        self.arriving[request] = time.monotonic() + REQUEST_SECONDS
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Work on one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.arriving.pop(request, None)
            self._workers.release()

    def service_actions(self) -> None:
        """Hang up on requests that take too long to arrive."""
        now = time.monotonic()
        for request, deadline in list(self.arriving.items()):
            if now > deadline:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what ended a connection, such as a client that went away."""
        self.log(f"connection failed: {type(sys.exc_info()[1]).__name__}")


class _Refused(Exception):
    """A request that is answered with an error status, before any check."""

    def __init__(self, status: HTTPStatus, *header: tuple[str, str]) -> None:
        self.status = status
        self.headers = header


class _Handler(BaseHTTPRequestHandler):
    """One request for each connection.

    It is HTTP/1.1 for `Expect: 100-continue`: Dovecot waits two seconds where that is not heard.
    """

    server: LoginServer
    protocol_version = "HTTP/1.1"
    server_version = "mailroster"
    sys_version = ""
    timeout = REQUEST_SECONDS

    def do_POST(self) -> None:
        try:
            form = _form(self._body())
            if not {"userName", "password"} <= form.keys():
                raise _Refused(HTTPStatus.BAD_REQUEST)
        except _Refused as refused:
            self._send(refused.status)
        else:
            self._check(form["userName"], form["password"], form.get("source"))

    def do_GET(self) -> None:
        """For nginx's auth_request: Basic credentials, and the client's address in a header."""
        try:
            user_name, password = _basic(self.headers.get("Authorization", ""))
        except _Refused as refused:
            self._send(refused.status, *refused.headers)
        else:
            self._check(user_name, password, self.headers.get("X-Real-IP"), _CHALLENGE)

    def _other_method(self) -> None:
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, POST"))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _other_method  # noqa: N815

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MAX_BODY_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT)
        return body

    def _check(
        self, user_name: str, password: str, source: str | None, *challenge: tuple[str, str]
    ) -> None:
        self.server.arriving.pop(self.connection, None)
        verdict, access = admit(
            self.server.workspace, self.server.homes, user_name, password, source
        )
        status = _STATUSES[verdict.public]
        if challenge and status is HTTPStatus.FORBIDDEN:
            status = HTTPStatus.UNAUTHORIZED
        self._log_verdict(user_name, source, verdict)
        headers = challenge if status is HTTPStatus.UNAUTHORIZED else ()
        self._send(status, *headers, body=_body_of(access) if access else None)

    def _log_verdict(self, user_name: str, source: str | None, verdict: Verdict) -> None:
        """Log the outcome. A name that nobody has is left out: it may be a password."""
        try:
            known = self.server.workspace.snapshot().find(user_name) is not None
        except StoreError:
            known = False
        shown = f"“{printable(user_name, 100)}”" if known else "an unknown name"
        reason = f": {printable(verdict.error)}" if verdict.public == "unavailable" else ""
        self.server.log(f"{verdict.outcome} {shown} from {printable(source or '-', 60)}{reason}")

    def _send(
        self, status: HTTPStatus, *headers: tuple[str, str], body: bytes | None = None
    ) -> None:
        answer = f"{status.value} {status.phrase}\n".encode() if body is None else body
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is no HTTP; its text may hold a password and is not repeated."""
        self.close_connection = True
        self._send(HTTPStatus(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing here: `_log_verdict` writes the line."""


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), True, errors="surrogateescape", max_num_fields=8)
    except ValueError:
        raise _Refused(HTTPStatus.BAD_REQUEST) from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    return form


def _basic(header: str) -> tuple[str, str]:
    """Return the credentials (RFC 7617, in UTF-8)."""
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode(errors="surrogateescape")
    except ValueError:
        given = ""
    user_name, colon, password = given.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise _Refused(HTTPStatus.UNAUTHORIZED, _CHALLENGE)
    return user_name, password


def _body_of(access: MailAccess) -> bytes:
    """Return the access as lines of `name=value`, in UTF-8; no value has a line end."""
    fields = {
        "user": access.user,
        "home": access.home,
        "acl": access.acl,
        "uid": access.uid,
        "gid": access.gid,
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()


def _check_loopback(host: str) -> None:
    try:
        if ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    raise LoginServerFailed(
        f"“{printable(host, 60)}” is no loopback address, such as 127.0.0.1 or ::1. Nothing was "
        "started. Passwords go through here in clear, so it serves this machine only."
    )
