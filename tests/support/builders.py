"""Short ways to write down users, directory answers and plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from store.history import Run, RunSummary
from store.interface import Snapshot
from store.models import DIRECTORY_SERVICES, Settings, User
from store.names import match_key
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.planning.identity import directory_of
from sync.planning.plan import Answers, Plan
from sync.planning.planner import make_plan
from sync.runs.preview import preview
from sync.workspace import Workspace

AUTO_DELETE = Settings(auto_delete=True, guard_max_delete_percent=100)
KEEP = replace(AUTO_DELETE, auto_delete=False)
HERE = directory_of(AUTO_DELETE)
A_RESTORE = Run(
    summary=RunSummary(
        id="restore", kind="restore", who="", at="2026-01-01T00:00:00+00:00", counts={}, final=True
    ),
    changes=(),
)


def managed(user_name: str, **fields: Any) -> User:
    """A user as a sync would have created it."""
    fields.setdefault("privileges", ["login"])
    return User(user_name=user_name, authentication=DIRECTORY_SERVICES, **fields)


def person(name: str, dn: str, **fields: Any) -> User:
    """The same with a distinguished name, and the right to read the own archive."""
    fields.setdefault("folder_privileges", {name: ["read"]})
    return managed(name, distinguished_name=dn, **fields)


def known(name: str, stable_id: str | None = None, **fields: Any) -> User:
    """A user to whom this directory gave that id, if any."""
    where = HERE if stable_id else None
    return managed(name, directory_id=stable_id, directory=where, **fields)


def stored(workspace: Workspace, user_name: str) -> User:
    """The user as the store has it now."""
    user = workspace.snapshot().find(user_name)
    assert user
    return user


def listed(
    user_name: str,
    *addresses: str,
    dn: str | None = None,
    full: str | None = None,
    stable_id: str | None = None,
) -> Any:
    """A record of the directory."""
    return DirectoryUser(user_name, dn, full, list(addresses), id=stable_id)


def unknown(
    user_name: str, *fields: str, addresses: Sequence[str] = (), **about: Any
) -> DirectoryUser:
    """A record of which these fields cannot be read."""
    found: DirectoryUser = listed(user_name, *addresses, **about)
    return found._replace(unreadable=fields)


def answer(*records: DirectoryUser | InvalidRecord) -> Listing:
    """The directory's answer with these records."""
    return Listing(
        [record for record in records if isinstance(record, DirectoryUser)],
        [record for record in records if isinstance(record, InvalidRecord)],
        [],
    )


def plan_for(
    users: list[User],
    listing: Listing,
    settings: Settings = AUTO_DELETE,
    keeps_archive: Callable[[str], bool] = lambda _: False,
    answers: Answers | None = None,
    now: datetime | None = None,
) -> Plan:
    """The plan for a store with these users, which had one write each."""
    rows = {match_key(user.user_name): {**user.to_row(), "rev": 1} for user in users}
    snapshot = Snapshot("id", 1, settings, rows)  # type: ignore[arg-type]
    return make_plan(snapshot, listing, keeps_archive, answers or Answers(), now)


def plan_with(workspace: Workspace, directory: Listing, *rename: str, **more: list[str]) -> Plan:
    """The plan with these answers, of which the new names that are renames come first."""
    return preview(workspace, directory, answers=Answers.of(rename, **more))


def lines(plan: Plan) -> list[str]:
    """The plan as `action name` lines."""
    return [f"{change.action} {change.user_name}" for change in plan.changes]
