"""The steps that Test Settings and Synchronize now share: fetch, then plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from store.collector import collector_paused
from store.models import Settings
from store.secrets import directory_password
from sync.directory.listing import Listing, Progress
from sync.errors import NotConfigured
from sync.planning.plan import Answers, Plan
from sync.workspace import Workspace


async def fetch(
    workspace: Workspace,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
) -> Listing:
    """Ask the directory for its users; cancel the task to give up.

    Raises `NotConfigured`, `DirectoryError` or, for the service's password, `StoreError`.
    """
    from sync.directory.client import DirectoryClient

    check_configured(settings)
    password = await asyncio.to_thread(directory_password, settings, workspace.secrets)
    return await DirectoryClient(settings, password).list_users(progress)


def check_configured(settings: Settings) -> None:
    """Raise `NotConfigured` if there is no directory to ask."""
    if settings.directory_service == "none" or not settings.url:
        raise NotConfigured(
            "No directory service is set up. Nothing was changed. Choose Application Integration "
            "and enter its URL on the Connection screen, or run `mailroster settings set "
            "directory_service=application_integration url=https://...`."
        )


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
