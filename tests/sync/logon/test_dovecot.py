"""The printed configuration, without a Dovecot; tests/dovecot runs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import InvalidValue
from sync.logon import dovecot
from sync.logon.dovecot import Site, configuration, installed_version, lua_script

SITE = Site(
    command=("/opt/mailroster/bin/mailroster", "--store", "/srv/mail/users.json"),
    owner="mailroster",
    archive=Path("/srv/mail/archive"),
    uid=107,
    gid=109,
    homes=Path("/srv/mail/homes"),
    port=14300,
)


def test_checkpassword_on_2_3() -> None:
    text = configuration(SITE, "2.3", "checkpassword")
    call = "args = /opt/mailroster/bin/mailroster --store /srv/mail/users.json checkpassword"
    assert text.count(f"{call} --homes /srv/mail/homes\n") == 2
    assert "user = mailroster\n" in text
    assert "maildir:/srv/mail/archive:LAYOUT=fs" in text
    assert "mail_plugins = $mail_plugins imap_acl" in text
    assert "listen = 127.0.0.1, ::1" in text


@pytest.mark.parametrize(
    ("version", "field"), [("2.3", 'userdb_acl = "vfile:"'), ("2.4", "userdb_acl_global_path =")]
)
def test_lua_on_both(version: dovecot.Version, field: str) -> None:
    assert "/etc/dovecot/mailroster.lua" in configuration(SITE, version, "lua")
    script = lua_script(version, 14399)
    assert '"http://127.0.0.1:14399/"' in script
    assert field in script
    assert "$" not in script


@pytest.mark.parametrize(
    ("version", "key"), [("2.3", "ssl_key = <"), ("2.4", "ssl_server_key_file = ")]
)
def test_with_a_certificate_the_network_is_served(version: dovecot.Version, key: str) -> None:
    site = replace(SITE, certificate=Path("/etc/x/cert.pem"))
    text = configuration(site, version, "lua")
    assert "ssl = required" in text
    assert "listen = *, ::" in text
    assert f"{key}/etc/x/cert.pem" in text
    assert f"{key}/k.pem" in configuration(replace(site, key=Path("/k.pem")), version, "lua")


def test_a_store_elsewhere_is_named_by_its_address() -> None:
    site = replace(SITE, command=("/opt/mailroster", "--store", "memory://host,other/name?x=y"))
    text = configuration(site, "2.3", "checkpassword")
    assert "--store memory://host,other/name?x=y checkpassword" in text


def test_2_4_has_no_checkpassword() -> None:
    with pytest.raises(InvalidValue, match="no longer has checkpassword"):
        configuration(SITE, "2.4", "checkpassword")


@pytest.mark.parametrize(
    "path", ["/srv/my mail", "archive", "/srv/100%", '/srv/"', "/srv/a\nb", "/$x"]
)
def test_a_path_that_dovecot_would_misread_is_refused(path: str) -> None:
    for site in (
        replace(SITE, archive=Path(path)),
        replace(SITE, homes=Path(path)),
        replace(SITE, command=("/m", "--store", f"{path}/users.json")),
    ):
        with pytest.raises(InvalidValue, match="cannot be written into Dovecot's"):
            configuration(site, "2.3", "lua")


@pytest.mark.parametrize(
    ("printed", "version"),
    [("2.3.19.1 (9b53102964)", "2.3"), ("2.4.1-4 (7d8c0e5759)", "2.4")],
)
def test_the_installed_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, version: str
) -> None:
    program = tmp_path / "dovecot"
    program.write_text(f"#!/bin/sh\necho '{printed}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert installed_version() == version


@pytest.mark.parametrize("script", [None, "echo 2.2.36", "exit 1"])
def test_none_or_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    if script:
        (tmp_path / "dovecot").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "dovecot").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    with pytest.raises(InvalidValue, match="--version"):
        installed_version()
