"""Connection with an LDAP directory: its fields, its certificate, its first entries, Esc."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.directory.listing import Listing
from sync.workspace import Workspace
from tests.support.answers import answering_by
from tests.support.authority import Authority, certificate_only
from tests.support.builders import answer, listed
from tests.support.ldap_responder import Hang, Request, Responder
from tests.support.slapd import BASE, PEOPLE, Slapd, person, require_python_ldap
from tests.tui.driver import driving

ROOT = {"administrator": "root"}
SERVICE = {"directory_service": "none", "url": ""}


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return Authority(tmp_path).issue()


@pytest.fixture
def slapd(tmp_path: Path, pem: Path) -> Iterator[Slapd]:
    with Slapd(tmp_path, [person("anna", cn="Anna \\x1b[31m Berg"), person("bert")], tls=pem) as it:
        yield it


async def test_from_nothing_to_a_saved_connection(
    filled: Callable[..., Workspace], slapd: Slapd, pem: Path
) -> None:
    workspace = filled(**SERVICE)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#directory_service")
        await admin.press("enter", "end", "enter")
        await admin.sees("Servers", "StartTLS", "No LDAP server is named.")
        assert "Log-on command" not in admin.words
        await admin.focus("#url")
        await admin.type(slapd.tls_url)
        await admin.sees("“Base” must not be empty.")
        await admin.focus("#ldap_base")
        await admin.type("dc=nowhere")
        await admin.press("ctrl+t")
        await admin.sees("The server's certificate", "CN=server")
        await admin.press("p")
        await admin.sees("has no entry dc=nowhere")
        await admin.focus("#ldap_base")
        await admin.press("ctrl+u")
        await admin.type(BASE)
        await admin.press("ctrl+t")
        await admin.sees(
            "The first entries, as users",
            f"Entry uid=anna,{PEOPLE}",
            "User name anna (uid)",
            "Addresses anna@example.com (mail)",
            "(entryUUID)",
        )
        assert workspace.snapshot().settings.url == ""
        await admin.press("escape")
        await admin.sees("Reached: 2 users listed", "Not saved yet.")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")
    settings = workspace.snapshot().settings
    assert settings.more == {"ldap_base": BASE}
    assert settings.pinned_certificate == certificate_only(pem)


async def test_a_url_chooses_the_service_that_it_is_one_of(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(**SERVICE), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#url")
        await admin.press("l", "d")
        await admin.sees("Application Integration")
        await admin.type("aps://dc1")
        await admin.sees("▌LDAP", "Servers", "“Base” must not be empty.")
        await admin.press("ctrl+u")
        await admin.type("https://host/")
        await admin.sees("▌Application Integration", "Not saved yet.")


async def test_a_service_that_was_chosen_by_hand_stays(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(**SERVICE), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#directory_service")
        await admin.press("enter", "end", "enter")
        await admin.focus("#url")
        await admin.type("https://host/")
        await admin.sees("▌LDAP", "Choose Application Integration")


async def test_a_service_that_was_saved_stays(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(**SERVICE), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#url")
        await admin.type("https://host/")
        await admin.press("ctrl+s")
        await admin.sees("Test Settings now?")
        await admin.press("n")
        await admin.focus("#url")
        await admin.press("ctrl+u")
        await admin.type("ldaps://dc1")
        await admin.sees("▌Application Integration", "Choose LDAP")


async def test_the_first_entries_wait_on_connection_whatever_is_typed_meanwhile(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    async def slow(_progress: object) -> Listing:
        await go_on.wait()
        return answer(listed("anna"))

    answering_by(monkeypatch, slow)
    workspace = filled(directory_service="ldap", url="ldap://127.0.0.1", more={"ldap_base": BASE})
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2", "ctrl+t")
        await admin.sees("Asking the directory ... Esc cancels.")
        await admin.focus("#ldap_base")
        await admin.press("ctrl+u", "f5")
        go_on.set()
        await admin.sees("Test Settings")
        await admin.pilot.pause(0.1)
        assert "The first entries" not in admin.text
        await admin.press("f2")
        await admin.sees("The first entries, as users", "User name anna")


async def test_escape_gives_a_mute_server_up(filled: Callable[..., Workspace]) -> None:
    require_python_ldap()

    def mute(_: Request) -> Iterator[bytes]:
        raise Hang

    with Responder(mute) as server:
        workspace = filled(directory_service="ldap", url=server.url, more={"ldap_base": BASE})
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f2", "ctrl+t")
            await admin.sees("Asking the directory ... Esc cancels.")
            await admin.press("escape")
            await admin.sees("Stopped asking the directory.")
