"""What a store's file must hold before anybody relies on it, told field by field.

It takes a third of the time that the file takes to load, so it is done where a file is not as
mailroster left it: edited by hand, written by another program, brought back from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from store.models import AUTHENTICATION_LABELS, Settings, UserRow
from store.text import printable


class Unsound(ValueError):
    """The text says what is wrong, after “the store ...”."""


def check_unique_keys(content: bytes) -> None:
    """Raise `Unsound` where one object has two members of the same name, two document ids say.

    JSON readers take the last one and drop the others without a word.
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
        if not doc_id.isdecimal():
            raise Unsound(f"has “{printable(doc_id, 60)}” as a document id, which is no number")
        for name, is_right in _USER_FIELDS.items():
            if name not in row:
                raise Unsound(f"has no “{name}” in document {doc_id} of the users")
            if not is_right(row[name]):  # type: ignore[literal-required]
                raise Unsound(f"has a wrong value in “{name}” of document {doc_id} of the users")


def check_settings(settings: Settings) -> None:
    """Raise `Unsound` for the first setting of another type than its default."""
    for item in fields(settings):
        value = getattr(settings, item.name)
        if type(value) is not type(item.default):
            raise Unsound(f"has a wrong value in the setting “{item.name}”")
        if isinstance(value, tuple) and item.name != "filters" and not _is_texts(value):
            raise Unsound(f"has a wrong value in the setting “{item.name}”")
    for rule in settings.filters:
        if not _is_texts(getattr(rule, item.name) for item in fields(rule)):
            raise Unsound("has a wrong value in the setting “filters”")


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in found if names.count(name) > 1)
        raise Unsound(f"has “{printable(twice, 60)}” twice where it may be once")
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_texts(values: object) -> bool:
    return isinstance(values, Iterable) and all(isinstance(value, str) for value in values)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and _is_texts(value)


def _is_rights(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_list_of_texts, value.values()))


_USER_FIELDS: dict[str, Callable[[Any], bool]] = {
    "user_name": _is_text,
    "full_name": _is_text_or_none,
    "distinguished_name": _is_text_or_none,
    "email_addresses": _is_list_of_texts,
    "authentication": lambda value: isinstance(value, str) and value in AUTHENTICATION_LABELS,
    "privileges": _is_list_of_texts,
    "folder_privileges": _is_rights,
    "password_hash": _is_text_or_none,
    "created": _is_text,
    "changed": _is_text,
    "rev": lambda value: type(value) is int,
}
