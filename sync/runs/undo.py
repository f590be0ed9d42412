"""Taking a run back: a plan like any other, made from the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from store.collector import collector_paused
from store.errors import InvalidValue
from store.history import Run, RunChange
from store.interface import Batch, Edit, Snapshot
from store.models import User, UserRow
from store.names import match_key
from store.text import printable, shown_time
from sync.planning import changes
from sync.planning.clashes import clashes_as_conflicts, last_administrators_as_conflicts
from sync.planning.deletions import managed_by
from sync.planning.guard import guard_sentences, past_of
from sync.planning.plan import Change, FieldChange, Plan, in_order
from sync.workspace import Workspace


def undo_preview(workspace: Workspace, run_id: str) -> Plan:
    """Plan from the store's current state what takes the run back; apply it with `apply_plan`.

    Raises `InvalidValue` for an unknown run, `StoreDamaged` if its record is lost.
    """
    run = workspace.store.run(run_id)
    snapshot = workspace.snapshot()
    keeps_archive = workspace.archives(snapshot.settings).is_kept
    with collector_paused():
        return undo_plan(snapshot, run, keeps_archive)


def undo_plan(
    snapshot: Snapshot,
    run: Run,
    keeps_archive: Callable[[str], bool],
    now: datetime | None = None,
) -> Plan:
    """Return what takes `run` back.

    Users that it created are deleted, those that it deleted come back whole and pinned, those
    that it changed get their old values. Whoever was edited since is left as a conflict.
    """
    users, settings = snapshot.users, snapshot.settings
    written = [change for change in run.changes if change["old"] or change["new"]]
    planned = clashes_as_conflicts(
        users, [_reversed(change, run, snapshot, keeps_archive) for change in written]
    )
    moving = {change.edit.key for change in planned if change.edit and change.action == "rename"}
    planned = [_unless_in_the_way(change, moving, keeps_archive) for change in planned]
    planned = clashes_as_conflicts(users, last_administrators_as_conflicts(users, planned))
    deleted = {change.edit.key for change in planned if change.edit and not change.edit.user}
    is_managed = managed_by(settings.filters)
    managed = sum(key in deleted or is_managed(key, row) for key, row in users.items())
    return Plan(
        store_id=snapshot.store_id,
        generation=snapshot.generation,
        settings=settings,
        changes=in_order(planned),
        listed=run.summary.listed,
        managed=managed,
        guard=tuple(
            guard_sentences(
                settings,
                listed=run.summary.listed,
                managed=managed,
                deletes=len(deleted),
                past=replace(past_of(snapshot.history, now), listed=None),
            )
            if deleted
            else ()
        ),
        kind="undo",
        undoes=run.summary.id,
    )


def release(workspace: Workspace, *user_names: str) -> list[User]:
    """Let syncs delete these pinned users again, all or none; return them as stored.

    Raises `InvalidValue` where one of them is not pinned.
    """
    snapshot = workspace.snapshot()
    edits: dict[str, Edit] = {}
    for name in user_names:
        user = snapshot.find(name)
        if user is None or not user.pinned:
            raise InvalidValue(
                f"There is no pinned user “{printable(name, 60)}”. Nothing was changed. "
                "`mailroster history pinned` lists all."
            )
        edits[user.key] = Edit.update(user, replace(user, pinned=False))
    after = workspace.store.apply(Batch(list(edits.values()))).users
    return [User.from_row(after[key]) for key in edits]


def pinned_users(snapshot: Snapshot) -> list[User]:
    """Return the users whom an undo brought back and no sync deletes."""
    return [User.from_row(row) for row in snapshot.users.values() if row.get("pinned")]


def _reversed(
    change: RunChange, run: Run, snapshot: Snapshot, keeps_archive: Callable[[str], bool]
) -> Change:
    """Return the change that takes `change` back, or a conflict."""
    old, new = change["old"], change["new"]
    if new is None:
        return _restored(old or {})
    name = new.get("user_name") or change["user_name"]
    row = snapshot.users.get(match_key(name))
    if row is None:
        return changes.conflict(name, "was deleted or renamed since; there is nothing to take back")
    if row["rev"] != run.summary.generation:
        return changes.conflict(
            name,
            f"was changed since, on {shown_time(row['changed'])}; look at the user and change it "
            "by hand",
        )
    if old is None:
        return changes.deletion(row, "the undone run had created the user", keeps_archive)
    return _reverted(row, old)


def _restored(row: dict[str, Any]) -> Change:
    user = replace(User.from_row(row), rev=0, pinned=True)  # type: ignore[arg-type]
    return Change(
        action="create",
        user_name=user.user_name,
        reason="comes back whole, and pinned: the undone run had deleted the user, and no sync "
        "does so again until released",
        fields={
            name: FieldChange(None, getattr(user, name))
            for name in (*changes.FOLLOWED_FIELDS[1:], "privileges")
            if getattr(user, name)
        },
        edit=Edit.create(user),
    )


def _reverted(row: UserRow, old: dict[str, Any]) -> Change:
    before = User.from_row(row)
    after = replace(before, **old)
    renamed = after.key != before.key
    return Change(
        action="rename" if renamed else "update",
        user_name=after.user_name if renamed else before.user_name,
        reason=f"back from “{printable(before.user_name, 60)}”"
        if renamed
        else "back to what it was before the undone run",
        fields={
            name: FieldChange(getattr(before, name), value)
            for name, value in old.items()
            if name in (*changes.FOLLOWED_FIELDS, "authentication", "privileges")
        },
        edit=Edit.update(before, after),
    )


def _unless_in_the_way(
    change: Change, moving: set[str], keeps_archive: Callable[[str], bool]
) -> Change:
    """Return a rename as a conflict where the folder of its name holds another's mail."""
    if change.action != "rename" or change.edit is None:
        return change
    if match_key(change.user_name) in moving or not keeps_archive(change.user_name):
        return change
    return changes.conflict(
        change.user_name,
        "the archive folder of this name holds mail of somebody else; move that folder away first",
    )
