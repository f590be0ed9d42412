"""When passwords are at risk on their way to the directory."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from store.models import Settings


def connection_warning(settings: Settings) -> str:
    """Return the warning that belongs to these settings, or nothing."""
    if settings.directory_service == "none":
        return ""
    try:
        url = urlsplit(settings.url)
    except ValueError:
        return ""
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        return "WARNING: plain http, passwords cross the network unprotected. Use https."
    if url.scheme == "https" and settings.ignore_ssl_warnings:
        return "WARNING: SSL warnings are ignored, anyone may pose as the directory."
    return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
