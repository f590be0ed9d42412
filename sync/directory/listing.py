"""The directory's users, read record by record; what cannot be used is said, not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from types import NoneType
from typing import Any, NamedTuple

from store.addresses import address_key, address_problem
from store.collector import collector_paused
from store.names import name_problem
from store.text import printable

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


class DirectoryUser(NamedTuple):
    """One user as the directory lists it.

    `unreadable` names the optional fields that had the wrong type: they are left as they are
    here rather than emptied.
    """

    user_name: str
    distinguished_name: str | None
    full_name: str | None
    email_addresses: list[str]
    unreadable: tuple[str, ...] = ()


class InvalidRecord(NamedTuple):
    """A record that cannot become a user. It still counts as present: nobody is deleted on doubt.

    `user_name` is None where the record has none that can be read.
    """

    user_name: str | None
    problem: str
    distinguished_name: str | None
    email_addresses: list[str]


class _Found(NamedTuple):
    users: list[DirectoryUser]
    invalid: list[InvalidRecord]
    warnings: list[str]


class Listing:
    """One whole answer, or what is left of it.

    Records are read when somebody first looks, so that those which the planner finds unchanged
    never are. `records` are the unread ones, `numbers` their places in the answer.
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
        self._known = _Found(users, invalid, warnings)

    @classmethod
    def unread(cls, records: Sequence[Any], numbers: Sequence[int] | None = None) -> Listing:
        """Return the listing of such records; without `numbers` they are the whole answer."""
        return cls([], [], [], records, numbers or range(1, len(records) + 1))

    @property
    def users(self) -> list[DirectoryUser]:
        """The users, in the answer's order; a missing field, null and an empty text are the same.

        Wrong-typed fields and malformed addresses are left out, with a warning.
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
        return len(self._known.users) + len(self._known.invalid) + len(self.records)

    @cached_property
    def _found(self) -> _Found:
        known = self._known
        found = _Found([*known.users], [*known.invalid], [*known.warnings])
        omitted = 0
        with collector_paused():
            for number, record in zip(self.numbers, self.records, strict=True):
                _read_record(record, number, found)
                if len(found.warnings) > _MOST_WARNINGS:
                    omitted += len(found.warnings) - _MOST_WARNINGS
                    del found.warnings[_MOST_WARNINGS:]
        if omitted:
            found.warnings.append(f"There are {omitted} more warnings like these.")
        return found


class Progress(NamedTuple):
    """How far an answer has arrived; `total_bytes` is None if the server does not say."""

    received_bytes: int
    total_bytes: int | None
    users: int


def _read_record(record: Any, number: int, found: _Found) -> None:
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
    unreadable: tuple[str, ...] = ()
    if not isinstance(distinguished_name, _TEXT):
        unreadable += ("distinguished_name",)
        found.warnings.append(_ignored(name, "distinguishedName", distinguished_name, "a text"))
        distinguished_name = None
    if not isinstance(full_name, _TEXT):
        unreadable += ("full_name",)
        found.warnings.append(_ignored(name, "fullName", full_name, "a text"))
        full_name = None
    if not isinstance(addresses, _ARRAY):
        unreadable += ("email_addresses",)
        found.warnings.append(_ignored(name, "emailAddresses", addresses, "an array"))
        addresses = None
    if addresses:
        addresses = _well_formed(addresses, name, found.warnings)
    user = DirectoryUser(
        name, distinguished_name or None, full_name or None, addresses or [], unreadable
    )
    found.users.append(user)


def _invalid(record: dict[str, Any], number: int, problem: str) -> InvalidRecord:
    """Keep of a record without a usable name what may still tell whose it is."""
    name, distinguished_name = record.get("userName"), record.get("distinguishedName")
    addresses = record.get("emailAddresses")
    if name is None:
        problem = f"record {number} has no user name"
    elif not isinstance(name, str):
        problem = f"the user name of record {number} is {kind(name)}, not a text"
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
            what, reason = "an address", f"it is {kind(address)}, not a text"
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
    return f"“{printable(name, 60)}”: {field} was ignored: it is {kind(value)}, not {wanted}."


def kind(value: object) -> str:
    """Return what a JSON value is, in words."""
    return _KINDS[type(value)]
