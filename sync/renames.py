"""Which new and which vanished user may be one person under a new name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from store.addresses import address_key
from store.models import UserRow
from sync.listing import DirectoryUser


def rename_candidates(
    users: Mapping[str, UserRow], creates: Mapping[str, DirectoryUser], deletes: Iterable[str]
) -> dict[str, list[str]]:
    """Map the key of each create to the deletes that share a distinguished name or an address.

    Creates without such a delete are left out.
    """
    owners: dict[str, list[str]] = defaultdict(list)
    for key in deletes:
        row = users[key]
        for trait in _traits(row["distinguished_name"], row["email_addresses"]):
            owners[trait].append(key)
    candidates = {}
    if owners:
        for key, record in creates.items():
            traits = _traits(record.distinguished_name, record.email_addresses)
            found = [old for trait in traits for old in owners.get(trait, ())]
            if found:
                candidates[key] = list(dict.fromkeys(found))
    return candidates


def _traits(distinguished_name: str | None, addresses: Iterable[str]) -> Iterator[str]:
    """Yield what identifies a person, the distinguished name first; attributes ignore case."""
    if distinguished_name:
        yield f"dn:{distinguished_name.casefold()}"
    for address in addresses:
        yield f"address:{address_key(address)}"
