"""What the directory answers, read record by record; what cannot be used is said, not guessed."""

from __future__ import annotations

from types import NoneType
from typing import Any

from store.addresses import address_key, address_problem
from store.collector import collector_paused
from store.models import Settings
from store.names import name_problem
from store.text import printable
from sync.directory import strict_json
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.errors import TooLarge, WrongShape

_KINDS = {
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "an array",
    str: "a text",
    NoneType: "null",
}
_TEXT = (str, NoneType)
_ARRAY = (list, NoneType)
_MOST_WARNINGS = 1000
_MOST_WARNINGS_OF_A_USER = 10


def parse_listing(body: bytes, settings: Settings) -> Listing:
    """Return the users in the answer to `list`, in its order, and what was wrong with others.

    A missing field, null and an empty text are the same. A record without a usable user name
    becomes an `InvalidRecord`; of a usable one, wrong-typed fields and malformed addresses are
    left out with a warning, of which the first 1000 are kept and the others counted. Raises
    `NotJSON`, `WrongShape`, or `TooLarge` above `max_users`.
    """
    source = printable(settings.url, 200)
    with collector_paused():
        records = strict_json.loads(body, source)
        if not isinstance(records, list):
            raise WrongShape(
                f"The answer of {source} is {_kind(records)}, not an array of users. "
                "Nothing was changed. Check the URL, and that the service there is of this type."
            )
        if len(records) > settings.max_users:
            raise TooLarge(
                f"{source} lists {len(records)} users, more than the limit of "
                f"{settings.max_users}. Nothing was changed. If that many are right, raise "
                "max_users."
            )
        listing = Listing([], [], [])
        omitted = 0
        for number, record in enumerate(records, 1):
            _read_record(record, number, listing)
            if len(listing.warnings) > _MOST_WARNINGS:
                omitted += len(listing.warnings) - _MOST_WARNINGS
                del listing.warnings[_MOST_WARNINGS:]
    if omitted:
        listing.warnings.append(f"There are {omitted} more warnings like these.")
    return listing


def parse_verdict(body: bytes, settings: Settings) -> bool:
    """Return whether the directory says that the password is right.

    That is JSON `true` or `false`, by itself or in the field `auth_success_field` of an object.
    Raises `NotJSON` or `WrongShape` for everything else, which is an outage.
    """
    source = printable(settings.url, 200)
    answer = strict_json.loads(body, source)
    field = settings.auth_success_field
    verdict = answer.get(field) if isinstance(answer, dict) else answer
    if isinstance(verdict, bool):
        return verdict
    raise WrongShape(
        f"The answer of {source} to the credential check is {_kind(answer)}, not true or false, "
        f"nor an object whose field “{printable(field, 60)}” is. Nothing was changed. "
        "Check the URL and auth_success_field."
    )


def _read_record(record: Any, number: int, listing: Listing) -> None:
    if not isinstance(record, dict):
        problem = f"record {number} is {_kind(record)}, not an object"
        listing.invalid.append(InvalidRecord(None, problem, None, []))
        return
    name: Any = record.get("userName")
    if reason := name_problem(name):
        listing.invalid.append(_invalid(record, number, reason))
        return
    distinguished_name: Any = record.get("distinguishedName")
    full_name: Any = record.get("fullName")
    addresses: Any = record.get("emailAddresses")
    unreadable: tuple[str, ...] = ()
    if not isinstance(distinguished_name, _TEXT):
        unreadable += ("distinguished_name",)
        listing.warnings.append(_ignored(name, "distinguishedName", distinguished_name, "a text"))
        distinguished_name = None
    if not isinstance(full_name, _TEXT):
        unreadable += ("full_name",)
        listing.warnings.append(_ignored(name, "fullName", full_name, "a text"))
        full_name = None
    if not isinstance(addresses, _ARRAY):
        unreadable += ("email_addresses",)
        listing.warnings.append(_ignored(name, "emailAddresses", addresses, "an array"))
        addresses = None
    if addresses:
        addresses = _well_formed(addresses, name, listing.warnings)
    user = DirectoryUser(
        name, distinguished_name or None, full_name or None, addresses or [], unreadable
    )
    listing.users.append(user)


def _invalid(record: dict[str, Any], number: int, problem: str) -> InvalidRecord:
    """Keep of a record without a usable name what may still tell whose it is."""
    name, distinguished_name = record.get("userName"), record.get("distinguishedName")
    addresses = record.get("emailAddresses")
    if name is None:
        problem = f"record {number} has no user name"
    elif not isinstance(name, str):
        problem = f"the user name of record {number} is {_kind(name)}, not a text"
    return InvalidRecord(
        name if isinstance(name, str) else None,
        problem,
        distinguished_name if isinstance(distinguished_name, str) else None,
        [item for item in addresses if isinstance(item, str)]
        if isinstance(addresses, list)
        else [],
    )


def _well_formed(addresses: list[Any], name: str, warnings: list[str]) -> list[str]:
    """Return the usable addresses in their order, each once, in its first spelling."""
    kept: dict[str, str] = {}
    dropped = 0
    for address in addresses:
        if not isinstance(address, str):
            what, reason = "an address", f"it is {_kind(address)}, not a text"
        elif problem := address_problem(address):
            what, reason = f"the address “{printable(address, 60)}”", problem
        else:
            kept.setdefault(address_key(address), address)
            continue
        dropped += 1
        if dropped <= _MOST_WARNINGS_OF_A_USER:
            warnings.append(f"“{printable(name, 60)}”: {what} was dropped: {reason}.")
    if more := max(0, dropped - _MOST_WARNINGS_OF_A_USER):
        warnings.append(f"“{printable(name, 60)}”: {more} more addresses were dropped.")
    return list(kept.values())


def _ignored(name: str, field: str, value: object, wanted: str) -> str:
    return f"“{printable(name, 60)}”: {field} was ignored: it is {_kind(value)}, not {wanted}."


def _kind(value: object) -> str:
    return _KINDS[type(value)]
