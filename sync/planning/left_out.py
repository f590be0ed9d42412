"""Addresses that somebody else has: they are left out, and keep nobody out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from store.addresses import address_key
from store.models import UserRow
from store.text import printable
from sync.directory.listing import DirectoryUser
from sync.planning.changes import quoted
from sync.planning.clashes import claimed_addresses, clashes_as_conflicts
from sync.planning.plan import Change, LeftOut

_MOST_WARNINGS = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A change, with the record and the row that it was made of, if there are any."""

    change: Change
    record: DirectoryUser | None = None
    row: UserRow | None = None
    make: Callable[[DirectoryUser], Change] | None = None

    @classmethod
    def of(cls, make: Callable[[DirectoryUser], Change], record: DirectoryUser) -> Line:
        """Return the line of a record of somebody new."""
        return cls(make(record), record, None, make)

    @classmethod
    def of_row(
        cls, make: Callable[[UserRow, DirectoryUser], Change], row: UserRow, record: DirectoryUser
    ) -> Line:
        """Return the line of a record and the row that it changes."""
        return cls(make(row, record), record, row, partial(make, row))


def settled(
    users: Mapping[str, UserRow], lines: Sequence[Line], rivals: Mapping[str, Sequence[str]]
) -> tuple[list[Change], list[str]]:
    """Return the changes without addresses and names that they cannot have, and warnings.

    An address that stays with another user, or that several would get, is left out. A name that
    another user has makes a conflict. What is left out may keep an address with its holder, so
    this is repeated until nothing changes. `rivals` are the names of those for whom the directory
    lists an address, too, and who get nothing now.
    """
    lines = list(lines)
    warnings: list[str] = []
    while True:
        writable = [place for place, line in enumerate(lines) if line.change.edit]
        edits = [line.change.edit for line in lines if line.change.edit]
        claimed = claimed_addresses(users, edits, rivals)
        for number, holders in claimed.items():
            place = writable[number]
            lines[place] = _without(lines[place], holders)
            name = lines[place].change.user_name
            warnings += [_warning(name, address, holder) for address, holder in holders.items()]
        if claimed:
            continue
        changes = [line.change for line in lines]
        kept = clashes_as_conflicts(users, changes, names_only=True)
        if kept == changes:
            return [line.change for line in lines if not _is_nothing(line)], _few(warnings)
        lines = [
            line if line.change is change else Line(change)
            for line, change in zip(lines, kept, strict=True)
        ]


def _without(line: Line, holders: Mapping[str, str]) -> Line:
    """Return the line without these addresses; nobody loses the last one by that."""
    record, row = line.record, line.row
    if record is None or line.make is None:  # pragma: no cover - only records bring addresses
        raise AssertionError("a change without a record claims an address")
    kept = [item for item in record.email_addresses if address_key(item) not in holders]
    if not kept and row is not None:
        kept = row["email_addresses"]
    left_out = tuple(
        LeftOut(item, holders[key])
        for item in record.email_addresses
        if (key := address_key(item)) in holders
    )
    record = record._replace(email_addresses=kept)
    change = replace(line.make(record), left_out=(*line.change.left_out, *left_out))
    return replace(line, record=record, change=change)


def _is_nothing(line: Line) -> bool:
    return line.change.action == "update" and not line.change.fields


def _warning(name: str, address: str, holder: str) -> str:
    return (
        f"{quoted([name])}: the address “{printable(address, 100)}” is left out, because "
        f"{quoted([holder])} has it or would get it too. Let one of the two have it."
    )


def _few(warnings: Iterable[str]) -> list[str]:
    found = list(warnings)
    if (more := len(found) - _MOST_WARNINGS) <= 0:
        return found
    shown = f"{more} more addresses are" if more > 1 else "1 more address is"
    return [*found[:_MOST_WARNINGS], f"{shown} left out."]
