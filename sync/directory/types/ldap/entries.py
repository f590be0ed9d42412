"""Entries of an LDAP directory as records of a listing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from store.distinguished_names import normal_form
from store.text import printable
from sync.directory.listing import InvalidRecord, Listing, RecordFields
from sync.directory.types.ldap.schema import Schema

Entry = tuple[str, Mapping[str, Sequence[bytes]]]

_NAME, _DN, _FULL_NAME, _ADDRESSES, _ID = RecordFields()
_PEOPLE = {b"person", b"inetorgperson", b"posixaccount", b"user"}
_GROUPS = {b"group", b"groupofnames", b"groupofuniquenames", b"posixgroup", b"organizationalunit"}
_SPECIAL, _ESCAPE = re.compile(r'[,+"\\<>;=#]'), r"\\\g<0>"
_FIRST_RDN, _PARTS_OF_RDN = re.compile(r"(?:\\.|[^\\,])*"), re.compile(r"(?:\\.|[^\\+])+")
_MORE = "(and more than the server sends at once)"


class _Attributes(NamedTuple):
    """A schema's attributes in lower case, as they are looked up."""

    user_name: str
    full_name: str
    addresses: tuple[str, ...]
    id: str


def wanted_attributes(schema: Schema) -> list[str]:
    """Return the attributes to ask for: the user's, and what tells that it is one."""
    names = (schema.user_name, schema.full_name, *schema.addresses, schema.id)
    return list(dict.fromkeys((*names, "objectClass", "isDeleted")))


class EntryReader:
    """Reads entries by a schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._names = _Attributes(
            schema.user_name.lower(),
            schema.full_name.lower(),
            tuple(name.lower() for name in schema.addresses),
            schema.id.lower(),
        )

    def record(self, entry: Entry) -> dict[str, Any] | None:
        """Return the record of an entry, None if it is not a user's.

        Computers, groups and deleted entries are none, nor are accounts whose name ends in `$`:
        machines and trusts, in Samba as in Active Directory. Without a user name that can be
        told, the record has none.
        """
        dn, attributes = entry
        values = _by_name(attributes)
        if not _may_be_user(values):
            return None
        name = self._user_name(dn, values)
        if isinstance(name, str) and name.endswith("$"):
            return None
        record: dict[str, Any] = {_DN: dn}
        if name is not None:
            record[_NAME] = name
        if names := values.get(self._names.full_name):
            record[_FULL_NAME] = text(min(names))  # values have no order (RFC 4512, section 2.2)
        record[_ADDRESSES] = [
            text(value)
            for attribute in self._names.addresses
            for value in sorted(values.get(attribute, ()))
        ]
        if ids := values.get(self._names.id):
            record[_ID] = self.read_id(ids[0]) if len(ids) == 1 else [*map(text, ids)]
        return record

    def listing(
        self, pages: Iterable[Sequence[Entry]], on_page: Callable[[int], None] = lambda _: None
    ) -> Listing:
        """Return the users among the entries, with those that have no name that can be told.

        `on_page` hears how many entries there were so far.
        """
        records: list[dict[str, Any]] = []
        numbers: list[int] = []
        nameless: list[InvalidRecord] = []
        number = 0
        for page in pages:
            for number, entry in enumerate(page, number + 1):  # noqa: B020 - goes on counting
                record = self.record(entry)
                if record is None:
                    continue
                if _NAME in record:
                    records.append(record)
                    numbers.append(number)
                else:
                    nameless.append(self._nameless(record, entry))
            on_page(number)
        return Listing([], nameless, [], records, numbers)

    def read_id(self, value: bytes) -> str | bytes:
        """Return an id as a text; objectGUID is one in Microsoft's order of bytes."""
        if self._names.id == "objectguid" and len(value) == 16:
            return str(UUID(bytes_le=value))
        return text(value)

    def write_id(self, stable_id: str) -> bytes:
        """Return the value that `read_id` reads as this id."""
        if self._names.id == "objectguid":
            try:
                return UUID(stable_id).bytes_le
            except ValueError:
                pass
        return stable_id.encode()

    def _user_name(self, dn: str, values: Mapping[str, Sequence[bytes]]) -> str | bytes | None:
        """Return the user name; of several the one in the entry's own name."""
        names = values.get(self._names.user_name, ())
        if len(names) == 1:
            return text(names[0])
        first = _FIRST_RDN.match(normal_form(dn) or "")
        parts = _PARTS_OF_RDN.findall(first[0]) if first else []
        return next((name for name in map(text, names) if self._as_rdn(name) in parts), None)

    def _as_rdn(self, name: str | bytes) -> str | None:
        """Return this user name as a part of an entry's name, in normal form."""
        if isinstance(name, bytes):
            return None
        return normal_form(f"{self._names.user_name}={_SPECIAL.sub(_ESCAPE, name)}")

    def _nameless(self, record: Mapping[str, Any], entry: Entry) -> InvalidRecord:
        dn, attributes = entry
        count = len(_by_name(attributes).get(self._names.user_name, ()))
        problem = f"has {count} values of" if count else "has no"
        stable_id = record.get(_ID)
        return InvalidRecord(
            None,
            f"the entry “{printable(dn, 200)}” {problem} {self._schema.user_name}",
            dn,
            [address for address in record[_ADDRESSES] if isinstance(address, str)],
            stable_id if isinstance(stable_id, str) else None,
        )


def text(value: bytes) -> str | bytes:
    """Return a value as a text; what is not UTF-8 stays as it is, to be told as unreadable."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _by_name(attributes: Mapping[str, Sequence[bytes]]) -> dict[str, Sequence[bytes]]:
    """Return the values by the attribute's name in lower case, without those in a language.

    Active Directory sends long attributes in ranges (MS-ADTS, 3.1.1.3.1.3.3): those are not all.
    """
    if names := _plain_names(tuple(attributes)):
        return dict(zip(names, attributes.values(), strict=True))
    found: dict[str, Sequence[bytes]] = {}
    for name, values in attributes.items():
        base, option, range_ = name.lower().partition(";")
        if not option:
            found.setdefault(base, values)
        elif range_.startswith("range="):
            more = [] if range_.endswith("-*") else [_MORE.encode()]
            found[base] = [*values, *more]
    return found


@lru_cache(maxsize=1000)  # entries have them in few combinations
def _plain_names(spelled: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in lower case; nothing if one has an option or comes in two spellings."""
    names = tuple(name.lower() for name in spelled)
    return names if ";" not in "".join(names) and len({*names}) == len(names) else ()


def _may_be_user(values: Mapping[str, Sequence[bytes]]) -> bool:
    if not _is_class_of_users(tuple(values.get("objectclass", ()))):
        return False
    return [value.upper() for value in values.get("isdeleted", ())] != [b"TRUE"]


@lru_cache(maxsize=1000)  # entries come in few kinds
def _is_class_of_users(object_classes: tuple[bytes, ...]) -> bool:
    classes = {value.lower() for value in object_classes}
    if b"computer" in classes or b"referral" in classes:
        return False
    return classes.isdisjoint(_GROUPS) or not classes.isdisjoint(_PEOPLE)
