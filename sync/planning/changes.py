"""The lines of a plan, each built from a stored row, a record of the directory, or both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from unicodedata import normalize

from store.addresses import address_key
from store.distinguished_names import dn_key
from store.interface import Edit
from store.models import DIRECTORY_SERVICES, Settings, User, UserRow
from store.names import match_key
from store.text import escaped, printable
from sync.directory.listing import DirectoryUser
from sync.planning.identity import directory_of, new_identity
from sync.planning.plan import Change, FieldChange, FieldValue

NAMELESS = "(record without a user name)"  # in the place of a name
WHERE_RELEASED = "on History, Pinned users, or with `mailroster history release`"
COMPARED_FIELDS = ("full_name", "distinguished_name", "email_addresses")
FOLLOWED_FIELDS = ("user_name", *COMPARED_FIELDS)
SHOWN_FIELDS = (
    *FOLLOWED_FIELDS,
    "authentication",
    "privileges",
    "folder_privileges",
    "pinned",
    "directory_id",
    "directory",
    "other_id",
    "absent_since",
)
_QUOTED = 10
_FIELD_LABELS = {
    "user_name": "user name",
    "full_name": "full name",
    "distinguished_name": "distinguished name",
    "email_addresses": "e-mail addresses",
    "folder_privileges": "rights on folders",
    "directory_id": "id",
    "directory": "directory of the id",
    "other_id": "log-on refused, listed id",
    "absent_since": "not listed since",
    "has_password": "local password",
}
_COMPARED_BY: dict[str, Callable[[Any], Any]] = {  # what is equal in more than one spelling
    "distinguished_name": lambda name: dn_key(name or ""),
    "email_addresses": lambda addresses: list(map(address_key, addresses)),
}


def field_label(name: str) -> str:
    """Return what a user's field is called on screens and in sentences."""
    return _FIELD_LABELS.get(name) or name.replace("_", " ")


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


def created(settings: Settings, record: DirectoryUser) -> User:
    """Return the user that a sync makes of the record, with the default privileges."""
    return User(
        user_name=record.user_name,
        full_name=record.full_name,
        distinguished_name=record.distinguished_name,
        email_addresses=record.email_addresses,
        authentication=DIRECTORY_SERVICES,
        privileges=list(settings.default_privileges),
        folder_privileges={match_key(record.user_name): list(settings.default_folder_privileges)},
        directory_id=record.id,
        directory=directory_of(settings) if record.id else None,
    )


def creation(settings: Settings, record: DirectoryUser) -> Change:
    """Return the change that makes a user of the record."""
    user = created(settings, record)
    return Change(
        action="create",
        user_name=user.user_name,
        reason="in the directory, unknown here",
        fields=given(user),
        edit=Edit.create(user),
    )


def given(user: User) -> dict[str, FieldChange]:
    """Return the fields that somebody who is created is shown with."""
    names = (*COMPARED_FIELDS, "privileges")
    return {name: FieldChange(None, getattr(user, name)) for name in names if getattr(user, name)}


def update(row: UserRow, record: DirectoryUser, directory: str) -> Change:
    """Return the change that lets the user follow the record of `directory`."""
    names = [*differing(row, record), *new_identity(row, record, directory)]
    labels = [_changed_label(name, row, record) for name in names]
    reason = f"{', '.join(labels)} changed in the directory" if names else ""
    back = "is back, so no longer leaving; everything is kept" if row.get("absent_since") else ""
    return _following(row, record, directory, "; ".join(filter(None, (back, reason))))


def _changed_label(name: str, row: UserRow, record: DirectoryUser) -> str:
    """Name what changed of the field: of a name, or where all is equal, the spelling alone."""
    if name == "other_id":
        return "doubt about the id"
    label = _FIELD_LABELS[name]
    if name == "user_name":
        is_form = unicode_note((row["user_name"], record.user_name))
        return f"{'Unicode form' if is_form else 'spelling'} of the {label}"
    if name not in _COMPARED_BY:
        return label
    before, now = map(_COMPARED_BY[name], (row[name], getattr(record, name)))  # type: ignore[literal-required]
    return f"spelling of the {label}" if before == now else label


def link(row: UserRow, record: DirectoryUser, directory: str) -> Change:
    """Return the change that hands a local user to the directory; the privileges stay."""
    reason = "linked: logs on with the directory's password from now on, the privileges stay"
    return _following(row, record, directory, reason, authentication=DIRECTORY_SERVICES)


def rename(row: UserRow, record: DirectoryUser, directory: str) -> Change:
    """Return the change that gives the user the record's name and the rest of it."""
    was = printable(row["user_name"], 60)
    reason = f"“{was}” under a new name; privileges, archive and history move along"
    change = _following(row, record, directory, reason)
    return replace(
        change, action="rename", user_name=record.user_name, candidates=(row["user_name"],)
    )


def _following(
    row: UserRow, record: DirectoryUser, directory: str, reason: str, **more: Any
) -> Change:
    """Return the update of what differs to the record's, and of `more` to its values."""
    differ = {name: getattr(record, name) for name in differing(row, record)}
    back = {"absent_since": None} if row.get("absent_since") else {}
    new = {**more, **differ, **new_identity(row, record, directory), **back}
    return Change(
        action="update",
        user_name=row["user_name"],
        reason=reason,
        fields={name: FieldChange(row.get(name), value) for name, value in new.items()},  # type: ignore[arg-type]
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
            for field in (*COMPARED_FIELDS, "absent_since")
            if row.get(field)
        },
        archive="kept" if keeps_archive(name) else "removed",
        edit=Edit.of_row(row, None),
    )


def created_by_hand(user: User, reason: str) -> Change:
    """Return the change by which an administrator adds a user."""
    return Change(action="create", user_name=user.user_name, reason=reason, edit=Edit.create(user))


def deleted_by_hand(user: User, reason: str) -> Change:
    """Return the change by which an administrator deletes a user."""
    return Change(action="delete", user_name=user.user_name, reason=reason, edit=Edit.delete(user))


def edited_by_hand(before: User, after: User, reason: str) -> Change:
    """Return the change by which an administrator makes one of the other."""
    return Change(
        action="update" if before.key == after.key else "rename",
        user_name=after.user_name,
        reason=reason,
        fields={
            name: FieldChange(shown_value(getattr(before, name)), shown_value(getattr(after, name)))
            for name in SHOWN_FIELDS
            if getattr(before, name) != getattr(after, name)
        },
        edit=Edit.update(before, after),
    )


def shown_value(value: Any) -> FieldValue:
    """Return a stored value as a plan's field shows it; nothing and no are both None."""
    if isinstance(value, dict):
        return rights_text(value)
    if isinstance(value, list):
        return value or None
    return ("yes" if value is True else str(value)) if value else None


def rights_text(rights: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Return rights on archive folders as a plan's field shows them."""
    return [f"{folder}: {'+'.join(given)}" for folder, given in rights.items()] or None


def conflict(user_name: str, reason: str) -> Change:
    """Return the line of a record or user that is left as it is."""
    return Change(action="conflict", user_name=user_name, reason=reason)


def local_namesake(row: UserRow, record: DirectoryUser) -> Change:
    """Return the conflict of a record with the local user of its name, who may be linked."""
    return Change(
        action="conflict",
        user_name=record.user_name,
        reason="a local user has this name; if both are the same person, link the two, which "
        "switches the user to Directory Services and keeps the privileges; otherwise rename one of "
        "the two or exclude the name by a filter",
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
        reason = (
            f"shares a distinguished name or an address with {old}, whom the directory "
            "no longer lists"
        )
    return Change(
        action="rename",
        user_name=record.user_name,
        reason=(f"{reason}; perhaps the same person, so a sync touches neither until you answer"),
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


def name_listed_again(spellings: Sequence[str]) -> Callable[[str], str]:
    """Return what tells for each of the spellings why records of one name are skipped."""
    note = unicode_note(spellings)
    listed = f"the directory lists this name {len(spellings)} times: {quoted(spellings)}{note}"
    advice = "give each user a name of its own there"
    return lambda name: f"{listed}{f', here {escaped(name)}' * bool(note)}; {advice}"


def unicode_note(names: Sequence[str]) -> str:
    """Return what tells names apart that look the same, to stand behind them, or nothing."""
    if len({normalize("NFC", name) for name in names}) == len({*names}):
        return ""
    return ", in different Unicode forms"


def quoted(names: Iterable[str], most: int = _QUOTED) -> str:
    """Return user names as they stand in a sentence, the first of many."""
    names = list(names)
    shown = ", ".join(f"“{printable(name, 60)}”" for name in names[:most])
    return f"{shown} and {more} more" if (more := len(names) - most) > 0 else shown
