"""The steps that Test Settings and Synchronize now share: fetch, then plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from store.collector import collector_paused
from store.models import Settings
from sync.directory.connect import connect
from sync.directory.listing import Listing, Progress
from sync.planning.plan import Answers, Plan
from sync.workspace import Workspace


async def fetch(
    workspace: Workspace,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
    password: str | None = None,
) -> Listing:
    """Ask the directory for its users under `settings`, which need not be saved.

    `password` is the service's own, in clear; None takes the one of the settings. Cancel the task
    to give up. Raises `NotConfigured`, `DirectoryError` or, for that password, `StoreError`.
    """
    directory = await connect(workspace, settings, password)
    return await directory.list_users(progress)


def preview(
    workspace: Workspace,
    listing: Listing,
    settings: Settings | None = None,
    answers: Answers | None = None,
) -> Plan:
    """Plan from the store's current state, under other `settings` than its own if given.

    `answers` settle rename questions and link local users; without them the questions stay open.
    """
    from sync.planning.planner import make_plan  # not needed for a log-on

    snapshot = workspace.snapshot()
    if settings is not None:
        snapshot = replace(snapshot, settings=settings)
    archives = workspace.archives(snapshot.settings)
    with collector_paused():
        return make_plan(snapshot, listing, archives.is_kept, answers or Answers())
