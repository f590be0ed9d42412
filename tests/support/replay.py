"""Replaying a run from what `history show --json` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from store.names import match_key
from sync.planning.folder_rights import moved_rights

# Set by the store with every write, or never shown.
NOT_REPLAYED = ("rev", "created", "changed", "password_hash", "has_password", "leaving_on")

Users = dict[str, dict[str, Any]]


def comparable(users: Mapping[str, Any]) -> Users:
    """The users, by match key, without what a replay does not give."""
    return {
        key: {name: value for name, value in row.items() if name not in NOT_REPLAYED}
        for key, row in users.items()
    }


def replay(users: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> Users:
    """The users after a run, made of those before it and of its changes alone.

    Rights on the folder of a user who was renamed follow, for everybody who stays; those on the
    folder of a former user end when somebody new, who was never `created` before, gets the name.
    """
    written = [change for change in changes if change["old"] or change["new"]]
    stay = dict(users)
    moved: list[tuple[str, dict[str, Any]]] = []
    renamed: dict[str, str] = {}
    created: Users = {}
    for change in written:
        old, new = change["old"] or {}, change["new"] or {}
        key = match_key(old.get("user_name", change["user_name"]))
        if not old:
            created[key] = dict(new)
            continue
        row = stay.pop(key)
        if new:
            row = {**row, **new}
            moved.append((match_key(row["user_name"]), row))
            renamed[key] = moved[-1][0]
    stay.update(moved)
    renamed = {old: new for old, new in renamed.items() if old != new}
    new = {key for key, row in created.items() if not row["created"]}
    if renamed or new:
        stay = {
            key: {**row, "folder_privileges": moved_rights(row["folder_privileges"], renamed, new)}
            for key, row in stay.items()
        }
    return comparable({**stay, **created})
