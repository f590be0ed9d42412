"""Whose certificate is accepted, and what is said about one that is not."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from store.models import Settings
from sync import errors
from sync.directory.certificate import fetch_certificate
from sync.directory.client import DirectoryClient
from tests.support.authority import DAY, Authority, certificate_only, server_context
from tests.support.hostile_server import (
    Behaviour,
    Connection,
    answer,
    hostile_server,
    raw,
    response,
)

PAST = timedelta(days=-1)


def complain(connection: Connection) -> None:
    """Do what a plain HTTP server does with a TLS greeting."""
    connection.send(response(b"", "400 Bad Request"))
    connection.hold()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def list_from(file: Path, **changes: Any) -> int:
    """Ask a server with the certificate of `file` and return how many users it listed."""
    with hostile_server(answer("[1]"), server_context(file)) as server:
        return (await DirectoryClient(server.settings(**changes), "").list_users()).listed


async def refusal(file: Path, **changes: Any) -> str:
    with pytest.raises(errors.CertificateRefused) as caught:
        await list_from(file, **changes)
    text = str(caught.value)
    assert "Nothing was changed." in text
    assert "The certificate of 127.0.0.1:" in text
    return text


class TestAuthorities:
    async def test_self_signed(self, authority: Authority) -> None:
        text = await refusal(authority.issue(self_signed=True))
        assert "is self-signed" in text
        assert "ca_file" in text
        assert "pin the certificate" in text
        assert "last resort turn on Ignore SSL warnings" in text

    async def test_an_unknown_issuer(self, authority: Authority) -> None:
        text = await refusal(authority.issue())
        assert "unknown issuer" in text
        assert "ca_file" in text

    async def test_the_issuer_in_ca_file(self, authority: Authority) -> None:
        assert await list_from(authority.issue(), ca_file=str(authority.file)) == 1

    async def test_a_self_signed_one_in_ca_file(self, authority: Authority) -> None:
        file = authority.issue(self_signed=True)
        assert await list_from(file, ca_file=str(file)) == 1

    async def test_another_issuer_in_ca_file(self, authority: Authority, tmp_path: Path) -> None:
        other = Authority(tmp_path, "Other CA")
        text = await refusal(authority.issue(), ca_file=str(other.file))
        assert "unknown issuer" in text

    @pytest.mark.parametrize("host", ["other.example", "127.0.0.2"])
    async def test_another_host(self, authority: Authority, host: str) -> None:
        text = await refusal(authority.issue(host), ca_file=str(authority.file))
        assert "is for another host name" in text
        assert "as the certificate names it" in text

    async def test_not_valid_yet(self, authority: Authority) -> None:
        file = authority.issue(starts=DAY, expires=2 * DAY)
        text = await refusal(file, ca_file=str(authority.file))
        assert "is not valid yet" in text
        assert "Check this machine's clock" in text
        assert "ca_file" not in text

    async def test_a_key_too_short_to_be_trusted(self, authority: Authority) -> None:
        file = authority.issue(key=rsa.generate_private_key(65537, 1024))
        lax = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        lax.set_ciphers("DEFAULT@SECLEVEL=0")
        lax.load_cert_chain(file)
        with hostile_server(answer("[1]"), lax) as server:
            settings = server.settings(ca_file=str(authority.file))
            with pytest.raises(errors.CertificateRefused, match=r"was refused .*key too weak"):
                await DirectoryClient(settings, "").list_users()
            assert server.requests == []

    async def test_expired(self, authority: Authority) -> None:
        text = await refusal(authority.issue(expires=PAST), ca_file=str(authority.file))
        assert "has expired" in text
        assert "Have it renewed" in text
        assert "ca_file" not in text


class TestPinned:
    @pytest.mark.parametrize("self_signed", [True, False])
    @pytest.mark.parametrize("host", ["127.0.0.1", "other.example"])
    async def test_the_pinned_one(self, authority: Authority, host: str, self_signed: bool) -> None:
        file = authority.issue(host, self_signed=self_signed)
        assert await list_from(file, pinned_certificate=certificate_only(file)) == 1

    @pytest.mark.parametrize("self_signed", [True, False])
    async def test_another_one(self, authority: Authority, self_signed: bool) -> None:
        pinned = authority.issue(self_signed=self_signed)
        text = await refusal(
            authority.issue(self_signed=self_signed),
            pinned_certificate=certificate_only(pinned),
            ca_file=str(authority.file),
        )
        assert "is not the pinned one" in text
        assert "pin the new one" in text

    async def test_the_pinned_one_once_it_expired(self, authority: Authority) -> None:
        file = authority.issue(expires=PAST)
        assert "has expired" in await refusal(file, pinned_certificate=certificate_only(file))

    @pytest.mark.parametrize("pem", ["x", "ü", " ", "-----BEGIN CERTIFICATE-----\nAA\n"])
    async def test_an_unreadable_pin(self, pem: str) -> None:
        settings = Settings(url="https://127.0.0.1:1/", pinned_certificate=pem)
        with pytest.raises(errors.CertificateRefused, match="pinned certificate cannot be read"):
            await DirectoryClient(settings, "").list_users()


class TestCAFile:
    async def test_a_missing_file(self, tmp_path: Path) -> None:
        settings = Settings(url="https://127.0.0.1:1/", ca_file=str(tmp_path / "no\x1b.pem"))
        with pytest.raises(errors.CertificateRefused, match="cannot be read: No such") as caught:
            await DirectoryClient(settings, "").list_users()
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("content", ["", "no certificate"])
    async def test_a_file_without_certificates(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "ca.pem").write_text(content)
        settings = Settings(url="https://127.0.0.1:1/", ca_file=str(tmp_path / "ca.pem"))
        with pytest.raises(errors.CertificateRefused, match="holds no certificate"):
            await DirectoryClient(settings, "").list_users()

    async def test_without_encryption_it_is_not_read(self) -> None:
        with hostile_server(answer("[]")) as server:
            settings = server.settings(ca_file="/nowhere.pem", pinned_certificate="x")
            assert (await DirectoryClient(settings, "").list_users()).listed == 0


class TestFetched:
    """What is said of a certificate's time before it is pinned."""

    async def time_problem(self, file: Path) -> str:
        with hostile_server(
            Connection.hold, server_context(file), waits_for_request=False
        ) as server:
            return (await fetch_certificate(server.settings())).time_problem

    async def test_in_time_or_expired(self, authority: Authority) -> None:
        assert await self.time_problem(authority.issue()) == ""
        assert "has expired" in await self.time_problem(authority.issue(expires=PAST))

    async def test_not_valid_yet(self, authority: Authority) -> None:
        file = authority.issue(starts=DAY, expires=2 * DAY)
        assert "Check this machine's clock" in await self.time_problem(file)


class TestIgnored:
    @pytest.mark.parametrize("self_signed", [True, False])
    async def test_everything_is_accepted(self, authority: Authority, self_signed: bool) -> None:
        file = authority.issue("other.example", expires=PAST, self_signed=self_signed)
        assert await list_from(file, ignore_ssl_warnings=True) == 1


class TestNotTLS:
    async def test_https_to_a_plain_port(self) -> None:
        text = await self.refusal(complain)
        assert "wrong version number" in text
        assert "Check the port" in text

    @pytest.mark.parametrize("behave", [raw(b""), Connection.reset])
    async def test_https_to_a_port_that_hangs_up(self, behave: Behaviour) -> None:
        assert "closed" in await self.refusal(behave)

    async def refusal(self, behave: Behaviour) -> str:
        with hostile_server(behave, waits_for_request=False) as server:
            settings = server.settings(url=server.url.replace("http:", "https:"))
            with pytest.raises(errors.NotHTTPS) as caught:
                await DirectoryClient(settings, "").list_users()
        assert f"No TLS connection to 127.0.0.1:{server.port} came about" in str(caught.value)
        assert "Nothing was changed." in str(caught.value)
        return str(caught.value)

    async def test_plain_http_to_a_tls_port(self, authority: Authority) -> None:
        with hostile_server(answer("[]"), server_context(authority.issue())) as server:
            settings = server.settings(url=server.url.replace("https:", "http:"))
            with pytest.raises(errors.NotHTTP, match="whether it has to be https://"):
                await DirectoryClient(settings, "").list_users()
            assert server.requests == []

    async def test_a_server_that_wants_a_client_certificate(self, authority: Authority) -> None:
        context = server_context(authority.issue())
        context.verify_mode = ssl.CERT_REQUIRED
        with hostile_server(answer("[]"), context) as server:
            settings = server.settings(ca_file=str(authority.file))
            with pytest.raises(errors.NotHTTPS, match="certificate required"):
                await DirectoryClient(settings, "").list_users()
