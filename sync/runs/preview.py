"""What a synchronisation would do now: the store's state and the directory's answer, compared."""

from __future__ import annotations

from dataclasses import replace

from store.models import Settings
from sync.directory.listing import Listing
from sync.planning.identity import directory_of
from sync.planning.plan import Answers, Plan
from sync.planning.planner import make_plan
from sync.runs.folders import archives_to_look_into, kept_archives
from sync.runs.former import former_users
from sync.workspace import Workspace


def preview(
    workspace: Workspace,
    listing: Listing,
    settings: Settings | None = None,
    answers: Answers | None = None,
) -> Plan:
    """Plan from the store's current state, under other `settings` than its own if given.

    `answers` settle questions and link local users; without them the questions stay open. No user
    is changed; folder work that waits is done, if it can be, as the plan depends on it.
    """
    snapshot = workspace.snapshot()
    if settings is not None:
        snapshot = replace(snapshot, settings=settings)
    archives, warning = archives_to_look_into(workspace, snapshot)
    is_kept = kept_archives(archives)
    formers = former_users(workspace.store, archives, directory_of(snapshot.settings))
    plan = make_plan(snapshot, listing, is_kept, answers or Answers(), workspace.clock(), formers)
    return replace(plan, warnings=(*plan.warnings, warning)) if warning else plan
