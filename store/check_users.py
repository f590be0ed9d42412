"""What `store check` looks for in users and settings: values that no entry here lets through."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from functools import cache

from store.addresses import address_problem
from store.administrators import needs_administrator
from store.errors import InvalidValue
from store.interface import Snapshot
from store.models import Settings, UserRow
from store.names import name_problem
from store.privileges import (
    FOLDER_PRIVILEGES,
    PRIVILEGES,
    check_folder_privileges,
    check_privileges,
)
from store.text import printable, quantity

_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
_SHOWN = 5


def state_problems(state: Snapshot) -> Iterator[str]:
    """Yield a sentence or two for each kind of wrong value, with the first users who have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in state.users.values():
        for problem in _user_problems(row):
            found[problem].append(row["user_name"])
    for problem, names in found.items():
        shown = ", ".join(f"“{printable(name, 60)}”" for name in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        have = "has" if len(names) == 1 else "have"
        users = quantity(len(names), "user")
        yield f"{users} {have} a wrong value: {problem}. Correct {shown}{more}."
    for name, problem in _settings_problems(state.settings):
        yield f"The setting {name} has a wrong value: {problem}. Correct it with `settings set`."
    if state.users and needs_administrator(state.users):  # a store without users is a new one
        yield (
            "No user is an administrator with a local password, so nobody could log on to the "
            "screens while the directory is down. Start `mailroster`: it makes one."
        )


def _user_problems(row: UserRow) -> Iterator[str]:
    if problem := name_problem(row["user_name"]):
        yield problem
    for address in row["email_addresses"]:
        if problem := address_problem(address):
            yield f"an e-mail address is malformed, as {problem}"
    if problem := _privileges_problem(tuple(row["privileges"])):
        yield problem
    for rights in row["folder_privileges"].values():
        if problem := _rights_problem(tuple(rights)):
            yield problem
    if row["password_hash"] is not None and not _BCRYPT.fullmatch(row["password_hash"]):
        yield "the stored hash of the local password is not a bcrypt hash"


def _settings_problems(settings: Settings) -> Iterator[tuple[str, str]]:
    if problem := _privileges_problem(settings.default_privileges):
        yield "default_privileges", problem
    if problem := _rights_problem(settings.default_folder_privileges):
        yield "default_folder_privileges", problem


@cache
def _privileges_problem(privileges: tuple[str, ...]) -> str:
    return _problem(privileges, PRIVILEGES, "privilege", check_privileges)


@cache
def _rights_problem(rights: tuple[str, ...]) -> str:
    return _problem(rights, FOLDER_PRIVILEGES, "right on a folder", check_folder_privileges)


def _problem(
    given: tuple[str, ...],
    known: Collection[str],
    what: str,
    check: Callable[[Collection[str]], object],
) -> str:
    """Return what is wrong with these privileges or rights; empty if `check` accepts them."""
    for name in given:
        if name not in known:
            return f"“{printable(name, 60)}” is not a {what}"
    try:
        check(given)
    except InvalidValue:
        if not given:
            return f"no {what} is set"
        return f"a {what} that excludes others is combined with them"
    return ""
