"""The directory's users, read record by record; what cannot be used is said, not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from types import NoneType
from typing import Any, NamedTuple

from store.addresses import address_key, address_problem, without_type
from store.names import MAX_NAME_BYTES, name_problem
from store.text import printable, quantity

_KINDS = {
    bool: "true or false",
    bytes: "a run of bytes that is not UTF-8",  # in LDAP
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "an array",
    str: "a text",
    NoneType: "null",
}
_WANTED: dict[type, str] = {str: "a text", list: "an array"}
_UNITS: dict[type, str] = {str: "characters", list: "items"}
_LONGEST_ID = 256  # characters
_MOST_WARNINGS = 1000
_MOST_WARNINGS_OF_A_USER = 10

# More than any person has, and little enough for a history of many runs.
_LONGEST_FULL_NAME = 1_000
_LONGEST_DISTINGUISHED_NAME = 8_000
_MOST_ADDRESSES = 1_000


class DirectoryUser(NamedTuple):
    """One user as the directory lists it.

    `unreadable` names the optional fields that could not be read, or not in full: they are
    unknown, which is neither empty nor equal, so what is stored stays. Of addresses, those that
    could be read are in `email_addresses` all the same. `id` stays with the person whatever the
    name becomes; None is unknown.
    """

    user_name: str
    distinguished_name: str | None
    full_name: str | None
    email_addresses: list[str]
    unreadable: tuple[str, ...] = ()
    id: str | None = None


class InvalidRecord(NamedTuple):
    """A record that cannot become a user. It still counts as present: nobody is deleted on doubt.

    `user_name` is None where the record has none that can be read.
    """

    user_name: str | None
    problem: str
    distinguished_name: str | None
    email_addresses: list[str]
    id: str | None = None


class RecordFields(NamedTuple):
    """What the values of a user are called in an unread record."""

    user_name: str = "userName"
    distinguished_name: str = "distinguishedName"
    full_name: str = "fullName"
    email_addresses: str = "emailAddresses"
    id: str = "id"


class Found(NamedTuple):
    """What was read of an answer."""

    users: list[DirectoryUser]
    invalid: list[InvalidRecord]
    warnings: list[str]


class Listing:
    """One whole answer, or what is left of it.

    Records are read when somebody first looks, so that those which the planner finds unchanged
    never are. `records` are the unread ones, `numbers` their places in the answer, and `known` is
    what was read beforehand.
    """

    def __init__(
        self,
        users: list[DirectoryUser],
        invalid: list[InvalidRecord],
        warnings: list[str],
        records: Sequence[Any] = (),
        numbers: Sequence[int] = (),
    ) -> None:
        self.records = records
        self.numbers = numbers
        self.known = Found(users, invalid, warnings)

    @classmethod
    def unread(cls, records: Sequence[Any], numbers: Sequence[int] | None = None) -> Listing:
        """Return the listing of such records; without `numbers` they are the whole answer."""
        return cls([], [], [], records, numbers or range(1, len(records) + 1))

    @property
    def users(self) -> list[DirectoryUser]:
        """The users, in the answer's order; a missing field, null and an empty text are the same.

        Fields that cannot be read and malformed addresses are left out, with a warning, and make
        the field unknown.
        """
        return self._found.users

    @property
    def invalid(self) -> list[InvalidRecord]:
        """The records without a usable user name."""
        return self._found.invalid

    @property
    def warnings(self) -> list[str]:
        """What was wrong with usable records, a sentence each.

        The first 1000 are kept and the others counted; of a user's addresses the first 10.
        """
        return self._found.warnings

    @property
    def listed(self) -> int:
        """How many records the directory sent, bad ones included."""
        return len(self.known.users) + len(self.known.invalid) + len(self.records)

    @property
    def has_users(self) -> bool:
        """Whether any of the records has a usable user name; the first one tells, as a rule."""
        return bool(self.known.users) or any(
            isinstance(record, dict) and name_problem(record.get("userName")) is None
            for record in self.records
        )

    @cached_property
    def _found(self) -> Found:
        known = self.known
        found = Found([*known.users], [*known.invalid], [*known.warnings])
        omitted = 0
        for number, record in zip(self.numbers, self.records, strict=True):
            _read_record(record, number, found)
            if len(found.warnings) > _MOST_WARNINGS:
                omitted += len(found.warnings) - _MOST_WARNINGS
                del found.warnings[_MOST_WARNINGS:]
        if omitted:
            found.warnings.append(f"{quantity(omitted, 'more warning')} like these.")
        return found


class Progress(NamedTuple):
    """How far an answer has arrived; `total_bytes` is None if the server does not say."""

    received_bytes: int
    total_bytes: int | None
    users: int


def _read_record(record: Any, number: int, found: Found) -> None:
    if not isinstance(record, dict):
        problem = f"record {number} is {kind(record)}, not an object"
        found.invalid.append(InvalidRecord(None, problem, None, []))
        return
    name: Any = record.get("userName")
    if reason := name_problem(name):
        found.invalid.append(_invalid(record, number, reason))
        return
    distinguished_name: Any = record.get("distinguishedName")
    full_name: Any = record.get("fullName")
    addresses: Any = record.get("emailAddresses")
    unreadable: list[str] = []
    if problem := _problem(distinguished_name, str, _LONGEST_DISTINGUISHED_NAME):
        unreadable.append("distinguished_name")
        found.warnings.append(_ignored(name, "distinguishedName", problem))
        distinguished_name = None
    if problem := _problem(full_name, str, _LONGEST_FULL_NAME):
        unreadable.append("full_name")
        found.warnings.append(_ignored(name, "fullName", problem))
        full_name = None
    if problem := _problem(addresses, list, _MOST_ADDRESSES):
        unreadable.append("email_addresses")
        found.warnings.append(_ignored(name, "emailAddresses", problem))
        addresses = None
    if addresses:
        addresses, is_whole = _well_formed(addresses, name, found.warnings)
        if not is_whole:
            unreadable.append("email_addresses")
    stable_id: Any = record.get("id")
    if problem := _id_problem(stable_id):
        unreadable.append("id")
        found.warnings.append(_ignored(name, "id", problem))
        stable_id = None
    found.users.append(
        DirectoryUser(
            name,
            distinguished_name or None,
            full_name or None,
            addresses or [],
            tuple(unreadable),
            stable_id or None,
        )
    )


def _problem(value: Any, wanted: type[str] | type[list[Any]], most: int) -> str:
    """Return why an optional field cannot be read, or nothing; null is absent."""
    if value is None:
        return ""
    if not isinstance(value, wanted):
        return f"it is {kind(value)}, not {_WANTED[wanted]}"
    if len(value) > most:
        return f"it has more than {most} {_UNITS[wanted]}"
    return ""


def _ignored(name: str, wire_name: str, problem: str) -> str:
    return f"“{printable(name, 60)}”: {wire_name} was ignored: {problem}."


def _id_problem(value: Any) -> str:
    """Return why an id cannot be read, or nothing; null and an empty text are absent."""
    problem = _problem(value, str, _LONGEST_ID)
    if not problem and value and (not value.isprintable() or value != value.strip()):
        return "it has spaces around it, or unprintable characters"
    return problem


def _invalid(record: dict[str, Any], number: int, problem: str) -> InvalidRecord:
    """Keep of a record without a usable name what may still tell whose it is."""
    name, distinguished_name = record.get("userName"), record.get("distinguishedName")
    addresses, stable_id = record.get("emailAddresses"), record.get("id")
    if name is None:
        problem = f"record {number} has no user name"
    elif not isinstance(name, str):
        problem = f"the user name of record {number} is {kind(name)}, not a text"
    elif len(name) > MAX_NAME_BYTES:
        name = name[: MAX_NAME_BYTES - 1] + "…"
    if (
        not isinstance(distinguished_name, str)
        or len(distinguished_name) > _LONGEST_DISTINGUISHED_NAME
    ):
        distinguished_name = None
    items = addresses[:_MOST_ADDRESSES] if isinstance(addresses, list) else []
    texts = [item for item in items if isinstance(item, str)]
    return InvalidRecord(
        name if isinstance(name, str) else None,
        problem,
        distinguished_name,
        [address for item in texts if (address := without_type(item).address)],
        None if _id_problem(stable_id) else stable_id or None,
    )


def _well_formed(addresses: list[Any], name: str, warnings: list[str]) -> tuple[list[str], bool]:
    """Return the usable addresses, each once, in its first spelling, and whether these are all.

    They keep their order, but for Exchange's `SMTP:`, which is the primary address.
    """
    kept: dict[str, str] = {}
    primary = ""
    dropped = 0
    for item in addresses:
        address, is_primary = without_type(item) if isinstance(item, str) else (item, False)
        if not isinstance(item, str):
            what, reason = "an address", f"it is {kind(item)}, not a text"
        elif address is None:  # of another system, such as sip:
            continue
        elif problem := address_problem(address):
            what, reason = f"the address “{printable(item, 60)}”", problem
        else:
            key = address_key(address)
            kept.setdefault(key, address)
            primary = primary or (key if is_primary else "")
            continue
        dropped += 1
        if dropped <= _MOST_WARNINGS_OF_A_USER:
            warnings.append(f"“{printable(name, 60)}”: {what} was dropped: {reason}.")
    if more := max(0, dropped - _MOST_WARNINGS_OF_A_USER):
        more_of_them = f"{more} more addresses were" if more > 1 else "1 more address was"
        warnings.append(f"“{printable(name, 60)}”: {more_of_them} dropped.")
    if primary:
        kept = {primary: kept[primary], **kept}
    return list(kept.values()), not dropped


def kind(value: object) -> str:
    """Return what a JSON value is, in words."""
    return _KINDS[type(value)]
