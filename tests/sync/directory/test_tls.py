"""Whose certificate is accepted, and what is said about one that is not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

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
from tests.support.replaced import in_place_of

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

    async def test_a_chain_without_its_intermediate(
        self, authority: Authority, tmp_path: Path
    ) -> None:
        """`ca_file` is right, so its advice is not to enter it; with the whole chain it works."""
        between = Authority(tmp_path, "Intermediate CA", issuer=authority)
        leaf = between.issue()
        text = await refusal(leaf, ca_file=str(authority.file))
        assert "Have the server send its whole chain" in text
        assert "Enter the file" not in text
        assert "Have the server send its whole chain" in await refusal(leaf)
        leaf.write_bytes(leaf.read_bytes() + between.file.read_bytes())
        assert await list_from(leaf, ca_file=str(authority.file)) == 1

    async def test_a_root_that_is_sent_and_not_the_one_in_ca_file(
        self, authority: Authority, tmp_path: Path
    ) -> None:
        leaf = authority.issue()
        leaf.write_bytes(leaf.read_bytes() + authority.file.read_bytes())
        other = str(Authority(tmp_path, "Other CA").file)
        assert "another one than the CA in ca_file" in await refusal(leaf, ca_file=other)
        assert "whole chain" not in await refusal(leaf)

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


class TestStrict:
    """What Python 3.13 refuses by default, tried with its flags on any version."""

    @pytest.fixture(autouse=True)
    def strict(self) -> Iterator[None]:
        def strict_context() -> ssl.SSLContext:
            context: ssl.SSLContext = make()
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            return context

        with in_place_of(ssl, "create_default_context", strict_context) as make:
            yield

    async def test_a_ca_whose_constraints_are_not_critical_is_named(self, tmp_path: Path) -> None:
        lax = Authority(tmp_path, "Lax CA", flaw="constraints")
        text = await refusal(lax.issue(), ca_file=str(lax.file))
        assert "“CN=Lax CA”" in text
        assert str(lax.file) in text
        assert "basicConstraints that are not marked critical" in text
        assert "Python 3.13" in text
        assert "issued anew" in text
        file = lax.issue()
        assert await list_from(file, pinned_certificate=certificate_only(file)) == 1

    async def test_another_rule(self, tmp_path: Path) -> None:
        lax = Authority(tmp_path, "Lax CA", flaw="identifiers")
        text = await refusal(lax.issue(), ca_file=str(lax.file))
        assert "a rule of RFC 5280 that Python 3.13" in text

    async def test_the_control(self, authority: Authority) -> None:
        assert await list_from(authority.issue(), ca_file=str(authority.file)) == 1


def without_new_tls(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")


def asking_for_a_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED


def like_before_tls_1_3(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_new_tls, "Turn on TLS 1.2 or 1.3"),
        (asking_for_a_certificate, "client certificate, which mailroster does not have (tls"),
        (like_before_tls_1_3, "whether it wants a client certificate"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_what_a_handshake_misses(authority: Authority, change: Any, words: str) -> None:
    context = server_context(authority.issue())
    change(context)
    context.load_verify_locations(authority.file)
    with hostile_server(answer("[1]"), context) as server:
        settings = server.settings(ca_file=str(authority.file))
        with pytest.raises(errors.NotHTTPS) as caught:
            await DirectoryClient(settings, "").list_users()
    assert words in str(caught.value)
    assert "Nothing was changed." in str(caught.value)


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
        assert "^G on Connection (F2), or run `mailroster settings set pinned_cert" in text

    async def test_the_pinned_one_once_it_expired(self, authority: Authority) -> None:
        file = authority.issue(expires=PAST)
        assert "has expired" in await refusal(file, pinned_certificate=certificate_only(file))

    async def test_one_that_says_it_is_a_ca_and_none_that_it_signed(
        self, authority: Authority
    ) -> None:
        """As `openssl req -x509` makes them."""
        pinned = certificate_only(authority.serving())
        assert await list_from(authority.serving(), pinned_certificate=pinned) == 1
        for host in ("127.0.0.1", "other.example"):
            text = await refusal(authority.issue(host), pinned_certificate=pinned)
            assert "is not the pinned one" in text

    @pytest.mark.parametrize("before", ["", "subject=CN = server\n"])
    async def test_of_a_chain_the_first(self, authority: Authority, before: str) -> None:
        server = authority.issue()
        chain = before + certificate_only(server) + authority.file.read_text()
        assert await list_from(server, pinned_certificate=chain) == 1
        for other in (authority.issue(), authority.issue("other.example"), authority.serving()):
            text = await refusal(other, pinned_certificate=chain, ca_file=str(authority.file))
            assert "is not the pinned one" in text

    async def test_with_the_servers_key_another_one_is_refused_too(
        self, authority: Authority
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pinned, other = authority.issue(key=key), authority.issue(key=key)
        text = await refusal(other, pinned_certificate=certificate_only(pinned))
        assert "is not the pinned one" in text

    async def test_not_valid_yet(self, authority: Authority) -> None:
        file = authority.issue(starts=DAY, expires=2 * DAY)
        text = await refusal(file, pinned_certificate=certificate_only(file))
        assert "is not valid yet" in text

    def test_what_openssl_itself_would_accept(self, authority: Authority) -> None:
        """The control: trusted by OpenSSL, the pinned certificate lets its children in."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=certificate_only(authority.serving()))
        with (
            hostile_server(answer("[1]"), server_context(authority.issue("x.example"))) as server,
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain) as connection,
        ):
            assert connection.version()

    @pytest.mark.parametrize(
        "pem",
        ["x", "ü", " ", "-----BEGIN CERTIFICATE-----\nAA\n",
         "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    )  # fmt: skip
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
        assert f"The TLS connection to 127.0.0.1:{server.port} failed" in str(caught.value)
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
