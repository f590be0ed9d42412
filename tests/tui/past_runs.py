"""Users, and syncs by somebody else than the one on the screen, for the history to show."""

from __future__ import annotations

from dataclasses import replace

from store.interface import Batch, Edit
from store.models import User
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import Workspace, open_workspace
from tests.support.builders import answer, listed, managed, stored

ROOT = {"administrator": "root"}
HASH = "$2b$04$SECRETHASHSECRETHASHSECRETHASH"
HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x\u202egnp"
USERS = (
    managed("anna", full_name="Anna"),
    managed("bert", full_name="Bert", privileges=["login", "export"], password_hash=HASH),
    User(user_name="local"),
)
DIRECTORY = answer(listed("anna", full="Anna Berg"), listed("carla"), listed("local"))


def synchronise(workspace: Workspace, *records: str, who: str = "cron") -> str:
    """Run a sync by somebody else than the one on the screen; return its id."""
    directory = answer(*map(listed, records)) if records else DIRECTORY
    plan = preview(workspace, directory)
    deletes = plan.counts["delete"]
    run = apply_plan(replace(workspace, who=who), plan, allow_deletes=deletes or None).run
    assert run
    return run


def edit_elsewhere(workspace: Workspace, name: str) -> int:
    """Let another session change the full name; return the generation that this wrote."""
    other = beside(workspace)
    user = stored(other, name)
    after = other.store.apply(Batch([Edit.update(user, replace(user, full_name="By hand"))]))
    other.close()
    return after.generation


def beside(workspace: Workspace) -> Workspace:
    """A second session on the same store."""
    return open_workspace(str(workspace.host_path), clock=workspace.clock)
