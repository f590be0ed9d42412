"""Which columns of a file say what of a user: ours, those of well-known exports, those of --map."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from store.errors import InvalidValue
from store.text import printable
from sync.server.file_text import NotServed

FIELDS = ("userName", "distinguishedName", "fullName", "emailAddresses", "id", "passwordHash")

_ADVICE = (
    f"Name the columns {', '.join(FIELDS)}, of which userName is needed, or say with --map which "
    "is which"
)


class Layout(NamedTuple):
    """How an export names its columns.

    For each field there are alternatives, each of one column or of several that belong together.
    Of addresses all are taken that are there, of other fields the first.
    """

    name: str
    label: str
    fields: Mapping[str, tuple[str, ...]]


class Columns(NamedTuple):
    """The places of a row from which each field comes, and the names of those that are unused."""

    layout: Layout
    places: Mapping[str, tuple[int, ...]]
    unused: list[str]


_OURS = Layout("mailroster", "", {field: (field,) for field in FIELDS})
LAYOUTS = (
    _OURS,
    Layout(
        "active-directory",
        "Active Directory",
        {
            "userName": ("sAMAccountName",),
            "distinguishedName": ("distinguishedName", "DN"),
            "fullName": ("displayName", "name", "cn"),
            "emailAddresses": ("mail", "EmailAddress", "proxyAddresses"),
            "id": ("objectGUID",),
            "objectClass": ("objectClass",),
        },
    ),
    Layout(
        "entra",
        "Microsoft Entra",
        {
            "userName": ("userPrincipalName",),
            "fullName": ("displayName",),
            "emailAddresses": ("mail", "proxyAddresses"),
            "id": ("id", "objectId"),
        },
    ),
    Layout(
        "google",
        "Google Workspace",
        {
            "userName": ("Email Address [Required]", "Email Address", "primaryEmail"),
            "fullName": (
                "First Name [Required]+Last Name [Required]",
                "First Name+Last Name",
                "name.fullName",
            ),
            "emailAddresses": ("Email Address [Required]", "Email Address", "primaryEmail"),
        },
    ),
)


def mapping(text: str) -> Layout:
    """Return the layout that `--map` names or spells; raises `InvalidValue`."""
    known = {layout.name: layout for layout in LAYOUTS}
    if text in known:
        return known[text]
    pairs = [part.partition("=")[::2] for part in text.split(",")]
    for field, column in pairs:
        if field.strip() not in FIELDS or not column.strip():
            raise InvalidValue(
                f"--map does not take “{printable(field, 60)}”.",
                f"Give one of {', '.join(known)}, or pairs such as userName=Login,fullName=Name; "
                f"the fields are {', '.join(FIELDS)}.",
            )
    named = {field.strip(): tuple(column.split("|")) for field, column in pairs}
    return Layout("", "", {**_OURS.fields, **named})


def columns_of(header: Sequence[str], wanted: Layout | None, where: str) -> Columns | None:
    """Return which columns a header has; None if it has no user name. Raises `NotServed`.

    Without a layout that is `wanted`, the first that finds a user name counts. `where` the header
    is in the file, the message says.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        if key := _key(name):
            places.setdefault(key, []).append(place)
    for layout in (wanted,) if wanted else LAYOUTS:
        fields = {"passwordHash": ("passwordHash",), **layout.fields}
        found = {field: _places(field, names, places, where) for field, names in fields.items()}
        if found["userName"]:
            used = {place for used in found.values() for place in used}
            return Columns(
                layout,
                found,
                [name for place, name in enumerate(header) if name and place not in used],
            )
    return None


def no_header(wanted: Layout | None, where: str) -> NotServed:
    """Return the error for a header there without a user name; nothing of it is quoted."""
    if wanted:
        names = " or ".join(f"“{printable(name, 60)}”" for name in wanted.fields["userName"])
        return NotServed(f"{where}: no column {names}, which --map names", _ADVICE)
    return NotServed(f"{where}: the column userName is missing", _ADVICE)


def _places(
    field: str, names: tuple[str, ...], places: Mapping[str, list[int]], where: str
) -> tuple[int, ...]:
    found: list[int] = []
    for name in names:
        parts = [places.get(_key(part), []) for part in name.split("+")]
        for part in parts:
            if len(part) > 1:
                raise NotServed(f"{where}: the column {name} appears twice", "Rename one of them")
        if all(parts):
            found += [part[0] for part in parts]
            if field != "emailAddresses":
                break
    return tuple(dict.fromkeys(found))


def _key(name: str) -> str:
    """Return a column's name without case, spaces and signs."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in text if char.isalnum())
