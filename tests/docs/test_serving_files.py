"""docs/DIRECTORY-SERVER.md, the half about files: its commands run, and serve what they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from sync.server.directory_file import read_file
from sync.server.file_columns import FIELDS, mapping
from tests.docs.pages import ROOT, Shell, blocks, write_files
from tests.support.command_line import CommandLine

PAGE = "docs/DIRECTORY-SERVER.md"
HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
FILES = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000:Anna Berg,,,:/home/anna:/bin/sh\n",
    "dovecot": "anna:{BLF-CRYPT}%s:1000:1000::/home/anna\n",
    "ldif": (
        "version: 1\n\ndn: uid=anna,dc=x\nuid: anna\ncn:: QW5uYSBCZXJn\nmail: a@exa\n mple.com\n"
        "entryUUID: 7\n\ndn: ou=x\nou: x\n"
    ),
}
WANTED: dict[str, dict[str, Any]] = {
    "passwd": {"userName": "anna", "fullName": "Anna Berg"},
    "dovecot": {"userName": "anna"},
    "ldif": {
        "userName": "anna",
        "fullName": "Anna Berg",
        "emailAddresses": ["a@example.com"],
        "id": "7",
    },
}


def marked(mark: str) -> str:
    (found,) = [block.text for block in blocks(PAGE) if block.mark == mark]
    return found


@pytest.mark.parametrize("format_", FILES)
def test_each_conversion_gives_a_file_that_is_served(
    tmp_path_factory: pytest.TempPathFactory, format_: str
) -> None:
    folder = tmp_path_factory.mktemp("files")  # they hold a hash
    write_files(PAGE, folder)
    name = "users.ldif" if format_ == "ldif" else "passwd"
    text = FILES[format_]
    (folder / name).write_text(text % HASH if "%" in text else text)
    Shell(folder, "", "").run(marked(f"convert: {format_}"))
    (made,) = [*folder.glob("users.csv"), *folder.glob("users.json")]
    content = read_file(made)
    (user,) = content.users
    assert {key: user.record[key] for key in WANTED[format_]} == WANTED[format_]
    assert (user.password_hash == HASH) is (format_ == "dovecot")
    assert content.notes == []


def test_a_hash_is_made(tmp_path: Path) -> None:
    assert marked("hash").split() == ["mailroster", "directory-server", "--hash-password"]
    words = [sys.executable, "-m", "tui.cli", "directory-server", "--hash-password"]
    done = subprocess.run(words, input=b"open sesame\n", capture_output=True, check=True)
    assert done.stderr == b""
    assert bcrypt.checkpw(b"open sesame", done.stdout.strip())
    assert CommandLine(tmp_path)("directory-server", "--hash-password", stdin="\n").code == 1


def test_the_map_of_the_page_is_one(tmp_path: Path) -> None:
    words = shlex.split(marked("map"))
    file = tmp_path / words[2]
    file.write_text("Login,First,Last,Mail,Alias\nanna,Anna,Berg,a@example.com,b@example.com\n")
    (user,) = read_file(file, mapping(words[4])).users
    assert user.record["fullName"] == "Anna Berg"
    assert user.record["emailAddresses"] == ["a@example.com", "b@example.com"]
    for name in re.findall(r"`--map ([a-z-]+)`", (ROOT / PAGE).read_text()):
        assert mapping(name).label


def test_the_page_names_all_columns() -> None:
    page = (ROOT / PAGE).read_text()
    assert all(f"`{field}`" in page for field in FIELDS)
