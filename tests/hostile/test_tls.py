"""TLS that goes wrong at log-on is an outage too; and a certificate that nobody can read."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store.interface import Batch, Edit
from store.models import Settings
from sync.directory.certificate import fetch_certificate
from sync.directory.client import DirectoryClient
from sync.errors import (
    CertificateRefused,
    DirectoryError,
    DirectoryUnreachable,
    HandshakeFailed,
    NotHTTP,
)
from sync.logon.login import check_log_on
from sync.workspace import Workspace
from tests.support.authority import Authority, certificate_only, server_context
from tests.support.builders import AUTO_DELETE, managed
from tests.support.hostile_server import Behaviour, answer, hostile_server, raw

PASSWORD = "the-password-of-dora"
PAST = timedelta(days=-1)
Make = Callable[[Authority], Path]


def ask(workspace: Workspace, url: str, **changes: Any) -> Any:
    settings = replace(AUTO_DELETE, directory_service="application_integration", url=url, **changes)
    users = [] if workspace.snapshot().find("dora") else [Edit.create(managed("dora"))]
    workspace.store.apply(Batch(users, settings=settings))
    return check_log_on(workspace, "dora", PASSWORD)


CERTIFICATES: dict[str, tuple[Make, bool, str]] = {
    "self-signed": (lambda ca: ca.issue(self_signed=True), False, "is self-signed"),
    "unknown issuer": (lambda ca: ca.issue(), False, "comes from an unknown issuer"),
    "expired": (lambda ca: ca.issue(expires=PAST), True, "has expired"),
    "another host": (lambda ca: ca.issue("x.example"), True, "is for another host name"),
    "not the pinned one": (lambda ca: ca.issue(), True, "is not the pinned one"),
    "from the pinned one's issuer": (
        lambda ca: ca.issue("other.example.com"),
        False,
        "is not the pinned one",
    ),
    "signed by the pinned one": (lambda ca: ca.issue(), False, "is not the pinned one"),
}
PINS: dict[str, Callable[[Authority], str]] = {
    "not the pinned one": lambda ca: certificate_only(ca.issue()),
    "from the pinned one's issuer": lambda ca: certificate_only(ca.issue()) + ca.file.read_text(),
    "signed by the pinned one": lambda ca: certificate_only(ca.serving()),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_the_password_is_sent_to_no_unproved_server(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    make, trusted, words = CERTIFICATES[name]
    authority = Authority(tmp_path)
    changes = {"ca_file": str(authority.file)} if trusted else {}
    if name in PINS:
        changes["pinned_certificate"] = PINS[name](authority)
    with hostile_server(answer("true"), server_context(make(authority))) as server:
        verdict = ask(workspace, server.url, **changes)
        assert verdict.public == "unavailable"
        assert type(verdict.error) is CertificateRefused
        assert words in str(verdict.error)
        assert server.requests == []
        # The control: the same server, no longer asked to prove itself.
        assert ask(workspace, server.url, ignore_ssl_warnings=True).public == "accepted"
    assert PASSWORD in server.requests[0].body.decode()


@pytest.mark.parametrize("behave", [raw(b""), raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")])
def test_https_to_what_speaks_no_tls(workspace: Workspace, behave: Behaviour) -> None:
    with hostile_server(behave, waits_for_request=False) as server:
        verdict = ask(workspace, server.url.replace("http:", "https:"))
    assert (verdict.public, type(verdict.error)) == ("unavailable", HandshakeFailed)


def test_plain_http_to_what_speaks_tls(workspace: Workspace, tmp_path: Path) -> None:
    context = server_context(Authority(tmp_path).issue())
    with hostile_server(answer("true"), context) as server:
        verdict = ask(workspace, server.url.replace("https:", "http:"))
    assert (verdict.public, type(verdict.error)) == ("unavailable", NotHTTP)
    assert server.requests == []


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"])
def test_no_proxy_ever_sees_a_log_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with hostile_server(answer("true")) as proxy, hostile_server(answer("true")) as server:
        monkeypatch.setenv(variable, proxy.url)
        assert ask(workspace, server.url).public == "accepted"
        assert proxy.requests == []
        assert len(server.requests) == 1


class TestReadingACertificate:
    def of_another_version(self, authority: Authority, folder: Path) -> Path:
        """A certificate of X.509 version 4, which there is not, with its key."""
        file = authority.issue(self_signed=True)
        pem = certificate_only(file)
        der = ssl.PEM_cert_to_DER_cert(pem)
        changed = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03", 1)
        assert changed != der
        other = folder / "other.pem"
        other.write_text(file.read_text().replace(pem, ssl.DER_cert_to_PEM_cert(changed)))
        return other

    async def test_one_that_nobody_can_read(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        context = server_context(self.of_another_version(authority, tmp_path))
        with (
            hostile_server(raw(b""), context, waits_for_request=False) as server,
            pytest.raises(CertificateRefused, match="cannot be read"),
        ):
            await fetch_certificate(server.settings())

    async def test_the_control(self, tmp_path: Path) -> None:
        context = server_context(Authority(tmp_path).issue(self_signed=True))
        with hostile_server(raw(b""), context, waits_for_request=False) as server:
            certificate = await fetch_certificate(server.settings())
        assert certificate.subject == "CN=server"

    @pytest.mark.parametrize("url", ["https://x:99999/", "https://[::1", "https:///"])
    async def test_a_url_that_was_never_checked(self, url: str) -> None:
        with pytest.raises(DirectoryUnreachable, match="Check the host"):
            await fetch_certificate(Settings(url=url))
        with pytest.raises(DirectoryError, match="Check the"):
            await DirectoryClient(Settings(url=url), "").list_users()
