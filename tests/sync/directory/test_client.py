"""What the client sends, and how it takes a correct answer."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

import pytest

from store.models import Settings
from sync.directory.client import DirectoryClient
from sync.directory.listing import Progress
from tests.support.hostile_server import (
    Connection,
    answer,
    chunked,
    hostile_server,
    raw,
    response,
)

SECRET = "service-secret"
TWO_USERS = b'[{"userName": "anna"}, {"userName": "bert"}]'


async def names(settings: Settings) -> list[str]:
    listing = await DirectoryClient(settings, SECRET).list_users()
    return [user.user_name for user in listing.users]


async def test_the_request_is_one_plain_form() -> None:
    with hostile_server(answer(TWO_USERS)) as server:
        assert await names(server.settings()) == ["anna", "bert"]
    (request,) = server.requests
    head = request.head.lower()
    assert head.startswith("post /ai http/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded" in head
    assert "accept-encoding: identity" in head
    assert "authorization" not in head
    assert request.body == b"cmd=list"


async def test_credentials_are_sent_only_if_the_server_requires_them() -> None:
    with hostile_server(answer("[]")) as server:
        await names(server.settings(user_name="sync", requires_authentication=True))
        await names(server.settings(user_name="sync"))
    expected = "Basic " + base64.b64encode(f"sync:{SECRET}".encode()).decode()
    assert f"Authorization: {expected}" in server.requests[0].head
    assert "authorization" not in server.requests[1].head.lower()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_proxy_in_the_environment_is_ignored(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with hostile_server(answer("[]")) as server, hostile_server(answer("[]")) as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        await names(server.settings())
        assert len(server.requests) == 1
        assert proxy.requests == []


@pytest.mark.parametrize(
    "behave",
    [
        answer(TWO_USERS),
        answer(TWO_USERS, Content_Type="text/json; charset=utf8"),
        answer(TWO_USERS, Content_Type="text/html"),
        answer(b"\xef\xbb\xbf" + TWO_USERS),
        answer(TWO_USERS, Content_Encoding="identity"),
        raw(response(TWO_USERS)),
        raw(response(chunked(TWO_USERS[:9], TWO_USERS[9:], b""), Transfer_Encoding="chunked")),
        lambda connection: connection.drip(response(TWO_USERS), 0.001),
    ],
    ids=[
        "plain",
        "text/json",
        "text/html",
        "bom",
        "identity",
        "until-close",
        "chunked",
        "slow",
    ],
)
async def test_correct_answers(behave: Any) -> None:
    with hostile_server(behave) as server:
        assert await names(server.settings()) == ["anna", "bert"]


async def test_progress_counts_bytes_and_users_across_chunk_borders() -> None:
    def in_pieces(connection: Connection) -> None:
        connection.send(response(b"", Content_Length=str(len(TWO_USERS))))
        connection.drip(TWO_USERS, 0.002)

    seen: list[Progress] = []
    with hostile_server(in_pieces) as server:
        await DirectoryClient(server.settings(), "").list_users(seen.append)
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] == Progress(len(TWO_USERS), len(TWO_USERS), 2)
    for step in seen:
        assert step.users == TWO_USERS[: step.received_bytes].count(b'"userName"')


async def test_progress_without_a_known_size() -> None:
    seen: list[Progress] = []
    body = response(chunked(TWO_USERS, b""), Transfer_Encoding="chunked", Content_Length="7")
    with hostile_server(raw(body)) as server:
        await DirectoryClient(server.settings(), "").list_users(seen.append)
    assert seen == [Progress(len(TWO_USERS), None, 2)]


async def test_a_cancelled_request_ends_at_once() -> None:
    with hostile_server(Connection.hold) as server:
        task = asyncio.create_task(DirectoryClient(server.settings(), "").list_users())
        while not server.requests:
            await asyncio.sleep(0.01)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - start < 10  # the deadline is later


def test_the_repr_shows_no_secret() -> None:
    client = DirectoryClient(Settings(url="http://directory.example/"), SECRET)
    assert repr(client) == "DirectoryClient(http://directory.example/)"
