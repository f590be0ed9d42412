"""OpenLDAP's slapd as a process of its own, on loopback, with its files in one folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from store.models import Settings
from sync.directory.types.ldap.ldap_type import LDAP
from tests.support.ports import free_port
from tests.support.programs import lacking, require, running

BASE = "dc=example,dc=com"
PEOPLE = f"ou=people,{BASE}"
MANAGER = f"cn=manager,{BASE}"
SECRET = "the manager's password"
SERVICE = f"cn=mailroster,{BASE}"
SERVICE_SECRET = "the service's own password"

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
{tls}
{general}
database mdb
suffix "{base}"
rootdn "{manager}"
rootpw "{secret}"
directory {folder}/db
maxsize 67108864
index objectClass,uid,entryUUID eq
access to attrs=userPassword by anonymous auth by * none
access to * {access}
{database}
"""
_TOP = f"""\
dn: {BASE}
objectClass: organization
objectClass: dcObject
o: Example
dc: example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {SERVICE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: mailroster
userPassword: {{SSHA}}

"""


class Slapd:
    """A slapd over `entries` (LDIF), which begin below `PEOPLE`.

    `tls` is a PEM file of a certificate and its key; with it there is ldaps and StartTLS. Lines of
    the configuration go to `general` and `database`; `access` says who reads.
    """

    def __init__(
        self,
        folder: Path,
        entries: Iterable[str] = (),
        *,
        tls: Path | None = None,
        general: str = "",
        database: str = "",
        access: str = "by * read",
    ) -> None:
        require_python_ldap()
        self._program = require("slapd", "slapd")
        self.folder = folder / "slapd"
        (self.folder / "db").mkdir(parents=True)
        self.port, self.tls_port = free_port(), free_port()
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_url = f"ldaps://127.0.0.1:{self.tls_port}"
        self._urls = [self.url, *([self.tls_url] if tls else [])]
        self._config = self.folder / "slapd.conf"
        self._config.write_text(
            _CONFIG.format(
                folder=self.folder,
                tls=f"TLSCertificateFile {tls}\nTLSCertificateKeyFile {tls}" if tls else "",
                general=general,
                base=BASE,
                manager=MANAGER,
                secret=SECRET,
                access=access,
                database=database,
            )
        )
        command = [require("slapadd", "slapd"), "-q", "-f", str(self._config)]
        subprocess.run(
            command,
            input=_TOP.replace("{SSHA}", hashed(SERVICE_SECRET)) + "\n".join(entries),
            text=True,
            check=True,
            timeout=120,
            capture_output=True,
        )
        self._context: Any = None

    def __enter__(self) -> Slapd:
        command = [self._program, "-d0", "-f", str(self._config), "-h", " ".join(self._urls)]
        self._context = running(command, self.port, self.folder / "slapd.log")
        self._context.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)

    def modify(self, ldif: str) -> None:
        """Change entries as the manager, by an LDIF of changes."""
        command = [require("ldapmodify", "ldap-utils"), "-x", "-H", self.url]
        subprocess.run(
            [*command, "-D", MANAGER, "-w", SECRET],
            input=ldif,
            text=True,
            check=True,
            timeout=20,
            capture_output=True,
        )

    def settings(self, **changes: Any) -> Settings:
        """Return the settings that reach it, with the `changes`."""
        return ldap_settings(**{"url": self.url, "ldap_base": BASE, **changes})


def require_python_ldap() -> None:
    """Skip the test without python-ldap, or fail it where CI is set."""
    if not find_spec("ldap"):
        lacking("python-ldap is not installed (pip install -c constraints.txt '.[ldap]')")


def ldap_settings(**changes: Any) -> Settings:
    """Return settings of the type ldap; what only that type has may be among them."""
    more = {key: changes.pop(key) for key in [*changes] if key.startswith("ldap_")}
    return Settings(directory_service=LDAP.name, **changes, more=more)


def person(name: str, **more: str | list[str]) -> str:
    """Return a person as LDIF; `more` are attributes beside or in place of the usual ones."""
    values: dict[str, str | list[str]] = {
        "objectClass": "inetOrgPerson",
        "uid": name,
        "cn": name.capitalize(),
        "sn": name.capitalize(),
        "mail": f"{name}@example.com",
        "userPassword": hashed(password_of(name)),
        **more,
    }
    lines = [f"dn: uid={name},{PEOPLE}"]
    for attribute, held in values.items():
        lines += [f"{attribute}: {value}" for value in ([held] if isinstance(held, str) else held)]
    return "\n".join(lines) + "\n"


def hashed(password: str) -> str:
    """Return a password as slapd stores it."""
    salt = os.urandom(8)
    digest = hashlib.sha1(password.encode() + salt).digest()
    return "{SSHA}" + b64encode(digest + salt).decode()


def password_of(name: str) -> str:
    """Return the password that `person` gives."""
    return f"the password of {name}"
