"""E-mail addresses: which are malformed, which are none, and how they are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from store.text import INVISIBLE

MAX_ADDRESS_BYTES = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets

_PLAIN = re.compile(
    r"[a-zA-Z0-9_+-]++(?:\.[a-zA-Z0-9_+-]++)*+@(?:[a-zA-Z0-9]++(?:-++[a-zA-Z0-9]++)*+\.)++[a-zA-Z0-9]++"
)

# RFC 5321, 4.1.2, with what RFC 6531 adds to atoms: everything beyond ASCII.
_ATOM = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+'
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[^"\\]|\\.)*"')
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LITERAL = re.compile(r"\[[\x21-\x5a\x5e-\x7e]+\]")

_TYPED = re.compile(r"([a-zA-Z][a-zA-Z0-9]*):(.*)", re.DOTALL)
_OF_OTHER_SYSTEMS = frozenset({"sip", "x500", "x400", "eum", "spo"})


class Typed(NamedTuple):
    """An address without the type that Exchange puts before it (`proxyAddresses`).

    `address` is None where the type names something other than e-mail.
    """

    address: str | None
    is_primary: bool = False


def without_type(text: str) -> Typed:
    """Return `SMTP:a@x` as the primary address, `smtp:a@x` as another one, `sip:...` as none."""
    found = _TYPED.fullmatch(text)
    if found is None:
        return Typed(text)
    kind, address = found.groups()
    if kind.lower() == "smtp":
        return Typed(address, kind == "SMTP")
    return Typed(None) if kind.lower() in _OF_OTHER_SYSTEMS else Typed(text)


def address_key(address: str) -> str:
    """Return the form under which addresses are equal: mail ignores their case.

    That is NFC, case-folded, with the domain in ASCII (A-labels, IDNA 2008).
    """
    if address.isascii():
        return address.lower()
    local, at, domain = address.rpartition("@")
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    return folded + at + domain_key(domain)


def domain_key(domain: str) -> str:
    """Return the domain in ASCII; what IDNA 2008 does not allow is compared as text."""
    if domain.isascii():
        return domain.lower()
    ascii_form = _ascii_domain(domain)
    return unicodedata.normalize("NFC", domain).casefold() if ascii_form is None else ascii_form


def address_problem(address: str) -> str | None:
    """Return why `address` is malformed, or None (a deliverable address is not proved)."""
    if len(address) <= MAX_ADDRESS_BYTES and _PLAIN.fullmatch(address):
        return None
    if len(address) > MAX_ADDRESS_BYTES:  # before what looks at every character
        return f"it is longer than {MAX_ADDRESS_BYTES} bytes"
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        return "it is not of the form name@domain"
    if any(not char.isprintable() or char.isspace() for char in address):
        return "it contains a space or an unprintable character"
    if len(address.encode()) > MAX_ADDRESS_BYTES:
        return f"it is longer than {MAX_ADDRESS_BYTES} bytes"
    if INVISIBLE.search(address):
        return "it contains an invisible character"
    if unicodedata.category(address[0]).startswith("M"):
        return "it starts with a combining mark"
    if not _LOCAL.fullmatch(local):
        if "@" in local:
            return "it contains more than one “@”"
        return "the part before the “@” needs quotes (RFC 5321)"
    if domain.startswith(".") or domain.endswith(".") or ".." in domain:
        return "its domain has an empty part"
    in_ascii = domain if domain.isascii() else _ascii_domain(domain)
    if in_ascii is None or not (_DOMAIN.fullmatch(in_ascii) or _LITERAL.fullmatch(in_ascii)):
        return "its domain is not a valid name (RFC 5321, IDNA 2008)"
    return None


def domain_forms(domain: str) -> tuple[str, ...]:
    """Return how a pattern may spell the domain: in ASCII, and as people write it."""
    key = domain_key(domain)
    if "xn--" not in key:
        return (key,)
    import idna

    try:
        return (key, idna.decode(key))
    except idna.IDNAError:
        return (key,)


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str | None:
    """Return the domain's A-labels, None where IDNA 2008 does not allow it."""
    import idna  # slow, and rarely needed

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
