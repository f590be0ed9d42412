"""The screens that a function key leads to; each is imported when it is first opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

HOME = "synchronize"


def _connection() -> Screen[Any]:
    from tui.screens.connection import ConnectionScreen

    return ConnectionScreen()


def _options() -> Screen[Any]:
    from tui.screens.options import OptionsScreen

    return OptionsScreen()


def _privileges() -> Screen[Any]:
    from tui.screens.privileges import PrivilegesScreen

    return PrivilegesScreen()


def _synchronize() -> Screen[Any]:
    from tui.screens.synchronize import SynchronizeScreen

    return SynchronizeScreen()


def _users() -> Screen[Any]:
    from tui.screens.users import UsersScreen

    return UsersScreen()


def _history() -> Screen[Any]:
    from tui.screens.history import HistoryScreen

    return HistoryScreen()


# The scopes of the actions of each of these screens.
SCOPES_OF = {
    "connection": ("connection", "form"),
    "options": ("options", "form"),
    "privileges": ("form",),
    "synchronize": ("synchronize", "table"),
    "users": ("user", "users", "table"),
    "history": ("history", "table"),
}
MODES: dict[str, str | Callable[[], Screen[Any]]] = {
    "connection": _connection,
    "options": _options,
    "privileges": _privileges,
    "synchronize": _synchronize,
    "users": _users,
    "history": _history,
}
