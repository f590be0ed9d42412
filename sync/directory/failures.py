"""What went wrong on the way to the directory, said so that the administrator can act on it."""

from __future__ import annotations

import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import httpx

from store.models import Settings
from store.text import printable
from sync.directory.insecurity import uses_tls
from sync.directory.tls_failures import (
    WITHOUT_CLIENT_CERTIFICATE,
    certificate_failure,
    handshake_failure,
)
from sync.errors import (
    AnswerRefused,
    Compressed,
    ConnectionFailed,
    CutOff,
    DirectoryError,
    Forbidden,
    HostNotFound,
    NotHTTP,
    NotJSON,
    NotWhole,
    Redirected,
    ServerFailed,
    ServiceCredentialsRefused,
    ServiceNotFound,
    TimedOut,
    TooLarge,
    UnexpectedStatus,
)

E = TypeVar("E", bound=BaseException)

_LEAST_BEGINNING = 3  # characters of a secret before a cut that are taken for it
_DEFAULT_PORTS = {"http": 80, "https": 443}

_SCHEMES = ("Negotiate", "Kerberos", "NTLM", "Digest", "Bearer")  # that may be offered, not Basic
_CHALLENGE = re.compile(r"(?:^|,)\s*([!#$%&'*+.^_`|~\w-]+)(?=\s+[^=\s,]|\s*(?:,|$))")


def status_failure(
    settings: Settings, response: httpx.Response, beginning: bytes = b""
) -> AnswerRefused:
    """Return the error for a status that is not 200.

    `beginning` is that of the body, where it was read: nginx tells there alone what it misses.
    """
    url, status = _shown_url(settings), response.status_code
    if 300 <= status < 400:
        # Without its query and fragment, which may repeat what was sent.
        target = re.split(r"[?#]", response.headers.get("Location", ""))[0]
        return Redirected(
            f"{url} redirects to {_redirect_target(settings, target)} ({status}); mailroster does "
            "not follow redirects.",
            "If that is the right place, enter it as the URL.",
        )
    if status == 401:
        if offered := _offered_instead_of_basic(response):
            return ServiceCredentialsRefused(
                f"{url} offers {offered} for the service's own credentials, but not Basic (401), "
                "the only method that mailroster uses.",
                "Let that server, or a proxy before it, accept Basic from this machine.",
            )
        if settings.requires_authentication:
            return ServiceCredentialsRefused(
                f"{url} refused the service's own credentials (401).",
                "Check the user name and the password that are set for the directory service.",
            )
        return ServiceCredentialsRefused(
            f"{url} asks for the service's own credentials (401).",
            "Turn on “Server requires authentication” and enter its user name and password; for "
            "`directory-check` add --user.",
        )
    if status == 403:
        return Forbidden(
            f"{url} does not allow this request (403).",
            "Ask its administrator to let this machine and user name use the service.",
        )
    if status in (404, 405):
        return ServiceNotFound(
            f"The server has no Application Integration service at {url} ({status}).",
            "Check the path in the URL.",
        )
    if b"ssl certificate" in beginning.lower():
        return UnexpectedStatus(
            f"{url} wants a client certificate (400), which mailroster does not have.",
            WITHOUT_CLIENT_CERTIFICATE,
        )
    if status == 429:
        return ServerFailed(
            f"{url} got too many requests (429).",
            "Try again later; if it stays so, raise that server's limit for this machine.",
        )
    if status >= 500:
        return ServerFailed(
            f"The server at {url} is overloaded or broken ({status}).",
            "Try again later; if it stays so, look into that server's log.",
        )
    if status == 206:
        return UnexpectedStatus(
            f"{url} sent only a part of its answer (206).",
            "Let that server, or the proxy before it, answer with the whole and status 200.",
        )
    return UnexpectedStatus(
        f"{url} answered with the unexpected status {status}.",
        f"Check the URL{_https_hint(settings)}.",
    )


def network_failure(settings: Settings, error: Exception) -> DirectoryError:
    """Return what an exception of httpx before the answer means."""
    host = _shown_host(settings)
    if certificate := _find(error, ssl.SSLCertVerificationError):
        return certificate_failure(settings, host, certificate)
    connecting = isinstance(error, httpx.ConnectError)
    if connecting and _find(error, ssl.SSLEOFError, ConnectionResetError, BrokenPipeError):
        return handshake_failure(host, "the connection was closed")
    if tls := _find(error, ssl.SSLError):
        return handshake_failure(host, (tls.reason or str(tls)).lower().replace("_", " "))
    if _find(error, socket.gaierror, UnicodeError, httpx.InvalidURL):
        return HostNotFound(
            f"The host {_shown_host(settings, with_port=False)} was not found.",
            "Check the host name in the URL and this machine's name service (DNS).",
        )
    if _find(error, ConnectionRefusedError):
        return ConnectionFailed(
            f"{host} refused the connection.",
            "Check the port in the URL, and that the Application Integration server runs.",
        )
    if connecting:
        reasons = [cause.strerror for cause in _causes(error) if isinstance(cause, OSError)]
        return ConnectionFailed(
            f"{host} cannot be reached ({next(filter(None, reasons), 'no reason given')}).",
            "Check the host in the URL, the network and the firewall.",
        )
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
        return NotHTTP(
            f"The answer of {host} is not HTTP.",
            f"Check the port in the URL{_https_hint(settings)}.",
        )
    # There TLS 1.3 has a client refused that lacks a certificate (RFC 8446, appendix E.1.2).
    if uses_tls(settings) and isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
        return NotHTTP(
            f"{host} closed the connection after the TLS handshake, without an HTTP answer.",
            "Look into that server's log: it may want a client certificate, which mailroster does "
            "not have. Otherwise check the port in the URL.",
        )
    return NotHTTP(
        f"{host} closed the connection without an HTTP answer.",
        f"Check the port in the URL{_https_hint(settings)}.",
    )


@contextmanager
def hiding(settings: Settings, service_password: str, *secrets: str) -> Iterator[None]:
    """Take these out of a `DirectoryError` in which the server's own words are quoted.

    A server may repeat what it was sent, and the errors of log-ons go to logs. The service's
    password is sent together with its user name, as Base64 (RFC 7617).
    """
    credentials = f"{settings.user_name}:{service_password}" if service_password else ""
    secrets = (*secrets, service_password, b64encode(credentials.encode()).decode())
    try:
        yield
    except (Redirected, Compressed, NotJSON) as error:
        error.args = error.what, error.advice = (
            _without(secrets, error.what),
            _without(secrets, error.advice),
        )
        raise


def _without(secrets: Collection[str], text: str) -> str:
    """Return the text without the secrets, and without the beginning of one that was cut."""
    for secret in filter(None, secrets):
        for spelling in (secret, printable(secret), quote(secret, safe=""), quote_plus(secret)):
            text = text.replace(spelling, "…")
            for length in range(len(spelling) - 1, _LEAST_BEGINNING - 1, -1):
                text = text.replace(f"{spelling[:length]}…", "…")
    return text


def not_connected(settings: Settings, error: Exception) -> DirectoryError:
    """Return what an exception from opening a connection without httpx means."""
    connecting = httpx.ConnectError("")
    connecting.__cause__ = error
    return network_failure(settings, connecting)


def timed_out(settings: Settings, seconds: int) -> TimedOut:
    """Return the error for an answer that was not whole after so many `seconds`."""
    return TimedOut(
        f"{_shown_url(settings)} did not answer in full within {seconds} s.",
        "Try again later, check the network, or allow more time (list_timeout, login_timeout).",
    )


def not_whole(settings: Settings, mark: str) -> NotWhole:
    """Return the error for an answer whose `mark` in the head says that it is a part."""
    return NotWhole(
        f"{_shown_url(settings)} says that its answer is only a part of the list ({mark}).",
        "Let that server, or the proxy before it, answer with the whole list in one piece.",
    )


def cut_off(settings: Settings, received: int, total: int | None) -> CutOff:
    """Return the error for an answer that ended after `received` of `total` bytes."""
    where = f"at {received} of {total} bytes" if total else f"at {received} bytes, before its end"
    return CutOff(
        f"The answer of {_shown_url(settings)} was cut off {where}.",
        "Try again; if it stays so, look into that server's log.",
    )


def compressed(settings: Settings, encoding: str) -> Compressed:
    """Return the error for an answer in a content coding that was not asked for."""
    return Compressed(
        f"The answer of {_shown_url(settings)} is compressed ({printable(encoding, 30)}), "
        "although mailroster did not ask for that.",
        "Turn compression off in that server or in the proxy before it.",
    )


def too_large(settings: Settings, limit: int) -> TooLarge:
    """Return the error for an answer of more than `limit` bytes."""
    of_users = limit >= 1 << 20  # a verdict is far smaller
    size = f"{limit >> 20} MiB" if of_users else f"{limit >> 10} KiB"
    advice = "; if a list of users is that large, raise max_answer_mib" if of_users else ""
    return TooLarge(
        f"The answer of {_shown_url(settings)} is larger than {size}.",
        f"Check the URL{advice}.",
    )


def too_many_values(settings: Settings, limit: int) -> TooLarge:
    """Return the error for an answer that holds more than `limit` JSON values."""
    return TooLarge(
        f"The answer of {_shown_url(settings)} holds more than {limit} values, far more than its "
        "users need.",
        "Check the URL; if that many are right, raise max_users.",
    )


def _redirect_target(settings: Settings, target: str) -> str:
    """Return where a redirect leads, a relative one as the whole URL (RFC 9110, 10.2.2)."""
    try:
        whole = urljoin(settings.url, target) if target else ""
    except ValueError:
        whole = target
    return printable(whole, 200) or "an unnamed place"


def _offered_instead_of_basic(response: httpx.Response) -> str:
    """Return the schemes that a 401 offers, empty if it offers Basic or says nothing.

    Only known ones are named: a server may repeat there what it was sent (RFC 9110, 11.6.1).
    """
    challenges = ", ".join(response.headers.get_list("WWW-Authenticate"))
    offered = {name.lower() for name in _CHALLENGE.findall(re.sub(r'"[^"]*"', "", challenges))}
    if not offered or "basic" in offered:
        return ""
    known = [name for name in _SCHEMES if name.lower() in offered]
    return " and ".join(known) or "another method"


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
