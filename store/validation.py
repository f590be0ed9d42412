"""Where values from outside become users and settings: pydantic for the shape, then our rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError, create_model

from store.addresses import address_problem
from store.errors import InvalidSetting, InvalidValue
from store.locations import NO_ARCHIVE
from store.models import REASON_MARK, SETTING_KEYS, Settings, SettingValue, User
from store.names import check_user_name
from store.privileges import check_folder_privileges, check_privileges
from store.text import printable

T = TypeVar("T")

_USER = TypeAdapter(User)
_SETTINGS = TypeAdapter(Settings)
_POSITIVE = ("max_answer_mib", "max_users", "list_timeout", "login_timeout", "history_max_mib")
_MOST = {
    "guard_max_delete_percent": 100,
    "guard_max_shrink_percent": 100,
    "delete_after_days": 3650,
}
_LIMITS = ("guard_max_deletes", "guard_small_deletes", *_MOST)


def valid_user(user: User, before: User | None = None) -> User:
    """Return `user` with its lists in order; raises `InvalidValue` naming what is wrong.

    Addresses and a name that the user had `before`, under the rules of that time, may stay.
    """
    what = f"user “{printable(user.user_name, 60)}”"
    checked = _shaped(_USER, user.to_row(), what)
    if before is None or before.user_name != checked.user_name:
        check_user_name(checked.user_name)
    _check_storable(checked.to_row(), what)
    kept = before.email_addresses if before else ()
    for address in checked.email_addresses:
        if address not in kept and (problem := address_problem(address)):
            raise InvalidValue(
                f"“{printable(address, 60)}” is not an e-mail address: {problem}.",
                "Correct the address.",
            )
    row = checked.to_row()
    row["privileges"] = check_privileges(checked.privileges)
    row["folder_privileges"] = {
        folder: check_folder_privileges(rights)
        for folder, rights in checked.folder_privileges.items()
    }
    return User.from_row(row)


def valid_settings(
    settings: Settings, changes: dict[str, Any], more: Mapping[str, SettingValue] | None = None
) -> Settings:
    """Return `settings` with `changes` (setting key to value, texts are converted).

    `more` are the settings that directory types have beyond these, with their defaults, whose
    types are theirs. Raises `InvalidValue` for an unknown key or a value that breaks a rule.
    """
    more = more or {}
    for key in changes:
        if key not in SETTING_KEYS and key not in more:
            raise InvalidValue(
                f"“{printable(key, 60)}” is not a setting.",
                "List the settings with `mailroster settings show`.",
            )
    checked = _shaped(_SETTINGS, {**settings.to_stored(), **changes}, "settings")
    added = {key: value for key, value in changes.items() if key in more}
    if added:
        shape: dict[str, Any] = {key: (type(more[key]), ...) for key in added}
        model = create_model("More", **shape)
        added = _shaped(TypeAdapter(model), added, "settings").model_dump()
    filters = tuple(replace(rule, reason=rule.reason.strip()) for rule in checked.filters)
    checked = replace(checked, filters=filters, more={**settings.more, **added})
    _check_storable(checked.to_stored(), "settings")
    for key in _POSITIVE:
        if getattr(checked, key) < 1:
            raise InvalidSetting(key, "must be at least 1.", "Give 1 or more.")
    for key in _LIMITS:
        if getattr(checked, key) < 0:
            raise InvalidSetting(key, "must not be negative.", "Give 0 or more.")
    for key, most in _MOST.items():
        if getattr(checked, key) > most:
            raise InvalidSetting(key, f"is at most {most}.", f"Give 0 to {most}.")
    if any(not rule.pattern.strip() for rule in checked.filters):
        raise InvalidValue("A filter rule has no pattern.", "Use “*” for everything.")
    for rule in checked.filters:
        if REASON_MARK in rule.reason or ";" in rule.reason:
            raise InvalidValue(
                f"The reason of the filter rule for “{printable(rule.pattern, 60)}” contains "
                f"“{REASON_MARK}” or “;”.",
                "Type the reason without it, such as “on leave, ticket 4711”.",
            )
    root = checked.archive_root
    if root not in ("", NO_ARCHIVE) and not Path(root).is_absolute():
        raise InvalidValue(
            f"The archive root “{printable(root, 200)}” is not an absolute path.",
            f"Give the whole path, from “/”, or “{NO_ARCHIVE}” if this host has no archive "
            "folders.",
        )
    if checked.notify_mail and (problem := address_problem(checked.notify_mail)):
        raise InvalidSetting("notify_mail", f"is not an address: {problem}.", "Give one address.")
    check_privileges(checked.default_privileges)
    check_folder_privileges(checked.default_folder_privileges)
    return checked


def _check_storable(stored: Mapping[str, Any], what: str) -> None:
    """Raise `InvalidValue` for a value that JSON in UTF-8 cannot carry."""
    for name, value in stored.items():
        try:
            orjson.dumps(value)
        except TypeError:
            raise InvalidValue(
                f"The {what} cannot be used: {name} has bytes that are not UTF-8, or too large a "
                "number.",
                "Correct it, in a terminal that is set to UTF-8.",
            ) from None


_WORDS = {  # for what is typed wrongly most often
    "int_parsing": "enter a whole number, in digits",
    "bool_parsing": "enter true or false",
}


def _shaped(adapter: TypeAdapter[T], value: Any, what: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {_WORDS.get(item['type'], item['msg'].lower())}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise InvalidValue(
            f"The {what} cannot be used: {printable(problems, 500)}.",
            "Correct it.",
        ) from None
