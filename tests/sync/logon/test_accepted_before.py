"""Log-ons that are remembered: for how long, and what ends that earlier."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from store.interface import Snapshot
from store.models import Settings, User
from store.passwords import hash_password
from sync.logon.accepted_before import SECONDS, AcceptedBefore
from sync.logon.login_server import LoginServer
from sync.workspace import Workspace
from tests.support.directory import Directory

ANNA = User(user_name="anna", privileges=["login"], authentication="directory_services", rev=3)
ATTEMPT = ("anna", "geheim", "192.0.2.1")


def state(user: User = ANNA, settings: Settings | None = None) -> Snapshot:
    return Snapshot("id", 1, settings or Settings(), {user.key: user.to_row()})


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def accepted(now: list[float]) -> AcceptedBefore:
    remembered = AcceptedBefore(lambda: now[0])
    remembered.add(*ATTEMPT, ANNA, Settings())
    return remembered


def test_it_is_not_prolonged_by_being_used(accepted: AcceptedBefore, now: list[float]) -> None:
    """So a password that was changed in the directory ends when the documents say."""
    for _ in range(int(SECONDS)):
        assert accepted.find(*ATTEMPT, state()) == ANNA
        now[0] += 1
    assert accepted.find(*ATTEMPT, state()) is None


@pytest.mark.parametrize(
    ("attempt", "after"),
    [
        (("anna", "geheim ", "192.0.2.1"), state()),
        (("anna", "geheim", "192.0.2.2"), state()),
        (("anna", "geheim", None), state()),
        (("bert", "geheim", "192.0.2.1"), state()),
        (ATTEMPT, state(replace(ANNA, rev=4))),
        (ATTEMPT, state(replace(ANNA, privileges=["none"]))),
        (ATTEMPT, state(settings=Settings(url="http://127.0.0.1/"))),
    ],
)
def test_whatever_is_different_is_checked_anew(
    accepted: AcceptedBefore, attempt: tuple[str, str, str | None], after: Snapshot
) -> None:
    assert accepted.find(*attempt, after) is None
    assert accepted.find(*ATTEMPT, state()) == ANNA


def test_a_password_that_was_changed_in_the_directory_ends_after_ten_seconds(
    fill: Callable[..., Workspace], directory: Directory, tmp_path: Path
) -> None:
    settings = Settings(directory_service="application_integration", url=directory.url)
    workspace = fill(
        replace(ANNA, rev=0),
        User(user_name="root", privileges=["admin"], password_hash=hash_password("x" * 15, "root")),
        settings=settings,
    )
    server = LoginServer(workspace, tmp_path / "homes", log=lambda _line: None)
    thread = threading.Thread(target=server.run)
    thread.start()

    def status(password: str) -> int:
        form = {"userName": "anna", "password": password, "source": "192.0.2.1"}
        return httpx.post(server.url, data=form, trust_env=False, timeout=30).status_code

    try:
        directory.put(anna="old password")
        assert status("old password") == 200
        accepted_at = time.monotonic()
        directory.put(anna="new password")
        assert status("new password") == 200
        while time.monotonic() < accepted_at + SECONDS:
            asked_at = time.monotonic()
            is_accepted = status("old password") == 200
            if time.monotonic() < accepted_at + SECONDS - 2:
                assert is_accepted, f"after {asked_at - accepted_at} s: the control"
            time.sleep(0.5)
        assert status("old password") == 403
    finally:
        server.stop()
        thread.join(20)
