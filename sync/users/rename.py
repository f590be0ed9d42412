"""Renaming a user by hand: the archive folder and everybody's rights on it move along."""

from __future__ import annotations

import os
from dataclasses import replace

from store.archive_moves import ArchiveMoves
from store.archives import Archives
from store.errors import InvalidValue
from store.interface import Batch, Edit, Snapshot
from store.models import User
from store.names import check_user_name, match_key
from store.text import printable
from sync.planning.plan import Change, FieldChange, Plan
from sync.runs.change_lock import change_lock
from sync.runs.moved_rights import with_moved_rights
from sync.runs.record import operating_system_user, run_of
from sync.workspace import Workspace


def rename_user(workspace: Workspace, user: User, new_name: str, *, who: str | None = None) -> User:
    """Give the user a new name and return the user as stored.

    The folder moves as with a sync's renames (`ArchiveMoves`), and as with these the history
    records it, in the one write for all who have rights on the folder: so a crash at any moment
    leaves the mail with its user, and `undo` takes it back. No sync is applied meanwhile. `who` is
    the administrator, by default the operating system's user.

    Raises `InvalidValue` if the name is refused or taken, also by an archive folder that is still
    there, and the store's errors; then no user was changed.
    """
    check_user_name(new_name)
    with change_lock(workspace):
        before = workspace.snapshot()
        archives = workspace.archives(before.settings)
        moves = ArchiveMoves(archives)
        moves.finish(lambda run: before.history.find(run) is not None)
        _check_free(before, archives, user, new_name)
        edit = Edit.update(user, replace(user, user_name=new_name))
        plan = _plan(before, user, edit, new_name)
        archives.create(user.user_name)
        pairs = [] if match_key(new_name) == user.key else [(user.user_name, new_name)]
        moves.begin(plan.id, pairs)
        try:
            edits = with_moved_rights(before.users, [edit])
            run = run_of(plan, plan.changes, before, who=who or operating_system_user())
            after = workspace.store.apply(Batch(edits, run=run))
        finally:
            known = workspace.snapshot().history
            moves.finish(lambda run: known.find(run) is not None)
    return User.from_row(after.users[match_key(new_name)])


def _check_free(before: Snapshot, archives: Archives, user: User, new_name: str) -> None:
    key = match_key(new_name)
    if key == user.key:
        return
    if key in before.users:
        raise InvalidValue(
            f"There is a user “{printable(new_name)}” already. Nothing was written. "
            "Choose another name, or rename that user first."
        )
    folder = archives.path(new_name)
    if os.path.lexists(folder):
        raise InvalidValue(
            f"There is an archive folder {printable(folder)} already, with or without mail. "
            "Nothing was changed. Choose another name, or move that folder away first."
        )


def _plan(before: Snapshot, user: User, edit: Edit, new_name: str) -> Plan:
    change = Change(
        action="rename",
        user_name=new_name,
        reason="renamed by hand",
        fields={"user_name": FieldChange(user.user_name, new_name)},
        edit=edit,
    )
    return Plan(
        store_id=before.store_id,
        generation=before.generation,
        settings=before.settings,
        changes=(change,),
        kind="rename",
    )
