"""Is an LDAP directory set up right? Asked from outside, in words, without a store."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from store.models import Settings
from store.text import printable, quantity
from sync.directory.conformance.findings import Finding, list_findings
from sync.directory.preview import preview
from sync.directory.types.ldap.ldap_type import LDAP
from sync.errors import DirectoryError


async def check_ldap(
    settings: Settings, password: str, log_on: tuple[str, str] | None = None
) -> AsyncIterator[Finding]:
    """Yield what is found with `settings`, as the answers come; `password` is the service's own.

    With `log_on`, a user name and the right password, that is tried too, and a wrong one once.
    Nothing is ever written there.
    """
    if risk := LDAP.insecurity(settings):
        yield Finding("encryption", "note", f"{risk[0].upper()}{risk[1:]}")
    try:
        directory = LDAP.open(settings, password)
        listing = await directory.list_users()
    except DirectoryError as error:
        why = "A sync needs the list. Nothing else was checked."
        yield Finding("list", "broken", str(error), why)
        return
    yield Finding("list", "ok", f"The list: {quantity(listing.listed, 'user')}.")
    for values in preview(listing, LDAP.sources(settings)):
        told = "; ".join(
            f"{item.label.lower()} {printable(item.value, 120)}"
            + (f" ({item.source})" if item.source else "")
            for item in values
        )
        yield Finding("mapping", "ok", f"{told[0].upper()}{told[1:]}.")
    for finding in list_findings(listing):
        yield finding
    if log_on:
        yield await _log_on(settings, password, *log_on, is_right=True)
        wrong = f"{log_on[1]}-{secrets.token_hex(4)}"
        yield await _log_on(settings, password, log_on[0], wrong, is_right=False)


async def _log_on(
    settings: Settings, service_password: str, user_name: str, password: str, *, is_right: bool
) -> Finding:
    check = f"credential check: {'right' if is_right else 'wrong'} password"
    directory = LDAP.open(settings, service_password)
    try:
        accepted = await directory.check_password(user_name, password)
    except DirectoryError as error:
        return Finding(check, "broken", f"The password cannot be checked: {error}")
    which = "The given password" if is_right else "A wrong password"
    if accepted:
        return Finding(check, "ok" if is_right else "broken", f"{which} is accepted.")
    reason = f": {directory.why_refused}" if directory.why_refused else ""
    return Finding(check, "problem" if is_right else "ok", f"{which} is refused{reason}.")
