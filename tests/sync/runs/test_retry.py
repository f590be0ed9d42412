"""Asking again: only who did not answer, and only within the deadline."""

from __future__ import annotations

import time

import pytest

from sync.errors import ConnectionFailed, DirectoryError, ServerFailed
from sync.runs.retry import LONGEST_PAUSE, fetch_patiently
from sync.workspace import Workspace
from tests.support.hostile_server import HostileServer, hostile_server, raw, response

LISTED = response(b'[{"userName": "anna"}]', Content_Length="22")


async def ask(
    workspace: Workspace, server: HostileServer, longest: float = LONGEST_PAUSE, **settings: int
) -> list[str]:
    """Return what was told before the directory answered."""
    told: list[str] = []
    listing = await fetch_patiently(
        workspace, server.settings(**settings), told.append, pause=0.01, longest=longest
    )
    assert listing.listed == 1
    return told


async def test_overloaded_and_broken_servers_are_asked_again(workspace: Workspace) -> None:
    answers = [
        response(b"", "503 Busy"),
        response(b"", "429 Slow"),
        response(b"", "500 No"),
        LISTED,
    ]
    with hostile_server(lambda peer: peer.send(answers.pop(0))) as server:
        told = await ask(workspace, server)
    assert len(server.requests) == 4
    assert [text.rpartition("Asking again in ")[2] for text in told] == [
        "0.01 s.",
        "0.02 s.",
        "0.04 s.",
    ]


async def test_so_are_servers_that_are_not_there(workspace: Workspace) -> None:
    with hostile_server(raw(LISTED)) as server:
        away = server.settings(url="http://127.0.0.1:9/", list_timeout=2)
    told: list[str] = []
    with pytest.raises(ConnectionFailed):
        await fetch_patiently(workspace, away, told.append, pause=0.2)
    assert len(told) > 1


@pytest.mark.parametrize(
    "answer",
    [
        response(b"", "401 No"),
        response(b"", "403 No"),
        response(b"", "404 No"),
        response(b"", "302 Found", Location="/x"),
        response(b"<html>", Content_Length="6"),
        response(b"[{", Content_Length="22"),
        b"no HTTP\r\n\r\n",
    ],
)
async def test_a_refusal_and_nonsense_are_final(workspace: Workspace, answer: bytes) -> None:
    with hostile_server(raw(answer)) as server, pytest.raises(DirectoryError):
        await ask(workspace, server)
    assert len(server.requests) == 1


@pytest.mark.alone
async def test_it_gives_up_within_the_deadline(workspace: Workspace) -> None:
    started = time.monotonic()
    with hostile_server(raw(response(b"", "503 Busy"))) as server, pytest.raises(ServerFailed):
        await ask(workspace, server, list_timeout=2)
    assert time.monotonic() - started < 2
    assert len(server.requests) > 2


async def test_the_pauses_stop_growing(workspace: Workspace) -> None:
    """Doubled for ever, the last pause would throw half of the time away."""
    answers = [response(b"", "503 Busy")] * 5 + [LISTED]
    with hostile_server(lambda peer: peer.send(answers.pop(0))) as server:
        told = await ask(workspace, server, longest=0.04)
    assert [text.rpartition("Asking again in ")[2] for text in told] == [
        "0.01 s.",
        "0.02 s.",
        "0.04 s.",
        "0.04 s.",
        "0.04 s.",
    ]
