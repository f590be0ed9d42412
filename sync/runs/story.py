"""One user's story: every change that the history has of somebody, over renames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from store.history import RunChange, RunSummary
from store.interface import Store
from store.names import match_key


class Chapter(NamedTuple):
    """One change of the user, and the run that made it."""

    run: RunSummary
    change: RunChange


def story_of(store: Store, user_name: str) -> list[Chapter]:
    """Return what the history has of the user of that name, oldest first.

    It is followed back over renames: what happened under earlier names belongs to it, back to
    where the user came. A former user of the very name is told of as well. Raises `StoreDamaged`
    where a record is lost.
    """
    return list(_backwards(store, match_key(user_name)))[::-1]


def _backwards(store: Store, asked: str) -> Iterator[Chapter]:
    key = asked
    for summary in reversed(store.runs()):
        keeps_names = summary.kind not in ("sync", "undo", "restore", "rename")
        if keeps_names and summary.subject and match_key(summary.subject) != key:
            continue
        earlier = key
        for change in store.run(summary.id).changes:
            old = (change["old"] or {}).get("user_name")
            now = match_key((change["new"] or {}).get("user_name") or change["user_name"])
            if now == key or (old and match_key(old) == key):
                yield Chapter(summary, change)
                if key != asked and change["new"] and not change["old"]:
                    return  # who had this name before is somebody else
            if now == key and old and change["new"]:
                earlier = match_key(old)
        key = earlier
