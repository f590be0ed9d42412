"""What a synchronisation would do now: the store's state and the directory's answer, compared."""

from __future__ import annotations

from dataclasses import replace

from store.collector import collector_paused
from store.models import Settings
from sync.directory.listing import Listing
from sync.planning.plan import Answers, Plan
from sync.planning.planner import make_plan
from sync.workspace import Workspace


def preview(
    workspace: Workspace,
    listing: Listing,
    settings: Settings | None = None,
    answers: Answers | None = None,
) -> Plan:
    """Plan from the store's current state, under other `settings` than its own if given.

    `answers` settle rename questions and link local users; without them the questions stay open.
    """
    snapshot = workspace.snapshot()
    if settings is not None:
        snapshot = replace(snapshot, settings=settings)
    archives = workspace.archives(snapshot.settings)
    with collector_paused():
        return make_plan(snapshot, listing, archives.is_kept, answers or Answers())
