"""Answers that say of themselves that they are a part, and connections that break after TLS."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from sync import errors
from sync.directory.client import DirectoryClient
from tests.support.authority import Authority, server_context
from tests.support.hostile_server import Connection, answer, hostile_server


@pytest.mark.parametrize(
    ("headers", "mark"),
    [
        ({"Content_Range": "items 0-1/4"}, "Content-Range"),
        ({"content_range": "bytes */4"}, "Content-Range"),
        ({"Link": '</list?page=2>; rel="next"'}, "Link: next"),
        ({"Link": "</list>; rel=prev, </list?page=3>; rel=Next"}, "Link: next"),
        ({"Link": '</list?page=2>; rel="last next"'}, "Link: next"),
        ({"Link": "</style.css>; rel=preload"}, ""),
        ({"Link": '<a; rel=";,=<'}, ""),
        ({"Accept_Ranges": "items"}, ""),
        ({"X_Next": "next"}, ""),
    ],
)
async def test_a_part_is_no_list_and_no_verdict(headers: dict[str, str], mark: str) -> None:
    with hostile_server(answer("true", **headers)) as server:
        client = DirectoryClient(server.settings(), "")
        if not mark:
            assert await client.check_password("anna", "secret")
            return
        with pytest.raises(errors.NotWhole) as caught:
            await client.check_password("anna", "secret")
        with pytest.raises(errors.NotWhole):
            await client.list_users()
    assert f"only a part of the list ({mark})" in str(caught.value)
    assert "Nothing was changed." in str(caught.value)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def closes(peer: Connection) -> None:
    """Say nothing, as servers do that miss a certificate without an alert."""


class TestAfterTheHandshake:
    """With TLS 1.3 a client is refused after its handshake is done, perhaps without an alert."""

    @pytest.mark.parametrize("behave", [closes, Connection.reset], ids=["closed", "reset"])
    async def test_it_may_be_a_client_certificate(self, authority: Authority, behave: Any) -> None:
        with hostile_server(behave, server_context(authority.issue())) as server:
            settings = server.settings(ca_file=str(authority.file))
            with pytest.raises(errors.NotHTTP) as caught:
                await DirectoryClient(settings, "").list_users()
        assert "closed the connection after the TLS handshake" in str(caught.value)
        assert "it may want a client certificate" in str(caught.value)

    async def test_over_http_it_cannot_be_one(self) -> None:
        with hostile_server(closes) as server, pytest.raises(errors.NotHTTP) as caught:
            await DirectoryClient(server.settings(), "").list_users()
        assert "certificate" not in str(caught.value)

    async def test_each_time_a_certificate_is_named(self, authority: Authority) -> None:
        """Alert, reset or end of file: which of them arrives is a race."""
        context = server_context(authority.issue())
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.file)
        with hostile_server(answer("[]"), context) as server:
            client = DirectoryClient(server.settings(ca_file=str(authority.file)), "")
            for _ in range(20):
                with pytest.raises((errors.NotHTTPS, errors.NotHTTP)) as caught:
                    await client.list_users()
                assert "a client certificate" in str(caught.value)


@pytest.mark.parametrize("with_file", [False, True])
@pytest.mark.parametrize("kind", ["leaf", "self_signed", "other_host"])
async def test_labels_stand_in_advice_as_on_the_screen(
    tmp_path: Path, kind: str, with_file: bool
) -> None:
    authority = Authority(tmp_path)
    root = Authority(tmp_path, "Other CA")
    leaf = Authority(tmp_path, "Middle CA", issuer=root).issue()
    files = {
        "leaf": leaf,
        "self_signed": root.issue(self_signed=True),
        "other_host": root.issue("other.example"),
    }
    with hostile_server(answer("[]"), server_context(files[kind])) as server:
        settings = server.settings(ca_file=str(authority.file) if with_file else "")
        with pytest.raises(errors.CertificateRefused) as caught:
            await DirectoryClient(settings, "").list_users()
    advice = caught.value.advice
    assert "as the last resort turn on Ignore SSL warnings." in advice
    assert not re.search(r"ignore ssl|(?<![A-Za-z_])ca\b", advice), advice
    assert re.fullmatch(r"[A-Z].*\.", advice)
