"""Whom the connection to the directory trusts."""

from __future__ import annotations

import ssl

from store.models import Settings
from store.text import printable
from sync.errors import CertificateRefused


def uses_tls(settings: Settings) -> bool:
    """Tell whether the directory is asked over HTTPS."""
    return settings.url.lower().startswith("https:")


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """Return what verifies the server, which takes some tens of milliseconds to make.

    The first that is set decides: `ignore_ssl_warnings` verifies nothing;
    `pinned_certificate` (PEM) trusts that one certificate under any host name, until it
    expires; else the host name must match and the issuer be one that the system or `ca_file`
    trusts. Raises `CertificateRefused` if the pinned certificate or the file is unusable.
    """
    if settings.ignore_ssl_warnings:
        context = _context_for_any_host()
        context.verify_mode = ssl.CERT_NONE
        return context
    if settings.pinned_certificate:
        return _pinned_context(settings.pinned_certificate)
    context = ssl.create_default_context()
    if settings.ca_file:
        _trust_file(context, settings.ca_file)
    return context


def _context_for_any_host() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    return context


def _pinned_context(pem: str) -> ssl.SSLContext:
    context = _context_for_any_host()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, TypeError, ValueError):
        raise CertificateRefused(
            "The pinned certificate cannot be read. Nothing was changed. Pin the server's "
            "certificate again, as PEM text."
        ) from None
    return context


def _trust_file(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        holds_none = isinstance(error, ssl.SSLError)
        raise CertificateRefused(
            f"The CA file {printable(path, 200)} "
            + ("holds no certificate" if holds_none else f"cannot be read: {error.strerror}")
            + ". Nothing was changed. Correct ca_file; it takes the path of a PEM file."
        ) from None
