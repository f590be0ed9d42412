"""What may hide behind records that cannot be read in full: nobody is deleted on doubt.

A field that cannot be read is unknown, which is neither empty nor equal. Filters judge it by what
is stored. A record whose name cannot be read, or one that may have come under another name, can
be any gone user who does not certainly differ from it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from store.addresses import address_key
from store.distinguished_names import dn_key
from store.models import DIRECTORY_SERVICES, UserRow
from store.names import MAX_NAME_BYTES, match_key, name_problem
from sync.directory.listing import DirectoryUser, InvalidRecord
from sync.planning.identity import known_id


def judged(record: DirectoryUser, row: UserRow | None) -> DirectoryUser:
    """Return the record as filters judge it: a field that is unknown as it is stored, if it is."""
    if row is None or not record.unreadable:
        return record
    stored = {name: row[name] for name in record.unreadable if row.get(name)}  # type: ignore[literal-required]
    unknown = tuple(name for name in record.unreadable if name not in stored)
    return record._replace(**stored, unreadable=unknown)


def traits(distinguished_name: str | None, addresses: Iterable[str]) -> Iterator[str]:
    """Yield what identifies a person, the distinguished name first."""
    if distinguished_name:
        yield f"dn:{dn_key(distinguished_name)}"
    for address in addresses:
        yield f"address:{address_key(address)}"


def traits_of(row: UserRow) -> Iterator[str]:
    """Yield what identifies a stored user."""
    return traits(row["distinguished_name"], row["email_addresses"])


def by_trait(users: Mapping[str, UserRow], keys: Iterable[str]) -> dict[str, list[str]]:
    """Map what identifies the users of these keys to the keys of all whom it does."""
    owners: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        for trait in traits_of(users[key]):
            owners[trait].append(key)
    return owners


def who_may_be_listed(
    users: Mapping[str, UserRow],
    gone: Collection[str],
    invalid: Iterable[InvalidRecord],
    known_ids: Collection[str | None] = (),
) -> dict[str, InvalidRecord]:
    """Map those of the `gone` keys that a refused record may stand for to that record.

    It stands for the users who share its distinguished name or an address, or whose name is what
    remains of its own without what is refused. Where there are none, it may be anybody; one whose
    name can be read is somebody else than users with other distinguished names or addresses, and
    one with one of the `known_ids` is the user who has it.
    """
    found: dict[str, InvalidRecord] = {}
    owners = by_trait(users, gone)
    for bad in invalid:
        likely = [
            key
            for trait in traits(bad.distinguished_name, bad.email_addresses)
            for key in owners.get(trait, ())
        ]
        name = _repaired(bad.user_name or "")
        if name in gone:
            likely.append(name)
        if not likely and (bad.id is None or bad.id not in known_ids):
            likely = [key for key in gone if not name or not _is_another(users[key], bad)]
        for key in likely:
            found.setdefault(key, bad)
    return found


def who_may_be_renamed(
    users: Mapping[str, UserRow],
    gone: Collection[str],
    records: Mapping[str, DirectoryUser],
    directory: str = "",
) -> dict[str, set[str]]:
    """Map the keys of records to those of the `gone` users who may have come under that name.

    A question would be asked if the distinguished name, or the addresses, of the record could be
    read and were those of a gone user; with the id that `directory` gave one, it is that user.
    """
    found: dict[str, set[str]] = {}
    for key, record in records.items():
        fields = set(_telling(users.get(key), record)).intersection(record.unreadable)
        olds = {
            old
            for old in gone
            if any(users[old][name] for name in fields)  # type: ignore[literal-required]
            or ("id" in record.unreadable and known_id(users[old], directory))
        }
        if olds:
            found[key] = olds
    return found


def _telling(row: UserRow | None, record: DirectoryUser) -> Iterator[str]:
    """Yield the fields by which `renames.rename_candidates` would know a person again.

    Addresses tell nothing more where both distinguished names are known, unless the user may have
    been made of this very record.
    """
    if row is None:
        yield from ("distinguished_name", "email_addresses")
    elif row["authentication"] == DIRECTORY_SERVICES:
        yield "distinguished_name"
        readable = set(map(address_key, record.email_addresses))
        if not (row["distinguished_name"] and record.distinguished_name) or readable.issuperset(
            map(address_key, row["email_addresses"])
        ):
            yield "email_addresses"


def _is_another(row: UserRow, bad: InvalidRecord) -> bool:
    """Tell whether both have a distinguished name, or addresses; that they differ is known."""
    return bool(row["distinguished_name"] and bad.distinguished_name) or bool(
        row["email_addresses"] and bad.email_addresses
    )


def _repaired(name: str) -> str:
    """Return the key of a refused name without what is refused in it, or "" for none."""
    if len(name) >= MAX_NAME_BYTES:
        return ""
    kept = "".join(char for char in name if name_problem(f"a{char}a") is None)
    while ".." in kept:
        kept = kept.replace("..", ".")
    return match_key(unicodedata.normalize("NFC", kept.strip().lstrip(".~").strip()))
