"""The curl examples of docs/PROTOCOL.md, against the server that the page starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import Shell, blocks, write_files
from tests.support.ports import free_port
from tests.support.programs import require

PAGE = "docs/PROTOCOL.md"


@pytest.fixture
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    page = tmp_path_factory.mktemp("page")  # its file holds a password's hash
    write_files(PAGE, page)
    (line,) = [block.text for block in blocks(PAGE) if block.mark == "server"]
    password, words = re.fullmatch(r'echo "(.*)" \| mailroster (.*)\n', line).groups()  # type: ignore[union-attr]
    server = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", *words.split(), "--port", str(port)],
        cwd=page,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert server.stdin
    assert server.stderr
    try:
        server.stdin.write(password + "\n")
        server.stdin.close()
        assert "Serving" in server.stderr.readline()
        yield port
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()


def test_the_examples_answer_what_the_page_says(port: int, tmp_path: Path) -> None:
    require("curl", "curl")
    shell = Shell(tmp_path, "", "")
    answer = ""
    compared = 0
    for block in blocks(PAGE):
        if block.language == "sh" and not block.mark:
            answer = shell.run(block.text.replace(":8080", f":{port}"))[-1]
        elif block.language == "json":
            assert json.loads(answer) == json.loads(block.text)
            compared += 1
    assert compared == 3
    assert len(shell.commands) == 5
