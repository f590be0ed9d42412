"""Ten nights of a timer, by a clock that is set forward: each thing is told once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from store.interface import Batch
from store.models import Settings
from sync.directory.certificate import read_pin
from sync.workspace import Workspace
from tests.support.certificates import self_signed
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.programs import require
from tests.support.receivers import running_receiver

EVERYBODY = tuple(f"user{number}" for number in range(9))
AWAY = "http://127.0.0.1:9/"


class Clock:
    """Sets the time of the commands that it is given to."""

    def __init__(self, mailroster: CommandLine, start: datetime) -> None:
        faketime = require("faketime", "faketime")
        self._mailroster = mailroster
        self._start = start
        self._library = subprocess.check_output(
            [faketime, "now", "printenv", "LD_PRELOAD"], text=True
        ).strip()

    def night(self, number: int) -> str:
        """Make it that night; return the date."""
        now = self._start + timedelta(days=number)
        self._mailroster.environment = {
            **os.environ,
            "LD_PRELOAD": self._library,
            "FAKETIME": f"@{now:%Y-%m-%d %H:%M:%S}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
        return f"{now:%Y-%m-%d}"


@pytest.fixture
def pinned(workspace: Workspace, mailroster: CommandLine, tmp_path: Path) -> datetime:
    """Pin a certificate; return when it ends."""
    pem = self_signed(tmp_path).certificate.read_text()
    workspace.store.apply(Batch(settings=Settings(pinned_certificate=pem, auto_delete=True)))
    return read_pin(pem).valid_until


def test_each_thing_is_told_once(
    pinned: datetime, mailroster: CommandLine, directory: Directory
) -> None:
    clock = Clock(mailroster, pinned - timedelta(days=20, hours=-1))
    clock.night(0)
    url = directory.url
    nights: list[tuple[str, Callable[[], None], int, list[str]]] = [
        ("well", lambda: directory.put(*EVERYBODY), 0, []),
        ("away", lambda: mailroster.set_up(AWAY), 20, ["sync_failed"]),
        ("still away", lambda: None, 20, []),
        ("well again", lambda: mailroster.set_up(url), 0, ["well"]),
        ("too few", lambda: directory.put("user0"), 11, ["guard_stop"]),
        ("still too few", lambda: None, 11, []),
        ("the pin ends in 14 days", lambda: None, 11, ["pin"]),
        ("away instead", lambda: mailroster.set_up(AWAY), 20, ["sync_failed"]),
        ("well but for the pin", lambda: _mend(mailroster, directory, url), 0, ["better"]),
        (
            "a new pin",
            lambda: _done(mailroster("settings", "set", "pinned_certificate=")),
            0,
            ["well"],
        ),
    ]
    with running_receiver() as receiver:
        done = mailroster("settings", "set", "notify_webhook", stdin=receiver.url)
        assert done.code == 0, done.err
        mailroster.set_up(url)
        failing_since: dict[str, str] = {}
        for number, (name, happens, code, told) in enumerate(nights):
            date = clock.night(number)
            happens()
            before = len(receiver.got)
            done = mailroster("sync", "--yes")
            assert done.code == code, f"{name}: {done.err}"
            got = []
            for notice in receiver.got[before:]:
                kinds = [trouble["kind"] for trouble in notice["troubles"]]
                got += kinds or ["well" if notice["well"] else "better"]
            assert got == told, name
            status = mailroster("status", "--json").json
            assert status["at"].startswith(date)
            failing_since[name] = (status["sync"]["failing_since"] or "")[:10]
        assert failing_since["still away"] == failing_since["away"] != ""
        assert failing_since["away instead"] == failing_since["too few"] != ""
        assert failing_since["well again"] == failing_since["a new pin"] == ""
        assert mailroster("status").code == 0


def _mend(mailroster: CommandLine, directory: Directory, url: str) -> None:
    directory.put(*EVERYBODY)
    mailroster.set_up(url)


def _done(done: object) -> None:
    assert getattr(done, "code", None) == 0, done
