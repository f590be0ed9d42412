"""An e-mail address has one owner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, filterfalse
from operator import itemgetter

from store.addresses import address_key
from store.errors import InvalidValue
from store.interface import Edit
from store.models import User, UserRow
from store.text import printable


def check_addresses_free(
    before: Mapping[str, UserRow], after: Mapping[str, UserRow], edits: Sequence[Edit]
) -> None:
    """Raise `InvalidValue` if an address that is new with one of the `edits` has another owner.

    `before` and `after` are all users without and with the edits. Two users who have had the same
    address since before there was this rule may keep it. Where no address is new, nobody else is
    looked at.
    """
    gained: dict[str, str] = {}
    for edit in edits:
        if edit.user is None:
            continue
        for address in gained_addresses(before[edit.key] if edit.rev else None, edit.user):
            holder = gained.setdefault(address, edit.user.key)
            if holder != edit.user.key:
                raise _taken(address, after[holder])
    if not gained:
        return
    edited = {edit.key: edit.user for edit in edits if edit.rev}
    for address, keys in holders_of(gained, before).items():
        for key in keys:
            now = edited[key] if key in edited else User.from_row(before[key])
            if now is None or now.key == gained[address]:
                continue
            for kept in now.email_addresses:
                if address_key(kept) == address:
                    raise _taken(kept, now.to_row())


def gained_addresses(row: UserRow | None, user: User) -> Iterable[str]:
    """Return the keys of the addresses that the user has not had before, in the stored `row`."""
    if row is None:
        return map(address_key, user.email_addresses)
    if row["email_addresses"] == user.email_addresses:
        return ()
    own = set(map(address_key, row["email_addresses"]))
    return (item for item in map(address_key, user.email_addresses) if item not in own)


def holders_of(addresses: Collection[str], users: Mapping[str, UserRow]) -> dict[str, list[str]]:
    """Map those of the `addresses`, as their keys, that are held to the keys of all who do."""
    looked_for = set(addresses)
    each = itemgetter("email_addresses")
    stored, others = (chain.from_iterable(map(each, users.values())) for _ in range(2))
    held = looked_for.intersection(map(str.lower, stored))  # as `address_key` does, without calls
    held |= looked_for.intersection(map(address_key, filterfalse(str.isascii, others)))
    holders: dict[str, list[str]] = {address: [] for address in held}
    for key, row in users.items() if held else ():
        for address in map(address_key, row["email_addresses"]):
            if address in held:
                holders[address].append(key)
    return {address: keys for address, keys in holders.items() if keys}


def _taken(address: str, holder: UserRow) -> InvalidValue:
    return InvalidValue(
        f"The address “{printable(address)}” belongs to “{printable(holder['user_name'])}”.",
        "Take it from that user first, or choose another one.",
    )
