"""From settings to a log-on, on the command line, with a real slapd."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.command_line import CommandLine
from tests.support.slapd import BASE, PEOPLE, SERVICE, SERVICE_SECRET, Slapd, password_of, person


@pytest.fixture
def mailroster(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def set_up(mailroster: CommandLine, slapd: Slapd, *more: str) -> None:
    done = mailroster(
        "settings", "set", "directory_service=ldap", f"ldap_base={BASE}", f"url={slapd.url}", *more
    )
    assert done.code == 0, done.err


def test_from_settings_to_a_log_on(tmp_path: Path, mailroster: CommandLine) -> None:
    authority = Authority(tmp_path)
    people = [person("anna"), person("bert"), person("cora")]
    with Slapd(tmp_path, people, tls=authority.issue()) as slapd:
        set_up(
            mailroster,
            slapd,
            f"url={slapd.tls_url}",
            f"ca_file={authority.file}",
            "requires_authentication=true",
            f"user_name={SERVICE}",
            "auto_delete=true",
        )
        assert mailroster("settings", "set", "password", stdin=SERVICE_SECRET + "\n").code == 0
        tested = mailroster("test", "--json")
        assert (tested.code, tested.err) == (0, "")
        assert tested.json["counts"]["create"] == 3
        assert mailroster("sync", "--yes").code == 0
        anna = mailroster.users()["anna"]
        assert anna["email_addresses"] == ["anna@example.com"]
        assert anna["distinguished_name"] == f"uid=anna,{PEOPLE}"
        assert mailroster("sync", "--yes", "--json").json["status"] == "no_changes"

        assert mailroster.log_on("Anna", password_of("anna")) == 0
        assert mailroster.log_on("anna", "wrong") == 1
        assert mailroster.log_on("anna", "") == 1

        # The name and the place change; the id stays, and so the person.
        slapd.modify(
            f"dn: ou=left,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: left\n"
        )
        slapd.modify(
            f"dn: uid=anna,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=anne\ndeleteoldrdn: 1\n"
            f"newsuperior: ou=left,{BASE}\n"
        )
        assert mailroster.log_on("anna", password_of("anna")) == 0  # before the next sync
        changed = mailroster("sync", "--yes", "--json").json
        assert changed["counts"] | {"rename": 1, "delete": 0} == changed["counts"]
        assert mailroster.users()["anne"]["distinguished_name"] == f"uid=anne,ou=left,{BASE}"

        # A new person under an old name may not log on as the old one.
        slapd.modify(f"dn: uid=bert,{PEOPLE}\nchangetype: delete\n")
        slapd.modify(person("bert").replace("\n", "\nchangetype: add\n", 1))
        assert mailroster.log_on("bert", password_of("bert")) == 1
        explained = mailroster("login", "bert", "--explain", stdin=password_of("bert") + "\n")
        assert "the directory has no such entry" in explained.out
        asked = mailroster("sync", "--yes", "--json")
        assert asked.code in (11, 13)

    down = mailroster("sync", "--yes", "--json")
    assert (down.code, down.json["error"]["kind"]) == (20, "connection_failed")
    assert mailroster.log_on("cora", password_of("cora")) == 111


def test_a_plain_connection_to_another_host_is_warned_of(
    mailroster: CommandLine, tmp_path: Path
) -> None:
    with Slapd(tmp_path, [person("anna")]) as slapd:
        set_up(mailroster, slapd)
        assert mailroster("test").err == ""
        set_up(mailroster, slapd, "url=ldap://host.invalid")
        assert "plain ldap, passwords cross the network" in mailroster("test").err
