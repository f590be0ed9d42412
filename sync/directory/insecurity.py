"""How passwords are at risk on their way to the directory: plain http, and nobody verified."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from store.models import Settings

NOBODY_VERIFIED = "SSL warnings are ignored, anyone may pose as the directory."


def uses_tls(settings: Settings) -> bool:
    """Tell whether the directory is asked over HTTPS."""
    return settings.url.lower().startswith("https:")


def is_loopback(url: str) -> bool:
    """Tell whether the URL's host is this machine, so that nothing crosses a network."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def insecurity_of_http(settings: Settings) -> str:
    """Return the warning while the URL or the verification puts passwords at risk, or nothing."""
    if not uses_tls(settings):
        if not settings.url or is_loopback(settings.url):
            return ""
        return "plain http, passwords cross the network unprotected. Use https."
    if settings.ignore_ssl_warnings:
        return NOBODY_VERIFIED
    return ""
