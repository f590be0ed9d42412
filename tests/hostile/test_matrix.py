"""Every misbehaviour of a directory, at `list` and at log-on, where it is an outage and no more."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote

import pytest

from store.interface import Batch, Edit
from store.models import Settings, User
from sync.directory.connect import fetch
from sync.directory.listing import Listing
from sync.errors import DirectoryError
from sync.logon.login import Verdict, check_log_on
from sync.workspace import Workspace
from tests.hostile.behaviours import CONTINUE, ONLY_AT_LIST, ONLY_AT_LOG_ON, ROWS, Row
from tests.support.builders import managed
from tests.support.hostile_server import (
    Behaviour,
    HostileServer,
    answer,
    hostile_server,
    response,
)

PASSWORD = "the-password-of-dora"
SERVICE_PASSWORD = "the-password-of-the-service"
CREDENTIALS = b64encode(f"sync:{SERVICE_PASSWORD}".encode()).decode()
LIMITS = Settings(
    directory_service="application_integration",
    requires_authentication=True,
    user_name="sync",
    max_answer_mib=4,
    max_users=100,
    list_timeout=1,
    login_timeout=1,
)
USERS = [User(user_name="root", privileges=["admin"], password_hash="$2b$x"), managed("dora")]
SOURCE = "192.0.2.1"
LIST = b'[{"userName": "dora"}]'
RIGHT_LIST = answer(LIST)
HINTS = response(b"", "103 Early Hints", Link="</x>")
MOST_SECONDS = 5  # with a deadline of 1 s, on a loaded machine


@contextmanager
def directory(workspace: Workspace, behave: Behaviour) -> Iterator[HostileServer]:
    """Have a store with a directory user ask this server; the store is the same afterwards."""
    with hostile_server(behave) as server:
        settings = replace(
            LIMITS, url=server.url, password=workspace.secrets.encrypt(SERVICE_PASSWORD)
        )
        workspace.store.apply(Batch([Edit.create(user) for user in USERS], settings=settings))
        before = workspace.host_path.read_bytes()
        start = time.monotonic()
        yield server
        assert time.monotonic() - start < MOST_SECONDS
    assert workspace.host_path.read_bytes() == before


def listed(workspace: Workspace) -> Listing:
    return asyncio.run(fetch(workspace, workspace.snapshot().settings))


def log_on(workspace: Workspace) -> Verdict:
    return check_log_on(workspace, "dora", PASSWORD, SOURCE)


def counted(workspace: Workspace) -> list[int]:
    return [failures.failed for failures in workspace.lockout.failures("dora", SOURCE)]


def whole(body: bytes) -> bytes:
    return response(body, Content_Length=str(len(body)))


def check_error(row: Row, error: Exception | None, server: HostileServer) -> None:
    text = str(error)
    assert type(error) is row.kind, text
    assert row.words in text
    assert "Nothing was changed." in text
    assert f"127.0.0.1:{server.port}" in text
    assert text.isprintable()
    assert len(text) < 800
    assert PASSWORD not in text
    assert SERVICE_PASSWORD not in text
    assert len(server.requests) <= 1, "asked twice"


@pytest.mark.parametrize("name", [*ROWS, *ONLY_AT_LIST])
def test_at_list(workspace: Workspace, name: str) -> None:
    row = {**ROWS, **ONLY_AT_LIST}[name]
    with directory(workspace, row.behave) as server:
        with pytest.raises(DirectoryError) as caught:
            listed(workspace)
        check_error(row, caught.value, server)


@pytest.mark.parametrize("name", [*ROWS, *ONLY_AT_LOG_ON])
def test_at_log_on(workspace: Workspace, name: str) -> None:
    row = {**ROWS, **ONLY_AT_LOG_ON}[name]
    with directory(workspace, row.behave) as server:
        verdict = log_on(workspace)
        check_error(row, verdict.error, server)
    assert (verdict.outcome, verdict.public) == ("outage", "unavailable")
    assert counted(workspace) == [0, 0, 0]


class TestControls:
    @pytest.mark.parametrize(
        "behave", [RIGHT_LIST, lambda peer: peer.send(CONTINUE + HINTS + whole(LIST))]
    )
    def test_a_right_list(self, workspace: Workspace, behave: Behaviour) -> None:
        with directory(workspace, behave) as server:
            assert listed(workspace).listed == 1
        assert "Authorization: Basic" in server.requests[0].head

    @pytest.mark.parametrize(
        ("behave", "outcome", "failed"),
        [
            (answer("true"), "accepted", 0),
            (answer('{"succeeded": true}'), "accepted", 0),
            (lambda peer: peer.send(CONTINUE + HINTS + whole(b"true")), "accepted", 0),
            (answer("false"), "refused", 1),
            (answer("<html>", "403 Forbidden"), "refused", 1),
        ],
    )
    def test_a_right_verdict(
        self, workspace: Workspace, behave: Behaviour, outcome: str, failed: int
    ) -> None:
        with directory(workspace, behave):
            assert log_on(workspace).outcome == outcome
        assert counted(workspace) == [failed] * 3


def test_a_redirect_sends_the_form_nowhere(workspace: Workspace) -> None:
    with hostile_server(answer("true")) as elsewhere:
        moved = answer("", "307 Temporary", Location=elsewhere.url)
        with directory(workspace, moved) as server:
            assert log_on(workspace).outcome == "outage"
        assert PASSWORD in server.requests[0].body.decode()
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "behave",
    [
        answer("", "302 Found", Location=f"https://x.example/{PASSWORD}/?p={PASSWORD}#{PASSWORD}"),
        answer("true", Content_Encoding=PASSWORD),
        answer(f'{{"{PASSWORD}": 1, "{PASSWORD}": 1}}'),
        answer(f'{{"{SERVICE_PASSWORD}": 1, "{SERVICE_PASSWORD}": 1}}'),
        answer(f'{{"{CREDENTIALS}": 1, "{CREDENTIALS}": 1}}'),
        answer("", "302 Found", Location=f"https://x.example/{quote(CREDENTIALS, safe='')}"),
        *(
            answer(f'{{"{"x" * (58 - shown)}{PASSWORD}": 1, "{"x" * (58 - shown)}{PASSWORD}": 1}}')
            for shown in range(3, 12)
        ),
        answer("", "302 Found", Location=f"https://x.example/{'x' * 170}/{PASSWORD}"),
    ],
)
def test_a_directory_that_repeats_the_password(workspace: Workspace, behave: Behaviour) -> None:
    with directory(workspace, behave):
        error = str(log_on(workspace).error)
    assert PASSWORD not in error
    assert SERVICE_PASSWORD not in error
    assert not {text[:4] for text in (PASSWORD, CREDENTIALS)} & {
        error[place : place + 4] for place in range(len(error))
    }
    assert "…" in error
