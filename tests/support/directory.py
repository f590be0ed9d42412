"""A directory whose users a test can change, on a real loopback server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync.server.directory_file import hash_directory_password
from sync.server.directory_server import DirectoryServer


class Directory:
    """The file behind a running server; `url` is where it answers, `log` its log lines,
    `stop` takes it down."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.url = ""
        self.log: list[str] = []
        self.stop: Callable[[], None] = lambda: None
        self.put()

    def put(self, *names: str, **passwords: str) -> None:
        """List these users, and those with passwords, `bert="..."`, too."""
        records: list[dict[str, Any]] = [
            {"userName": name, "fullName": name.title(), "emailAddresses": [f"{name}@example.com"]}
            for name in (*names, *passwords)
        ]
        for record in records:
            if password := passwords.get(record["userName"]):
                record["passwordHash"] = hash_directory_password(password, cost=4)
        self._file.write_text(json.dumps(records))


@contextmanager
def running_directory(folder: Path) -> Iterator[Directory]:
    """A running, empty directory."""
    directory = Directory(folder / "directory.json")
    with DirectoryServer(folder / "directory.json", log=directory.log.append) as server:
        directory.url = server.url
        directory.stop = server.stop
        yield directory
