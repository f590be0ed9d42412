"""The administrator's pages in the order of README, in one store, against a real directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sync.server.directory_file import hash_directory_password
from sync.server.directory_server import DirectoryServer
from tests.docs.pages import Shell, blocks

PAGES = ("FIRST-HOUR", "NIGHTLY", "BAD-DAY", "UNDO", "NAMES", "BACKUPS")
PASSWORD = "correct horse battery staple"
HASH = hash_directory_password(PASSWORD, cost=4)
ANNA = "CN=Anna Vogt,DC=example"


def person(name: str, distinguished_name: str | None = None) -> dict[str, Any]:
    return {"userName": name, "distinguishedName": distinguished_name, "passwordHash": HASH}


OTHERS = [person(f"p{number:02}") for number in range(1, 28)]
EVERYBODY = [person("anna", ANNA), person("ben"), person("carla"), *OTHERS]
DIRECTORIES = {
    "everybody": EVERYBODY,
    "without carla": [one for one in EVERYBODY if one["userName"] != "carla"],
    "a third": [person("anna", ANNA), person("ben"), *OTHERS[20:]],
    "anna.berg": [person("anna.berg", ANNA), person("ben"), *OTHERS],
}


def test_every_command_of_these_pages(tmp_path: Path) -> None:
    file = tmp_path / "directory.json"
    file.write_text("[]")
    with DirectoryServer(file, log=lambda _: None) as server:
        shell = Shell(tmp_path, server.url, PASSWORD)
        for block in (block for page in PAGES for block in blocks(f"docs/{page}.md")):
            kind, _, name = block.mark.partition(": ")
            if kind == "directory":
                file.write_text(json.dumps(DIRECTORIES[name]))
            shell.run(block.text)
    users = json.loads((tmp_path / "sync.json").read_text())
    assert users["exit_code"] == 0
    assert len(shell.commands) > 20
