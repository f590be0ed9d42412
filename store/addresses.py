"""E-mail addresses: which are malformed, and how they are compared."""

from __future__ import annotations

import re

MAX_ADDRESS_BYTES = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets

_PLAIN = re.compile(r"[a-zA-Z0-9_.+-]++@[a-zA-Z0-9_-]++(?:\.[a-zA-Z0-9_-]++)++")


address_key = str.casefold  # the form under which addresses are equal: mail ignores their case


def address_problem(address: str) -> str | None:
    """Return why `address` is malformed, or None (a deliverable address is not proved)."""
    if len(address) <= MAX_ADDRESS_BYTES and _PLAIN.fullmatch(address):
        return None
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        return "it is not of the form name@domain"
    if any(not char.isprintable() or char.isspace() for char in address):
        return "it contains a space or an unprintable character"
    if len(address.encode()) > MAX_ADDRESS_BYTES:
        return f"it is longer than {MAX_ADDRESS_BYTES} bytes"
    if "@" in local and not (local.startswith('"') and local.endswith('"')):
        return "it contains more than one “@”"
    if domain.startswith(".") or domain.endswith(".") or ".." in domain:
        return "its domain has an empty part"
    return None
