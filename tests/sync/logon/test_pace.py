"""Who is locked waits as long as the others, without a check only where that time is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from store.errors import StoreDamaged
from store.models import Settings, User
from store.passwords import hash_password
from sync.directory.connect import rehearse
from sync.directory.types import TYPES
from sync.errors import LogOnRefused
from sync.logon.login import log_on
from sync.logon.pace import Pace
from sync.workspace import Workspace
from tests.support.builders import managed
from tests.support.user_file import USER_FILE

TAKES = 0.05


class Check:
    """A check that takes its time; it counts how often it is made."""

    def __init__(self, result: bool = False) -> None:
        self.made = 0
        self._result = result

    def __call__(self) -> bool:
        self.made += 1
        time.sleep(TAKES)
        return self._result


async def test_a_process_that_knows_no_time_makes_the_check() -> None:
    check = Check()
    assert not await Pace().as_long_as(check)
    assert check.made == 1


async def test_else_it_waits_as_long_without_one() -> None:
    pace = Pace()
    await pace.timed(Check())
    check, started = Check(), time.perf_counter()
    assert not await pace.as_long_as(check)
    assert check.made == 0
    assert time.perf_counter() - started >= TAKES


def damaged() -> bool:
    raise StoreDamaged("The hash is none.", "")


async def test_right_passwords_and_damaged_hashes_tell_no_time() -> None:
    pace = Pace()
    assert await pace.timed(Check(result=True))
    with pytest.raises(StoreDamaged):
        await pace.timed(damaged)
    check = Check()
    await pace.as_long_as(check)
    assert check.made == 1


@pytest.mark.parametrize("name", ["wrong", "locked", "disabled", "dora", "unknown"])
async def test_whoever_is_refused_has_the_directory_got_ready(
    fill: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Of whatever type it is; once in a process is enough."""
    rehearse.cache_clear()
    ready: list[Settings] = []
    monkeypatch.setitem(TYPES, USER_FILE.name, replace(USER_FILE, get_ready=ready.append))
    local = User(user_name="", privileges=["login"], password_hash=hash_password("x" * 15, ""))
    workspace = fill(
        replace(local, user_name="wrong"),
        replace(local, user_name="locked"),
        replace(local, user_name="disabled", privileges=["none"]),
        managed("dora"),
        settings=Settings(directory_service=USER_FILE.name, more={"user_file": "/dev/null"}),
    )
    for number in range(5):
        workspace.lockout.settle("locked", None, right=False, password=f"{number}")
    for _ in range(2):
        with pytest.raises(LogOnRefused):
            await log_on(workspace, name, "wrong horse battery")
    assert len(ready) == 1
