"""Connection: certificates, the stored password, a log-on that is only tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store.errors import StoreUnreachable
from sync.configure import configure
from sync.directory.certificate import fetch_certificate, fingerprint
from sync.directory.types import TYPES
from sync.directory.types.application_integration import APPLICATION_INTEGRATION
from sync.directory.types.directory_type import SettingField
from sync.errors import ConnectionFailed, NotHTTPS, TimedOut
from sync.logon.explain import Step
from sync.workspace import Workspace, open_workspace
from tests.support.authority import Authority, certificate_only, server_context
from tests.support.builders import managed
from tests.support.directory import Directory
from tests.support.hostile_server import Connection, answer, hostile_server
from tests.support.user_file import USER_FILE
from tests.tui.driver import PASSWORD, driving
from tui.screens.connection_dialogs import TryLogOn
from tui.widgets.fields import Tick

ROOT = {"administrator": "root"}
USERS = '[{"userName": "anna"}]'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class TestFetch:
    async def test_it_is_read_without_being_trusted(self, authority: Authority) -> None:
        file = authority.issue()
        with hostile_server(
            Connection.hold, server_context(file), waits_for_request=False
        ) as server:
            fetched = await fetch_certificate(server.settings())
        assert fetched.pem == certificate_only(file)
        assert (fetched.subject, fetched.issuer) == ("CN=server", "CN=Test CA")
        assert len(fetched.fingerprint) == 95
        assert fetched.time_problem == ""

    async def test_the_credentials_are_not_sent(self, authority: Authority) -> None:
        with hostile_server(Connection.hold, server_context(authority.issue())) as server:
            await fetch_certificate(
                server.settings(requires_authentication=True, user_name="archive")
            )
        assert server.requests == []

    async def test_failures_are_named(self) -> None:
        with hostile_server(Connection.hold, waits_for_request=False) as server:
            silent = server.settings(url=server.url.replace("http:", "https:"), login_timeout=1)
            with pytest.raises(TimedOut):
                await fetch_certificate(silent)
        with pytest.raises(ConnectionFailed):
            await fetch_certificate(silent)
        with (
            hostile_server(lambda peer: peer.send(b"hello"), waits_for_request=False) as server,
            pytest.raises(NotHTTPS),
        ):
            await fetch_certificate(
                server.settings(url=server.url.replace("http:", "https:"), login_timeout=2)
            )

    def test_a_text_that_is_no_certificate(self) -> None:
        assert fingerprint("nonsense") == ""


async def test_an_untrusted_certificate_is_shown_and_pinned(
    filled: Callable[..., Workspace], authority: Authority
) -> None:
    file = authority.issue(self_signed=True)
    digits = fingerprint(certificate_only(file))
    with hostile_server(answer(USERS), server_context(file)) as server:
        workspace = filled(url=server.url, ignore_ssl_warnings=True)
        async with driving(workspace, **ROOT) as admin:
            await admin.press("f2")
            await admin.focus("#ignore_ssl_warnings")
            await admin.press("space", "ctrl+t")
            await admin.sees("is self-signed", "The server's certificate", "CN=server", digits[:47])
            await admin.sees(digits[48:], "Compare the fingerprint")
            await admin.press("p")
            await admin.sees("Reached: 1 user listed", "Not saved yet.", digits[:35])
            await admin.press("ctrl+s")
            await admin.sees("Saved.")
            assert workspace.snapshot().settings.pinned_certificate == certificate_only(file)
            assert not workspace.snapshot().settings.ignore_ssl_warnings

            await admin.press("ctrl+g")
            await admin.sees("The server's certificate")
            await admin.press("p")
            await admin.sees("It is pinned already.")
            await admin.press("escape", "ctrl+r")
            await admin.sees("Pinned certificate none", "Not saved yet.")
            await admin.press("ctrl+r")
            await admin.sees("No certificate is pinned.")


@pytest.mark.parametrize("service", [APPLICATION_INTEGRATION.name, "keyed"])
async def test_a_user_name_authenticates_where_the_type_says_so(
    filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    keyed = replace(USER_FILE, name="keyed", fields=(SettingField("user_name", "Key"),))
    monkeypatch.setitem(TYPES, "keyed", keyed)
    workspace = filled(url="http://127.0.0.1/", directory_service=service)
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#user_name")
        await admin.type("archive")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")
    settings = workspace.snapshot().settings
    assert settings.user_name == "archive"
    assert settings.requires_authentication is (service != "keyed")


async def test_the_ca_can_be_named_instead(
    filled: Callable[..., Workspace], authority: Authority
) -> None:
    with hostile_server(answer(USERS), server_context(authority.issue())) as server:
        async with driving(filled(url=server.url), **ROOT) as admin:
            await admin.press("f2", "ctrl+t")
            await admin.sees("comes from an unknown issuer", "CN=Test CA")
            await admin.press("c")
            await admin.sees("Enter the path of the CA's file")
            await admin.type(str(authority.file))
            await admin.press("ctrl+t")
            await admin.sees("Reached: 1 user listed")


async def test_an_expired_certificate_cannot_be_pinned(
    filled: Callable[..., Workspace], authority: Authority
) -> None:
    file = authority.issue(expires=timedelta(days=-1))
    with hostile_server(answer(USERS), server_context(file)) as server:
        async with driving(filled(url=server.url), **ROOT) as admin:
            await admin.press("f2", "ctrl+t")
            await admin.sees("It has expired. Have it renewed.")
            await admin.press("p")
            assert admin.words.count("It has expired. Have it renewed.") > 1
            await admin.press("escape")
            await admin.sees("Pinned certificate none")


async def test_escape_gives_a_check_up(filled: Callable[..., Workspace]) -> None:
    with hostile_server(Connection.hold) as server:
        async with driving(filled(url=server.url), **ROOT) as admin:
            await admin.press("f2", "ctrl+t")
            await admin.sees("Asking the directory ... Esc cancels.")
            await admin.press("ctrl+t")
            await admin.sees("mailroster is asking the directory already.")
            await admin.press("escape")
            await admin.sees("Stopped asking the directory.", "Pinned certificate")
            assert "Asking" not in admin.text
            await admin.press("ctrl+t")
            await admin.sees("Asking the directory")
            await admin.press("escape", "escape")
            await admin.sees("Test Settings (t)")


async def test_a_refused_certificate_is_still_named_after_its_dialog(
    filled: Callable[..., Workspace], authority: Authority
) -> None:
    with hostile_server(answer(USERS), server_context(authority.issue())) as server:
        async with driving(filled(url=server.url), **ROOT) as admin:
            await admin.press("f2", "ctrl+t")
            await admin.sees("comes from an unknown issuer", "CN=Test CA")
            await admin.press("escape")
            await admin.sees("comes from an unknown issuer", "Pinned certificate none")
            assert "Asking" not in admin.text
            await admin.press("ctrl+g")
            await admin.sees("CN=Test CA")
            await admin.press("escape")
            assert "unknown issuer" not in admin.text


async def test_what_is_told_of_a_check_stands_alone(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2", "ctrl+o")
        await admin.sees("No password is stored.")
        await admin.press("ctrl+t")
        await admin.sees("Reached: 0 users listed")
        assert "No password is stored." not in admin.words


async def test_ignoring_warnings_stays_possible(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(url="https://directory.example.com/"), **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#ignore_ssl_warnings")
        await admin.press("space")
        await admin.sees("SSL warnings are ignored")
        assert admin.app.screen.query_one("#ignore_ssl_warnings", Tick).value


async def test_the_stored_password_is_forgotten_on_save(filled: Callable[..., Workspace]) -> None:
    workspace = filled(requires_authentication=True, user_name="svc")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2", "ctrl+o")
        await admin.sees("No password is stored.")
        configure(workspace, {}, password="first secret")
        admin.app.refresh_store()
        await admin.sees("(set) leave empty to keep it")
        await admin.press("ctrl+o")
        await admin.sees("(forgotten as soon as you save)", "Not saved yet.")
        assert workspace.snapshot().settings.password
        await admin.press("ctrl+s")
        await admin.sees("Saved.", "(empty)")
        assert workspace.snapshot().settings.password == ""


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"password_command": ("pass", "mail")}, "(from the password command)"),
        ({"password_file": "/run/password"}, "(from the password file)"),
    ],
)
async def test_a_password_from_elsewhere_is_not_forgotten_here(
    filled: Callable[..., Workspace], settings: dict[str, Any], hint: str
) -> None:
    workspace = filled(requires_authentication=True, user_name="svc", **settings)
    configure(workspace, {}, password="first secret")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2")
        await admin.sees(hint)
        await admin.press("ctrl+o")
        await admin.sees("The password is not stored here. It comes from a file or a command.")
        await admin.sees(hint)
        assert "Not saved yet." not in admin.words


async def test_a_password_to_be_forgotten_stays_so_when_others_save(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled(requires_authentication=True, user_name="svc")
    configure(workspace, {}, password="first secret")
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2", "ctrl+o")
        await admin.sees("(forgotten as soon as you save)")
        other = open_workspace(str(workspace.host_path))
        configure(other, {"user_name": "someone"})
        other.close()
        await admin.sees("someone", "(forgotten as soon as you save)", "Not saved yet.")
        await admin.press("ctrl+s")
        await admin.sees("Saved.", "(empty)")
        settings = workspace.snapshot().settings
        assert (settings.user_name, settings.password) == ("someone", "")


async def test_a_password_that_is_being_typed_survives_others(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2")
        await admin.focus("#password")
        await admin.type("new secret")
        other = open_workspace(str(workspace.host_path))
        configure(other, {"user_name": "someone"})
        other.close()
        await admin.sees("someone", "Not saved yet.")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")
        settings = workspace.snapshot().settings
        assert workspace.secrets.decrypt(settings.password) == "new secret"


async def test_a_log_on_that_cannot_be_tried_says_so_and_is_tried_again(
    filled: Callable[..., Workspace],
) -> None:
    answers: list[StoreUnreachable | list[Step]] = [
        StoreUnreachable("The database does not answer.", "Try again later."),
        [Step(True, "The password is right.")],
    ]

    async def explain(_name: str, _password: str | None) -> list[Step]:
        answered = answers.pop(0)
        if isinstance(answered, StoreUnreachable):
            raise answered
        return answered

    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2")
        await admin.app.push_screen(TryLogOn(explain))
        await admin.type("anna")
        await admin.press("enter", "enter")
        await admin.sees("The database does not answer. Nothing was written. Try again later.")
        await admin.press("enter")
        await admin.sees("The password is right.")


async def test_a_log_on_is_tried_and_explained(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("bert", anna="the directory's own")
    workspace = filled(managed("anna"), managed("bert", privileges=["none"]))
    async with driving(workspace, **ROOT) as admin:
        await admin.press("f2", "ctrl+l")
        await admin.press("tab", "enter")
        await admin.sees("Enter a user name.")
        await admin.press("shift+tab")
        await admin.fill("anna", "the directory's own")
        await admin.press("shift+tab", "enter")
        await admin.sees("ok The password is right.", "is the user “anna”")
        assert "directory's own" not in admin.text
        await admin.press("enter")
        await admin.sees("?? The password was not checked. Only a log-on shows")
        await admin.type("wrong")
        await admin.press("enter")
        await admin.sees("no The password is wrong: the directory does not accept it")
        await admin.press("shift+tab", "ctrl+u")
        await admin.type("bert")
        await admin.press("enter", "enter")
        await admin.sees("include neither “Log on” nor “Administrator”")
        await admin.press("shift+tab", "ctrl+u")
        await admin.type("nobody")
        await admin.press("enter", "enter")
        await admin.sees("The user “nobody” does not exist.")
        await admin.press("shift+tab", "ctrl+u")
        await admin.type("root")
        await admin.press("enter")
        await admin.type(PASSWORD)
        await admin.press("enter")
        await admin.sees("The user is integrated", "The password is right.")
        await admin.press("escape")
        await admin.focus("#auth_command")
        await admin.type("2")
        await admin.press("ctrl+l")
        await admin.sees("Save or discard the changes first")
