"""What went wrong on the way to the directory, said so that the administrator can act on it."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote, quote_plus, urlsplit

import httpx

from store.models import Settings
from store.text import printable
from sync.directory.tls import uses_tls
from sync.errors import (
    AnswerRefused,
    CertificateRefused,
    Compressed,
    ConnectionFailed,
    CutOff,
    DirectoryError,
    Forbidden,
    HostNotFound,
    NotHTTP,
    NotHTTPS,
    NotJSON,
    Redirected,
    ServerFailed,
    ServiceCredentialsRefused,
    ServiceNotFound,
    TimedOut,
    TooLarge,
    UnexpectedStatus,
)

E = TypeVar("E", bound=BaseException)

_DEFAULT_PORTS = {"http": 80, "https": 443}

# OpenSSL's codes of a failed verification, from its x509_vfy.h.
_NOT_YET_VALID = 9
_EXPIRED = 10
_SELF_SIGNED = 18
_UNKNOWN_ISSUER = (19, 20, 21)
_OTHER_HOST = (62, 64)


def status_failure(settings: Settings, response: httpx.Response) -> AnswerRefused:
    """Return the error for a status that is not 2xx."""
    url, status = _shown_url(settings), response.status_code
    if 300 <= status < 400:
        # Without its query and fragment, which may repeat what was sent.
        target = re.split(r"[?#]", response.headers.get("Location", ""))[0]
        return Redirected(
            f"{url} redirects to {printable(target, 200) or 'no named place'} ({status}), which "
            "is never followed. Nothing was changed. If that is the right place, enter it as the "
            "URL."
        )
    if status == 401:
        if settings.requires_authentication:
            return ServiceCredentialsRefused(
                f"{url} refused the service's own credentials (401). Nothing was changed. "
                "Check the user name and the password that are set for the directory service."
            )
        return ServiceCredentialsRefused(
            f"{url} asks for the service's own credentials (401). Nothing was changed. Turn on "
            "“Server requires authentication” and enter its user name and password."
        )
    if status == 403:
        return Forbidden(
            f"{url} does not allow this request (403). Nothing was changed. Ask its "
            "administrator to let this machine and user name use the service."
        )
    if status in (404, 405):
        return ServiceNotFound(
            f"There is no Application Integration service at {url} ({status}). "
            "Nothing was changed. Check the path in the URL."
        )
    if status == 429 or status >= 500:
        return ServerFailed(
            f"The server at {url} is overloaded or broken ({status}). Nothing was changed. "
            "Try again later; if it stays so, look into that server's log."
        )
    return UnexpectedStatus(
        f"{url} answered with the unexpected status {status}. Nothing was changed. "
        f"Check the URL{_https_hint(settings)}."
    )


def network_failure(settings: Settings, error: Exception) -> DirectoryError:
    """Return what an exception of httpx before the answer means."""
    host = _shown_host(settings)
    if certificate := _find(error, ssl.SSLCertVerificationError):
        return _certificate_failure(settings, certificate)
    connecting = isinstance(error, httpx.ConnectError)
    if connecting and _find(error, ssl.SSLEOFError, ConnectionResetError, BrokenPipeError):
        return _handshake_failure(host, "the connection was closed")
    if tls := _find(error, ssl.SSLError):
        return _handshake_failure(host, (tls.reason or str(tls)).lower().replace("_", " "))
    if _find(error, socket.gaierror, UnicodeError, httpx.InvalidURL):
        return HostNotFound(
            f"The host {_shown_host(settings, with_port=False)} was not found. "
            "Nothing was changed. "
            "Check the host name in the URL and this machine's name service (DNS)."
        )
    if _find(error, ConnectionRefusedError):
        return ConnectionFailed(
            f"{host} refused the connection. Nothing was changed. "
            "Check the port in the URL, and that the Application Integration server runs."
        )
    if connecting:
        reasons = [cause.strerror for cause in _causes(error) if isinstance(cause, OSError)]
        return ConnectionFailed(
            f"{host} cannot be reached ({next(filter(None, reasons), 'no reason given')}). "
            "Nothing was changed. Check the host in the URL, the network and the firewall."
        )
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
        problem = f"What {host} answered is not HTTP"
    else:
        problem = f"{host} closed the connection without an HTTP answer"
    return NotHTTP(
        f"{problem}. Nothing was changed. Check the port in the URL{_https_hint(settings)}."
    )


@contextmanager
def hiding(*secrets: str) -> Iterator[None]:
    """Take these out of a `DirectoryError` in which the server's own words are quoted.

    A server may repeat what it was sent, and the errors of log-ons go to logs.
    """
    try:
        yield
    except (Redirected, Compressed, NotJSON) as error:
        text = str(error)
        for secret in filter(None, secrets):
            for spelling in (secret, printable(secret), quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(spelling, "…")
        error.args = (text,)
        raise


def not_connected(settings: Settings, error: Exception) -> DirectoryError:
    """Return what an exception from opening a connection without httpx means."""
    connecting = httpx.ConnectError("")
    connecting.__cause__ = error
    return network_failure(settings, connecting)


def timed_out(settings: Settings, seconds: int) -> TimedOut:
    """Return the error for an answer that was not whole after so many `seconds`."""
    return TimedOut(
        f"{_shown_url(settings)} did not answer in full within {seconds} s. Nothing was changed. "
        "Try again later, check the network, or allow more time (list_timeout, login_timeout)."
    )


def cut_off(settings: Settings, received: int, total: int | None) -> CutOff:
    """Return the error for an answer that ended after `received` of `total` bytes."""
    where = f"at {received} of {total} bytes" if total else f"at {received} bytes, before its end"
    return CutOff(
        f"The answer of {_shown_url(settings)} was cut off {where}. Nothing was changed. "
        "Try again; if it stays so, look into that server's log."
    )


def compressed(settings: Settings, encoding: str) -> Compressed:
    """Return the error for an answer in a content coding that was not asked for."""
    return Compressed(
        f"The answer of {_shown_url(settings)} is compressed ({printable(encoding, 30)}), although "
        "that was not asked for. Nothing was changed. Turn compression off in that server or in "
        "the proxy before it."
    )


def too_large(settings: Settings, limit: int) -> TooLarge:
    """Return the error for an answer of more than `limit` bytes."""
    of_users = limit >= 1 << 20  # a verdict is far smaller
    size = f"{limit >> 20} MiB" if of_users else f"{limit >> 10} KiB"
    advice = "; if a list of users is that large, raise max_answer_mib" if of_users else ""
    return TooLarge(
        f"The answer of {_shown_url(settings)} is larger than {size}. Nothing was changed. "
        f"Check the URL{advice}."
    )


def too_many_values(settings: Settings, limit: int) -> TooLarge:
    """Return the error for an answer that holds more than `limit` JSON values."""
    return TooLarge(
        f"The answer of {_shown_url(settings)} holds more than {limit} values, far more than its "
        "users need. Nothing was changed. Check the URL; if that many are right, raise max_users."
    )


def _certificate_failure(
    settings: Settings, error: ssl.SSLCertVerificationError
) -> CertificateRefused:
    code, host = error.verify_code, _shown_host(settings)
    trust = (
        "Enter the file of its CA (ca_file), pin the certificate, or as the last resort turn on "
        "Ignore SSL warnings"
    )
    last_resort = "as the last resort turn on Ignore SSL warnings"
    if code == _EXPIRED:
        problem, advice = "has expired", f"Have it renewed; {last_resort}"
    elif code == _NOT_YET_VALID:
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
    elif code in _UNKNOWN_ISSUER:
        problem, advice = "comes from an unknown issuer", trust
    else:
        problem, advice = f"was refused ({printable(error.verify_message, 100)})", trust
    return CertificateRefused(
        f"The certificate of {host} {problem}. Nothing was changed. {advice}."
    )


def _handshake_failure(host: str, reason: str) -> NotHTTPS:
    return NotHTTPS(
        f"No TLS connection to {host} came about ({printable(reason, 100)}). Nothing was changed. "
        "Check the port in the URL, and whether the server offers https:// there."
    )


def _https_hint(settings: Settings) -> str:
    return "" if uses_tls(settings) else ", and whether it has to be https://"


def _shown_url(settings: Settings) -> str:
    return printable(settings.url, 200)


def _shown_host(settings: Settings, *, with_port: bool = True) -> str:
    try:
        parts = urlsplit(settings.url)
        if not with_port:
            return printable(parts.hostname, 200)
        port = "" if parts.port else f":{_DEFAULT_PORTS[parts.scheme]}"
    except (KeyError, ValueError):  # the file holds a URL that was never checked
        return _shown_url(settings)
    return printable(parts.netloc + port, 200)


def _find(error: BaseException, *kinds: type[E]) -> E | None:
    return next((cause for cause in _causes(error) if isinstance(cause, kinds)), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and everything behind it, groups included."""
    if error is None:
        return
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _causes(member)
    yield from _causes(error.__cause__ or error.__context__)
