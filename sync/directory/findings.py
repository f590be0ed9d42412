"""What a conformance check found: in the list itself, user by user, and how it is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from store.addresses import address_key
from store.names import is_reserved, match_key
from store.text import printable
from sync.directory.listing import Listing

Level = Literal["ok", "note", "problem", "broken"]
LEVELS: tuple[Level, ...] = ("ok", "note", "problem", "broken")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    A `note` works as it is; a `problem` costs users (they or parts of them are left out, or
    somebody may see more than meant); with something `broken` no sync or no log-on works.
    """

    check: str
    level: Level
    found: str
    why: str = ""
    advice: str = ""


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level among the findings."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


def list_findings(listing: Listing) -> list[Finding]:
    """Return what is wrong with the users of a readable answer to `list`."""
    candidates = (
        _nobody(listing),
        _unusable(listing),
        _same_name(listing),
        _same_address(listing),
        _left_out(listing),
        _same_distinguished_name(listing),
        _reserved(listing),
    )
    return [finding for finding in candidates if finding]


def _nobody(listing: Listing) -> Finding | None:
    if listing.listed:
        return None
    return Finding(
        "users",
        "problem",
        "The list is empty.",
        "Nobody can tell an empty company from a failed query, so it is never read as “everybody "
        "left”: where users are managed already, a sync is stopped.",
        "Answer with an error status, 503 for example, where the users cannot be read.",
    )


def _unusable(listing: Listing) -> Finding | None:
    if not listing.invalid:
        return None
    records = [
        record.problem
        if record.user_name is None
        else f"“{printable(record.user_name, 60)}”: {record.problem}"
        for record in listing.invalid
    ]
    return Finding(
        "user names",
        "problem",
        f"{_count(records, 'record has', 'records have')} no usable user name: {_some(records)}.",
        "A user name becomes the name of a folder and of a mailbox. These users are not created, "
        "and nobody who might be one of them is deleted.",
        "Correct the names in the directory, or do not list these records.",
    )


def _same_name(listing: Listing) -> Finding | None:
    spellings: dict[str, list[str]] = defaultdict(list)
    for user in listing.users:
        spellings[match_key(user.user_name)].append(user.user_name)
    shared = [
        " and ".join(f"“{printable(name, 60)}”" for name in names[:_SHOWN])
        for names in spellings.values()
        if len(names) > 1
    ]
    if not shared:
        return None
    return Finding(
        "user names",
        "problem",
        f"{_count(shared, 'name is', 'names are')} listed more than once: {_some(shared)}.",
        "Capital letters and the form of accents make no difference, so these are the same user "
        "twice. All of them are skipped.",
        "List each user once.",
    )


def _same_address(listing: Listing) -> Finding | None:
    holders = _holders(
        (address_key(address), user.user_name)
        for user in listing.users
        for address in user.email_addresses
    )
    if not holders:
        return None
    return Finding(
        "e-mail addresses",
        "problem",
        f"{_count(holders, 'address belongs', 'addresses belong')} to more than one user: "
        f"{_some(holders)}.",
        "An address says whose mail it is, so it can belong to one user only. Users who would get "
        "such an address are skipped.",
        "Leave each address with one user.",
    )


def _left_out(listing: Listing) -> Finding | None:
    if not listing.warnings:
        return None
    warnings = [warning.removesuffix(".") for warning in listing.warnings]
    return Finding(
        "fields",
        "problem",
        f"{_count(warnings, 'value is', 'values are')} left out: {_some(warnings, '; ')}.",
        "distinguishedName and fullName are texts, emailAddresses is an array of texts of the form "
        "name@domain; null, or no field, means that there is none.",
        "Correct these values.",
    )


def _same_distinguished_name(listing: Listing) -> Finding | None:
    holders = _holders(
        (match_key(user.distinguished_name), user.user_name)
        for user in listing.users
        if user.distinguished_name
    )
    if not holders:
        return None
    return Finding(
        "distinguished names",
        "note",
        f"{_count(holders, 'distinguished name is', 'distinguished names are')} shared: "
        f"{_some(holders)}.",
        "It is what a person is recognised by after a change of the user name.",
        "Give each user a distinguished name of its own.",
    )


def _reserved(listing: Listing) -> Finding | None:
    if not any(is_reserved(user.user_name) for user in listing.users):
        return None
    return Finding(
        "user names",
        "note",
        "A user is called “admin”.",
        "No sync creates, changes or deletes that name, so it is skipped each time.",
        "Leave it out of the list.",
    )


def _holders(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Describe each value that users of different names share."""
    users: Mapping[str, dict[str, str]] = defaultdict(dict)
    for value, user_name in pairs:
        users[value].setdefault(match_key(user_name), user_name)
    return [
        f"{printable(value, 60)} ("
        + ", ".join(printable(name, 60) for name in [*names.values()][:_SHOWN])
        + ")"
        for value, names in users.items()
        if len(names) > 1
    ]


def _some(items: Sequence[str], separator: str = ", ") -> str:
    more = len(items) - _SHOWN
    return separator.join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _count(items: Sequence[str], one: str, many: str) -> str:
    return f"{len(items)} {one if len(items) == 1 else many}"
