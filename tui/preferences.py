"""A person's own theme and keys, from `tui.toml` in the config directory."""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.keys import KEY_NAME_REPLACEMENTS, Keys
from textual.theme import BUILTIN_THEMES

from store.locations import config_folder
from tui.actions import ACTIONS, APP, ROWS, Action
from tui.end_sign import DEFAULT_SECONDS
from tui.theme import OWN

_KEY_NAMES = {key.value for key in Keys}.union(KEY_NAME_REPLACEMENTS.values())
_MODIFIERS = ("ctrl+", "alt+", "shift+")
_SEEN_WITH_OTHERS = (APP, "form", "table", "dialog")
_WITHOUT_LISTS = (
    *("logon", "first", "connection", "method", "message", "confirm", "entry", "certificate"),
    *("trial", "number"),
)
_ON_ONE_SCREEN = ({"user", "users"}, {"user", "page"}, {"synchronize", "demo"})
_BY_ID = {action.id: action for action in ACTIONS}


@dataclass(frozen=True, slots=True)
class Preferences:
    """The theme, the keys by action id, and what in the file could not be used.

    Work that took `sign_after` seconds ends with a sign in the terminal's title and a bell; 0 turns
    that off.
    """

    theme: str = ""
    sign_after: float = DEFAULT_SECONDS
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def preferences_path() -> Path:
    """Return where the file is looked for."""
    folder = config_folder()
    return folder / "tui.toml" if folder else Path(os.devnull)


def load_preferences(path: Path) -> Preferences:
    """Return what the file says; what is wrong in it is named and left out."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Preferences()
    except OSError as error:
        return Preferences(problems=(f"It cannot be read: {error.strerror}.",))
    except UnicodeDecodeError:
        return Preferences(problems=("It is not UTF-8.",))
    import tomllib

    try:
        return _from_table(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return Preferences(problems=(f"It is not TOML: {error}.",))


def _from_table(table: dict[str, Any]) -> Preferences:
    problems = [
        f"“{name}” is unknown; theme, sign_after and [keys] are known."
        for name in table.keys() - {"theme", "sign_after", "keys"}
    ]
    theme = table.get("theme", "")
    themes = [*(theme.name for theme in OWN), *BUILTIN_THEMES]
    if "theme" in table and theme not in themes:
        problems.append(f"“{theme}” is not a theme; choose from {', '.join(themes)}.")
        theme = ""
    sign_after = table.get("sign_after", DEFAULT_SECONDS)
    if type(sign_after) not in (int, float) or not 0 <= sign_after < math.inf:
        problems.append(
            f"“{sign_after}”, for sign_after, is not a number of seconds; 0 turns it off."
        )
        sign_after = DEFAULT_SECONDS
    wanted = table.get("keys", {})
    if not isinstance(wanted, dict):
        wanted = {}
        problems.append("keys is not a table; write [keys] on a line of its own.")
    keys: dict[str, str] = {}
    for name, value in wanted.items():
        if name not in _BY_ID:
            problems.append(f"“{name}” is not an action; docs/KEYS.md lists all.")
        elif not isinstance(value, str) or not all(map(_is_key, value.split(","))):
            problems.append(f"“{value}”, for {name}, is not a key such as x, f9, ctrl+d or delete.")
        else:
            keys[name] = value
    while clash := next(_clashes(keys), None):
        problems.append(clash[1])
        del keys[clash[0]]
    return Preferences(theme, sign_after, keys, tuple(problems))


def _is_key(key: str) -> bool:
    for modifier in _MODIFIERS:
        key = key.removeprefix(modifier)
    if len(key) == 1 or key in _KEY_NAMES:
        return key.isprintable()
    try:
        return bool(unicodedata.lookup(key.replace("_", " ")))
    except KeyError:
        return False


def _clashes(keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the id of each chosen key that does something else on the same screen, and why."""
    for name, chosen in keys.items():
        for other in ACTIONS:
            if other.id != name and _are_seen_together(_BY_ID[name], other):
                for key in set(chosen.split(",")) & set(keys.get(other.id, other.key).split(",")):
                    yield name, f"“{key}”, for {name}, is already the key of {other.id}."


def _are_seen_together(one: Action, other: Action) -> bool:
    scopes = {one.scope, other.scope}
    if ROWS in scopes:
        return scopes.isdisjoint(_WITHOUT_LISTS)
    return (
        len(scopes) == 1
        or not scopes.isdisjoint(_SEEN_WITH_OTHERS)
        or any(scopes <= together for together in _ON_ONE_SCREEN)
    )
