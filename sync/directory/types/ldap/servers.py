"""The servers that the URL setting of LDAP names."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from store.errors import InvalidValue
from store.text import printable

_PORTS = {"ldap": 389, "ldaps": 636}  # RFC 4516, section 2; ldaps by custom
_FORM = "Give it as ldaps://host:port; several servers with a space between them."


class Server(NamedTuple):
    """One LDAP server; `is_tls` says that TLS begins with the connection."""

    url: str
    host: str
    port: int
    is_tls: bool


def servers_of(urls: str) -> list[Server]:
    """Return the servers in the order in which they are tried; raises `InvalidValue`."""
    return [_server(url) for url in urls.split()]


def check_urls(urls: str) -> None:
    """Raise `InvalidValue` unless `urls` names one server or several."""
    if not servers_of(urls):
        raise InvalidValue("No LDAP server is named.", _FORM)


def _server(url: str) -> Server:
    shown = printable(url, 200)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidValue(f"The URL “{shown}” is malformed ({error}).", _FORM) from None
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(
            "The URL contains a user name or a password.",
            "Put them into the fields for the service's credentials.",
        )
    if parts.scheme not in _PORTS:
        problem = "does not start with ldaps:// or ldap://"
    elif not parts.hostname:
        problem = "names no host"
    elif port == 0:
        problem = "has port 0"
    elif not url.isprintable():
        problem = "contains an unprintable character"
    elif parts.netloc.count(":") > 1 and "[" not in parts.netloc:
        problem = "has an IPv6 address without brackets"
    elif parts.path not in ("", "/") or parts.query or parts.fragment:
        problem = "says more than a host and a port; the base is a setting of its own"
    else:
        return Server(url, parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "ldaps")
    raise InvalidValue(f"The URL “{shown}” {problem}.", _FORM)
