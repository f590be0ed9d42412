"""The servers of docs/WRITE-A-SERVER.md: short, running, and conformant."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import ROOT, blocks, write_files
from tests.support.command_line import CommandLine
from tests.support.php_server import require_php
from tests.support.ports import free_port

PAGE = "docs/WRITE-A-SERVER.md"
SECRETS = "the service's password\nAnna's password\n"
LONGEST = 23  # lines


def command_for(name: str, port: int, folder: Path) -> list[str]:
    """Return how the page says that its file is started, on another port."""
    (line,) = [
        block.text.strip()
        for block in blocks(PAGE)
        if block.language == "text" and block.text.endswith(f"{name}\n")
    ]
    words = line.replace(":8080", f":{port}").split()
    file = folder / name
    file.write_text(file.read_text().replace("8080", str(port)))
    return [sys.executable if words[0] == "python3" else require_php(), *words[1:]]


@pytest.fixture(params=["directory.py", "directory.php"])
def url(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    port = free_port()
    page = tmp_path_factory.mktemp("page")  # the examples hold their passwords
    write_files(PAGE, page)
    command = command_for(request.param, port, page)
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=page, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 15
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                break
            except httpx.TransportError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def test_the_examples_keep_to_the_protocol(url: str, tmp_path: Path) -> None:
    (line,) = [block.text for block in blocks(PAGE) if block.language == "sh" and not block.mark]
    words = line.replace("http://127.0.0.1:8080/", url).split()
    done = CommandLine(tmp_path)(*words[1:], "--json", stdin=SECRETS)
    assert words[0] == "mailroster"
    assert done.code == 0, done.out
    assert {item["level"] for item in done.json["findings"]} == {"ok"}, done.out


def test_the_examples_list_a_user_whom_a_sync_can_use(url: str, tmp_path: Path) -> None:
    mailroster = CommandLine(tmp_path)
    mailroster.set_up(url, "requires_authentication=true", "user_name=archive")
    assert mailroster("settings", "set", "password", stdin="the service's password").code == 0
    assert mailroster("sync", "--yes").code == 0
    anna = mailroster.users()["anna"]
    assert (anna["email_addresses"], anna["directory_id"]) == (["av@example.com"], "7")
    assert mailroster.log_on("anna", "Anna's password") == 0
    assert mailroster.log_on("anna", "another password") == 1


@pytest.mark.parametrize("language", ["python", "php"])
def test_the_examples_are_short(language: str) -> None:
    (text,) = [
        block.text
        for block in blocks(PAGE)
        if block.language == language and block.mark.startswith("file: directory.")
    ]
    assert len([line for line in text.splitlines() if line.strip()]) <= LONGEST


def test_the_exit_codes_are_the_commands_own() -> None:
    from tui.cli.directory_check import EXIT_CODES

    page = (ROOT / PAGE).read_text()
    assert all(f"| {code} | " in page for code in set(EXIT_CODES.values()))
