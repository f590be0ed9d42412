"""The server's certificate, to be looked at before it is trusted."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from store.files.durable import read_regular
from store.models import Settings
from sync.directory.name_lookup import abandon_slow_lookups
from sync.errors import CertificateRefused, DirectoryError

_CERTIFICATE = re.compile(
    "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----", re.ASCII
)
Context = TypeVar("Context", bound=ssl.SSLContext)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself. `pem` is what gets pinned."""

    pem: str
    subject: str
    issuer: str
    valid_from: datetime
    valid_until: datetime

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate."""
        return fingerprint(self.pem)

    @property
    def time_problem(self) -> str:
        """Why it cannot be used now, pinned or not; empty if it can."""
        now = datetime.now(UTC)
        if now < self.valid_from:
            return "It is not valid yet. Check this machine's clock."
        return "It has expired. Have it renewed." if now > self.valid_until else ""


def first_certificate(pem: str) -> str:
    """Return the first certificate in `pem` alone, as a pin is stored; empty if it holds none.

    A server's own certificate comes first in its chain's file (RFC 8446, section 4.4.2). Other
    certificates, a key and texts around them are left out.
    """
    found = _CERTIFICATE.search(pem)
    try:
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(found[0])) if found else ""
    except ValueError:
        return ""


def read_pin(pem: str) -> Certificate:
    """Return the certificate that `pem` pins; raises `CertificateRefused` if it is unreadable."""
    first = first_certificate(pem)
    if first:
        with suppress(CertificateRefused):
            return read_certificate(ssl.PEM_cert_to_DER_cert(first))
    raise CertificateRefused(
        "The pinned certificate cannot be read.",
        "Pin the server's certificate again, as PEM text.",
    )


def fingerprint(pem: str) -> str:
    """Return the SHA-256 of the first certificate as pairs of digits; empty if there is none."""
    first = first_certificate(pem)
    if not first:
        return ""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest().upper()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


def unverifying(kind: type[Context]) -> Context:
    """Return a context that takes any certificate."""
    context = kind(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def fetch_certificate(settings: Settings) -> Certificate:
    """Return the certificate of the server behind the URL, whether it is trusted or not.

    Nothing is sent but the TLS greeting. Raises a `DirectoryError`.
    """
    seconds = settings.login_timeout
    failure: DirectoryError
    try:
        parts = urlsplit(settings.url)
        async with asyncio.timeout(seconds):
            return read_certificate(await _greet(parts.hostname or "", parts.port or 443))
    except TimeoutError:
        from sync.directory.failures import timed_out

        failure = timed_out(settings, seconds)
    except (OSError, ValueError) as error:  # the URL may never have been checked
        from sync.directory.failures import not_connected

        failure = not_connected(settings, error)
    raise failure


async def _greet(host: str, port: int) -> bytes:
    abandon_slow_lookups()
    _, writer = await asyncio.open_connection(host, port, ssl=unverifying(ssl.SSLContext))
    try:
        certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return certificate
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def read_certificate(der: bytes) -> Certificate:
    """Return the certificate that a server shows; raises `CertificateRefused`."""
    from cryptography import x509

    try:
        read = x509.load_der_x509_certificate(der)
        return Certificate(
            ssl.DER_cert_to_PEM_cert(der),
            read.subject.rfc4514_string(),
            read.issuer.rfc4514_string(),
            read.not_valid_before_utc,
            read.not_valid_after_utc,
        )
    except (ValueError, x509.InvalidVersion):
        raise CertificateRefused(
            "The server's certificate cannot be read.",
            "Have it issued anew.",
        ) from None


def lax_authorities(path: str) -> list[str]:
    """Return the subjects of the CAs in a PEM file whose basicConstraints are not critical."""
    from cryptography import x509

    subjects = []
    with suppress(OSError, ValueError, x509.InvalidVersion):
        authorities = x509.load_pem_x509_certificates(read_regular(Path(path)))
        for authority in authorities:
            with suppress(x509.ExtensionNotFound):
                found = authority.extensions.get_extension_for_class(x509.BasicConstraints)
                if found.value.ca and not found.critical:
                    subjects.append(authority.subject.rfc4514_string())
    return subjects
