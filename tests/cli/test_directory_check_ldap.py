"""`mailroster directory-check` of an LDAP directory: nothing is set up, nothing is saved."""

from __future__ import annotations

from pathlib import Path

from tests.support.command_line import CommandLine
from tests.support.ports import free_port
from tests.support.slapd import BASE, SERVICE, SERVICE_SECRET, Slapd, password_of, person


def test_an_ldap_directory_is_checked(mailroster: CommandLine, tmp_path: Path) -> None:
    two = person("bert", uid=["bert", "bertram"]).replace("dn: uid=bert,", "dn: cn=Bert,")
    with Slapd(tmp_path, [person("anna")]) as slapd:
        words = ["directory-check", slapd.url, f"ldap_base={BASE}", "--user", SERVICE]
        typed = f"{SERVICE_SECRET}\n{password_of('anna')}\n"
        sound = mailroster(*words, "--log-on", "anna", stdin=typed)
        assert sound.code == 0, sound.out + sound.err
        for says in (
            "The list: 1 user.",
            "user name anna (uid); full name Anna (cn); addresses anna@example.com (mail)",
            "The given password is accepted.",
            "A wrong password is refused.",
            "mailroster can use the directory.",
        ):
            assert says in sound.out
        wrong = mailroster(*words, "--log-on", "anna", stdin=f"{SERVICE_SECRET}\nx\n")
        assert (wrong.code, "The given password is refused" in wrong.out) == (13, True)
        assert mailroster(*words, stdin="wrong\n").code == 20
        note = "No entry has a value of employeeId that can be read."
        mistyped = mailroster(*words, "ldap_id_attribute=employeeId", stdin=f"{SERVICE_SECRET}\n")
        assert (mistyped.code, note in mistyped.out, note in sound.out) == (0, True, False)
    with Slapd(tmp_path / "second", [person("anna"), two]) as slapd:
        bad = mailroster("directory-check", slapd.url, f"ldap_base={BASE}", "--json")
        assert bad.code == 13
        assert "has 2 values of uid" in str(bad.json["findings"])
    nobody = mailroster("directory-check", f"ldap://127.0.0.1:{free_port()}", f"ldap_base={BASE}")
    assert (nobody.code, "refused the connection" in nobody.out) == (20, True)
    assert not mailroster.store.exists()
