"""An Application Integration server in which each rule of the protocol can be broken by itself."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]  # a status, and JSON or bytes


@dataclass
class ScriptedDirectory:
    """What the server answers; as it is made, it keeps to the protocol."""

    users: Any = field(default_factory=lambda: [{"userName": "anna"}, {"userName": "bob"}])
    passwords: dict[str, str] = field(default_factory=lambda: {"anna": "grün & +%41"})
    credentials: tuple[str, str] | None = ("archive", "secret")
    headers: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    unauthorized: int = 401
    unauthorized_commands: tuple[str, ...] = ()
    lists_on_get: bool = False
    lists_on_anything: bool = False
    empty_password: Answer = (200, False)
    wrong_password: Answer = (200, False)
    unknown_user: Answer = (200, {"succeeded": False})
    list_status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, form: dict[str, str], given: str) -> Answer:
        """Return the answer to one request."""
        command = form.get("cmd", "")
        if self.credentials and command not in self.unauthorized_commands:
            wanted = base64.b64encode(":".join(self.credentials).encode()).decode()
            if given != f"Basic {wanted}":
                return self.unauthorized, b"no"
        if method != "POST" and not self.lists_on_get:
            return 405, b"no"
        if command == "list" or (self.lists_on_anything and command != "auth"):
            return self.list_status, self.users
        if command != "auth":
            return 400, b"no"
        known = self.passwords.get(form["userName"])
        if known is None:
            return self.unknown_user
        if not form["password"]:
            return self.empty_password
        return (200, {"succeeded": True}) if form["password"] == known else self.wrong_password


class _Handler(BaseHTTPRequestHandler):
    directory: ScriptedDirectory

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        query = body or urlsplit(self.path).query
        form = {name: values[0] for name, values in parse_qs(query, True).items()}
        self.directory.asked.append(form)
        status, value = self.directory.answer(
            self.command, form, self.headers.get("Authorization", "")
        )
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **self.directory.headers,
        }
        self.send_response(status)
        for name, text in headers.items():
            if name not in self.directory.without:
                self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def scripted_directory(**changes: Any) -> Iterator[ScriptedDirectory]:
    """Run one, with these of its rules changed."""
    directory = ScriptedDirectory(**changes)
    handler = type("Handler", (_Handler,), {"directory": directory})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        directory.url = f"http://127.0.0.1:{server.server_port}/ai"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield directory
        finally:
            server.shutdown()
            thread.join()
