"""docs/LDAP.md: its commands run, in their order, against a slapd with a CA of its own."""

from __future__ import annotations

from pathlib import Path

from sync.directory.types.ldap.ldap_type import LDAP
from sync.directory.types.ldap.schema import PRESETS
from tests.docs.pages import ROOT, Shell, blocks
from tests.support.authority import Authority
from tests.support.slapd import SERVICE, SERVICE_SECRET, Slapd, password_of, person

PAGE = "docs/LDAP.md"


def test_every_command_of_the_page(tmp_path: Path, tmp_path_factory: object) -> None:
    authority = Authority(tmp_path)
    (limits,) = [block.text for block in blocks(PAGE) if block.text.startswith("limits")]
    people = [person("anna"), person("bert")]
    ca_file = authority.file.rename(tmp_path / "company.pem")
    with Slapd(tmp_path, people, tls=authority.issue(), database=limits) as slapd:
        shell = Shell(tmp_path, "", SERVICE_SECRET)
        log_on = Shell(tmp_path, "", password_of("anna"))
        for block in blocks(PAGE):
            if block.language == "sh":
                assert "mailroster login" not in block.text or "anna" in block.text
                text = block.text.replace("ldaps://ldap.example.com", slapd.tls_url)
                text = text.replace("/etc/ssl/company.pem", str(ca_file))
                printed = (log_on if "login" in block.text else shell).run(text)
                if "test" in block.text:
                    assert "anna" in printed[0]
                if "--explain" in block.text:
                    assert "The password is right." in printed[1]
    assert len(shell.commands) == 7
    assert all(SERVICE in command for command in shell.commands[:2])


def test_the_page_names_every_setting_and_its_presets() -> None:
    page = (ROOT / PAGE).read_text()
    for field in LDAP.fields:
        assert field.default is None or f"| `{field.key}` |" in page, field.key
    for schema in PRESETS.values():
        for name in (schema.filter, schema.user_name, schema.full_name, schema.id):
            assert f"`{name}`" in page
