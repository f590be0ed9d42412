"""Why there is no TLS with the directory, and what would mend it."""

from __future__ import annotations

import ssl

from store.models import Settings
from store.text import printable
from sync.directory.tls import EXPIRED, NOT_YET_VALID
from sync.errors import CertificateRefused, HandshakeFailed, NotHTTPS

WITHOUT_CLIENT_CERTIFICATE = (
    "Have that server let this machine in without one, with Basic credentials or by its address."
)
_CLIENT_CERTIFICATE_WANTED = "certificate required"  # an alert of TLS 1.3 (RFC 8446, 6.2)
_OLD_TLS = ("unsupported protocol", "protocol version", "no protocols available")
_HOW_TO_PIN = (
    "To pin it, press ^G on Connection (F2), or run `mailroster settings set "
    "pinned_certificate=FILE`."
)

# OpenSSL's codes of a failed verification, from its x509_vfy.h.
_NO_ROOT = 2
_SELF_SIGNED = 18
_UNKNOWN_ROOT = 19
_UNKNOWN_ISSUER = (_UNKNOWN_ROOT, 20, 21)
_OTHER_HOST = (62, 64)
_CONSTRAINTS_NOT_CRITICAL = 89
_STRICT = range(79, 94)  # what Python 3.13 and later check (VERIFY_X509_STRICT)


def certificate_failure(
    settings: Settings, host: str, error: ssl.SSLCertVerificationError
) -> CertificateRefused:
    """Return why the certificate of this host was refused, and what would let it through."""
    code = error.verify_code
    last_resort = "as the last resort turn on Ignore SSL warnings"
    trusting = f"nter the file of its CA (ca_file), pin the certificate, or {last_resort}"
    trust = f"E{trusting}"
    chain = "Have the server send its whole chain, intermediate certificates included"
    if code == EXPIRED:
        problem, advice = "has expired", f"Have it renewed; {last_resort}"
    elif code == NOT_YET_VALID:
        problem, advice = "is not valid yet", f"Check this machine's clock; {last_resort}"
    elif code in _OTHER_HOST:
        problem = "is for another host name"
        advice = (
            "Enter the host as the certificate names it, pin the certificate, or " + last_resort
        )
    elif settings.pinned_certificate:
        problem = "is not the pinned one"
        advice = (
            "If the server's administrator confirms that it was renewed, pin the new one; "
            + last_resort
        )
    elif code == _SELF_SIGNED:
        problem, advice = "is self-signed", trust
    elif code == _NO_ROOT:
        problem = "leads to a certificate in ca_file that is not a root"
        advice = f"Put the certificate of the root CA into ca_file too; {last_resort}"
    elif code == _UNKNOWN_ROOT and settings.ca_file:
        problem = "comes from an unknown issuer, another one than the CA in ca_file"
        advice = f"Enter the file of the CA that issued it (ca_file); {last_resort}"
    elif code in _UNKNOWN_ISSUER and settings.ca_file:
        problem = "comes from an unknown issuer, which is not in ca_file"
        advice = (
            f"{chain}, or put those into ca_file. If it does, ca_file has another CA; {last_resort}"
        )
    elif code == _UNKNOWN_ROOT:
        problem, advice = "comes from an unknown issuer", trust
    elif code == _CONSTRAINTS_NOT_CRITICAL:
        problem = (
            f"was refused: {_lax_authority(settings)} has basicConstraints that are not marked "
            "critical, which Python 3.13 and later refuse (RFC 5280, section 4.2.1.9)"
        )
        advice = f"Have that CA's certificate issued anew, pin the server's, or {last_resort}"
    elif code in _STRICT:
        problem = (
            f"was refused ({printable(error.verify_message, 100)}): it or its CA breaks a rule of "
            "RFC 5280 that Python 3.13 and later insist on"
        )
        advice = f"Have it issued anew, pin it, or {last_resort}"
    elif code in _UNKNOWN_ISSUER:
        problem, advice = "comes from an unknown issuer", f"{chain}. If it does, e{trusting}"
    else:
        problem, advice = f"was refused ({printable(error.verify_message, 100)})", trust
    how = f" {_HOW_TO_PIN}" if "pin " in advice else ""
    return CertificateRefused(f"The certificate of {host} {problem}.", f"{advice}.{how}")


def _lax_authority(settings: Settings) -> str:
    """Name the CA whose basicConstraints are not critical, if `ca_file` holds it."""
    from sync.directory.certificate import lax_authorities

    names = lax_authorities(settings.ca_file) if settings.ca_file else []
    if not names:
        return "the certificate of a CA above it"
    return f"the CA “{printable(names[0], 200)}” in {printable(settings.ca_file, 200)}"


def handshake_failure(host: str, reason: str) -> NotHTTPS:
    """Return what ended the handshake with this host, by the words of OpenSSL."""
    if _CLIENT_CERTIFICATE_WANTED in reason:
        return NotHTTPS(
            f"{host} wants a client certificate, which mailroster does not have "
            f"({printable(reason, 100)}).",
            WITHOUT_CLIENT_CERTIFICATE,
        )
    if any(words in reason for words in _OLD_TLS):
        return NotHTTPS(
            f"{host} does not offer TLS 1.2 or later ({printable(reason, 100)}).",
            "Turn on TLS 1.2 or 1.3 in that server, or in a proxy before it.",
        )
    return HandshakeFailed(
        f"The TLS connection to {host} failed ({printable(reason, 100)}).",
        "Check the port in the URL, whether the server offers https:// there, and whether it "
        "wants a client certificate.",
    )
