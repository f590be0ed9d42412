"""An Application Integration server: the directory's side of the protocol, over a file."""

from __future__ import annotations

import base64
import hmac
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

import orjson

from store.text import printable
from sync.errors import SyncError
from sync.server.directory_file import DirectoryFile, DirectoryFileInvalid
from sync.server.server_log import to_stderr

MAX_BODY_BYTES = 64 * 1024
READ_SECONDS = 10.0
_POLL_SECONDS = 0.1
_CHALLENGE = 'Basic realm="Application Integration", charset="UTF-8"'
_JSON = "application/json; charset=utf-8"


class DirectoryServerFailed(SyncError):
    """The server cannot start: its address or its certificate cannot be used."""

    kind = "directory_server"


class DirectoryServer:
    """Serves the users of a CSV or JSON file and checks their passwords.

    It listens from the start, on a free port if `port` is 0. With `credentials`, a user name and
    a password, requests need HTTP Basic authentication. With `certificate`, a PEM file, it speaks
    HTTPS; `key` is that certificate's key unless the same file holds it. `log` takes one line per
    request, free of passwords; by default it goes to stderr. Raises `DirectoryFileInvalid` and
    `DirectoryServerFailed`.
    """

    def __init__(
        self,
        file: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: tuple[str, str] | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        directory = DirectoryFile(file)
        directory.current()
        tls = _tls(certificate, key) if certificate else None
        try:
            self._listener = _Listener(host, port, directory, credentials, log or to_stderr)
        except (OSError, OverflowError) as error:
            raise DirectoryServerFailed(
                f"The directory server cannot listen on {printable(host)} port {port}: "
                f"{getattr(error, 'strerror', None) or error}. Choose another address or port."
            ) from None
        if tls:
            # The handshake happens with the first read, in the connection's own thread.
            self._listener.socket = tls.wrap_socket(
                self._listener.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls else "http"
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{scheme}://{shown}:{self._listener.server_address[1]}/"
        self._thread: threading.Thread | None = None

    def serve_forever(self) -> None:
        """Wait while requests are answered, until the process is interrupted."""
        self.start()
        if self._thread:
            self._thread.join()

    def start(self) -> None:
        """Answer requests in a thread of its own, unless it runs already."""
        if not self._thread:
            self._thread = threading.Thread(
                target=self._listener.serve_forever, args=(_POLL_SECONDS,), daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop answering, and close the port."""
        if self._thread:
            self._listener.shutdown()
            self._thread.join()
            self._thread = None
        self._listener.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        host: str,
        port: int,
        directory: DirectoryFile,
        credentials: tuple[str, str] | None,
        log: Callable[[str], None],
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.directory = directory
        self.credentials = ":".join(credentials).encode() if credentials else None
        self.log = log
        super().__init__((host, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what ended a connection: a failed handshake, a client that went away."""
        self.log(f"{client_address[0]} connection failed: {printable(sys.exc_info()[1], 200)}")


class _Refused(Exception):
    """A request that is answered with an error status."""

    def __init__(self, status: HTTPStatus, header: tuple[str, str] | None = None) -> None:
        self.status = status
        self.header = header


class _Handler(BaseHTTPRequestHandler):
    """One request; HTTP/1.0 ends the connection after it."""

    server: _Listener
    server_version = "mailroster"
    sys_version = ""
    timeout = READ_SECONDS
    asked = ""

    def do_POST(self) -> None:
        try:
            body = self._body()
            self._check_credentials()
            answer = self._command(_form(body))
        except _Refused as refused:
            self._send(refused.status, header=refused.header)
        except DirectoryFileInvalid as error:
            self.server.log(str(error))
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR)
        else:
            self._send(HTTPStatus.OK, answer)

    def _other_method(self) -> None:
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, header=("Allow", "POST"))

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = _other_method  # noqa: N815

    def _body(self) -> bytes:
        """Return the whole body, so that a refusal is not lost with what was left unread."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MAX_BODY_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise _Refused(HTTPStatus.BAD_REQUEST)
        return body

    def _check_credentials(self) -> None:
        if self.server.credentials is None:
            return
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except ValueError:
            given = b""
        same = hmac.compare_digest(given, self.server.credentials)
        if not same or scheme.lower() != "basic":
            raise _Refused(HTTPStatus.UNAUTHORIZED, ("WWW-Authenticate", _CHALLENGE))

    def _command(self, form: dict[str, str]) -> bytes:
        command = form.get("cmd", "")
        self.asked = f"cmd={command}"
        if command == "list":
            return self.server.directory.current().listing
        if command == "auth" and "userName" in form and "password" in form:
            self.asked += f" userName={form['userName']}"
            directory = self.server.directory.current()
            right = directory.accepts(form["userName"], form["password"])
            return orjson.dumps({"succeeded": right})
        raise _Refused(HTTPStatus.BAD_REQUEST)

    def _send(
        self,
        status: HTTPStatus,
        answer: bytes | None = None,
        header: tuple[str, str] | None = None,
    ) -> None:
        asked = printable(self.asked, 300)
        self.server.log(f"{self.client_address[0]} {status.value} {asked}".rstrip())
        body = f"{status.value} {status.phrase}\n".encode() if answer is None else answer
        self.send_response(status)
        if header:
            self.send_header(*header)
        self.send_header("Content-Type", "text/plain" if answer is None else _JSON)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is no HTTP; its text may hold a password and is not logged."""
        self.close_connection = True
        self._send(HTTPStatus(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing here: `_send` writes the one line per request."""


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), True, encoding="utf-8", errors="strict")
    except ValueError:
        raise _Refused(HTTPStatus.BAD_REQUEST) from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    return form


def _tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        raise DirectoryServerFailed(
            f"The certificate {printable(certificate)} or its key cannot be used: "
            f"{printable(getattr(error, 'strerror', None) or error, 200)}. Nothing was started. "
            "Both must be PEM files that belong together, the key without a passphrase."
        ) from None
    return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")
