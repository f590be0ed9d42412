"""Where values from outside become users and settings: pydantic for the shape, then our rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from store.addresses import address_problem
from store.errors import InvalidValue
from store.models import REASON_MARK, SETTING_KEYS, Settings, User
from store.names import check_user_name
from store.privileges import check_folder_privileges, check_privileges
from store.text import printable

T = TypeVar("T")

_USER = TypeAdapter(User)
_SETTINGS = TypeAdapter(Settings)
_POSITIVE = ("max_answer_mib", "max_users", "list_timeout", "login_timeout", "history_max_mib")
_PERCENT = ("guard_max_delete_percent", "guard_max_shrink_percent")
_LIMITS = ("guard_max_deletes", "guard_small_deletes", *_PERCENT)


def valid_user(user: User) -> User:
    """Return `user` with its lists in order; raises `InvalidValue` naming what is wrong."""
    checked = _shaped(_USER, user.to_row(), f"user “{printable(user.user_name, 60)}”")
    check_user_name(checked.user_name)
    for address in checked.email_addresses:
        if problem := address_problem(address):
            raise InvalidValue(
                f"“{printable(address, 60)}” is no e-mail address: {problem}. "
                "Nothing was written. Correct the address."
            )
    row = checked.to_row()
    row["privileges"] = check_privileges(checked.privileges)
    row["folder_privileges"] = {
        folder: check_folder_privileges(rights)
        for folder, rights in checked.folder_privileges.items()
    }
    return User.from_row(row)


def valid_settings(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return `settings` with `changes` (setting key to value, texts are converted).

    Raises `InvalidValue` for an unknown key or a value that breaks a rule.
    """
    for key in changes:
        if key not in SETTING_KEYS:
            raise InvalidValue(
                f"“{printable(key, 60)}” is no setting. Nothing was written. "
                "`mailroster settings show` lists them."
            )
    checked = _shaped(_SETTINGS, {**settings.to_stored(), **changes}, "settings")
    if checked.url or checked.directory_service != "none":
        _check_url(checked.url)
    for key in _POSITIVE:
        if getattr(checked, key) < 1:
            raise InvalidValue(f"{key} must be at least 1. Nothing was written. Give 1 or more.")
    for key in _LIMITS:
        if getattr(checked, key) < 0:
            raise InvalidValue(f"{key} must not be negative. Nothing was written. Give 0 or more.")
    for key in _PERCENT:
        if getattr(checked, key) > 100:
            raise InvalidValue(f"{key} is at most 100. Nothing was written. Give 0 to 100.")
    if any(not rule.pattern.strip() for rule in checked.filters):
        raise InvalidValue(
            "A filter rule has no pattern. Nothing was written. Use “*” for everything."
        )
    for rule in checked.filters:
        if REASON_MARK in rule.pattern or REASON_MARK in rule.reason or ";" in rule.reason:
            raise InvalidValue(
                f"The filter rule for “{printable(rule.pattern, 60)}” contains “{REASON_MARK}” in "
                "its pattern, or that or “;” in its reason. Nothing was written. Leave it out."
            )
    for key in ("auth_command", "auth_user_field", "auth_password_field"):
        if not getattr(checked, key):
            raise InvalidValue(f"{key} must not be empty. Nothing was written. Give a name.")
    if checked.archive_root and not Path(checked.archive_root).is_absolute():
        raise InvalidValue(
            f"The archive root “{printable(checked.archive_root, 200)}” is not an absolute path. "
            "Nothing was written. Give the whole path, from “/”."
        )
    check_privileges(checked.default_privileges)
    check_folder_privileges(checked.default_folder_privileges)
    return checked


def _check_url(url: str) -> None:
    shown = printable(url, 200)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidValue(
            f"The URL “{shown}” is malformed ({error}). Nothing was written. "
            "Give it as https://host:port/path."
        ) from None
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(
            "The URL contains a user name or a password. Nothing was written. "
            "Put them into the fields for the service's credentials."
        )
    if parts.scheme not in ("http", "https"):
        problem = "does not start with http:// or https://"
    elif not parts.hostname:
        problem = "names no host"
    elif port == 0:
        problem = "has port 0"
    elif not url.isprintable() or any(char.isspace() for char in url):
        problem = "contains a space or an unprintable character"
    else:
        return
    raise InvalidValue(
        f"The URL “{shown}” {problem}. Nothing was written. Give it as https://host:port/path."
    )


def _shaped(adapter: TypeAdapter[T], value: Any, what: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg'].lower()}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise InvalidValue(
            f"The {what} cannot be used ({printable(problems, 500)}). Nothing was written."
        ) from None
