"""All of a store into another one, checked afterwards."""

from __future__ import annotations

import uuid
from dataclasses import replace

from store.errors import StoreDamaged
from store.interface import Snapshot
from store.upkeep import Upkeep, Whole


def copy_store(source: Upkeep, target: Upkeep) -> Snapshot:
    """Put all of `source` into `target`, which is empty; return the state there.

    It gets an id of its own, so that neither store takes the other's plans and archive for its
    own. Raises `StoreDamaged` where `source` is not whole, or the copy differs from it,
    and `StoreUnwritable` where `target` is not empty or cannot be written.
    """
    whole = source.whole()
    if not whole.state.store_id:
        raise StoreDamaged(
            "The user database does not exist yet, so it cannot be copied.",
            "Give its path or address with --store or MAILROSTER_STORE.",
        )
    state = replace(whole.state, store_id=uuid.uuid4().hex, archive_marked=False)
    whole = replace(whole, state=state)
    target.fill(whole)
    if different := _differences(whole, target.whole()):
        raise StoreDamaged(
            f"The copy differs from the store: {', '.join(different)}.",
            "Remove the copy, and check the disk and the database's server.",
            untouched="The store itself was not changed.",
        )
    return state


def _differences(one: Whole, other: Whole) -> list[str]:
    return [
        name
        for name, here, there in (
            ("users", dict(one.state.users), dict(other.state.users)),
            ("settings", one.state.settings, other.state.settings),
            ("the list of runs", one.state.history, other.state.history),
            ("work on folders", _work(one), _work(other)),
            ("the runs", one.records, other.records),
            ("failed log-ons", _counts(one), _counts(other)),
            ("sources of log-ons", one.known_sources, other.known_sources),
        )
        if here != there
    ]


def _work(whole: Whole) -> object:
    state = whole.state
    return state.store_id, state.generation, state.archive_marked, state.folder_work


def _counts(whole: Whole) -> object:
    attempts = whole.attempts
    return attempts.key, attempts.pairs, attempts.users, attempts.sources
