"""What went wrong at an LDAP server, said so that the administrator can act on it.

The server's own words are quoted nowhere: it has the passwords that it was sent.
"""

from __future__ import annotations

from dataclasses import replace

from store.models import Settings
from store.text import printable, quantity
from sync.directory.types.ldap.schema import BASE, Schema
from sync.directory.types.ldap.servers import Server
from sync.errors import (
    AnswerRefused,
    BaseNotFound,
    ConnectionFailed,
    CutOff,
    DirectoryError,
    FilterRefused,
    HandshakeFailed,
    NotConfigured,
    NotLDAP,
    NotWhole,
    ServerFailed,
    ServiceCredentialsRefused,
    StartTLSRefused,
    TimedOut,
    TooLarge,
    WrongShape,
)

# Result codes of RFC 4511, section 4.1.9, which python-ldap puts into its exceptions.
_OPERATIONS, _PROTOCOL, _TIME_LIMIT, _SIZE_LIMIT, _AUTH_METHOD, _STRONGER = 1, 2, 3, 4, 7, 8
_REFERRAL, _ADMIN_LIMIT, _NO_EXTENSION, _CONFIDENTIALITY = 10, 11, 12, 13
_UNDEFINED_TYPE, _INAPPROPRIATE_MATCHING, _CONSTRAINT, _BAD_SYNTAX = 17, 18, 19, 21
_NO_SUCH_OBJECT, _INVALID_DN, _INAPPROPRIATE_AUTH, _INVALID_CREDENTIALS = 32, 34, 48, 49
_ACCESS, _BUSY, _UNAVAILABLE, _UNWILLING = 50, 51, 52, 53
_DECODING, _FILTER_ERROR = -4, -7

_LIMITS = {
    _TIME_LIMIT: "time",
    _SIZE_LIMIT: "number of entries",
    _ADMIN_LIMIT: "effort of a search",
}
_TRY_LATER = "Try again later; if it stays so, look into that server's log."


def not_installed() -> NotConfigured:
    """Return the error for a mailroster without its LDAP library."""
    return NotConfigured(
        "The directory service is LDAP, and python-ldap is not installed.",
        "In mailroster's clone run `pip install -c constraints.txt '.[ldap]'`, with the pip of "
        "mailroster's environment. That builds it, which needs (Debian) gcc python3-dev "
        "libldap2-dev libsasl2-dev.",
    )


def not_connected(server: Server, settings: Settings, error: Exception) -> DirectoryError:
    """Return what an exception from opening the connection means."""
    from sync.directory import failures as of_connections  # slow: httpx

    named = replace(settings, url=server.url)
    failure = of_connections.not_connected(named, error)
    if isinstance(failure, ConnectionFailed):
        return ConnectionFailed(
            failure.what,
            "Check the host and the port in the URL, the network and the firewall, and that the "
            "LDAP server runs.",
        )
    if isinstance(failure, HandshakeFailed):
        return HandshakeFailed(
            failure.what,
            "Check the port in the URL, and what the server offers there: TLS from the start "
            "(ldaps://, mostly port 636), or StartTLS (ldap://, mostly port 389).",
        )
    return failure


def timed_out(server: Server, seconds: float) -> TimedOut:
    """Return the error for an answer that was not whole after so many `seconds`."""
    return TimedOut(
        f"{_named(server)} did not answer in full within {max(1, round(seconds))} s.",
        "Try again later, check the network, or allow more time (list_timeout, login_timeout).",
    )


def none_answers(failures: list[DirectoryError]) -> DirectoryError:
    """Return the error for several servers, in order, of which none can be used.

    A refused certificate comes first: it can be looked at.
    """
    first = next((item for item in failures if item.kind == "certificate_refused"), failures[0])
    if len(failures) == 1:
        return first
    return type(first)(" ".join(failure.what for failure in failures), first.advice)


def no_ldap(server: Server) -> NotLDAP:
    """Return the error for an answer that is not LDAP."""
    return NotLDAP(
        f"The answer of {_named(server)} is not LDAP.",
        "Check the port in the URL, and whether the server begins with TLS there (ldaps://).",
    )


def start_tls_refused(server: Server, code: int) -> StartTLSRefused:
    """Return the error for a server that goes on without TLS only."""
    return StartTLSRefused(
        f"{_named(server)} refused StartTLS (result {code}).",
        "Set up a certificate in that server, or use ldaps:// if it offers that.",
    )


def no_credentials(server: Server) -> ServiceCredentialsRefused:
    """Return the error for a bind that would be an anonymous one."""
    return ServiceCredentialsRefused(
        f"The service's own name or password for {_named(server)} is empty, which an LDAP server "
        "takes for an anonymous log-on.",
        "Enter both, or turn off “Server requires authentication”.",
    )


def service_refused(server: Server, reason: str = "") -> ServiceCredentialsRefused:
    """Return the error for the service's own name or password, with the reason if there is one."""
    return ServiceCredentialsRefused(
        f"{_named(server)} refused the service's own name or password"
        f"{f': {reason}' if reason else ''}.",
        "Check the user name, usually a distinguished name (Active Directory also takes "
        "name@domain), and the password.",
    )


def bind_failure(server: Server, settings: Settings, code: int) -> DirectoryError:
    """Return what the result `code` of the service's own bind means."""
    name = _named(server)
    if code in (_INVALID_CREDENTIALS, _NO_SUCH_OBJECT, _INVALID_DN, _INAPPROPRIATE_AUTH):
        if settings.requires_authentication:
            return service_refused(server)
        return _authentication_wanted(name, code)
    return _common(server, code) or _authentication_wanted_if(name, settings, code)


def search_failure(server: Server, settings: Settings, schema: Schema, code: int) -> DirectoryError:
    """Return what the result `code` of a search means."""
    name, base = _named(server), printable(BASE.value(settings), 200)
    if code in (_NO_SUCH_OBJECT, _INVALID_DN):
        hidden = (
            "" if settings.requires_authentication else " It may be hidden from anonymous users."
        )
        return BaseNotFound(
            f"{name} has no entry {base}.{hidden}", "Check the base and its access rights."
        )
    if code in (_FILTER_ERROR, _UNDEFINED_TYPE, _INAPPROPRIATE_MATCHING, _BAD_SYNTAX, _PROTOCOL):
        return FilterRefused(
            f"The filter {printable(schema.filter, 200)} was refused (result {code}).",
            "Correct ldap_filter, or leave it empty for the one of the schema.",
        )
    if code in _LIMITS:
        return NotWhole(
            f"{name} stopped the search at its limit for the {_LIMITS[code]} (result {code}), so "
            "the list is not whole.",
            "Raise that limit for the service's own name there; for OpenLDAP that is `limits "
            'dn.exact="..." size.prtotal=unlimited time=unlimited`.',
        )
    if code == _REFERRAL:
        return NotWhole(
            f"{name} refers to another server for {base}; mailroster does not follow that.",
            "Enter the server that holds the base itself.",
        )
    if code == _NO_EXTENSION:
        return NotWhole(
            f"{name} cannot list in pages (result {code}).",
            "Turn on the paged results control (RFC 2696) in that server.",
        )
    return _common(server, code) or _authentication_wanted_if(name, settings, code)


def referred(server: Server, where: str) -> NotWhole:
    """Return the error for a part of the list that another server has."""
    return NotWhole(
        f"{_named(server)} refers to {printable(where, 200)} for a part of the list; mailroster "
        "does not follow that, so the list is not whole.",
        "Set a base that leaves that part out, or ask a server that holds it all; in an Active "
        "Directory forest that is a global catalog (port 3269).",
    )


def not_whole(server: Server, problem: str) -> NotWhole:
    """Return the error for a list that breaks the rules of paging."""
    return NotWhole(
        f"The list of {_named(server)} is not whole: {problem}.",
        _TRY_LATER,
    )


def cut_off(server: Server, received: int) -> DirectoryError:
    """Return the error for a connection that ended after `received` bytes of answers."""
    if not received:
        return NotLDAP(
            f"{_named(server)} closed the connection without an answer.",
            "Check the port in the URL, and whether the server begins with TLS there (ldaps://).",
        )
    return CutOff(
        f"{_named(server)} closed the connection at {received} bytes, before the end of its "
        "answer.",
        "Try again; if it stays so, look into that server's log.",
    )


def too_large(server: Server, limit: int) -> TooLarge:
    """Return the error for more than `limit` bytes."""
    return TooLarge(
        f"The answer of {_named(server)} is larger than {limit >> 20} MiB.",
        "Narrow the base or the filter; if a list of users is that large, raise max_answer_mib.",
    )


def too_many(server: Server, limit: int) -> TooLarge:
    """Return the error for more than `limit` entries."""
    return TooLarge(
        f"{_named(server)} lists more than the limit of {quantity(limit, 'user')}.",
        "If that many are right, raise max_users.",
    )


def nobody(server: Server, settings: Settings, schema: Schema) -> WrongShape:
    """Return the error for a list of no entries; a wrong attribute in a filter looks like that."""
    return WrongShape(
        f"{_named(server)} has no entry under {printable(BASE.value(settings), 200)} that matches "
        f"{printable(schema.filter, 200)}.",
        "Check the base, the filter, the schema and the rights of the service's own name.",
    )


def no_names(server: Server, count: int, schema: Schema) -> WrongShape:
    """Return the error for entries of which none has a user name."""
    return WrongShape(
        f"None of {quantity(count, 'record')} at {_named(server)} has a user name in "
        f"the attribute {schema.user_name}.",
        "Check the schema, ldap_user_name_attribute and the rights of the service's own name.",
    )


def ambiguous(server: Server, user_name: str, count: int) -> WrongShape:
    """Return the error for a name that several entries have."""
    return WrongShape(
        f"{_named(server)} has {count} entries with the user name “{printable(user_name, 60)}”, "
        "so mailroster cannot tell whose password to check.",
        "Give each user a name of its own there, or narrow the base or the filter.",
    )


def password_failure(server: Server, settings: Settings, code: int) -> DirectoryError:
    """Return what the result `code` of a user's bind means that says nothing of the password."""
    return _common(server, code) or _unexpected(_named(server), code)


def _common(server: Server, code: int) -> DirectoryError | None:
    name = _named(server)
    if code in (_BUSY, _UNAVAILABLE):
        return ServerFailed(f"{name} is busy or not available (result {code}).", _TRY_LATER)
    if code in (_STRONGER, _CONFIDENTIALITY):
        return ServiceCredentialsRefused(
            f"{name} does not accept a password over a connection without TLS (result {code}).",
            "Use ldaps://, or turn on StartTLS.",
        )
    if code == _DECODING:
        return no_ldap(server)
    return None


def _authentication_wanted_if(name: str, settings: Settings, code: int) -> DirectoryError:
    wanted = (_OPERATIONS, _AUTH_METHOD, _ACCESS, _UNWILLING)
    if code in wanted and not settings.requires_authentication:
        return _authentication_wanted(name, code)
    if code == _ACCESS:
        return ServiceCredentialsRefused(
            f"{name} does not let the service's own name do this (result {code}).",
            "Ask its administrator to let that name read the users.",
        )
    return _unexpected(name, code)


def _authentication_wanted(name: str, code: int) -> ServiceCredentialsRefused:
    return ServiceCredentialsRefused(
        f"{name} does not answer without a name and a password (result {code}).",
        "Turn on “Server requires authentication” and enter the service's own; for "
        "`directory-check` add --user.",
    )


def _unexpected(name: str, code: int) -> AnswerRefused:
    return AnswerRefused(f"{name} answered with the unexpected result {code}.", _TRY_LATER)


def _named(server: Server) -> str:
    return printable(server.url, 200)
