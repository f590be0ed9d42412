"""The main job, through the real command line, on a directory that is neither ours nor Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tinydb import TinyDB

from tests.support.certificates import self_signed
from tests.support.command_line import CommandLine
from tests.support.php_server import PhpDirectory, php_hash, require_php, tls_in_front_of

CREDENTIALS = ("archive", "sérvice & password=1")
PASSWORD = "Käse & Brot = 100%+"
LOCAL_PASSWORD = "sieben lange Würste"
NAMES = ("anna.mueller", "Bob+Shop", "carol", "jörg", "eve", "frank")


def connect(mailroster: CommandLine, url: str) -> None:
    """Set up the directory with its credentials, the way an administrator does."""
    mailroster.set_up(url, "requires_authentication=true", f"user_name={CREDENTIALS[0]}")
    secret = mailroster("settings", "set", "password", stdin=CREDENTIALS[1] + "\n")
    assert secret.code == 0, secret.err
    assert CREDENTIALS[1] not in mailroster.store.read_text()


@pytest.fixture(scope="session")
def password_hash() -> str:
    return php_hash(PASSWORD)


@pytest.fixture
def directory(tmp_path: Path, password_hash: str) -> Iterator[PhpDirectory]:
    require_php()
    php = PhpDirectory(tmp_path, CREDENTIALS)
    for name in NAMES:
        php.users[name] = {
            "userName": name,
            "distinguishedName": f"CN={name},OU=Büro,DC=example,DC=com",
            "fullName": f"Frau {name.title()}",
            "emailAddresses": [f"{name}@example.com", f"{name}@example.org"],
            "passwordHash": password_hash,
        }
    php.start()
    yield php
    php.stop()


@pytest.fixture
def mailroster(tmp_path: Path) -> CommandLine:
    folder = tmp_path / "store"
    folder.mkdir()
    return CommandLine(folder)


@pytest.fixture
def synchronised(mailroster: CommandLine, directory: PhpDirectory) -> CommandLine:
    """A store that has just taken over all the directory's users."""
    connect(mailroster, directory.url)
    done = mailroster("sync", "--yes", "--json")
    assert done.code == 0, done.err
    return mailroster


def counts(**found: int) -> dict[str, int]:
    kinds = ("create", "return", "update", "leave", "delete", "conflict", "rename")
    return {**dict.fromkeys(kinds, 0), **found}


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file below the folder with its content and time, but for notes and caches.

    Locks name their holder, the index is made again by who reads.
    """
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".index", ".outcome")
    }


def test_test_settings_shows_everything_and_writes_nothing(
    mailroster: CommandLine, directory: PhpDirectory
) -> None:
    connect(mailroster, directory.url)
    before = state_of(mailroster.store.parent)
    tested = mailroster("test", "--json")
    assert tested.code == 0, tested.err
    assert tested.json["exit_code"] == 0
    assert tested.json["status"]
    assert tested.json["error"] is None
    assert tested.json["counts"] == counts(create=len(NAMES))
    anna = next(
        change for change in tested.json["changes"] if change["user_name"] == "anna.mueller"
    )
    assert anna["action"] == "create"
    assert anna["archive"] is None
    assert anna["reason"]
    assert anna["fields"]["full_name"] == {"old": None, "new": "Frau Anna.Mueller"}
    assert (
        anna["fields"]["distinguished_name"]["new"] == "CN=anna.mueller,OU=Büro,DC=example,DC=com"
    )
    assert anna["fields"]["email_addresses"]["new"] == [
        "anna.mueller@example.com",
        "anna.mueller@example.org",
    ]
    assert mailroster("test", "--exit-code", "--json").json["exit_code"] == 10
    assert mailroster("test", "--exit-code").code == 10
    assert state_of(mailroster.store.parent) == before


def test_synchronize_now(mailroster: CommandLine, directory: PhpDirectory) -> None:
    connect(mailroster, directory.url)
    done = mailroster("sync", "--yes", "--json")
    assert done.code == done.json["exit_code"] == 0, done.err
    assert done.json["counts"] == counts(create=len(NAMES))
    users = mailroster.users()
    assert set(users) == set(NAMES)
    jörg = users["jörg"]
    assert jörg["full_name"] == "Frau Jörg"
    assert jörg["distinguished_name"] == "CN=jörg,OU=Büro,DC=example,DC=com"
    assert jörg["email_addresses"] == ["jörg@example.com", "jörg@example.org"]
    assert jörg["authentication"] == "directory_services"
    assert jörg["privileges"] == ["login"]
    assert jörg["folder_privileges"] == {"jörg": ["read"]}
    assert "$2" not in mailroster.store.read_text()
    before = state_of(mailroster.store.parent)
    again = mailroster("sync", "--yes", "--json")
    assert again.code == 0
    assert again.json["counts"] == counts()
    assert state_of(mailroster.store.parent) == before


def test_stock_tinydb_opens_the_store(synchronised: CommandLine) -> None:
    with TinyDB(synchronised.store, access_mode="r") as database:
        assert {user["user_name"] for user in database.all()} == set(NAMES)


def test_log_on_with_the_directorys_password(
    synchronised: CommandLine, directory: PhpDirectory
) -> None:
    for name in ("anna.mueller", "ANNA.Mueller", "bob+shop", "jörg"):
        assert synchronised.log_on(name, PASSWORD) == 0, name
    assert synchronised.log_on("anna.mueller", PASSWORD + " ") == 1
    assert synchronised.log_on("anna.mueller", "") == 1
    assert synchronised.log_on("nobody", PASSWORD) == 1


def test_an_outage_is_never_a_wrong_password(
    synchronised: CommandLine, directory: PhpDirectory
) -> None:
    before = state_of(synchronised.store.parent)
    directory.stop()
    assert synchronised.log_on("anna.mueller", PASSWORD) == 111
    assert synchronised.log_on("anna.mueller", "wrong") == 111
    for command in (["test"], ["sync", "--yes"]):
        failed = synchronised(*command, "--json")
        assert failed.code == failed.json["exit_code"] == 20
        assert failed.json["error"]["kind"] == "connection_failed"
        assert failed.json["error"]["message"]
    assert state_of(synchronised.store.parent) == before
    directory.start()
    assert synchronised.log_on("anna.mueller", PASSWORD) == 0


def test_refused_service_credentials_are_an_outage_too(synchronised: CommandLine) -> None:
    synchronised("settings", "set", "password", stdin="another one")
    failed = synchronised("test", "--json")
    assert failed.code == 20
    assert failed.json["error"]["kind"] == "service_credentials_refused"
    assert synchronised.log_on("anna.mueller", PASSWORD) == 111


def test_changed_users_follow_and_gone_users_go_but_never_their_mail(
    synchronised: CommandLine, directory: PhpDirectory
) -> None:
    directory.users["anna.mueller"]["fullName"] = "Anna Meier-Müller"
    directory.users["carol"]["emailAddresses"] = ["carol@example.com"]
    del directory.users["eve"], directory.users["frank"]
    directory.users["new"] = {"userName": "new"}
    directory.write()
    mail = synchronised.archive / "eve" / "cur" / "1:2,S"
    mail.write_text("Subject: hello\n\n")

    kept = synchronised("sync", "--yes", "--json")
    assert kept.code == 0, kept.err
    assert kept.json["counts"] == counts(create=1, update=2)
    assert set(synchronised.users()) == {*NAMES, "new"}

    assert synchronised("settings", "set", "auto_delete=true").code == 0
    tested = synchronised("test", "--json")
    done = synchronised("sync", "--yes", "--json")
    assert done.code == 0, done.err
    assert tested.json["counts"] == done.json["counts"] == counts(delete=2)
    for ran in (tested, done):
        archives = {change["user_name"]: change["archive"] for change in ran.json["changes"]}
        assert archives == {"eve": "kept", "frank": "removed"}
    users = synchronised.users()
    assert set(users) == {"anna.mueller", "Bob+Shop", "carol", "jörg", "new"}
    assert users["anna.mueller"]["full_name"] == "Anna Meier-Müller"
    assert users["carol"]["email_addresses"] == ["carol@example.com"]
    assert mail.read_text() == "Subject: hello\n\n"
    assert not (synchronised.archive / "frank").exists()


def test_an_empty_answer_deletes_nobody(synchronised: CommandLine, directory: PhpDirectory) -> None:
    synchronised("settings", "set", "auto_delete=true")
    before = state_of(synchronised.store.parent)
    directory.users.clear()
    directory.write()
    for words in (["test"], ["sync", "--yes"], ["sync", "--yes", "--allow-deletes", "6"]):
        blocked = synchronised(*words, "--json")
        assert blocked.code == blocked.json["exit_code"] == 11, words
        assert blocked.json["error"]["kind"] == "guard_blocked"
    assert state_of(synchronised.store.parent) == before


def test_a_user_switched_to_integrated_is_independent_of_the_directory(
    synchronised: CommandLine, directory: PhpDirectory
) -> None:
    switched = synchronised("users", "set-auth", "carol", "integrated", stdin=LOCAL_PASSWORD + "\n")
    assert switched.code == 0, switched.err
    assert synchronised.log_on("carol", PASSWORD) == 1
    assert synchronised.log_on("carol", LOCAL_PASSWORD) == 0
    changed = synchronised("users", "set-password", "carol", stdin="another long secret\n")
    assert changed.code == 0, changed.err
    directory.users["carol"]["fullName"] = "Someone Else"
    directory.write()
    carol = synchronised.users()["carol"]

    done = synchronised("sync", "--yes", "--json")
    assert done.code == done.json["exit_code"] == 13
    assert done.json["counts"] == counts(conflict=1)
    assert done.json["changes"][0]["user_name"] == "carol"
    assert synchronised.users()["carol"] == carol
    assert carol["authentication"] == "integrated"

    directory.stop()
    assert synchronised.log_on("carol", "another long secret") == 0
    assert synchronised.log_on("carol", LOCAL_PASSWORD) == 1
    assert synchronised.log_on("anna.mueller", PASSWORD) == 111
    refused = synchronised("users", "set-auth", "carol", "directory_services")
    assert refused.code == 20
    directory.start()
    back = synchronised("users", "set-auth", "carol", "directory_services")
    assert back.code == 0, back.err
    assert synchronised.log_on("carol", PASSWORD) == 0


def test_users_by_hand(synchronised: CommandLine, directory: PhpDirectory) -> None:
    added = synchronised("users", "add", "local", stdin=LOCAL_PASSWORD + "\n")
    assert added.code == 0, added.err
    assert synchronised.log_on("local", LOCAL_PASSWORD) == 0
    synchronised("settings", "set", "auto_delete=true")
    done = synchronised("sync", "--yes", "--json")
    assert done.code == 0
    assert done.json["counts"] == counts()
    assert synchronised("users", "delete", "local", "--yes").code == 0
    assert set(synchronised.users()) == set(NAMES)


def test_a_byte_order_mark_is_accepted(mailroster: CommandLine, directory: PhpDirectory) -> None:
    directory.bom = True
    directory.write()
    connect(mailroster, directory.url)
    assert mailroster("sync", "--yes", "--json").code == 0
    assert set(mailroster.users()) == set(NAMES)
    assert mailroster.log_on("jörg", PASSWORD) == 0
    assert mailroster.log_on("jörg", "wrong") == 1


def test_https_with_a_self_signed_certificate(
    mailroster: CommandLine, directory: PhpDirectory, tmp_path: Path
) -> None:
    made = self_signed(tmp_path)
    with tls_in_front_of(directory.port, made) as port:
        connect(mailroster, f"https://127.0.0.1:{port}/directory")
        refused = mailroster("test", "--json")
        assert refused.code == 20
        assert refused.json["error"]["kind"] == "certificate_refused"
        assert "self-signed" in refused.json["error"]["message"]

        assert mailroster("settings", "set", "ignore_ssl_warnings=true").code == 0
        assert mailroster("test", "--json").json["counts"] == counts(create=len(NAMES))

        trusted = mailroster(
            "settings", "set", "ignore_ssl_warnings=false", f"ca_file={made.certificate}"
        )
        assert trusted.code == 0, trusted.err
        assert mailroster("sync", "--yes", "--json").json["counts"] == counts(create=len(NAMES))
        assert mailroster.log_on("anna.mueller", PASSWORD) == 0
        assert mailroster.log_on("anna.mueller", "wrong") == 1
