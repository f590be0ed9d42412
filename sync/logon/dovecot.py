"""A complete configuration for Dovecot, with mailroster deciding who may log on and see what."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from store.errors import InvalidValue
from store.files.ownership import folder_closed_to, user_name
from store.text import printable

Version = Literal["2.3", "2.4"]
Method = Literal["checkpassword", "lua"]
VERSIONS: tuple[Version, ...] = ("2.3", "2.4")
DEFAULT_METHODS: Mapping[Version, Method] = {"2.3": "checkpassword", "2.4": "lua"}
DEFAULT_LUA = Path("/etc/dovecot/mailroster.lua")

_SECONDS = 10
# Dovecot splits the checkpassword command at spaces and expands or quotes the rest.
_PLAIN_PATH = re.compile(r"(/|[a-z]+://)[\w/.@+=:,~?&\[\]-]*")

# Where the versions' Lua differs. A log-on is never asked for twice.
_LUA: Mapping[Version, Mapping[str, str]] = {
    "2.3": {
        "client": "no_auto_retry = true, no_auto_redirect = true, max_attempts = 1",
        "acl": 'userdb_acl = "vfile:" .. fields.acl .. ":cache_secs=2"',
    },
    "2.4": {
        "client": 'auto_retry = "no", auto_redirect = "no", request_max_attempts = "1"',
        "acl": "userdb_acl_global_path = fields.acl",
    },
}


class NoConfiguration(InvalidValue):
    """Dovecot can do nothing with what was asked for."""

    untouched = "Nothing was printed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the configuration depends on. `command` runs mailroster on this store.

    `owner` is the system's user that may read the user database. `uid` and `gid` own the archive.
    `lua` is where Dovecot finds our Lua file. Without a certificate and its key, Dovecot listens on
    this machine only.
    """

    command: tuple[str, ...]
    owner: str
    archive: Path
    uid: int
    gid: int
    homes: Path
    port: int
    lua: Path = DEFAULT_LUA
    certificate: Path | None = None
    key: Path | None = None


def installed_version() -> Version:
    """Return which of the supported versions is installed; raises `NoConfiguration` if none is."""
    try:
        done = subprocess.run(
            ["dovecot", "--version"],  # noqa: S607 - wherever the administrator installed it
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        raise NoConfiguration(
            "mailroster found no Dovecot on this machine (`dovecot --version`).",
            "Name the version with --version 2.3 or --version 2.4.",
        ) from None
    for version in VERSIONS:
        if done.stdout.startswith(f"{version}."):
            return version
    raise NoConfiguration(
        f"Dovecot {printable(done.stdout.strip(), 40)} is not supported; mailroster supports "
        f"{' and '.join(VERSIONS)}.",
        "Choose the nearest with --version.",
    )


def configuration(site: Site, version: Version, method: Method) -> str:
    """Return the text for dovecot.conf; raises `NoConfiguration` for what Dovecot cannot do."""
    if (version, method) == ("2.4", "checkpassword"):
        raise NoConfiguration("Dovecot 2.4 no longer has checkpassword.", "Use --method lua.")
    _check_paths(site)
    if site.uid == 0:
        raise NoConfiguration(
            f"The archive {printable(site.archive)} belongs to root, or would once it is made, and "
            "Dovecot refuses to read mail as root.",
            "Make a system user, such as `adduser --system --group mailroster`, and give the "
            "archive, the homes and the user database to it with chown.",
        )
    values = {
        "mailroster": " ".join(site.command),
        "owner": site.owner,
        "archive": str(site.archive),
        "uid": str(site.uid),
        "gid": str(site.gid),
        "homes": str(site.homes),
        "port": str(site.port),
        "lua": str(site.lua),
        "certificate": str(site.certificate),
        "key": str(site.key or site.certificate),
    }
    parts = {
        "network": _part(f"network-{version if site.certificate else 'local'}", values),
        "passdb": _part(method if method == "checkpassword" else f"lua-{version}", values),
    }
    return Template(_text(f"dovecot-{version}.conf")).substitute(values, **parts)


def out_of_reach(uid: int, path: Path) -> str:
    """Return what keeps the owner of `path` from it, and so Dovecot; empty if nothing does."""
    closed = folder_closed_to(uid, path)
    if closed is None:
        return ""
    return (
        f"Dovecot cannot reach {printable(path)}: its owner, {user_name(uid)}, may not enter "
        f"{printable(closed)}. Open that folder with chmod o+x, or move what Dovecot needs; "
        "`mailroster store copy /var/lib/mailroster/users.json` copies the user database."
    )


def lua_script(version: Version, port: int) -> str:
    """Return our Lua file for this version, asking the `login-server` on this port."""
    values = {**_LUA[version], "version": version, "port": str(port)}
    return Template(_text("mailroster.lua")).substitute(values)


def _part(name: str, values: Mapping[str, str]) -> str:
    return Template(_text(f"{name}.conf")).substitute(values).rstrip()


def _text(name: str) -> str:
    return files(__package__).joinpath("dovecot_data", name).read_text("utf-8")


def _check_paths(site: Site) -> None:
    paths = [site.archive, site.homes, site.lua, site.certificate, site.key]
    for path in [*(part for part in site.command if "/" in part), *filter(None, paths)]:
        if not _PLAIN_PATH.fullmatch(str(path)):
            raise NoConfiguration(
                f"The path “{printable(path, 200)}” cannot be written into Dovecot's "
                "configuration: it is not absolute, or has a space or a special character.",
                "Use another path, or a link to it.",
            )
