"""`mailroster systemd-units`: what the services may reach; docs/HOST.md is where they run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.programs import require

UNITS = {
    "mailroster-sync.service",
    "mailroster-sync.timer",
    "mailroster-sync-failed.service",
    "mailroster-login-server.service",
}


@pytest.fixture
def written(mailroster: CommandLine, tmp_path: Path) -> Path:
    """The units of a store that is where docs/HOST.md has it."""
    mailroster.store = Path("/var/lib/mailroster/users.json")
    folder = tmp_path / "units"
    folder.mkdir()
    done = mailroster("systemd-units", "--user", "mail", "--out", str(folder))
    assert done.code == 0, done.err
    assert {path.name for path in folder.iterdir()} == UNITS
    return folder


@pytest.mark.parametrize("unit", sorted(UNITS - {"mailroster-sync.timer"}))
def test_how_exposed_a_service_is(written: Path, unit: str) -> None:
    require("systemd-analyze", "systemd")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(written / unit)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    level = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", told)
    assert level, told
    assert float(level[1]) <= 2.0


def lines(mailroster: CommandLine, name: str) -> set[str]:
    """What the units say of this, each way once."""
    done = mailroster("systemd-units", "--user", "mail")
    assert done.code == 0, done.err
    return {line for line in done.out.splitlines() if line.startswith(f"{name}=")}


@pytest.mark.parametrize(
    ("store", "home", "temporary"),
    [
        ("/srv/mail/users.json", "yes", "yes"),
        ("/home/anna/users.json", "read-only", "yes"),
        ("/tmp/users.json", "yes", "no"),
    ],
)
def test_what_a_service_needs_is_not_hidden(
    mailroster: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    store: str,
    home: str,
    temporary: str,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/srv/config")
    mailroster.store = Path(store)
    program = mailroster("systemd-units", "--user", "mail").out.partition("ExecStart=")[2]
    if program.startswith(("/home/", "/root/")):  # where this Python is
        home = "read-only"
    if program.startswith("/tmp/"):
        temporary = "no"
    assert lines(mailroster, "ProtectHome") == {f"ProtectHome={home}"}
    assert lines(mailroster, "PrivateTmp") == {f"PrivateTmp={temporary}"}


def test_what_a_service_may_write(
    mailroster: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "mail"
    root.mkdir()
    assert mailroster("settings", "set", f"archive_root={root}").code == 0
    monkeypatch.setenv("XDG_CONFIG_HOME", "/srv/config")
    mailroster.store = mailroster.store.rename(tmp_path / "mail" / "users.json")
    writable = {"ReadWritePaths=-/srv/config/mailroster", f"ReadWritePaths=-{root}"}
    assert lines(mailroster, "ReadWritePaths") == writable
    assert lines(mailroster, "Environment") == {'Environment="XDG_CONFIG_HOME=/srv/config"'}
    monkeypatch.setenv("MAILROSTER_ARCHIVE_ROOT", "/mnt/archive")
    assert lines(mailroster, "ReadWritePaths") == {*writable, "ReadWritePaths=-/mnt/archive"}
    assert 'Environment="MAILROSTER_ARCHIVE_ROOT=/mnt/archive"' in lines(mailroster, "Environment")
    monkeypatch.setenv("MAILROSTER_ARCHIVE_ROOT", "none")
    assert lines(mailroster, "ReadWritePaths") == writable


def test_a_folder_that_is_not_there(mailroster: CommandLine) -> None:
    assert mailroster("systemd-units", "--user", "mail", "--out", "/nowhere").code == 2
