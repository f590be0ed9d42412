"""Which users may be somebody known under a new name, and what was answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from store.addresses import address_key
from store.distinguished_names import dn_key
from store.models import UserRow
from sync.directory.listing import DirectoryUser
from sync.planning.doubt import by_trait, traits
from sync.planning.plan import Answers

Candidates = dict[str, list[str]]  # keys of new names, each with the old ones it may have had


class Moves(NamedTuple):
    """`renames` maps old keys to new ones; `open` holds what is still to be answered.

    `held` are the old users who stay as they are until then.
    """

    renames: dict[str, str]
    open: Candidates
    held: set[str]


def rename_candidates(
    users: Mapping[str, UserRow],
    creates: Mapping[str, DirectoryUser],
    updates: Mapping[str, DirectoryUser],
    deletes: Collection[str],
) -> Candidates:
    """Map each name that somebody may have come under to the users who may have left for it.

    A created and a deleted user are candidates if they share a distinguished name or an address.
    Where names were passed on, or swapped, a name stays while the person behind it changes: that
    shows in its distinguished name, which then is another user's, or, without one, in addresses
    that all are a gone user's.
    """
    if not (creates or updates):
        return {}
    passed_on = {key: record for key, record in updates.items() if _is_other(users[key], record)}
    taken_over = _taken_over(users, updates, deletes)
    owners = by_trait(users, (*deletes, *taken_over))
    for key in passed_on:
        for trait in traits(users[key]["distinguished_name"], ()):
            owners.setdefault(trait, []).append(key)
    if not owners:
        return {}
    candidates: Candidates = {}
    for key, record in (*creates.items(), *taken_over.items(), *passed_on.items()):
        addresses = () if key in passed_on else record.email_addresses
        found_by = traits(record.distinguished_name, addresses)
        found = [old for trait in found_by for old in owners.get(trait, ()) if old != key]
        if found:
            candidates[key] = list(dict.fromkeys(found))
    return candidates


def settle(candidates: Candidates, answers: Answers) -> Moves:
    """Divide the candidates into renames and open questions; who is neither is a separate user.

    One old user becomes at most one new one. Where several may be meant, nobody is picked: the
    question stays open until the answer says whom.
    """
    renames: dict[str, str] = {}
    for new, olds in candidates.items():
        if new not in answers.rename:
            continue
        said = answers.rename[new]
        meant = [old for old in olds if old not in renames and said in (None, old)]
        if len(meant) == 1:
            renames[meant[0]] = new
    answered = {*renames.values(), *answers.separate}
    remaining = {
        new: [old for old in olds if old not in renames]
        for new, olds in candidates.items()
        if new not in answered
    }
    still_open = {new: olds for new, olds in remaining.items() if olds}
    held: set[str] = set()
    found = {old for olds in still_open.values() for old in olds}
    while found:  # also who started a chain of names: without that one, nobody would ask again
        held |= found
        found = {before for old in found for before in candidates.get(old, ())} - held
    return Moves(renames, still_open, held - renames.keys())


def _is_other(row: UserRow, record: DirectoryUser) -> bool:
    """Tell whether the name seems to have gone to another person."""
    before, now = row["distinguished_name"], record.distinguished_name
    return bool(before and now) and dn_key(before or "") != dn_key(now or "")


def _taken_over(
    users: Mapping[str, UserRow], updates: Mapping[str, DirectoryUser], deletes: Iterable[str]
) -> dict[str, DirectoryUser]:
    """Return the updates that begin with a gone user's address, and those that follow in a chain.

    Without a gone user, addresses that changed hands are just that.
    """
    replaced = {
        key: record for key, record in updates.items() if _has_other_addresses(users[key], record)
    }
    found: dict[str, DirectoryUser] = {}
    leavers = list(deletes) if replaced else []
    while leavers:
        former = {address_key(item) for key in leavers for item in users[key]["email_addresses"]}
        leavers = [
            key
            for key, record in replaced.items()
            if key not in found and not former.isdisjoint(map(address_key, record.email_addresses))
        ]
        found.update((key, replaced[key]) for key in leavers)
    return found


def _has_other_addresses(row: UserRow, record: DirectoryUser) -> bool:
    """Tell whether no address is the same, and no distinguished name says who it is."""
    if row["distinguished_name"] and record.distinguished_name:
        return False
    before = set(map(address_key, row["email_addresses"]))
    return bool(before and record.email_addresses) and before.isdisjoint(
        map(address_key, record.email_addresses)
    )
