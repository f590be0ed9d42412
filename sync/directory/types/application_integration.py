"""Application Integration as a type of directory service: its fields, their rules, its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from store.errors import InvalidSetting, InvalidValue
from store.models import Settings
from store.text import printable
from sync.directory.insecurity import insecurity_of_http, uses_tls
from sync.directory.types.directory_type import Directory, DirectoryType, LogOn, SettingField

if TYPE_CHECKING:
    from sync.directory.certificate import Certificate
    from sync.directory.conformance.findings import Finding


def _check_url(url: str) -> None:
    shown = printable(url, 200)
    try:
        parts = urlsplit(url)
        port = None if _lacks_brackets(parts.netloc) else parts.port
    except ValueError as error:
        raise InvalidValue(
            f"The URL “{shown}” is malformed ({error}).",
            "Give it as https://host:port/path.",
        ) from None
    if _lacks_brackets(parts.netloc):
        raise InvalidValue(
            f"The URL “{shown}” has an IPv6 address without brackets.",
            "Give it as https://[address]:port/path.",
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(
            "The URL contains a user name or a password.",
            "Put them into the fields for the service's credentials.",
        )
    if parts.scheme not in ("http", "https"):
        problem = "does not start with http:// or https://"
    elif not parts.hostname:
        problem = "names no host"
    elif port == 0:
        problem = "has port 0"
    elif not url.isprintable() or any(char.isspace() for char in url):
        problem = "contains a space or an unprintable character"
    else:
        return
    raise InvalidValue(f"The URL “{shown}” {problem}.", "Give it as https://host:port/path.")


def _lacks_brackets(netloc: str) -> bool:
    """Tell whether the host is an IPv6 address as no URL may spell it (RFC 3986, 3.2.2)."""
    host = netloc.rpartition("@")[2]
    return host.count(":") > 1 and "[" not in host


def _check_name(key: str, value: str) -> None:
    if not value:
        raise InvalidSetting(key, "must not be empty.", "Give a name.")


def _check_user_name(settings: Settings) -> None:
    if ":" in settings.user_name:
        raise InvalidValue(
            "The user name for the directory service contains “:”, where Basic begins the "
            "password.",
            "Use a name without it.",
        )


def _named(key: str, label: str, section: str = "") -> SettingField:
    return SettingField(key, label, section=section, check=partial(_check_name, key))


def _why_no_certificate(settings: Settings) -> str:
    if uses_tls(settings):
        return ""
    return "The URL does not start with https://, so the server shows no certificate."


def _open(settings: Settings, password: str) -> Directory:
    from sync.directory.client import DirectoryClient  # slow: httpx

    return DirectoryClient(settings, password)


def _get_ready(settings: Settings) -> None:
    """Import the HTTP client and set up TLS, which reads the CA file."""
    from sync.directory.client import DirectoryClient

    DirectoryClient(settings, "").get_ready()


def _examine(settings: Settings, password: str, log_on: LogOn | None) -> AsyncIterator[Finding]:
    from sync.directory.conformance.probes import check_directory

    return check_directory(settings, password, log_on)


async def _fetch_certificate(settings: Settings) -> Certificate:
    from sync.directory.certificate import fetch_certificate

    return await fetch_certificate(settings)


URL = SettingField("url", "URL", placeholder="https://host:port/path", check=_check_url)
CONNECTION = (  # what any server is reached and trusted by
    SettingField("ca_file", "CA file", placeholder="the system's authorities"),
    SettingField("pinned_certificate", "Pinned certificate", kind="certificate"),
    SettingField("ignore_ssl_warnings", "Ignore SSL warnings"),
    SettingField("requires_authentication", "Server requires authentication"),
    SettingField("user_name", "User name", turns_on="requires_authentication"),
    SettingField("password", "Password", kind="secret"),
)
LIMITS = (
    SettingField("list_timeout", "List timeout, seconds"),
    SettingField("login_timeout", "Log-on timeout, seconds"),
    SettingField("max_answer_mib", "Largest answer, MiB"),
    SettingField("max_users", "Most users"),
)

APPLICATION_INTEGRATION = DirectoryType(
    name="application_integration",
    label="Application Integration",
    fields=(
        URL,
        *CONNECTION,
        _named("auth_command", "Log-on command", "Advanced: how a log-on is checked, and limits"),
        _named("auth_user_field", "User name field"),
        _named("auth_password_field", "Password field"),
        SettingField("auth_success_field", "Success field"),
        *LIMITS,
    ),
    open=_open,
    where=lambda settings: settings.url,
    get_ready=_get_ready,
    check=_check_user_name,
    insecurity=insecurity_of_http,
    fetch_certificate=_fetch_certificate,
    why_no_certificate=_why_no_certificate,
    addresses=("http://", "https://"),
    examine=_examine,
)
