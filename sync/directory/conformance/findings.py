"""What a conformance check found: in the list itself, user by user, and how it is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from unicodedata import normalize

from store.addresses import address_key
from store.distinguished_names import dn_key
from store.names import is_reserved, match_key
from store.text import printable
from sync.directory.listing import Listing

Level = Literal["ok", "note", "problem", "unchecked", "broken"]
LEVELS: tuple[Level, ...] = ("ok", "note", "problem", "unchecked", "broken")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    A `note` works as it is; a `problem` costs users (they or parts of them are left out, or
    somebody may see more than meant); with something `broken` no sync or no log-on works;
    `unchecked` is what could not be looked at. `error` has the parts of the failure that `found`
    tells of, if there was one.
    """

    check: str
    level: Level
    found: str
    why: str = ""
    advice: str = ""
    error: dict[str, str] | None = None


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level among the findings."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


class _Check(NamedTuple):
    """What a list is looked through for; `found` has {count} with noun and verb, and {some}."""

    check: str
    level: Level
    look: Callable[[Listing], list[str]]
    nouns: tuple[str, str]  # with the verb, for one and for more
    found: str
    why: str
    advice: str
    separator: str = ", "


def list_findings(listing: Listing) -> list[Finding]:
    """Return what is wrong with the users of a readable answer to `list`."""
    return [
        Finding(
            check.check,
            check.level,
            check.found.format(
                count=f"{len(items)} {check.nouns[len(items) > 1]}",
                some=_some(items, check.separator),
            ),
            check.why,
            check.advice,
        )
        for check in _CHECKS
        if (items := check.look(listing))
    ]


def _unusable(listing: Listing) -> list[str]:
    return [
        record.problem
        if record.user_name is None
        else f"“{printable(record.user_name, 60)}”: {record.problem}"
        for record in listing.invalid
    ]


def _same_names(listing: Listing) -> list[str]:
    spellings: dict[str, list[str]] = defaultdict(list)
    for user in listing.users:
        spellings[match_key(user.user_name)].append(user.user_name)
    return [
        " and ".join(f"“{printable(name, 60)}”" for name in names[:_SHOWN]) + _unicode_note(names)
        for names in spellings.values()
        if len(names) > 1
    ]


def _unicode_note(names: Sequence[str]) -> str:
    looks = {normalize("NFC", name) for name in names}
    return " in different Unicode forms" if len(looks) < len({*names}) else ""


def _same_ids(listing: Listing) -> list[str]:
    return _holders((user.id, user.user_name) for user in listing.users if user.id)


def _no_ids(listing: Listing) -> list[str]:
    without = [
        f"“{printable(user.user_name, 60)}”"
        for user in listing.users
        if user.id is None and "id" not in user.unreadable
    ]
    return without if len(without) < len(listing.users) else []


def _same_addresses(listing: Listing) -> list[str]:
    return _holders(
        (address_key(address), user.user_name)
        for user in listing.users
        for address in user.email_addresses
    )


def _same_distinguished_names(listing: Listing) -> list[str]:
    return _holders(
        (dn_key(user.distinguished_name), user.user_name)
        for user in listing.users
        if user.distinguished_name
    )


_CHECKS = (
    _Check(
        "users",
        "problem",
        lambda listing: [] if listing.listed else ["nobody"],
        ("", ""),
        "The list is empty.",
        "mailroster cannot tell an empty company from a failed query, so it never reads an empty "
        "list as “everybody left”: a sync stops where users are managed already.",
        "Answer with an error status, 503 for example, where the users cannot be read.",
    ),
    _Check(
        "user names",
        "problem",
        _unusable,
        ("record has", "records have"),
        "{count} no usable user name: {some}.",
        "A user name becomes the name of a folder and of a mailbox. mailroster does not create "
        "these users, and deletes no user who might be one of them.",
        "Correct the names in the directory, or do not list these records.",
    ),
    _Check(
        "user names",
        "problem",
        _same_names,
        ("name is", "names are"),
        "{count} listed more than once: {some}.",
        "Capital letters and the form of accents make no difference, so these are the same user "
        "twice. mailroster skips all of them.",
        "List each user once.",
    ),
    _Check(
        "ids",
        "problem",
        _same_ids,
        ("id is", "ids are"),
        "{count} listed more than once: {some}.",
        "An id identifies a person even when the name changes. mailroster skips all users who "
        "share one.",
        "Give each user an id of its own.",
    ),
    _Check(
        "ids",
        "note",
        _no_ids,
        ("user has", "users have"),
        "{count} no id, and others have one: {some}.",
        "mailroster recognises these users by their names alone, and asks when a name changes.",
        "List an id for every user, or for none.",
    ),
    _Check(
        "e-mail addresses",
        "problem",
        _same_addresses,
        ("address belongs", "addresses belong"),
        "{count} to more than one user: {some}.",
        "An address says whose mail it is, so it can belong to one user only. It is left out of "
        "the users who would get it.",
        "Leave each address with one user.",
    ),
    _Check(
        "fields",
        "problem",
        lambda listing: [warning.removesuffix(".") for warning in listing.warnings],
        ("value is", "values are"),
        "{count} left out: {some}.",
        "distinguishedName, fullName and id are texts, emailAddresses is an array of texts of the "
        "form name@domain; null or a missing field means no value.",
        "Correct these values.",
        "; ",
    ),
    _Check(
        "distinguished names",
        "note",
        _same_distinguished_names,
        ("distinguished name is", "distinguished names are"),
        "{count} shared: {some}.",
        "mailroster recognises a person by it after a change of the user name.",
        "Give each user a distinguished name of its own.",
    ),
    _Check(
        "user names",
        "note",
        lambda listing: ["admin" for user in listing.users if is_reserved(user.user_name)],
        ("", ""),
        "A user is called “admin”.",
        "No sync creates, changes or deletes that name, so it is skipped each time.",
        "Leave it out of the list.",
    ),
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


def _some(items: Sequence[str], separator: str) -> str:
    more = len(items) - _SHOWN
    return separator.join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
