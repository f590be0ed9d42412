"""Taking a run back: a plan like any other, made from the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from store.errors import InvalidValue, StoreConflict
from store.history import Run, RunChange
from store.interface import Edit, Snapshot
from store.models import DIRECTORY_SERVICES, Settings, User, UserRow
from store.names import match_key
from store.text import printable, shown_time
from sync.planning import changes
from sync.planning.clashes import clashes_as_conflicts, last_administrators_as_conflicts
from sync.planning.deletions import managed_by
from sync.planning.folder_rights import renamed_keys, with_ended_rights
from sync.planning.guard import guard_blocks, past_of
from sync.planning.leavers import counted_by
from sync.planning.plan import Action, Change, FieldChange, FieldValue, Plan, in_order
from sync.runs.apply import apply_plan
from sync.runs.folders import archives_to_look_into, kept_archives
from sync.runs.record import HASH
from sync.runs.since import Since
from sync.workspace import Workspace


def undo_preview(workspace: Workspace, run_id: str, *, old_passwords: bool = False) -> Plan:
    """Plan from the store's current state what takes the run back; apply it with `apply_plan`.

    An older password replaces a newer one only with `old_passwords`. Raises `InvalidValue` for an
    unknown run and for one that nothing can take back, `StoreDamaged` if its record is lost.
    """
    run = workspace.store.run(run_id)
    if run.summary.final:
        raise InvalidValue(
            f"Run {printable(run_id, 60)} ({run.summary.kind}) cannot be undone: it left nothing "
            "to go back to.",
            "Choose another run from `mailroster history list`.",
            untouched="Nothing was changed.",
        )
    snapshot = workspace.snapshot()
    archives, warning = archives_to_look_into(workspace, snapshot)
    since, now = Since(workspace.store, run.summary), workspace.clock()
    is_kept = kept_archives(archives)
    plan = undo_plan(snapshot, run, since, is_kept, now, old_passwords=old_passwords)
    return replace(plan, warnings=(*plan.warnings, warning)) if warning else plan


def undo_plan(
    snapshot: Snapshot,
    run: Run,
    since: Since,
    keeps_archive: Callable[[str], bool],
    now: datetime | None = None,
    *,
    old_passwords: bool = False,
) -> Plan:
    """Return what takes `run` back.

    Users that it created are deleted, those that it deleted come back whole and pinned, those
    that it changed get their old values, and so do settings. Those whom it marked as leaving are
    pinned too. A user who was edited since is left as
    a conflict, unless the edit was undone; a setting that was changed since is left with a warning.
    """
    users, settings = snapshot.users, snapshot.settings
    warnings: list[str] = []
    written = [change for change in run.changes if change["old"] or change["new"]]
    if not old_passwords:
        written = [_without_password(change, users, warnings) for change in written]
    planned = [
        _reversed(change, since, snapshot, keeps_archive)
        for change in written
        if change["old"] or change["new"]
    ]
    planned = clashes_as_conflicts(users, _unless_there_again(planned, users))
    moving = {change.edit.key for change in planned if change.edit and change.action == "rename"}
    planned = [_unless_in_the_way(change, moving, keeps_archive) for change in planned]
    planned = clashes_as_conflicts(users, last_administrators_as_conflicts(users, planned))
    planned = with_ended_rights(users, planned)
    counted = {change.edit.key for change in planned if change.edit and change.is_counted}
    counts = counted_by(managed_by(settings.filters))
    managed = sum(key in counted or counts(key, row) for key, row in users.items())
    guarded = run.summary.guarded
    return Plan(
        store_id=snapshot.store_id,
        generation=snapshot.generation,
        settings=settings,
        new_settings=settings_before(settings, run, warnings),
        changes=in_order(planned),
        warnings=tuple(warnings),
        listed=run.summary.listed,
        managed=managed,
        guarded=guarded,
        blocks=tuple(
            guard_blocks(
                settings,
                listed=run.summary.listed,
                managed=managed,
                deletes=len(counted),
                past=replace(past_of(snapshot.history, now), listed=None),
            )
            if counted and guarded
            else ()
        ),
        kind="undo",
        undoes=run.summary.id,
    )


def take_back(workspace: Workspace, run_id: str, *, old_passwords: bool = False) -> list[User]:
    """Take the whole run back at once; return the users whom that changed, as stored.

    Raises `StoreConflict` where anything was changed since, and what `apply_plan` raises; then
    nothing was written.
    """
    plan = undo_preview(workspace, run_id, old_passwords=old_passwords)
    if reasons := [f"“{found.user_name}” {found.reason}" for found in plan.of("conflict")]:
        raise StoreConflict(reasons)
    apply_plan(workspace, plan)
    users = workspace.snapshot().users
    keys = [change.edit.user.key for change in plan.changes if change.edit and change.edit.user]
    return [User.from_row(users[key]) for key in keys]


def _without_password(
    change: RunChange, users: Mapping[str, UserRow], warnings: list[str]
) -> RunChange:
    """Return the change without a password that is older than the one of now, and say so."""
    old, new = change["old"], change["new"]
    if not (old and new and old.get(HASH)):
        return change
    row = users.get(match_key(new.get("user_name") or change["user_name"]))
    if row is None or row[HASH] in (None, old[HASH]):
        return change
    warnings.append(
        f"“{printable(row['user_name'], 60)}” keeps the newer password; the older one comes back "
        "with --old-passwords."
    )
    return {
        **change,
        "old": {name: value for name, value in old.items() if name != HASH},
        "new": {name: value for name, value in new.items() if name != HASH},
    }


def settings_before(settings: Settings, run: Run, warnings: list[str]) -> Settings | None:
    """Return the settings with those of before the run, but for what was changed since."""
    if not run.settings:
        return None
    now, stored = settings.to_stored(), {}
    for name, both in run.settings.items():
        if orjson.dumps(now.get(name)) == orjson.dumps(both["new"]):
            stored[name] = both["old"]
        else:
            warnings.append(f"The setting {name} was changed since; it stays as it is.")
    return Settings.from_stored({**now, **stored})


def _reversed(
    change: RunChange, since: Since, snapshot: Snapshot, keeps_archive: Callable[[str], bool]
) -> Change:
    """Return the change that takes `change` back, or a conflict."""
    old, new = change["old"], change["new"]
    folder_changes = change["archive"] in ("aside", "back")
    if new is None:
        restored = _restored(old or {})
        if folder_changes:
            return replace(restored, archive="aside")
        return _with_folder_of(restored, change, snapshot.users, keeps_archive)
    name = new.get("user_name") or change["user_name"]
    row = snapshot.users.get(match_key(name))
    if row is None:
        return changes.conflict(name, "was deleted or renamed since; nothing can be undone")
    if not since.still_as_left(match_key(name), row["rev"]):
        later = since.run_of(row["rev"])
        by = f", by run {printable(later.id, 60)}, kind {later.kind}" if later else ""
        return changes.conflict(
            name,
            f"was changed since, on {shown_time(row['changed'])}{by}; look at the user and change "
            "it by hand",
        )
    if old is None:
        gone = changes.deletion(row, "the undone run had created the user", keeps_archive)
        if folder_changes:
            return replace(gone, archive="back")
        return _with_folder_of(gone, change, snapshot.users, keeps_archive)
    return _reverted(row, old)


def _with_folder_of(
    undo: Change,
    change: RunChange,
    users: Mapping[str, UserRow],
    keeps_archive: Callable[[str], bool],
) -> Change:
    """Return the undo of `change` with the archive folder that moves back to where it came from.

    It stays where it is if the other name has an owner by now, or a folder that holds something.
    """
    earlier = change.get("came_from")
    if earlier is None or match_key(earlier) in users:
        return undo
    leaves, arrives = undo.user_name, earlier
    if undo.action != "delete":
        leaves, arrives = arrives, leaves
    if not keeps_archive(leaves) or keeps_archive(arrives):
        return undo
    shown = printable(arrives, 60)
    reason = f"{undo.reason}; the archive folder moves back to “{shown}”"
    return replace(undo, candidates=(earlier,), reason=reason)


def _restored(row: dict[str, Any]) -> Change:
    user = replace(User.from_row(row), rev=0, absent_since=None)  # type: ignore[arg-type]
    reason = "comes back whole: the undone run had deleted the user"
    if user.authentication == DIRECTORY_SERVICES:
        user = replace(user, pinned=True)
        reason = (
            "comes back whole and pinned: the undone run had deleted the user; syncs will not "
            f"delete this user until you release it {changes.WHERE_RELEASED}"
        )
    return Change(
        action="create",
        user_name=user.user_name,
        reason=reason,
        fields=changes.given(user),
        edit=Edit.create(user),
    )


def _unless_there_again(planned: Sequence[Change], users: Mapping[str, UserRow]) -> list[Change]:
    """Return the changes without those who would come back under a name that somebody keeps."""
    edits = [change.edit for change in planned if change.edit]
    leaving = {edit.key for edit in edits if edit.user is None} | renamed_keys(edits).keys()
    return [
        changes.conflict(change.user_name, "exists again and stays as it is now")
        if change.edit
        and not change.edit.rev
        and change.edit.key in users
        and change.edit.key not in leaving
        else change
        for change in planned
    ]


def _reverted(row: UserRow, old: dict[str, Any]) -> Change:
    before = User.from_row(row)
    stays = bool(before.absent_since) and not old.get("absent_since", before.absent_since)
    if stays:
        old = {**old, "pinned": True}
    after = replace(before, **old)
    renamed = after.key != before.key
    fields = {
        name: FieldChange(_shown(getattr(before, name)), _shown(value))
        for name, value in old.items()
        if name in changes.SHOWN_FIELDS
    }
    if HASH in old:
        fields["password"] = FieldChange("of now", "from before" if old[HASH] else None)
    action: Action = "rename" if renamed else "leave" if old.get("absent_since") else "update"
    reason = (
        f"back from “{printable(before.user_name, 60)}”"
        if renamed
        else "back to what it was before the undone run"
    )
    return Change(
        action=action,
        user_name=after.user_name if renamed else before.user_name,
        reason=f"{reason}, and pinned: syncs will not delete this user until you release it "
        f"{changes.WHERE_RELEASED}"
        if stays
        else reason,
        fields=fields,
        edit=Edit.update(before, after),
    )


def _shown(value: Any) -> FieldValue:
    return value if value is None or isinstance(value, str | list) else changes.shown_value(value)


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
