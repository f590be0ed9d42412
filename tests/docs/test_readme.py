"""README.md and docs/COMMANDS.md: commands and options exist and are run, the tables are true."""

from __future__ import annotations

import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs.commands_reference import ENVIRONMENT
from sync.server.directory_file import hash_directory_password
from sync.server.directory_server import DirectoryServer
from tests.docs.commands import calls, named_in_table_row
from tests.docs.pages import ROOT, Shell, blocks
from tests.support.scripted_directory import scripted_directory
from tests.tui.terminal import PATIENCE, Terminal
from tui.cli import cli
from tui.cli.exit_codes import MEANINGS

PAGE = "README.md"
TABLES = "docs/COMMANDS.md"
TEXT = (ROOT / TABLES).read_text()
PASSWORD = "correct horse battery staple"
SCREENS = {  # the command, and what its first screen shows
    "": b"first administrator",
    "--low-bandwidth": b"first administrator",
    "--readonly": b"first administrator",
    "demo": b"Test Settings",
}
SERVERS = {  # those that serve until they are stopped, and the tests that run them as processes
    "checkpassword": "tests/cli/test_checkpassword.py",
    "directory-server": "docs/PROTOCOL.md",
    "login-server": "tests/cli/test_login_server.py",
}
STORY = """
settings show
settings set default_privileges=login
settings set password
test --out plan.json
test --exit-code                                    # exit 10
sync --plan plan.json --yes
users show anna
users list
users add zoe
users edit zoe --full-name Zoe
users rename zoe zora
users set-password zora
users set-privileges zora login
users change-privileges zora --give archive
users set-auth zora directory_services --force
users unlock zora
users delete zora --yes
login anna
login anna --source 192.0.2.1
login --explain anna
directory: fewer
settings set auto_delete=true
sync --yes                                          # exit 11
sync --yes --hold-deletes
sync --yes --allow-deletes 4 --report run.csv
history list
history show last
history show last --report last.json
history undo last --out undo.json
history undo last --yes
history pinned
history release p1
history pin p1
history release p1
history list --user p1
history list --all
directory: renamed
test --save-answer answer.json
test --answer answer.json
test --separate anna.berg
test --rename anna.berg
sync --yes --rename anna.berg --skip anna.berg
sync --yes --rename-from anna anna.berg --retry
users add lena
directory: with a namesake
test --link lena
sync --yes --link lena --skip max
sync --yes --separate max
directory: with a name from before
sync --yes                                          # exit 13
test --same zora
sync --yes --new zora --skip zora
sync --yes --same zora --take-ids
sync --yes --skip-always anna.berg --reason because
store check
store check --take-archive
history verify
history verify --head 0                             # exit 22
status
status --json
status --openmetrics
store backup users-copy.json
store restore --list
store restore users-copy.json --yes
store create
store create --sql
store create --sql --from 1
store copy moved/users.json
systemd-units --user mail --on-calendar daily
systemd-units --user mail --out moved
dovecot-config --version 2.4
dovecot-config --version 2.4 --lua
"""


def records(*names: str, anna: str = "anna") -> list[dict[str, str]]:
    hashed = hash_directory_password(PASSWORD, cost=4)
    known = {"userName": anna, "distinguishedName": "CN=Anna", "passwordHash": hashed}
    return [known, *({"userName": name} for name in names)]


EVERYBODY = records("p1", "p2", "p3", "p4")
DIRECTORIES = {
    "everybody": EVERYBODY,
    "fewer": records(),
    "with a namesake": records("lena", "max", "p1", "p2", "p3", "p4", anna="anna.berg"),
    "with a name from before": records(
        "zora", "lena", "max", "p1", "p2", "p3", "p4", anna="anna.berg"
    ),
    "renamed": records("p1", "p2", "p3", "p4", anna="anna.berg"),
}


class Directory:
    """What the server serves."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "directory.json"
        self.url = ""
        self.lists(EVERYBODY)

    def lists(self, users: list[dict[str, str]]) -> None:
        self.file.write_text(json.dumps(users))


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    directory = Directory(tmp_path)
    credentials = ("archive", PASSWORD)
    with DirectoryServer(directory.file, credentials=credentials, log=lambda _: None) as server:
        directory.url = server.url
        yield directory


def table_rows(heading: str) -> list[str]:
    """Return the rows of the first table below a heading."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if re.match(r"\| (`|\d)", line)]


def test_the_main_job(directory: Directory, tmp_path: Path) -> None:
    (block,) = [block for block in blocks(PAGE) if block.mark == "directory"]
    Shell(tmp_path, directory.url, PASSWORD).run(block.text)


def test_completion_as_the_page_says(tmp_path: Path) -> None:
    (block,) = [block for block in blocks(TABLES) if "COMPLETE" in block.text]
    Shell(tmp_path, "", "").run(block.text)
    made = tmp_path / ".local/share/bash-completion/completions/mailroster"
    assert made.read_text() == (ROOT / "docs/completion/mailroster.bash").read_text()


def test_every_command_of_the_table_runs(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, value in {
        "HOME": tmp_path,
        "MAILROSTER_STORE": tmp_path / "users.json",
        "XDG_CONFIG_HOME": tmp_path / "config",
    }.items():
        monkeypatch.setenv(variable, str(value))
    run: set[str] = {*SCREENS, *SERVERS}

    def mailroster(line: str) -> None:
        words, _, comment = line.partition("  #")
        run.update(calls(words.split()))
        done = CliRunner().invoke(cli, words.split(), input=f"{PASSWORD}\n")
        expected = int(comment.split()[1]) if comment else 0
        assert done.exit_code == expected, f"{line}\n{done.output}"

    mailroster("users add root --privilege admin")
    if os.geteuid() == 0:
        os.chown(tmp_path / "archive", 107, 109)  # root's own would be refused for Dovecot
    mailroster(f"settings set directory_service=application_integration url={directory.url}")
    mailroster("settings set requires_authentication=true user_name=archive password")
    for line in STORY.strip().splitlines():
        if line.startswith("directory: "):
            directory.lists(DIRECTORIES[line.removeprefix("directory: ")])
        else:
            mailroster(line)
    with scripted_directory() as scripted:
        words = ["directory-check", scripted.url, "--user", "archive", "--log-on", "anna"]
        run.update(calls(words))
        done = CliRunner().invoke(cli, words, input="secret\ngrün & +%41\n")
        assert done.exit_code == 0, done.output
    named = set.union(*map(named_in_table_row, table_rows("Commands")))
    assert named - run == set()
    assert {name.partition(" --")[0] for name in named} >= set(cli.list_commands(None)) - {  # type: ignore[arg-type]
        "settings",
        "history",
        "store",
        "users",
    }


@pytest.mark.parametrize("command", SCREENS)
def test_the_screens_start_and_end(command: str, tmp_path: Path) -> None:
    master, slave = os.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    store = str(tmp_path / "users.json")
    environment = {**os.environ, "TERM": "xterm-256color", "MAILROSTER_STORE": store}
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", *command.split()],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        terminal.wait_for(SCREENS[command])
        terminal.press("ctrl+q")
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize("command", SERVERS)
def test_what_serves_is_run_by_another_test(command: str) -> None:
    assert command in (ROOT / SERVERS[command]).read_text()


def test_the_exit_codes_are_the_programs() -> None:
    told = {}
    for row in table_rows("Exit codes"):
        codes, meanings = row.strip("| ").split(" | ")
        several = codes.split(", ")
        parts = meanings.split(", ") if len(several) > 1 else [meanings]
        told |= dict(zip(map(int, several), parts, strict=True))
    assert {code: text.replace("`", "") for code, text in told.items()} == MEANINGS


def test_the_environment_is_the_programs() -> None:
    assert all(f"`{name}`" in TEXT for name in ENVIRONMENT)


def test_ci_runs_the_two_lines_of_the_page() -> None:
    script = (ROOT / ".ci/run").read_text()
    for mark in ("demo", "test"):
        assert mark in {block.mark for block in blocks(PAGE)}
        assert f"$(line_of {mark})" in script
