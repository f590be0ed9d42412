"""The lines of a plan, each built from a stored row, a record of the directory, or both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from store.interface import Edit
from store.models import DIRECTORY_SERVICES, Settings, User, UserRow
from store.names import match_key
from store.text import printable
from sync.directory.listing import DirectoryUser
from sync.planning.plan import Change, FieldChange

NAMELESS = "(record without a user name)"  # in the place of a name
FOLLOWED_FIELDS = ("user_name", "full_name", "distinguished_name", "email_addresses")
_FIELD_LABELS = {
    "user_name": "spelling of the user name",
    "full_name": "full name",
    "distinguished_name": "distinguished name",
    "email_addresses": "e-mail addresses",
}


def differing(row: UserRow, record: DirectoryUser) -> list[str]:
    """Return the followed fields in which the two differ, without those that are unreadable."""
    if (
        record.user_name == row["user_name"]
        and record.full_name == row["full_name"]
        and record.distinguished_name == row["distinguished_name"]
        and record.email_addresses == row["email_addresses"]
    ):
        return []
    return [
        name
        for name in FOLLOWED_FIELDS
        if getattr(record, name) != row[name] and name not in record.unreadable  # type: ignore[literal-required]
    ]


def creation(settings: Settings, record: DirectoryUser) -> Change:
    """Return the change that makes a user of the record, with the default privileges."""
    user = User(
        user_name=record.user_name,
        full_name=record.full_name,
        distinguished_name=record.distinguished_name,
        email_addresses=record.email_addresses,
        authentication=DIRECTORY_SERVICES,
        privileges=list(settings.default_privileges),
        folder_privileges={match_key(record.user_name): list(settings.default_folder_privileges)},
    )
    return Change(
        action="create",
        user_name=user.user_name,
        reason="in the directory, unknown here",
        fields={
            name: FieldChange(None, getattr(user, name))
            for name in (*FOLLOWED_FIELDS[1:], "privileges")
            if getattr(user, name)
        },
        edit=Edit.create(user),
    )


def update(row: UserRow, record: DirectoryUser) -> Change:
    """Return the change that lets the user follow the record."""
    names = differing(row, record)
    reason = f"{', '.join(_FIELD_LABELS[name] for name in names)} changed in the directory"
    return _following(row, record, names, reason)


def link(row: UserRow, record: DirectoryUser) -> Change:
    """Return the change that hands a local user to the directory; the privileges stay."""
    reason = "linked: logs on with the directory's password from now on, the privileges stay"
    names = differing(row, record)
    return _following(row, record, names, reason, authentication=DIRECTORY_SERVICES)


def rename(row: UserRow, record: DirectoryUser) -> Change:
    """Return the change that gives the user the record's name and the rest of it."""
    was = printable(row["user_name"], 60)
    reason = f"“{was}” under a new name; privileges, archive and history move along"
    change = _following(row, record, differing(row, record), reason)
    return replace(
        change, action="rename", user_name=record.user_name, candidates=(row["user_name"],)
    )


def _following(
    row: UserRow, record: DirectoryUser, names: Iterable[str], reason: str, **more: Any
) -> Change:
    """Return the update of these fields to those of the record, and of `more` to its values."""
    new = {**more, **{name: getattr(record, name) for name in names}}
    return Change(
        action="update",
        user_name=row["user_name"],
        reason=reason,
        fields={name: FieldChange(row[name], value) for name, value in new.items()},  # type: ignore[literal-required]
        edit=Edit.of_row(row, User.from_row({**row, **new})),  # type: ignore[typeddict-item]
    )


def deletion(row: UserRow, reason: str, keeps_archive: Callable[[str], bool]) -> Change:
    """Return the change that deletes the user."""
    name = row["user_name"]
    return Change(
        action="delete",
        user_name=name,
        reason=reason,
        fields={
            field: FieldChange(row[field], None)  # type: ignore[literal-required]
            for field in FOLLOWED_FIELDS[1:]
            if row[field]  # type: ignore[literal-required]
        },
        archive="kept" if keeps_archive(name) else "removed",
        edit=Edit.of_row(row, None),
    )


def conflict(user_name: str, reason: str) -> Change:
    """Return the line of a record or user that is left as it is."""
    return Change(action="conflict", user_name=user_name, reason=reason)


def local_namesake(row: UserRow, record: DirectoryUser) -> Change:
    """Return the conflict of a record with the local user of its name, who may be linked."""
    return Change(
        action="conflict",
        user_name=record.user_name,
        reason="a local user has this name; if it is the same person link the two (that switches "
        "the user to Directory Services and keeps the privileges), else rename one of the "
        "two or exclude the name by a filter",
        fields=_compared(row, record),
        asks="link",
    )


def question(record: DirectoryUser, candidates: Sequence[UserRow], known: bool) -> Change:
    """Return the open question whether the record is one of the candidates under a new name.

    `known` tells that its name is in use here already, by somebody else it seems.
    """
    old = quoted(row["user_name"] for row in candidates)
    if known:
        reason = f"has the distinguished name or the addresses that {old} had until now"
    else:
        reason = f"shares a distinguished name or an address with {old}, who is gone from there"
    return Change(
        action="rename",
        user_name=record.user_name,
        reason=f"{reason}; perhaps the same person, so neither is touched until you say "
        "“rename” or “separate”",
        fields=_compared(candidates[0], record),
        asks="rename",
        candidates=tuple(row["user_name"] for row in candidates),
    )


def _compared(row: UserRow, record: DirectoryUser) -> dict[str, FieldChange]:
    """Return what is known of the two who may be one, where it differs."""
    return {
        name: FieldChange(row[name], getattr(record, name))  # type: ignore[literal-required]
        for name in differing(row, record)
    }


def quoted(names: Iterable[str]) -> str:
    """Return user names as they stand in a sentence."""
    return ", ".join(f"“{printable(name, 60)}”" for name in names)
