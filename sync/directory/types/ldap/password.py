"""Whether a directory takes a user's password, by a bind as that user; in a thread."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import ldap
from ldap.controls import RequestControl
from ldap.filter import escape_filter_chars

from store.names import match_key
from sync.directory.types.ldap.entries import Entry, EntryReader, wanted_attributes
from sync.directory.types.ldap.schema import Schema
from sync.directory.types.ldap.search import Question, few_entries

_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # draft-behera-ldap-password-policy, section 6
_POLICY_ERRORS = {
    0: "the password has expired there",
    1: "the account is locked there",
    2: "the password must be changed there first",
}
# Numbers of Windows' errors, which Active Directory puts into its answer (MS-ERREF, 2.2).
_WINDOWS = re.compile(r"\bdata ([0-9a-f]{1,8})\b")
_WINDOWS_ERRORS = {
    "525": "the account does not exist there",
    "530": "the account may not log on at this time of day",
    "531": "the account may not log on from this machine",
    "532": "the password has expired there",
    "533": "the account is disabled there",
    "534": "the account may not log on in this way",
    "701": "the account has expired there",
    "773": "the password must be changed there first",
    "775": "the account is locked there",
}


class Ambiguous(Exception):
    """Several entries have the name; says how many."""


class Verdict(NamedTuple):
    """Whether the password is right; if not, `reason` says why where the directory tells."""

    right: bool
    reason: str = ""


def entry_name(
    handle: Any, base: str, schema: Schema, user_name: str, stable_id: str | None
) -> str | None:
    """Return the distinguished name of the user's entry, None if there is none.

    With an id the entry that has it is the user's, whatever its name is now; an entry of the name
    counts only if it has no id. Raises `ldap.LDAPError` and `Ambiguous`.
    """
    reader = EntryReader(schema)
    asked = [f"({schema.user_name}={escape_filter_chars(user_name)})"]
    if stable_id:
        escaped = "".join(f"\\{byte:02x}" for byte in reader.write_id(stable_id))
        asked.append(f"({schema.id}={escaped})")
    question = Question(base, f"(&{schema.filter}(|{''.join(asked)}))", wanted_attributes(schema))
    names = _chosen(few_entries(handle, question), reader, user_name, stable_id)
    if len(names) > 1:
        raise Ambiguous(len(names))
    return names[0] if names else None


def bind_anonymously(handle: Any) -> None:
    """Bind as nobody, which shows whether the server speaks LDAP; raises `ldap.LDAPError`."""
    handle.simple_bind_s("", "")


def bind_as(handle: Any, name: str, password: str) -> Verdict:
    """Return whether a bind under this name and password succeeds; neither may be empty.

    Raises `ldap.LDAPError` for every result that says nothing of the password.
    """
    if not (name and password):
        return Verdict(False)
    try:
        handle.simple_bind_s(name, password, serverctrls=[RequestControl(_POLICY, False)])
    except ldap.LDAPError as error:
        verdict = _refusal(error)
        if verdict is None:
            raise
        return verdict
    return Verdict(True)


def _chosen(
    entries: Sequence[Entry], reader: EntryReader, user_name: str, stable_id: str | None
) -> list[str]:
    named = []
    for entry in entries:
        record = reader.record(entry)
        if record is None:
            continue
        if stable_id and record.get("id") == stable_id:
            return [entry[0]]
        name = record.get("userName")
        is_named = isinstance(name, str) and match_key(name) == match_key(user_name)
        if is_named and not (stable_id and record.get("id")):
            named.append(entry[0])
    return named


def _refusal(error: ldap.LDAPError) -> Verdict | None:
    details = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    info = str(details.get("info", ""))
    if isinstance(error, ldap.INVALID_CREDENTIALS):
        found = _WINDOWS.search(info)
        reason = _WINDOWS_ERRORS.get(found[1], "") if found else _policy_error(details)
        return Verdict(False, reason)
    if isinstance(error, ldap.INAPPROPRIATE_AUTH):
        return Verdict(False, "the entry has no password there")
    if isinstance(error, ldap.NO_SUCH_OBJECT):
        return Verdict(False, "the entry no longer exists there")
    if isinstance(error, ldap.CONSTRAINT_VIOLATION):  # 389 Directory Server after many failures
        return Verdict(False, "the account is locked there")
    if isinstance(error, ldap.UNWILLING_TO_PERFORM) and "inactivated" in info:  # and there, too
        return Verdict(False, "the account is disabled there")
    return None


def _policy_error(details: dict[str, Any]) -> str:
    """Return what the answer's password policy control says: its last element, [1] as BER."""
    for oid, _, value in details.get("ctrls", ()):
        if oid == _POLICY and value and value[-3:-1] == b"\x81\x01":
            return _POLICY_ERRORS.get(value[-1], "")
    return ""
