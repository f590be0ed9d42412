"""How many users of which kind there are, counted once for each state of the store."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass

from store.errors import StoreError
from store.files.notes import FIGURES
from store.interface import Snapshot
from store.models import DIRECTORY_SERVICES, Settings, UserRow
from sync.planning.leavers import leaving_on
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Numbers of users: by authentication method, pinned, suspended until a question ends, leaving.

    `next_leaving_on` is the first day from which a sync deletes one of them.
    """

    integrated: int = 0
    directory_services: int = 0
    pinned: int = 0
    suspended: int = 0
    leaving: int = 0
    next_leaving_on: str | None = None

    @property
    def total(self) -> int:
        """All users."""
        return self.integrated + self.directory_services


def figures_of(workspace: Workspace, state: Snapshot) -> Figures:
    """Return the figures of that state, of which the users need not be known.

    They are kept beside the store, so that among many users nobody reads them all again until
    something is changed.
    """
    stamp = {"store_id": state.store_id, "generation": state.generation}
    with suppress(StoreError, TypeError, LookupError):  # it is a cache
        note = workspace.store.note(FIGURES)
        if {name: note.get(name) for name in stamp} == stamp:
            return Figures(**note["users"])
    now = workspace.snapshot()
    figures = counted(now.users.values(), now.settings)
    with suppress(StoreError):
        stamp = {"store_id": now.store_id, "generation": now.generation}
        workspace.store.keep_note(FIGURES, {**stamp, "users": asdict(figures)})
    return figures


def counted(users: Iterable[UserRow], settings: Settings) -> Figures:
    """Count the users."""
    days, day_of = [], leaving_on(settings)
    found = dict.fromkeys(("integrated", "directory_services", "pinned", "suspended"), 0)
    for row in users:
        found[row["authentication"]] += 1
        found["pinned"] += bool(row.get("pinned"))
        is_of_directory = row["authentication"] == DIRECTORY_SERVICES
        found["suspended"] += is_of_directory and row.get("other_id") is not None
        if day := day_of(row):
            days.append(day)
    return Figures(**found, leaving=len(days), next_leaving_on=min(days, default=None))
