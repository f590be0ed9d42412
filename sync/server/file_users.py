"""The users of a file, row by row: a bad row stays a record, so that nobody seems to have left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from store.names import match_key
from store.text import printable, quantity
from sync.server.file_columns import Columns, Layout
from sync.server.file_rows import Row, Table, csv_table, json_table
from sync.server.file_text import check_is_table, decoded

_HASH = re.compile(
    r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII
)
# Exchange's addresses, which some exports join by +, a sign that an address may have too.
_JOINED = re.compile(r"[;,|\s]+|\+(?=[A-Za-z0-9]+:)")
_BRACKETED = re.compile(r"<([^<>\s]+@[^<>\s]+)>")
_BINARY = re.compile(r"X'([0-9a-fA-F]{32})'")  # as csvde writes an objectGUID
_PEOPLE = {"user", "person", "organizationalperson", "inetorgperson"}
_MOST_NOTES = 10
_SHOWN_COLUMNS = 12


class FileUser(NamedTuple):
    """One row of the file: the record that is listed, and the hash that is not.

    Values that cannot be read are listed as they are, for the other side to take as unknown; a row
    without a user name is a record without one.
    """

    record: dict[str, Any]
    password_hash: str | None
    has_readable_hash: bool = True

    @property
    def user_name(self) -> str | None:
        """The user name, if there is one that is a text."""
        name = self.record.get("userName")
        return name if isinstance(name, str) and name else None


class Content(NamedTuple):
    """What a file holds; `notes` say what the administrator should know, a sentence each.

    No note quotes a cell, which may hold a password.
    """

    users: list[FileUser]
    notes: list[str]


def read_content(data: bytes, wanted: Layout | None = None) -> Content:
    """Return what the bytes of a file say; raises `NotServed` for a file as a whole."""
    text, note = decoded(data)
    is_json = text.lstrip()[:1] in ("[", "{")
    if not is_json:
        check_is_table(text)
    table = json_table(text, wanted) if is_json else csv_table(text, wanted)
    users, problems = _users(table)
    notes = [note] if note else []
    notes += _about_columns(table.columns)
    notes += problems[:_MOST_NOTES]
    if len(problems) > _MOST_NOTES:
        notes.append(f"{quantity(len(problems) - _MOST_NOTES, 'more problem')} like these.")
    return Content(users, notes)


def _users(table: Table) -> tuple[list[FileUser], list[str]]:
    users: list[FileUser] = []
    notes: list[str] = []
    seen: dict[str, tuple[str, FileUser]] = {}
    ids: dict[str, str] = {}
    others = 0
    for row in table.rows:
        if not _is_person(row):
            others += 1
            continue
        user, problems = _user(row)
        notes += [f"{row.place}: {problem}." for problem in problems]
        name, stable_id = user.user_name, user.record.get("id")
        if name:
            place, first = seen.setdefault(match_key(name), (row.place, user))
            if first is not user:
                notes.append(f"{row.place}: the user name appears already in {place}.")
                if first == user:
                    continue
        if isinstance(stable_id, str) and ids.setdefault(stable_id, row.place) != row.place:
            notes.append(f"{row.place}: the id appears already in {ids[stable_id]}.")
        users.append(user)
    if others:
        notes.append(f"{quantity(others, 'row')} left out: groups, computers and the like.")
    return users, notes


def _user(row: Row) -> tuple[FileUser, list[str]]:
    if row.problem:
        return FileUser({}, None, False), [row.problem]
    problems = []
    record: dict[str, Any] = {}
    for field in ("userName", "distinguishedName", "fullName", "id"):
        values = [value for value in row.values.get(field, ()) if value not in (None, "")]
        if all(isinstance(value, str) for value in values):
            record[field] = " ".join(values) or None
        else:
            record[field] = values[0]
            problems.append(f"{field} is not a text")
    if not record["userName"]:
        problems.append("userName is empty")
    record["emailAddresses"], are_texts = _addresses(row.values.get("emailAddresses", ()))
    if not are_texts:
        problems.append("emailAddresses is not an array of texts")
    if isinstance(record["id"], str):
        record["id"] = _plain_id(record["id"])
    if record["id"] is None:
        del record["id"]
    stored = next((value for value in row.values.get("passwordHash", ()) if value), None)
    if stored is not None and not (isinstance(stored, str) and _HASH.fullmatch(stored)):
        problems.append("passwordHash is not a bcrypt hash, so this user cannot log on")
        return FileUser(record, None, False), problems
    return FileUser(record, stored), problems


def _addresses(values: Iterable[Any]) -> tuple[Any, bool]:
    """Return the addresses of one cell or several, and whether they could be told apart."""
    found: list[str] = []
    for value in values:
        if isinstance(value, str):
            bracketed = _BRACKETED.findall(value)
            found += bracketed or filter(None, _JOINED.split(value))
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            found += value
        elif value is not None:
            return value, False
    return found, True


def _plain_id(text: str) -> str:
    binary = _BINARY.fullmatch(text)
    return str(UUID(bytes_le=bytes.fromhex(binary[1]))) if binary else text


def _is_person(row: Row) -> bool:
    """Tell whether a row of Active Directory is a person's, by its class and its name."""
    classes = row.values.get("objectClass")
    if classes is None:
        return True
    held = {part.casefold() for value in classes if value for part in str(value).split(";")}
    names = row.values["userName"]
    is_machine = "computer" in held or any(str(name).endswith("$") for name in names)
    return not is_machine and (not held or not held.isdisjoint(_PEOPLE))


def _about_columns(columns: Columns) -> Iterator[str]:
    if columns.layout.label:
        yield f"It was read as an export of {columns.layout.label}."
    if columns.unused:
        shown = ", ".join(printable(name, 40) for name in columns.unused[:_SHOWN_COLUMNS])
        more = len(columns.unused) - _SHOWN_COLUMNS
        yield f"Columns left out: {shown}{f' and {more} more' if more > 0 else ''}."
