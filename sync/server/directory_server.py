"""An Application Integration server: the directory's side of the protocol, over a file."""

from __future__ import annotations

import hmac
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Self

import orjson

from store.files.durable import LARGEST_TEXT, read_regular
from store.text import printable
from sync.errors import SyncError
from sync.server.directory_file import Directory, DirectoryFile, Unclear
from sync.server.file_columns import Layout
from sync.server.form_server import HEALTH, FormHandler, Refused, cannot_listen
from sync.server.listener import LIMITS, Limits, Listener

MAX_BODY_BYTES = 64 * 1024
_JSON = "application/json; charset=utf-8"


class DirectoryServerFailed(SyncError):
    """The server cannot start: its address or its certificate cannot be used."""

    kind = "directory_server"
    untouched = "Nothing was started."


class DirectoryServer:
    """Serves the users of a CSV or JSON file and checks their passwords.

    It listens from the start, on a free port if `port` is 0. With `credentials`, a user name and
    a password, requests need HTTP Basic authentication. With `certificate`, a PEM file, it speaks
    HTTPS; `key` is that certificate's key unless the same file holds it. `layout` says what the
    file's columns are called; `notes` are what is to be said of the file as it is at the start.
    `log` takes one line per request, free of passwords and of names that nobody has; by default it
    goes to stderr. What bounds the clients are the `limits`, see `Listener`. Raises
    `DirectoryFileInvalid` and
    `DirectoryServerFailed`.
    """

    def __init__(
        self,
        file: Path,
        *,
        layout: Layout | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: tuple[str, str] | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        log: Callable[[str], None] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        directory = DirectoryFile(file, layout)
        self.notes = directory.notes
        tls = _tls(certificate, key) if certificate else None
        try:
            self._listener = _Listener(host, port, directory, credentials, log, limits)
        except (OSError, OverflowError) as error:
            raise DirectoryServerFailed(
                *cannot_listen("The directory server", host, port, error)
            ) from None
        if tls:
            # The handshake happens with the first read, in the connection's own thread.
            self._listener.socket = tls.wrap_socket(
                self._listener.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = self._listener.address("https" if tls else "http")
        self._thread: threading.Thread | None = None

    def serve_forever(self) -> None:
        """Wait while requests are answered, until the process is interrupted."""
        self.start()
        if self._thread:
            self._thread.join()

    def start(self) -> None:
        """Answer requests in a thread of its own, unless it runs already."""
        if not self._thread:
            self._thread = threading.Thread(target=self._listener.serve, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop answering, and close the port."""
        if self._thread:
            self._listener.stop()
            self._thread.join()
            self._thread = None
        else:
            self._listener.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Listener(Listener):
    def __init__(
        self,
        host: str,
        port: int,
        directory: DirectoryFile,
        credentials: tuple[str, str] | None,
        log: Callable[[str], None] | None,
        limits: Limits,
    ) -> None:
        self.directory = directory
        self.credentials = ":".join(credentials).encode() if credentials else None
        super().__init__(host, port, _Handler, log, limits)


class _Handler(FormHandler):
    """One request; HTTP/1.0 ends the connection after it."""

    server: _Listener
    largest_body = MAX_BODY_BYTES
    realm = "Application Integration"
    asked = ""

    def do_POST(self) -> None:  # noqa: N802
        try:
            form = self.form()
            self._check_credentials()
            listing = self._command(form)
        except Refused as refused:
            self.answer(refused.status, *refused.headers)
        except Unclear:
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self.answer(HTTPStatus.OK, body=listing, content_type=_JSON)

    def do_GET(self) -> None:  # noqa: N802
        """Answer whether the file can be served; that needs no credentials."""
        if self.path != HEALTH:
            return self._other_method()
        self.asked = "health"
        self._directory()
        is_bad = self.server.directory.problem is not None
        return self.answer(HTTPStatus.SERVICE_UNAVAILABLE if is_bad else HTTPStatus.OK)

    def _other_method(self) -> None:
        self.answer(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "POST"))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = _other_method  # noqa: N815

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the status and what was asked for; of typed names only those of users."""
        asked = printable(self.asked, 300)
        self.server.log(f"{self.client_address[0]} {int(code)} {asked}".rstrip())

    def _check_credentials(self) -> None:
        wanted = self.server.credentials
        if wanted is None:
            return
        given = ":".join(self.basic_credentials()).encode(errors="surrogateescape")
        if not hmac.compare_digest(given, wanted):
            raise Refused(HTTPStatus.UNAUTHORIZED, self.challenge)

    def _command(self, form: dict[str, str]) -> bytes:
        command = form.get("cmd", "")
        if command == "list":
            self.asked = "cmd=list"
            return self._directory().listing
        if command == "auth" and "userName" in form and "password" in form:
            self.asked = "cmd=auth"
            directory = self._directory()
            is_known = directory.knows(form["userName"])
            self.asked += f" userName={form['userName']}" if is_known else " unknown name"
            right = directory.accepts(form["userName"], form["password"])
            return orjson.dumps({"succeeded": right})
        raise Refused(HTTPStatus.BAD_REQUEST)

    def _directory(self) -> Directory:
        """Return the state to serve; what is wrong with the file is logged."""
        file = self.server.directory
        directory = file.current()
        for line in file.news():
            self.server.log(line)
        return directory


def _tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        for path in filter(None, (certificate, key)):
            read_regular(path, LARGEST_TEXT)  # OpenSSL would wait for a pipe
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        raise DirectoryServerFailed(
            f"The certificate {printable(certificate)} or its key cannot be used: "
            f"{printable(getattr(error, 'strerror', None) or error, 200)}.",
            "Both must be PEM files that belong together, the key without a passphrase.",
        ) from None
    return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")
