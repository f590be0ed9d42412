"""Edits that cannot stand: a name or an address of two users, or no administrator left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

from store.addresses import address_key
from store.administrators import is_local_administrator
from store.interface import Edit
from store.models import User, UserRow
from store.names import match_key
from store.owners import gained_addresses, holders_of
from store.text import printable
from sync.planning.changes import conflict
from sync.planning.plan import Change

Trait = str | tuple[str]  # an address, or the key of a name
Claimed = TypeVar("Claimed", str, tuple[str])


def clashes_as_conflicts(
    users: Mapping[str, UserRow], changes: Sequence[Change], *, names_only: bool = False
) -> list[Change]:
    """Return the changes with conflicts in the place of those whose edits clash."""
    writable = [place for place, change in enumerate(changes) if change.edit]
    edits = [change.edit for change in changes if change.edit]
    kept = list(changes)
    for place, reason in clashes(users, edits, names_only=names_only).items():
        kept[writable[place]] = conflict(_name(edits[place]), reason)
    return kept


def last_administrators_as_conflicts(
    users: Mapping[str, UserRow], changes: Sequence[Change]
) -> list[Change]:
    """Return the changes with conflicts where no local administrator would remain otherwise."""
    edits = {change.edit.key: change.edit for change in changes if change.edit and change.edit.rev}
    lost = {
        key
        for key, edit in edits.items()
        if is_local_administrator(users[key]) and not _is_administrator(edit)
    }
    if (
        not lost
        or any(is_local_administrator(row) for key, row in users.items() if key not in edits)
        or any(_is_administrator(change.edit) for change in changes)
    ):
        return list(changes)
    reason = (
        "no administrator with a local password would remain; make another integrated user an "
        "administrator first"
    )
    return [
        conflict(change.user_name, reason)
        if change.edit and change.edit.rev and change.edit.key in lost
        else change
        for change in changes
    ]


def _is_administrator(edit: Edit | None) -> bool:
    return bool(edit and edit.user and is_local_administrator(edit.user.to_row()))


def clashes(
    users: Mapping[str, UserRow], edits: Sequence[Edit], *, names_only: bool = False
) -> dict[int, str]:
    """Map the place of each edit that claims another user's name or address to the reason.

    A name or an address is free once its holder goes or gives it up in the same batch, so swaps
    are no clash. An edit that falls out leaves its user as it is, which may make others fall out
    in turn. Where several claim one address that nobody has, all fall out.
    """
    names = _claims(users, edits, partial(_gained_name, users))
    addresses = {} if names_only else _claims(users, edits, gained_addresses)
    claims = dict[Trait, list[int]](chain(names.items(), addresses.items()))
    if not claims:
        return {}
    standing = set(chain.from_iterable(claims.values()))
    leaving = {edit.key: place for place, edit in enumerate(edits) if edit.rev}
    holders = _holders(users, claims)
    reasons: dict[int, str] = {}
    while True:
        fallen: dict[int, str] = {}
        for trait, claimants in claims.items():
            active = [place for place in claimants if place in standing]
            if not active:
                continue
            keepers = [
                users[key]["user_name"]
                for key in holders[trait]
                if _keeps(trait, leaving.get(key), edits, reasons)
            ]
            for place in active:
                others = keepers or [_name(edits[other]) for other in active if other != place]
                if others:
                    fallen.setdefault(place, _reason(trait, others[0]))
        if not fallen:
            return reasons
        reasons.update(fallen)
        standing -= fallen.keys()


def claimed_addresses(
    users: Mapping[str, UserRow], edits: Sequence[Edit], rivals: Mapping[str, Sequence[str]]
) -> dict[int, dict[str, str]]:
    """Map the place of each edit to the addresses that it cannot have, by key, and their holders.

    A holder is who keeps the address, or, where nobody does, another one who would get it: by
    another edit, or as one of the `rivals`, the names by address of those who get nothing now.
    """
    claims = _claims(users, edits, gained_addresses)
    if not claims:
        return {}
    leaving = {edit.key: place for place, edit in enumerate(edits) if edit.rev}
    holders = _holders(users, claims)
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for address, places in claims.items():
        keepers = [
            users[key]["user_name"]
            for key in holders[address]
            if _keeps(address, leaving.get(key), edits, {})
        ]
        for place in places:
            others = keepers or [
                *(_name(edits[other]) for other in places if other != place),
                *(name for name in rivals.get(address, ()) if name != _name(edits[place])),
            ]
            if others:
                found[place][address] = others[0]
    return found


def _claims(
    users: Mapping[str, UserRow],
    edits: Sequence[Edit],
    gained: Callable[[UserRow | None, User], Iterable[Claimed]],
) -> dict[Claimed, list[int]]:
    """Map what edits bring their users, names or addresses, to the places of these edits."""
    claims: dict[Claimed, list[int]] = defaultdict(list)
    for place, edit in enumerate(edits):
        if edit.user:
            for trait in gained(users[edit.key] if edit.rev else None, edit.user):
                claims[trait].append(place)
    return claims


def _gained_name(
    users: Mapping[str, UserRow], row: UserRow | None, user: User
) -> Iterable[tuple[str]]:
    """Return the key of the name, if the user has not had it before; one of nobody is free."""
    had = "" if row is None else match_key(row["user_name"])
    return () if had == user.key or user.key not in users else ((user.key,),)


def _holders(
    users: Mapping[str, UserRow], claims: Mapping[Trait, object] | Mapping[str, object]
) -> dict[Trait, list[str]]:
    """Map each claimed trait to the keys of those who have it now."""
    addresses = holders_of([trait for trait in claims if isinstance(trait, str)], users)
    return {
        trait: [trait[0]] if isinstance(trait, tuple) else addresses.get(trait, [])
        for trait in claims
    }


def _keeps(
    trait: Trait, place: int | None, edits: Sequence[Edit], fallen: Mapping[int, str]
) -> bool:
    """Tell whether a holder still has the trait, `place` being that of the edit to it, if any."""
    if place is None or place in fallen:
        return True
    user = edits[place].user
    if user is None:
        return False
    if isinstance(trait, tuple):
        return user.key == trait[0]
    return trait in map(address_key, user.email_addresses)


def _name(edit: Edit) -> str:
    return edit.user.user_name if edit.user else edit.key


def _reason(trait: Trait, other: str) -> str:
    if isinstance(trait, tuple):
        return (
            f"the name still belongs to “{printable(other, 60)}”; first let that user be renamed "
            "too, or deleted"
        )
    return (
        f"the address “{printable(trait, 100)}” belongs to “{printable(other, 60)}”; "
        "an address can have one user only: correct one of the two"
    )
