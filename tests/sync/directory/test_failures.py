"""Each failure on the way has its own error, which says what to do; without it all is well."""

from __future__ import annotations

import gzip
import socket
import time
from typing import Any

import pytest

from store.models import Settings
from sync import errors
from sync.directory.client import DirectoryClient
from tests.support.hostile_server import (
    Connection,
    answer,
    chunked,
    hostile_server,
    raw,
    response,
)

MIB = 1 << 20
HOSTILE = "\x1b]0;owned\x07"


async def failure(settings: Settings) -> errors.DirectoryError:
    """The error of a `list` under these settings, with what holds for the text of each."""
    with pytest.raises(errors.DirectoryError) as caught:
        await DirectoryClient(settings, "").list_users()
    text = str(caught.value)
    assert "Nothing was changed." in text
    assert text.isprintable()
    assert f"127.0.0.1:{settings.url.split(':')[2].split('/')[0]}" in text
    return caught.value


async def list_with(behave: Any, **changes: Any) -> int:
    with hostile_server(behave) as server:
        listing = await DirectoryClient(server.settings(**changes), "").list_users()
    return listing.listed


class TestNoConversation:
    @pytest.mark.parametrize(
        "host", ["nobody.invalid", "a..b", "x" * 64 + ".invalid", "xn--a", "ü" + "a" * 70]
    )
    async def test_the_host_is_not_found(self, host: str) -> None:
        with pytest.raises(errors.HostNotFound) as caught:
            await DirectoryClient(Settings(url=f"https://{host}/ai"), "").list_users()
        assert f"The host {host} was not found" in str(caught.value)
        assert "Nothing was changed." in str(caught.value)

    async def test_the_connection_is_refused(self) -> None:
        with hostile_server(answer("[]")) as server:
            settings = server.settings()
            assert (await DirectoryClient(settings, "").list_users()).listed == 0
        error = await failure(settings)
        assert type(error) is errors.ConnectionFailed
        assert "refused the connection" in str(error)

    async def test_the_host_is_unreachable(self) -> None:
        settings = Settings(url="http://255.255.255.255/")
        with pytest.raises(errors.ConnectionFailed, match="cannot be reached") as caught:
            await DirectoryClient(settings, "").list_users()
        assert "firewall" in str(caught.value)


def slow_head(connection: Connection) -> None:
    connection.drip(response(b"[]", X_Padding="x" * 40))


def slow_body(connection: Connection) -> None:
    connection.send(response(b"", Content_Length="1000"))
    connection.drip(b" " * 1000)


def endless_informational(connection: Connection) -> None:
    connection.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.001)


class TestDeadline:
    @pytest.mark.alone
    @pytest.mark.parametrize(
        "behave",
        [Connection.hold, slow_head, slow_body, endless_informational],
        ids=["silence", "slow-head", "slow-body", "endless-informational"],
    )
    async def test_it_is_for_the_whole_request(self, behave: Any) -> None:
        start = time.monotonic()
        with hostile_server(behave) as server:
            error = await failure(server.settings(list_timeout=1))
            assert type(error) is errors.TimedOut
            assert "within 1 s" in str(error)
            assert "list_timeout" in str(error)
            assert 0.9 < time.monotonic() - start < 2

    async def test_silence_instead_of_tls_after_which_the_connection_is_closed(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
            error = await failure(Settings(url=url, list_timeout=1, ignore_ssl_warnings=True))
            assert type(error) is errors.TimedOut
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(1)
                while peer.recv(65536):
                    pass

    async def test_slow_but_within_it(self) -> None:
        assert await list_with(lambda peer: peer.drip(response(b"[]"), 0.01), list_timeout=5) == 0


class TestRedirect:
    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 Gone there"])
    async def test_it_is_reported_and_never_followed(self, status: str) -> None:
        with hostile_server(answer("[]")) as elsewhere:
            target = f"http://127.0.0.1:{elsewhere.port}/new"
            with hostile_server(answer("", status, Location=target + "?echo=1")) as server:
                error = await failure(server.settings())
            assert elsewhere.requests == []
        assert type(error) is errors.Redirected
        assert f"redirects to {target} ({status[:3]})" in str(error)
        assert "echo" not in str(error)

    @pytest.mark.parametrize("target", ["/list/", "list/?a=1", "../list/", "//{host}/list/"])
    async def test_a_relative_target_is_told_as_a_url(self, target: str) -> None:
        with hostile_server(lambda peer: there(peer)) as server:
            host = f"127.0.0.1:{server.port}"
            there = answer("", "301 Moved", Location=target.format(host=host))
            error = await failure(server.settings())
        assert f"redirects to http://{host}/list/ (301)" in str(error)

    @pytest.mark.parametrize("target", [f"http://x/{HOSTILE}", "http://[", "\xff\xfe", "//", "/ü"])
    async def test_a_hostile_target(self, target: str) -> None:
        with hostile_server(answer("", f"302 {HOSTILE}", Location=target)) as server:
            error = await failure(server.settings())
        assert type(error) is errors.Redirected

    @pytest.mark.parametrize("status", ["300 Choices", "304 Not Modified", "399 Strange"])
    async def test_without_a_target(self, status: str) -> None:
        with hostile_server(raw(response(b"", status))) as server:
            error = await failure(server.settings())
        assert type(error) is errors.Redirected
        assert "an unnamed place" in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (401, errors.ServiceCredentialsRefused, "Server requires authentication"),
        (403, errors.Forbidden, "Ask its administrator"),
        (404, errors.ServiceNotFound, "Check the path"),
        (405, errors.ServiceNotFound, "Check the path"),
        (429, errors.ServerFailed, "got too many requests"),
        (500, errors.ServerFailed, "Try again later"),
        (503, errors.ServerFailed, "Try again later"),
        (599, errors.ServerFailed, "Try again later"),
        (400, errors.UnexpectedStatus, "https://"),
        (418, errors.UnexpectedStatus, "Check the URL"),
        (999, errors.ServerFailed, "Try again later"),
    ],
)
async def test_statuses(status: int, kind: type[Exception], advice: str) -> None:
    with hostile_server(answer("[]", f"{status} {HOSTILE}")) as server:
        error = await failure(server.settings())
    assert type(error) is kind
    assert str(status) in str(error)
    assert advice in str(error)


async def test_refused_credentials_are_another_advice_than_missing_ones() -> None:
    with hostile_server(answer("", "401 No")) as server:
        error = await failure(server.settings(requires_authentication=True, user_name="sync"))
    assert type(error) is errors.ServiceCredentialsRefused
    assert "Check the user name and the password" in str(error)


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ("Negotiate", "offers Negotiate for"),
        ("Negotiate, NTLM", "offers Negotiate and NTLM for"),
        ('Digest realm="a, Basic b", nonce="x", qop = "auth"', "offers Digest for"),
        ("Bearer", "offers Bearer for"),
        (f"{HOSTILE}, Secret", "offers another method for"),
        ('Negotiate, Basic realm="x"', "Check the user name and the password"),
        ('Digest realm="x", basic', "Check the user name and the password"),
        ('Basic realm="Negotiate, NTLM"', "Check the user name and the password"),
        ("", "Check the user name and the password"),
    ],
)
async def test_a_401_that_does_not_offer_basic(challenge: str, words: str) -> None:
    with hostile_server(answer("", "401 No", WWW_Authenticate=challenge)) as server:
        error = await failure(server.settings(requires_authentication=True, user_name="sync"))
    assert type(error) is errors.ServiceCredentialsRefused
    assert words in str(error)
    assert "Secret" not in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<title>400 No required SSL certificate was sent</title>", "a client certificate"),
        ("<title>400 The SSL certificate error</title>", "a client certificate"),
        ("<title>400 Bad Request</title>", "unexpected status 400"),
        (" " * MIB + "SSL certificate", "unexpected status 400"),
    ],
)
async def test_a_400_that_wants_a_certificate(body: str, words: str) -> None:
    with hostile_server(answer(body, "400 Bad Request")) as server:
        error = await failure(server.settings())
    assert type(error) is errors.UnexpectedStatus
    assert words in str(error)


class TestNotHTTP:
    @pytest.mark.parametrize(
        ("behave", "words"),
        [
            (raw(b""), "closed the connection without an HTTP answer"),
            (Connection.reset, "closed the connection without an HTTP answer"),
            (raw(b"HTTP/1.1 200 OK\r\nContent-"), "closed the connection without an HTTP answer"),
            (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "closed the connection without an HTTP answer"),
            (raw(f"{HOSTILE}\r\n\r\n".encode()), "is not HTTP"),
            (raw(b"\x15\x03\x01\x00\x02\x02\x0a"), "is not HTTP"),
            (raw(response(b"", "101 Switching", Upgrade="x")), "is not HTTP"),
            (raw(response(b"[]", Content_Length="-2")), "is not HTTP"),
            (raw(response(b"", X="x" * 200_000)), "is not HTTP"),
            (raw(response(b"[]", Transfer_Encoding="gzip, chunked")), "is not HTTP"),
        ],
        ids=[
            "closed",
            "reset",
            "half-a-head",
            "ssh",
            "garbage",
            "tls-alert",
            "upgrade",
            "negative",
            "long-head",
            "gzip",
        ],
    )
    async def test_it(self, behave: Any, words: str) -> None:
        with hostile_server(behave) as server:
            error = await failure(server.settings())
        assert type(error) is errors.NotHTTP
        assert words in str(error)
        assert "https://" in str(error)


class TestCutOff:
    async def test_at_n_of_m(self) -> None:
        with hostile_server(raw(response(b"[{", Content_Length="1234"))) as server:
            error = await failure(server.settings())
        assert type(error) is errors.CutOff
        assert "cut off at 2 of 1234 bytes" in str(error)

    @pytest.mark.parametrize("body", [chunked(b"[]"), chunked(b"[]") + b"zz\r\n"])
    async def test_in_chunks(self, body: bytes) -> None:
        with hostile_server(raw(response(body, Transfer_Encoding="chunked"))) as server:
            error = await failure(server.settings())
        assert type(error) is errors.CutOff
        assert "cut off at 2 bytes" in str(error)

    async def test_by_a_reset(self) -> None:
        def reset(connection: Connection) -> None:
            connection.send(response(b"[", Content_Length="2"))
            time.sleep(0.2)
            connection.reset()

        with hostile_server(reset) as server:
            error = await failure(server.settings())
        assert type(error) is errors.CutOff
        assert "at 1 of 2 bytes" in str(error)

    @pytest.mark.parametrize("length", range(len(b'[{"userName": "a", "n": [1]}]')))
    async def test_truncated_without_a_size_it_is_no_json(self, length: int) -> None:
        body = b'[{"userName": "a", "n": [1]}]'[:length]
        with hostile_server(raw(response(body))) as server:
            error = await failure(server.settings())
        assert type(error) is errors.NotJSON


class TestCompressed:
    @pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip", HOSTILE])
    async def test_it_is_refused(self, encoding: str) -> None:
        body = gzip.compress(b"[]")
        with hostile_server(answer(body, Content_Encoding=encoding)) as server:
            error = await failure(server.settings())
        assert type(error) is errors.Compressed
        assert "Turn compression off" in str(error)


def of_size(size: int) -> bytes:
    return b"[" + b" " * (size - 2) + b"]"


class TestTooLarge:
    async def test_announced(self) -> None:
        def announce(connection: Connection) -> None:
            connection.send(response(b"", Content_Length=str(MIB + 1)))
            connection.hold()

        with hostile_server(announce) as server:
            start = time.monotonic()
            error = await failure(server.settings(max_answer_mib=1))
            assert time.monotonic() - start < 10  # the deadline is later
        assert type(error) is errors.TooLarge
        assert "larger than 1 MiB" in str(error)
        assert "max_answer_mib" in str(error)

    @pytest.mark.parametrize("chunks", [False, True])
    async def test_not_announced(self, chunks: bool) -> None:
        body = of_size(MIB + 1)
        data = (
            response(chunked(body, b""), Transfer_Encoding="chunked") if chunks else response(body)
        )
        with hostile_server(raw(data)) as server:
            error = await failure(server.settings(max_answer_mib=1))
        assert type(error) is errors.TooLarge

    async def test_endless(self) -> None:
        def endless(connection: Connection) -> None:
            connection.send(response(b""))
            while True:
                connection.send(b" " * 65536)

        with hostile_server(endless) as server:
            error = await failure(server.settings(max_answer_mib=1))
        assert type(error) is errors.TooLarge

    async def test_exactly_the_limit(self) -> None:
        body = of_size(MIB)
        assert await list_with(answer(body), max_answer_mib=1) == 0
        assert await list_with(raw(response(body)), max_answer_mib=1) == 0

    async def test_too_many_users(self) -> None:
        body = '[{"userName": "a"}, {"userName": "b"}, 3]'
        with hostile_server(answer(body)) as server:
            error = await failure(server.settings(max_users=2))
        assert type(error) is errors.TooLarge
        assert "3 users" in str(error)
        assert "max_users" in str(error)
        assert await list_with(answer(body), max_users=3) == 3


async def test_a_web_page() -> None:
    with hostile_server(answer("\n<!DOCTYPE html><title>Log on</title>")) as server:
        error = await failure(server.settings())
    assert type(error) is errors.NotJSON
    assert "web page" in str(error)
    assert "line 2, column 1" in str(error)
