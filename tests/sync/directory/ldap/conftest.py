"""A slapd with a few people, for all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.slapd import PEOPLE, SERVICE, Slapd, person

HIDDEN = f"ou=hidden,{PEOPLE}"
_OTHERS = f"""\
dn: cn=staff,{PEOPLE}
objectClass: groupOfNames
cn: staff
uid: staff
member: uid=anna,{PEOPLE}
""".replace("uid: staff\n", "")
_MACHINE = f"""\
dn: uid=desk7$,{PEOPLE}
objectClass: account
objectClass: posixAccount
uid: desk7$
cn: desk7
uidNumber: 1
gidNumber: 1
homeDirectory: /
"""
_HIDDEN = f"""\
dn: {HIDDEN}
objectClass: organizationalUnit
ou: hidden
"""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_pem(authority: Authority) -> Path:
    return authority.issue()


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory, server_pem: Path) -> Iterator[Slapd]:
    """Anna and Bert, and what is no user."""
    people = [
        person("anna", mail=["anna@example.com", "a.berg@example.com"], cn="Anna Berg"),
        person("bert"),
        _OTHERS,
        _MACHINE,
        _HIDDEN,
    ]
    limits = f'limits dn.exact="{SERVICE}" size.prtotal=unlimited\nsizelimit 500'
    folder = tmp_path_factory.mktemp("slapd")
    with Slapd(folder, people, tls=server_pem, database=limits) as running:
        yield running
