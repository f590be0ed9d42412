"""LDAP as a type of directory service: its fields, their rules, its client."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from store.distinguished_names import dn_key
from store.errors import InvalidValue
from store.models import Settings
from sync.directory.insecurity import NOBODY_VERIFIED, is_loopback
from sync.directory.types.application_integration import CONNECTION, LIMITS
from sync.directory.types.directory_type import Directory, DirectoryType, SettingField
from sync.directory.types.ldap.failures import not_installed
from sync.directory.types.ldap.schema import BASE, FIELDS, schema_of
from sync.directory.types.ldap.servers import Server, check_urls, servers_of

if TYPE_CHECKING:
    from sync.directory.certificate import Certificate
    from sync.directory.types.ldap.client import LdapDirectory

START_TLS = SettingField("ldap_start_tls", "StartTLS", False)
_LABELS = {"user_name": "Bind name"}


def _servers(settings: Settings) -> list[Server]:
    with suppress(InvalidValue):
        return servers_of(settings.url)
    return []


def _is_protected(server: Server, settings: Settings) -> bool:
    return server.is_tls or START_TLS.value(settings)


def _insecurity(settings: Settings) -> str:
    servers = _servers(settings)
    if any(not (_is_protected(server, settings) or is_loopback(server.url)) for server in servers):
        return "plain ldap, passwords cross the network unprotected. Use ldaps or StartTLS."
    if settings.ignore_ssl_warnings and any(_is_protected(item, settings) for item in servers):
        return NOBODY_VERIFIED
    return ""


def _why_no_certificate(settings: Settings) -> str:
    if any(_is_protected(server, settings) for server in _servers(settings)):
        return ""
    return "Neither ldaps:// nor StartTLS is set, so the server shows no certificate."


def _where(settings: Settings) -> str:
    return f"{BASE.value(settings)} at {settings.url}" if settings.url else ""


def _sources(settings: Settings) -> dict[str, str]:
    schema = schema_of(settings)
    return {
        "user_name": schema.user_name,
        "full_name": schema.full_name,
        "email_addresses": ", ".join(schema.addresses),
        "id": schema.id,
    }


def _client(settings: Settings, password: str) -> LdapDirectory:
    try:
        from sync.directory.types.ldap.client import LdapDirectory  # slow: python-ldap
    except ModuleNotFoundError as error:
        if error.name != "ldap":
            raise
        raise not_installed() from None
    return LdapDirectory(settings, password, uses_start_tls=START_TLS.value(settings))


def _open(settings: Settings, password: str) -> Directory:
    return _client(settings, password)


async def _fetch_certificate(settings: Settings) -> Certificate:
    return await _client(settings, "").fetch_certificate()


LDAP = DirectoryType(
    name="ldap",
    label="LDAP",
    fields=(
        SettingField("url", "Servers", placeholder="ldaps://dc1 ldaps://dc2", check=check_urls),
        START_TLS,
        *(replace(field, label=_LABELS.get(field.key, field.label)) for field in CONNECTION),
        BASE,
        *FIELDS,
        replace(LIMITS[0], section="Limits"),
        *LIMITS[1:],
    ),
    open=_open,
    where=_where,
    identity=lambda settings: dn_key(BASE.value(settings)),
    get_ready=lambda settings: _client(settings, "").get_ready(),
    insecurity=_insecurity,
    sources=_sources,
    fetch_certificate=_fetch_certificate,
    why_no_certificate=_why_no_certificate,
    addresses=("ldap",),
)
