"""What a store's file must hold before anybody relies on it, told field by field.

It takes a third of the time that the file takes to load, so it is done where a file is not as
mailroster left it: edited by hand, written by another program, brought back from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date
from itertools import chain, product
from operator import itemgetter
from typing import Any, NamedTuple, NotRequired, get_args, get_origin, get_type_hints

from store.models import AUTHENTICATION_LABELS, Authentication, Settings, UserRow
from store.text import printable


class Unsound(ValueError):
    """The text says what is wrong, after “the store ...”."""


def check_unique_keys(content: bytes) -> None:
    """Raise `Unsound` where one object has two members of the same name.

    Two users with one document id are such. JSON readers take the last one and drop the others
    without a word.
    """
    json.loads(content, object_pairs_hook=_unique)


def check_meta(meta: Mapping[str, Any]) -> None:
    """Raise `Unsound` where the schema, the store's id or the generation is of a wrong type."""
    for name, kind in (("schema", int), ("store_id", str), ("generation", int)):
        if type(meta.get(name)) is not kind:
            raise Unsound(f"has a wrong value in “{name}” of its own record")


def check_users(table: Mapping[str, UserRow]) -> None:
    """Raise `Unsound` for the first user with a field that is missing or of a wrong type."""
    for doc_id, row in table.items():
        if doc_id.isdecimal() and _is_plain(row):
            continue
        if not doc_id.isdecimal():
            raise Unsound(f"has “{printable(doc_id, 60)}” as a document id, which is not a number")
        for name, kind in _USER_FIELDS.items():
            if name not in row:
                raise Unsound(f"has no “{name}” in document {doc_id} of the users")
            if not kind.is_right(row[name]):  # type: ignore[literal-required]
                raise Unsound(f"has a wrong value in “{name}” of document {doc_id} of the users")
        for name, kind in _LATER_USER_FIELDS.items():
            if not kind.is_right(row.get(name)):
                raise Unsound(f"has a wrong value in “{name}” of document {doc_id} of the users")


def check_settings(settings: Settings) -> None:
    """Raise `Unsound` for the first setting of another type than its default.

    Those of directory types, and of newer versions, are looked at where they are used.
    """
    for item in fields(settings):
        if item.name == "more":
            continue
        value = getattr(settings, item.name)
        if type(value) is not type(item.default):
            raise Unsound(f"has a wrong value in the setting “{item.name}”")
        if isinstance(value, tuple) and item.name != "filters" and not _is_texts(value):
            raise Unsound(f"has a wrong value in the setting “{item.name}”")
    for rule in settings.filters:
        if not _is_texts(getattr(rule, item.name) for item in fields(rule)):
            raise Unsound("has a wrong value in the setting “filters”")


def _is_plain(row: UserRow) -> bool:
    """Tell in few steps of the usual user that all is right; of others that has to be looked at."""
    try:
        rights = row["folder_privileges"].values()
        lists = (*row["email_addresses"], *row["privileges"], *chain(*rights))
        values = (*_FIELDS_OF(row), *map(row.get, _LATER_USER_FIELDS))
        return (
            tuple(map(type, values)) in _PLAIN
            and row["authentication"] in AUTHENTICATION_LABELS
            and set(map(type, lists)) <= {str}
            and set(map(type, rights)) <= {list}
        )
    except (LookupError, TypeError, AttributeError):
        return False


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in found if names.count(name) > 1)
        raise Unsound(f"has “{printable(twice, 60)}” twice where only one is allowed")
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_day_or_none(value: object) -> bool:
    try:
        return value is None or date.fromisoformat(str(value)).isoformat() == value
    except ValueError:
        return False


def _is_texts(values: object) -> bool:
    return isinstance(values, Iterable) and all(isinstance(value, str) for value in values)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and _is_texts(value)


def _is_rights(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_list_of_texts, value.values()))


class _Kind(NamedTuple):
    """What values of a type are like: the types that need no look inside, and the test of all."""

    plain: tuple[type, ...]
    is_right: Callable[[Any], bool]


_OPTIONAL = (str, type(None))
_KINDS: dict[Any, _Kind] = {
    str: _Kind((str,), _is_text),
    str | None: _Kind(_OPTIONAL, _is_text_or_none),
    list[str]: _Kind((list,), _is_list_of_texts),
    dict[str, list[str]]: _Kind((dict,), _is_rights),
    Authentication: _Kind((str,), lambda value: _is_text(value) and value in AUTHENTICATION_LABELS),
    int: _Kind((int,), lambda value: type(value) is int),
    bool: _Kind((bool, type(None)), lambda value: value is None or type(value) is bool),
}
_DAY = _Kind((type(None),), _is_day_or_none)
_HINTS = get_type_hints(UserRow, include_extras=True)
_USER_FIELDS = {name: _KINDS[hint] for name, hint in _HINTS.items() if hint in _KINDS}
# What rows of older versions do not have.
_LATER_USER_FIELDS = {
    name: _KINDS[get_args(hint)[0]]
    for name, hint in _HINTS.items()
    if get_origin(hint) is NotRequired
} | {"absent_since": _DAY}
_FIELDS_OF = itemgetter(*_USER_FIELDS)
_PLAIN = set(product(*(kind.plain for kind in (_USER_FIELDS | _LATER_USER_FIELDS).values())))
