"""The log-on path over loopback HTTP, for mail servers and reverse proxies."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from store.errors import StoreError
from store.text import printable
from sync.errors import SyncError
from sync.logon.access_keeper import AccessKeeper
from sync.logon.login import Verdict
from sync.logon.mail_access import MailAccess, admit
from sync.server.form_server import FormHandler, FormServer, Refused, cannot_listen
from sync.workspace import Workspace

MAX_WORKERS = 32
MAX_BODY_BYTES = 16 * 1024
REQUEST_SECONDS = 5.0
_POLL_SECONDS = 0.1
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n"
)
_STATUSES = {
    "accepted": HTTPStatus.OK,
    "refused": HTTPStatus.FORBIDDEN,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}


class LoginServerFailed(SyncError):
    """The server cannot start: its address cannot be used, or is not this machine's own."""

    kind = "login_server"


class LoginServer(FormServer):
    """Answers log-ons on a loopback address; see docs/LOGON.md for the protocol.

    It listens from the start, on a free port if `port` is 0. At most `MAX_WORKERS` requests are
    worked on at once, whoever comes then gets 503 at once; a request must have arrived within
    `REQUEST_SECONDS`. `log` takes one line per request, free of passwords; by default it goes to
    stderr. The store is kept in memory and read again when it was changed; sessions that are
    open then follow (`AccessKeeper`). Raises `LoginServerFailed`.
    """

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
        self.workspace = workspace
        self.homes = homes
        self.arriving: dict[socket.socket, float] = {}
        self._workers = threading.BoundedSemaphore(MAX_WORKERS)
        try:
            super().__init__(host, port, _Handler, log)
        except (OSError, OverflowError) as error:
            raise LoginServerFailed(cannot_listen("The login server", host, port, error)) from None
        self.url = self.address()

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


class _Handler(FormHandler):
    """One request for each connection.

    It is HTTP/1.1 for `Expect: 100-continue`: Dovecot waits two seconds where that is not heard.
    """

    server: LoginServer
    protocol_version = "HTTP/1.1"
    timeout = REQUEST_SECONDS
    largest_body = MAX_BODY_BYTES
    realm = "mail archive"
    encoding_errors = "surrogateescape"
    status_of_a_short_body = HTTPStatus.REQUEST_TIMEOUT

    def do_POST(self) -> None:  # noqa: N802
        try:
            form = self.form()
            if not {"userName", "password"} <= form.keys():
                raise Refused(HTTPStatus.BAD_REQUEST)
        except Refused as refused:
            self.answer(refused.status)
        else:
            self._check(form["userName"], form["password"], form.get("source"))

    def do_GET(self) -> None:  # noqa: N802
        """For nginx's auth_request: Basic credentials, and the client's address in a header."""
        try:
            user_name, password = self.basic_credentials()
        except Refused as refused:
            self.answer(refused.status, *refused.headers)
        else:
            self._check(user_name, password, self.headers.get("X-Real-IP"), self.challenge)

    def _other_method(self) -> None:
        self.answer(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, POST"))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _other_method  # noqa: N815

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
        self.answer(status, *headers, body=_body_of(access) if access else None)

    def _log_verdict(self, user_name: str, source: str | None, verdict: Verdict) -> None:
        """Log the outcome. A name that nobody has is left out: it may be a password."""
        try:
            known = self.server.workspace.snapshot().find(user_name) is not None
        except StoreError:
            known = False
        shown = f"“{printable(user_name, 100)}”" if known else "an unknown name"
        reason = f": {printable(verdict.error)}" if verdict.public == "unavailable" else ""
        self.server.log(f"{verdict.outcome} {shown} from {printable(source or '-', 60)}{reason}")


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
