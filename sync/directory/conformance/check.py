"""Is a directory set up right? Asked from outside, in words, without a store."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from store.models import Settings
from store.text import printable, quantity
from sync.directory.conformance.findings import Finding, list_findings
from sync.directory.preview import never_set, preview
from sync.directory.types.directory_type import Directory, DirectoryType, LogOn
from sync.errors import DirectoryError


def check_type(
    kind: DirectoryType, settings: Settings, password: str, log_on: LogOn | None = None
) -> AsyncIterator[Finding]:
    """Yield what is found with `settings`, as the answers come; `password` is the service's own.

    With `log_on`, a user name and the right password, that is tried too, and a wrong one once.
    Nothing is ever written there.
    """
    if kind.examine:
        return kind.examine(settings, password, log_on)
    return _as_any_type(kind, settings, password, log_on)


async def _as_any_type(
    kind: DirectoryType, settings: Settings, password: str, log_on: LogOn | None
) -> AsyncIterator[Finding]:
    if risk := kind.insecurity(settings):
        yield Finding("encryption", "note", f"{risk[0].upper()}{risk[1:]}")
    try:
        directory = kind.open(settings, password)
        listing = await directory.list_users()
    except DirectoryError as error:
        why = "A sync needs the list. Nothing else was checked."
        yield Finding("list", "broken", str(error), why, error=error.to_record())
        return
    yield Finding("list", "ok", f"The list: {quantity(listing.listed, 'user')}.")
    for values in preview(listing, kind.sources(settings)):
        told = "; ".join(
            f"{item.label.lower()} {printable(item.value, 120)}"
            + (f" ({item.source})" if item.source else "")
            for item in values
        )
        yield Finding("mapping", "ok", f"{told[0].upper()}{told[1:]}.")
    for source in never_set(listing, kind.sources(settings)):
        found = f"No entry has a value of {printable(source, 60)} that can be read."
        yield Finding("mapping", "note", found, "Check the name of the attribute.")
    for finding in list_findings(listing):
        yield finding
    if log_on:
        user_name, right = log_on
        wrong = f"{right}-{secrets.token_hex(4)}"
        yield await _log_on(kind.open(settings, password), user_name, right, is_right=True)
        yield await _log_on(kind.open(settings, password), user_name, wrong, is_right=False)


async def _log_on(
    directory: Directory, user_name: str, password: str, *, is_right: bool
) -> Finding:
    check = f"credential check: {'right' if is_right else 'wrong'} password"
    try:
        accepted = await directory.check_password(user_name, password)
    except DirectoryError as error:
        found = f"The password cannot be checked: {error}"
        return Finding(check, "broken", found, error=error.to_record())
    which = "The given password" if is_right else "A wrong password"
    if accepted:
        return Finding(check, "ok" if is_right else "broken", f"{which} is accepted.")
    reason = f": {directory.why_refused}" if directory.why_refused else ""
    return Finding(check, "problem" if is_right else "ok", f"{which} is refused{reason}.")
