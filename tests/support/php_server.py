"""The directory written in PHP, as a process of its own, and a TLS relay for in front of it."""

from __future__ import annotations

import json
import os
import select
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Certificate
from tests.support.ports import free_port
from tests.support.programs import require

SCRIPT = Path(__file__).parents[1] / "php" / "directory.php"
START_SECONDS = 10


def require_php() -> str:
    """Return the path of `php`; see `require`."""
    return require("php", "php-cli")


def php_hash(password: str) -> str:
    """Return PHP's own bcrypt hash, at the lowest cost."""
    code = "echo password_hash($argv[1], PASSWORD_BCRYPT, ['cost' => 4]);"
    command = [require_php(), "-r", code, "--", password]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class PhpDirectory:
    """The directory's process; `users` go by user name and may be changed with `write`."""

    def __init__(self, folder: Path, credentials: tuple[str, str]) -> None:
        self._php = require_php()
        self._state = folder / "state.json"
        self._log = folder / "php.log"
        self._credentials = credentials
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/directory"
        self.users: dict[str, dict[str, Any]] = {}
        self.bom = False

    def write(self) -> None:
        """Let the directory serve `users` and `bom` as they are now."""
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps({"bom": self.bom, "users": list(self.users.values())}))
        fresh.replace(self._state)

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.write()
        user_name, password = self._credentials
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._php, "-S", f"127.0.0.1:{self.port}", str(SCRIPT)],
                env={
                    "PATH": os.environ["PATH"],
                    "DIRECTORY_STATE": str(self._state),
                    "DIRECTORY_USER": user_name,
                    "DIRECTORY_PASSWORD": password,
                },
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    pytest.fail(f"php did not start: {self._log.read_text()}")
                time.sleep(0.02)

    def stop(self) -> None:
        """End the process; its port refuses connections from then on."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None


class _Relay(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.settimeout(10)
        server: Any = self.server
        try:
            with (
                server.context.wrap_socket(self.request, server_side=True) as outer,
                socket.create_connection(("127.0.0.1", server.target)) as inner,
            ):
                other = {outer: inner, inner: outer}
                while True:
                    for ready in select.select(list(other), [], [], 10)[0]:
                        data = ready.recv(65536)
                        if not data:
                            return
                        other[ready].sendall(data)
        except (ssl.SSLError, OSError):
            return  # the client refused the certificate, or went away


@contextmanager
def tls_in_front_of(port: int, made: Certificate) -> Iterator[int]:
    """Accept TLS with this certificate and relay it to `port`; yield the port that does."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Relay) as relay:
        relay.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)  # type: ignore[attr-defined]
        relay.context.load_cert_chain(made.certificate, made.key)  # type: ignore[attr-defined]
        relay.target = port  # type: ignore[attr-defined]
        thread = threading.Thread(target=relay.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield relay.server_address[1]
        finally:
            relay.shutdown()
            thread.join()
