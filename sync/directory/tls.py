"""Whom the connection to the directory trusts."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from store.files.durable import read_regular
from store.models import Settings
from store.text import printable
from sync.directory.certificate import Certificate, read_pin, unverifying
from sync.errors import CertificateRefused

# OpenSSL's codes of a failed verification, from its x509_vfy.h.
NOT_YET_VALID = 9
EXPIRED = 10
_OTHER_CERTIFICATE = 50  # X509_V_ERR_APPLICATION_VERIFICATION

_LARGEST_FILE = 16 << 20  # bytes; the system's own authorities take a quarter of a MiB


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """Return what verifies the server, which takes some tens of milliseconds to make.

    The first that is set decides: `ignore_ssl_warnings` verifies nothing;
    `pinned_certificate` (PEM, the first certificate in it) accepts that one certificate under
    any host name, until it expires, and none that it signed; else the host name must match and
    the issuer be one that the system or `ca_file` trusts. Raises `CertificateRefused` if the
    pinned certificate or the file is unusable.
    """
    if settings.ignore_ssl_warnings:
        return unverifying(ssl.SSLContext)
    if settings.pinned_certificate:
        return _pinned_context(settings.pinned_certificate)
    context = ssl.create_default_context()
    if settings.ca_file:
        _trust_file(context, settings.ca_file)
    return context


def _trust_file(context: ssl.SSLContext, path: str) -> None:
    try:
        read_regular(Path(path), _LARGEST_FILE)  # OpenSSL would wait for a pipe
        context.load_verify_locations(cafile=path)
    except OSError as error:
        holds_none = isinstance(error, ssl.SSLError)
        problem = "holds no certificate" if holds_none else f"cannot be read: {error.strerror}"
        raise CertificateRefused(
            f"The CA file {printable(path, 200)} {problem}.",
            "Correct ca_file; it takes the path of a PEM file.",
        ) from None


class _PinnedObject(ssl.SSLObject):
    """A connection whose handshake fails unless the peer's certificate is the pinned one.

    OpenSSL could only be told to trust the certificate, and would then accept what it signed as
    well. In the handshake the peer proves that it holds its certificate's key, whatever
    `verify_mode` says (RFC 8446, section 4.4.3); so the bytes are all that is left to compare.
    """

    def do_handshake(self) -> None:
        """Finish the handshake; raises `SSLCertVerificationError` before anything is sent."""
        super().do_handshake()
        if isinstance(self.context, _PinnedContext):
            self.context.check(self.getpeercert(binary_form=True))


class _PinnedContext(ssl.SSLContext):
    """Accepts one certificate, compared byte for byte; for asyncio, which makes `SSLObject`s."""

    sslobject_class = _PinnedObject
    pinned: Certificate

    def check(self, peer: bytes | None) -> None:
        """Raise `SSLCertVerificationError` unless `peer` (DER) is the pinned one and in time."""
        now = datetime.now(UTC)
        if peer is None or ssl.DER_cert_to_PEM_cert(peer) != self.pinned.pem:
            code = _OTHER_CERTIFICATE
        elif now < self.pinned.valid_from:
            code = NOT_YET_VALID
        elif now > self.pinned.valid_until:
            code = EXPIRED
        else:
            return
        error = ssl.SSLCertVerificationError("not the pinned certificate, or not valid now")
        error.verify_code = code
        raise error


def _pinned_context(pem: str) -> _PinnedContext:
    context = unverifying(_PinnedContext)
    context.pinned = read_pin(pem)
    return context
