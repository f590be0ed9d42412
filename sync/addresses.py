"""Addresses that more than one user would have after a sync."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from store.addresses import address_key
from store.models import UserRow
from store.text import printable
from sync.listing import DirectoryUser


def unresolved_addresses(
    users: Mapping[str, UserRow],
    creates: Mapping[str, DirectoryUser],
    updates: Mapping[str, DirectoryUser],
    deletes: Collection[str],
) -> dict[str, str]:
    """Map the key of each create and update that claims another user's address to the reason.

    An address is free once its holder is deleted or gives it up in the same sync, so swapped
    addresses are no conflict. A change that falls out keeps its user's old addresses, which may
    make others fall out in turn. Where several claim one address that nobody has, all fall out.
    """
    active = {**creates, **updates}
    claims = _claims(users, active)
    if not claims:
        return {}
    holders = _holders(users, claims)
    reasons: dict[str, str] = {}
    while True:
        fallen: dict[str, str] = {}
        for address, claimants in claims.items():
            standing = [key for key in claimants if key in active]
            keepers = [key for key in holders[address] if _keeps(address, key, active, deletes)]
            for key in standing:
                others = [other for other in keepers or standing if other != key]
                if others:
                    fallen[key] = _reason(address, others[0], users, active)
        if not fallen:
            return reasons
        reasons.update(fallen)
        for key in fallen:
            del active[key]


def _claims(
    users: Mapping[str, UserRow], active: Mapping[str, DirectoryUser]
) -> dict[str, list[str]]:
    """Map each address that somebody would newly get to the keys that want it."""
    claims: dict[str, list[str]] = defaultdict(list)
    for key, record in active.items():
        row = users.get(key)
        own = {address_key(address) for address in row["email_addresses"]} if row else set()
        for address in map(address_key, record.email_addresses):
            if address not in own:
                claims[address].append(key)
    return claims


def _holders(users: Mapping[str, UserRow], wanted: Collection[str]) -> dict[str, list[str]]:
    holders: dict[str, list[str]] = {address: [] for address in wanted}
    for key, row in users.items():
        for address in map(address_key, row["email_addresses"]):
            if address in holders:
                holders[address].append(key)
    return holders


def _keeps(
    address: str, key: str, active: Mapping[str, DirectoryUser], deletes: Collection[str]
) -> bool:
    if key in deletes:
        return False
    if key not in active or "email_addresses" in active[key].unreadable:
        return True
    return address in map(address_key, active[key].email_addresses)


def _reason(
    address: str,
    other: str,
    users: Mapping[str, UserRow],
    active: Mapping[str, DirectoryUser],
) -> str:
    name = users[other]["user_name"] if other in users else active[other].user_name
    return (
        f"the address “{printable(address, 100)}” belongs to “{printable(name, 60)}”; "
        "an address can have one user only: correct one of the two"
    )
