"""The settings of the type ldap: what is refused before anything is asked, and what is at risk."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from store.errors import InvalidValue
from store.models import Settings
from sync.configure import draft
from sync.directory.types import insecurity
from sync.directory.types.ldap.schema import PRESETS, schema_of
from sync.directory.types.ldap.servers import servers_of
from sync.planning.identity import directory_of
from tests.support.slapd import ldap_settings

SOUND = {"directory_service": "ldap", "url": "ldaps://dc1.example.com", "ldap_base": "dc=x"}


def test_sound_settings_are_taken() -> None:
    drafted = draft(Settings(), {**SOUND, "ldap_schema": "active_directory"})
    assert schema_of(drafted) == PRESETS["active_directory"]
    own = {
        "ldap_filter": "(&(uid=*)(!(uid=x\\28)))",
        "ldap_user_name_attribute": "userPrincipalName",
        "ldap_address_attributes": "mail, 1.2.3",
    }
    schema = schema_of(draft(drafted, own))
    assert (schema.filter, schema.user_name) == (own["ldap_filter"], "userPrincipalName")
    assert (schema.addresses, schema.full_name) == (("mail", "1.2.3"), "displayName")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": ""}, "No LDAP server is named"),
        ({"url": "https://x.org/"}, "does not start with ldaps:// or ldap://"),
        ({"url": "ldaps://a http://b"}, "“http://b” does not start"),
        ({"url": "ldap:///"}, "names no host"),
        ({"url": "ldap://a:0"}, "has port 0"),
        ({"url": "ldap://a:99999"}, "malformed"),
        ({"url": "ldap://anna:secret@a"}, "contains a user name or a password"),
        ({"url": "ldap://::1:389"}, "malformed|without brackets"),
        ({"url": "ldap://a/dc=x??sub"}, "the base is a setting of its own"),
        ({"ldap_base": ""}, "ldap_base must not be empty"),
        ({"ldap_base": "example.com"}, "ldap_base is not a distinguished name"),
        ({"ldap_filter": "uid=*"}, "balanced parentheses"),
        ({"ldap_filter": "(uid=*"}, "balanced parentheses"),
        ({"ldap_filter": "(uid=*)(cn=*)"}, "balanced parentheses"),
        ({"ldap_filter": "(a=b))(c=d"}, "balanced parentheses"),
        ({"ldap_schema": "novell"}, "Choose from: generic, active_directory"),
        ({"ldap_user_name_attribute": "uid)(x"}, "name of one attribute"),
        ({"ldap_id_attribute": "a,b"}, "name of one attribute"),
        ({"ldap_address_attributes": "mail;x"}, "names of attributes"),
        ({"ldap_start_tls": "perhaps"}, "ldap_start_tls"),
    ],
)
def test_what_cannot_be_right_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidValue, match=says) as caught:
        draft(Settings(), {**SOUND, **changes})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "ldaps://a"}, ""),
        ({"url": "ldap://a"}, "plain ldap"),
        ({"url": "ldaps://a ldap://b"}, "plain ldap"),
        ({"url": "ldap://127.0.0.1"}, ""),
        ({"url": "ldap://a", "ldap_start_tls": True}, ""),
        ({"url": "ldap://a", "ldap_start_tls": True, "ignore_ssl_warnings": True}, "SSL warnings"),
        ({"url": "LDAPS://a", "ignore_ssl_warnings": True}, "SSL warnings"),
        ({"url": ""}, ""),
        ({"url": "nonsense"}, ""),
    ],
)
def test_what_is_at_risk(settings: dict[str, Any], says: str) -> None:
    risk = insecurity(ldap_settings(**settings))
    assert says in risk
    assert bool(says) is bool(risk)


def test_servers_have_the_ports_of_their_kind() -> None:
    found = servers_of("ldap://a  ldaps://b:7/ ldap://[::1]")
    assert [server[1:] for server in found] == [
        ("a", 389, False),
        ("b", 7, True),
        ("::1", 389, False),
    ]


def test_the_same_directory_is_told_by_its_base_not_by_its_servers() -> None:
    first = ldap_settings(url="ldaps://a ldaps://b", ldap_base="DC=Example, dc=com")
    again = ldap_settings(url="ldaps://b", ldap_base="dc=example,dc=com")
    other = ldap_settings(url="ldaps://a", ldap_base="dc=example,dc=org")
    assert directory_of(first) == directory_of(again) != directory_of(other)


def test_without_python_ldap_it_says_how_to_install_it() -> None:
    """In a process that has none; nothing else of mailroster needs it."""
    program = """
import sys
sys.modules["ldap"] = None
from sync.directory.types import TYPES
from store.models import Settings
settings = Settings(directory_service="ldap", url="ldap://x", more={"ldap_base": "dc=x"})
for ask in (TYPES["ldap"].open, lambda *_: TYPES["ldap"].get_ready(settings)):
    try:
        ask(settings, "")
    except Exception as error:
        print(error.kind, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.count("not_configured") == 2, done.stderr
    assert "pip install -c constraints.txt '.[ldap]'" in done.stdout
