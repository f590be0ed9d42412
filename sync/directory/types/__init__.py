"""The types of directory service that there are, and what the settings say by the chosen one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from store.errors import InvalidSetting, InvalidValue
from store.models import SETTING_KEYS, Settings, SettingValue
from store.text import printable
from sync.directory.types.application_integration import APPLICATION_INTEGRATION
from sync.directory.types.directory_type import DirectoryType, SettingField
from sync.directory.types.ldap.ldap_type import LDAP

NONE = "none"  # no directory service
TYPES: dict[str, DirectoryType] = {kind.name: kind for kind in (APPLICATION_INTEGRATION, LDAP)}


def type_of(settings: Settings) -> DirectoryType | None:
    """Return the chosen type, None without one, or for one that is unknown here."""
    return TYPES.get(settings.directory_service)


def type_at(url: str) -> DirectoryType:
    """Return the type that such a URL is one of, by default the first."""
    return _known_at(url) or next(iter(TYPES.values()))


def _known_at(url: str) -> DirectoryType | None:
    known = (kind for kind in TYPES.values() if url.lower().startswith(kind.addresses))
    return next(known, None)


def directory_text(known_as: str) -> str:
    """Return a directory as `User.directory` has it, with the label of its type."""
    name, _, where = known_as.partition(" ")
    return f"{TYPES[name].label} {where}" if name in TYPES else known_as


def added_settings() -> dict[str, SettingValue]:
    """Return the settings that types have beyond those of `Settings`, with their defaults."""
    return {field.key: field.default for field in all_fields() if field.default is not None}


def setting_keys() -> tuple[str, ...]:
    """Return the keys of all settings."""
    return (*SETTING_KEYS, *added_settings())


def setting(settings: Settings, key: str) -> Any:
    """Return the value of one setting."""
    added = added_settings()
    return settings.more.get(key, added[key]) if key in added else getattr(settings, key)


def all_fields() -> list[SettingField]:
    """Return the fields of all types, each once, in an order that is right for each type."""
    found: list[SettingField] = []
    for kind in TYPES.values():
        place = 0
        for field in kind.fields:
            keys = [known.key for known in found]
            if field.key not in keys:
                found.insert(place, field)
                keys.insert(place, field.key)
            place = keys.index(field.key) + 1
    return found


def check_fields(settings: Settings) -> None:
    """Raise `InvalidValue` for what the chosen type does not take.

    Without a type, what is set has to be right for one of them.
    """
    if settings.directory_service == NONE:
        problems = [next(_problems(kind, settings), None) for kind in TYPES.values()]
        if None not in problems:
            raise next(filter(None, problems))
        return
    kind = type_of(settings)
    if kind is None:
        raise InvalidSetting(
            "directory_service",
            f"is “{printable(settings.directory_service, 60)}”, a type that this mailroster does "
            "not know.",
            f"Choose from: {', '.join((NONE, *TYPES))}.",
        )
    for problem in _problems(kind, settings):
        raise problem


def insecurity(settings: Settings) -> str:
    """Return how passwords are at risk on their way to the directory, in a sentence, or nothing."""
    kind = type_of(settings)
    return kind.insecurity(settings) if kind else ""


def _problems(kind: DirectoryType, settings: Settings) -> Iterator[InvalidValue]:
    is_chosen = settings.directory_service == kind.name
    for field in kind.fields:
        value = field.value(settings)
        if not is_chosen and value == field.value(Settings()):
            continue
        try:
            _check(field, value)
        except InvalidValue as problem:
            is_url = is_chosen and field.key == "url"
            yield _leading_to(_known_at(value), kind, problem) if is_url else problem
    if is_chosen:
        try:
            kind.check(settings)
        except InvalidValue as problem:
            yield problem


def _leading_to(
    other: DirectoryType | None, kind: DirectoryType, problem: InvalidValue
) -> InvalidValue:
    """Return the problem with a URL, with the advice to choose the type that it is one of."""
    if other in (None, kind):
        return problem
    choose = f"Choose {other.label} as the directory service (directory_service={other.name})."
    return InvalidValue(problem.what, f"{choose} If {kind.label} is right: {problem.advice}")


def _check(field: SettingField, value: Any) -> None:
    values = [choice for _, choice in field.choices]
    if values and value not in values:
        raise InvalidSetting(
            field.key, f"cannot be “{printable(value, 60)}”.", f"Choose from: {', '.join(values)}."
        )
    field.check(value)
