"""Who had a name before: the history's deleted users, and archive folders that hold mail."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import cast

from store.errors import StoreDamaged
from store.files.archives import Archives, folder_name
from store.interface import Store
from store.models import UserRow
from store.names import match_key
from store.text import printable
from sync.errors import StalePlan
from sync.planning.identity import known_id
from sync.planning.plan import Change
from sync.planning.returns import Former, Formers


def former_users(store: Store, archives: Archives | None, directory: str) -> Formers:
    """Return the look-up of names, and of the ids that `directory` lists for them.

    `archives` is None where nobody can look into folders. It reads records of runs that deleted
    somebody, and only if there are names to look up. A name tells before an id does.
    """

    def look_up(wanted: Mapping[str, str | None]) -> Mapping[str, Former]:
        keys = wanted.keys()
        rows = _deleted(store, wanted, directory) if keys else {}
        mail = _with_mail(archives, keys) if keys and archives else set()
        unknown = None if archives is None else False
        return {
            key: Former(rows.get(key), key in mail or unknown)
            for key in (*rows, *(mail - rows.keys()))
        }

    return look_up


def check_nobody_inherits(archives: Archives | None, changes: Sequence[Change]) -> None:
    """Raise `StalePlan` where a user would be made to whom mail from before would fall.

    The plan knew of no mail in that folder; it came there since.
    """
    edits = [(change, change.edit) for change in changes if change.edit]
    moving = {edit.key for change, edit in edits if change.action == "rename"}
    new = {
        edit.key: change.user_name
        for change, edit in edits
        if change.action == "create" and change.archive is None and edit.key not in moving
    }
    mail = _with_mail(archives, new) if archives and new else ()
    if mail:
        raise StalePlan(
            [f"the archive folder of “{printable(new[key], 60)}” holds mail now" for key in mail]
        )


def _deleted(store: Store, wanted: Mapping[str, str | None], directory: str) -> dict[str, UserRow]:
    """Return the rows of the users of these keys who were deleted last, as they were then.

    Where no user of the name was, that of one who had the id that `directory` lists for it. A
    record that is lost tells of nobody; the mail in the folder still does.
    """
    found: dict[str, UserRow] = {}
    by_id: dict[str, UserRow] = {}
    keys_of_ids = {stable_id: key for key, stable_id in wanted.items() if stable_id}
    for summary in reversed(store.runs()):
        if not summary.counts.get("delete"):
            continue
        with suppress(StoreDamaged):
            for change in store.run(summary.id).changes:
                if change["archive"] == "back":
                    continue  # the newcomer whom an undo took back; the folder is of who was before
                if change["new"] is None and (old := change["old"]):
                    row = cast("UserRow", old)
                    if (key := match_key(row["user_name"])) in wanted:
                        found.setdefault(key, row)
                    if (stable_id := known_id(row, directory)) in keys_of_ids:
                        by_id.setdefault(keys_of_ids[stable_id or ""], row)
    return {**by_id, **found}


def _with_mail(archives: Archives, keys: Collection[str]) -> set[str]:
    """Return those of the keys whose folder is there and holds something, or cannot be read."""
    try:
        there = {name for name in os.listdir(archives.root) if not name.startswith(".")}
    except OSError:
        return set()
    found = (key for key in keys if folder_name(key) in there) if there else ()
    return {key for key in found if archives.is_kept(key)}
