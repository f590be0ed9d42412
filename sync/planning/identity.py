"""Who is who by the directory's ids: the same id is the same person under any name.

An id counts for the directory that gave it, which its type and URL tell. What is not listed, or
cannot be read, is unknown and decides nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from store.models import INTEGRATED, Settings, UserRow
from store.names import RESERVED_NAME, match_key
from store.text import printable, quantity
from sync.directory.listing import DirectoryUser, Listing
from sync.directory.types import type_of
from sync.planning.plan import IDS, Change


def directory_of(settings: Settings) -> str:
    """Return what tells one directory from another: its type and its URL, or the like."""
    kind = type_of(settings)
    which = (kind.identity or kind.where)(settings) if kind else settings.url
    return f"{settings.directory_service} {which}"


def known_id(row: UserRow, directory: str) -> str | None:
    """Return the id that this directory gave the user, None if it gave none."""
    return row.get("directory_id") if row.get("directory") == directory else None


def new_identity(row: UserRow, record: DirectoryUser, directory: str) -> dict[str, str | None]:
    """Return the stored fields that the record's id changes; none if it has no id."""
    if record.id is None:
        return {}
    fields = {"directory_id": record.id, "directory": directory, "other_id": None}
    return {name: value for name, value in fields.items() if row.get(name) != value}


@dataclass(frozen=True, slots=True)
class Identities:
    """What the listed ids say; everything goes by match key.

    `conflicts` are reasons to leave a record alone. `moves` map new names to the users who came
    under them. `others` are users whose name is listed with another person's id: that person
    must not log on as the user, unless the user goes or comes under another name. `listed_as`
    maps users to the names that have their id now, None for a record whose name cannot be used.
    """

    conflicts: dict[str, str] = field(default_factory=dict)
    moves: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    listed_as: dict[str, str | None] = field(default_factory=dict)


def identify(
    users: Mapping[str, UserRow], listing: Listing, keys: Sequence[str], directory: str
) -> Identities:
    """Compare the ids of the records, whose match keys are `keys`, with those of the users."""
    counts = Counter(record.id for record in listing.users if record.id)
    counts.update(bad.id for bad in listing.invalid if bad.id)
    found = Identities()
    if not counts:
        return found
    holders: dict[str, list[str]] = defaultdict(list)
    for key, row in users.items():
        if (known := known_id(row, directory)) is not None and known in counts:
            holders[known].append(key)
    for bad in listing.invalid:
        found.listed_as.update(dict.fromkeys(holders.get(bad.id or "", ())))
    unknown = {key for key, record in zip(keys, listing.users, strict=True) if record.id is None}
    for key, record in zip(keys, listing.users, strict=True):
        if record.id is None:
            continue
        owners = holders.get(record.id, [])
        found.listed_as.update(dict.fromkeys(owners, key))
        known = known_id(users[key], directory) if key in users else None
        if counts[record.id] == 1 and known not in (None, record.id) and key != RESERVED_NAME:
            found.others.add(key)
        if problem := _problem(users, key, record.id, counts[record.id], owners, unknown):
            found.conflicts[key] = problem
        elif owners and owners != [key]:
            found.moves[key] = owners[0]
    _block(users, found)
    return found


def _problem(
    users: Mapping[str, UserRow],
    key: str,
    stable_id: str,
    count: int,
    owners: Sequence[str],
    unknown: set[str],
) -> str | None:
    """Return why nothing can be decided by this id, if so."""
    shown = printable(stable_id, 60)
    if count > 1:
        return (
            f"the directory lists the id “{shown}” {count} times; give each user an id of its own "
            "there"
        )
    others = [owner for owner in owners if owner != key]
    if not others:
        return None
    name = printable(users[others[0]]["user_name"], 60)
    if len(owners) > 1:
        return f"several users here have its id “{shown}”, “{name}” among them"
    if users[others[0]]["authentication"] == INTEGRATED:
        return (
            f"the local user “{name}” has its id “{shown}”; if both are the same person, switch "
            "that user to Directory Services, otherwise correct the id in the directory"
        )
    if others[0] == RESERVED_NAME:
        return f"“{name}”, whom a sync never changes, has its id “{shown}”; correct the id"
    if others[0] in unknown:
        return (
            f"“{name}”, whom the directory also lists without an id, has its id “{shown}”; correct "
            "the ids in the directory"
        )
    return None


def _block(users: Mapping[str, UserRow], found: Identities) -> None:
    """Turn moves to a name whose user stays into conflicts; this may block others in turn."""
    while True:
        moving = set(found.moves.values())
        blocked = [key for key in found.moves if key in users and key not in moving]
        if not blocked:
            return
        for key in blocked:
            old = printable(users[found.moves.pop(key)]["user_name"], 60)
            found.conflicts[key] = (
                f"it has the id of “{old}”, but another user has this name here; rename or delete "
                "that one first"
            )


def with_ids_to_take_over(
    users: Mapping[str, UserRow], listing: Listing, directory: str, *, confirmed: bool
) -> tuple[Listing, Change | None]:
    """Return the listing, and the line about ids that are to be taken over by name, if any.

    That is so where a directory lists ids and no user has one of it. Until it is confirmed the
    listing comes without ids, so that users go by their names as before.
    """
    if not any(record.id for record in listing.users):
        return listing, None
    count = sum(
        record.id is not None
        and (row := users.get(match_key(record.user_name))) is not None
        and row["authentication"] != INTEGRATED
        for record in listing.users
    )
    if not count or any(known_id(row, directory) for row in users.values()):
        return listing, None
    listed = f"the ids of {quantity(count, 'user')} here are listed for the first time"
    if confirmed:
        reason = f"{listed}; they are taken over by name, as you say"
        return listing, Change(action="update", user_name=IDS, reason=reason)
    question = Change(
        action="update",
        user_name=IDS,
        reason=f"{listed}; until you take them over by name, mailroster knows these users by their "
        "names alone",
        asks="ids",
    )
    return _without_ids(listing), question


def _without_ids(listing: Listing) -> Listing:
    return Listing(
        [
            record._replace(
                id=None, unreadable=tuple(name for name in record.unreadable if name != "id")
            )
            for record in listing.users
        ],
        [bad._replace(id=None) for bad in listing.invalid],
        listing.warnings,
    )


def decided_by_ids(
    candidates: Mapping[str, Collection[str]],
    users: Mapping[str, UserRow],
    records: Mapping[str, DirectoryUser],
    directory: str,
) -> dict[str, list[str]]:
    """Return the candidates for a rename without those whom known ids tell apart.

    Also without users who have their own id under their own name.
    """
    others = {
        new: olds
        for new, olds in candidates.items()
        if not (
            records[new].id and new in users and known_id(users[new], directory) == records[new].id
        )
    }
    return told_apart(others, users, records, directory)


def told_apart(
    candidates: Mapping[str, Collection[str]],
    users: Mapping[str, UserRow],
    records: Mapping[str, DirectoryUser],
    directory: str,
) -> dict[str, list[str]]:
    """Return the candidates without those who have an id, where the record has one as well.

    A record's id says nothing of users who have none: it may have come with the very name.
    """
    left = {
        new: [old for old in olds if not (records[new].id and known_id(users[old], directory))]
        for new, olds in candidates.items()
    }
    return {new: olds for new, olds in left.items() if olds}
