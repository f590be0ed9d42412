"""Samba as an Active Directory domain controller: a process of its own, on a loopback address."""

from __future__ import annotations

import os
import random
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from store.models import Settings
from tests.support.authority import Authority
from tests.support.programs import lacking, require, running
from tests.support.slapd import ldap_settings, require_python_ldap

BASE = "DC=example,DC=test"
STAFF = f"OU=Köln,{BASE}"
ADMINISTRATOR = "administrator@example.test"
ADMINISTRATOR_SECRET = "Passw0rd of the administrator"
DISABLED, NORMAL = "514", "512"  # userAccountControl (MS-ADTS, 2.2.16)


class ActiveDirectory:
    """A running domain controller for `example.test`. `ca_file` is the authority of its TLS."""

    def __init__(self, host: str, ca_file: Path) -> None:
        self.ca_file = ca_file
        self.url = f"ldap://{host}"
        self.tls_url = f"ldaps://{host}"

    def modify(self, *ldif: str) -> None:
        """Change entries as the administrator, by LDIF."""
        command = [require("ldapmodify", "ldap-utils"), "-x", "-H", self.tls_url]
        done = subprocess.run(
            [*command, "-D", ADMINISTRATOR, "-w", ADMINISTRATOR_SECRET],
            input="\n".join(ldif),
            text=True,
            check=False,
            timeout=120,
            capture_output=True,
            env={**os.environ, "LDAPTLS_REQCERT": "never"},
        )
        assert done.returncode == 0, done.stderr

    def settings(self, **changes: Any) -> Settings:
        """Return the settings that reach it, with the `changes`."""
        usual = {
            "url": self.tls_url,
            "ca_file": str(self.ca_file),
            "ldap_base": BASE,
            "ldap_schema": "active_directory",
            "requires_authentication": True,
            "user_name": ADMINISTRATOR,
        }
        return ldap_settings(**{**usual, **changes})


@contextmanager
def active_directory(folder: Path) -> Iterator[ActiveDirectory]:
    """Make a domain in `folder` and run its controller; this takes about 20 s."""
    require_python_ldap()
    program, tool = require("samba", "samba"), require("samba-tool", "samba")
    if os.geteuid() != 0:
        lacking("Samba listens on port 389, so these tests run as root")
    # Of its own, as the port is the same for all; not yet listened on, with luck.
    host = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"
    options = [f"interfaces={host}/8", "bind interfaces only=yes", "server services=ldap"]
    subprocess.run(
        [
            *(tool, "domain", "provision", "--server-role=dc", "--dns-backend=NONE"),
            *("--realm=EXAMPLE.TEST", "--domain=EXAMPLE", "--host-name=dc1", f"--host-ip={host}"),
            *(f"--adminpass={ADMINISTRATOR_SECRET}", f"--targetdir={folder}"),
            *(f"--option={option}" for option in options),
        ],
        check=True,
        timeout=300,
        capture_output=True,
        cwd=folder,
    )
    (folder / "run").mkdir()
    authority = Authority(folder)
    pem = authority.issue(host)
    pem.chmod(0o600)
    options += [
        *(f"{what} directory={folder}/run" for what in ("pid", "ntp signd socket")),
        f"ncalrpc dir={folder}/run/ncalrpc",
        f"winbindd socket directory={folder}/run/winbind",
        f"log file={folder}/log",
        "ldap server require strong auth=no",  # StartTLS and plain are tried too
        *(f"tls {what}={pem}" for what in ("keyfile", "certfile")),
        f"tls cafile={authority.file}",
    ]
    config = f"{folder}/etc/smb.conf"
    command = [program, "-i", "-M", "single", "-s", config]
    command += [f"--option={option}" for option in options]
    with running(command, 389, folder / "samba.log", host=host):
        yield ActiveDirectory(host, authority.file)


def password_of(name: str) -> str:
    """Return the password that `user` gives."""
    return f"Passw0rd of {name}"


def user(
    name: str,
    *,
    common_name: str = "",
    place: str = STAFF,
    **more: str | list[str],
) -> str:
    """Return the LDIF that adds a user, with its usual password; a `common_name` is escaped."""
    common_name = common_name or name
    escaped = common_name.replace(",", "\\,")
    values: dict[str, str | list[str]] = {
        "objectClass": "user",
        "sAMAccountName": name,
        "displayName": common_name,
        "mail": f"{name}@example.test",
        "userAccountControl": NORMAL,
        **more,
    }
    lines = [_line("dn", f"CN={escaped},{place}"), "changetype: add"]
    for attribute, held in values.items():
        lines += [_line(attribute, value) for value in ([held] if isinstance(held, str) else held)]
    coded = b64encode(f'"{password_of(name)}"'.encode("utf-16-le")).decode()
    lines.append(f"unicodePwd:: {coded}")
    return "\n".join(lines) + "\n"


def change(name: str, *lines: str) -> str:
    """Return the LDIF with these lines for the entry of that distinguished name."""
    return "\n".join([_line("dn", name), *lines]) + "\n"


def _line(attribute: str, value: str) -> str:
    return f"{attribute}:: {b64encode(value.encode()).decode()}"
