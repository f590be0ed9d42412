"""Returning to a backup: where the store of now can be read, a run like any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from store.errors import ArchiveNotMounted, StoreDamaged, StoreError
from store.files.archives import folder_name
from store.files.folder_work import FolderWork
from store.history import Run
from store.interface import Snapshot
from store.models import User, UserRow
from store.names import match_key
from sync.planning.changes import created_by_hand, deleted_by_hand, edited_by_hand, quoted
from sync.planning.plan import Change, in_order, plan_by_hand
from sync.runs.commit import Draft, commit
from sync.runs.folders import aside_name, try_folder_work
from sync.runs.record import run_of
from sync.workspace import Workspace

_REASON = "as in the backup"


def restore_backup(workspace: Workspace, backup: Path) -> Path | None:
    """Return to the users and settings of `backup`; return the file that keeps those of now.

    The history goes on. What is different now is a run that can be undone; where the store of now
    cannot be read, its file is replaced, and that cannot be undone. None if no file was there.
    Raises `StoreDamaged` for an unusable backup, and what `commit` raises; then nothing was
    changed.
    """
    try:
        now = workspace.snapshot()
    except StoreDamaged:
        now = None
    to = workspace.upkeep.read(backup, like=now)
    if now is None or not now.store_id:
        plan = replace(plan_by_hand(to, "restore", ()), final=True)
        run = run_of(plan, (), (), to, workspace.who, workspace.clock())
        aside = workspace.upkeep.replace_unreadable(backup, run, partial(_folders_back, to, run))
        try_folder_work(workspace)
        _tell_folders_left(workspace, to)
        return aside
    before, aside = now.generation, workspace.upkeep.set_aside()
    del now  # `commit` may read it again

    def draft(now: Snapshot) -> Draft | None:
        changes = in_order(differences_to(now, to, _runs_since(workspace, to.generation)))
        plan = plan_by_hand(now, "restore", changes, to.settings)
        return Draft(plan, changes) if changes or plan.settings_changes else None

    try:
        commit(workspace, draft)
    except BaseException:
        with suppress(OSError, StoreError):
            if workspace.snapshot().generation == before:  # nothing was written
                aside.unlink()
        raise
    return aside


def _tell_folders_left(workspace: Workspace, to: Snapshot) -> None:
    """Tell of the archive folders of those who came after the backup, as far as it is known."""
    came = {
        change["user_name"]: None
        for run in _runs_since(workspace, to.generation)
        for change in run.changes
        if change["new"] and not change["old"] and match_key(change["user_name"]) not in to.users
    }
    try:
        archives = workspace.archives(to.settings)
    except ArchiveNotMounted:
        return
    if left := [name for name in came if archives.path(name).exists()]:
        workspace.notices.append(
            f"The archive folders of users who were added after the backup stay: {quoted(left)}. "
            "If the directory lists such a name, the next sync asks whose folder it is."
        )


def _folders_back(to: Snapshot, run: Run, since: Iterable[Run]) -> list[FolderWork]:
    """Return the moves that give each user the folder back that went along to a later name."""
    names = names_of_now(to.users, since)
    moves = {
        folder_name(names[key]): folder_name(key) for key in to.users if names.get(key, key) != key
    }
    in_the_way = [folder for folder in moves.values() if folder not in moves]
    return [
        *(FolderWork("aside", folder, aside_name(folder, run.summary.id)) for folder in in_the_way),
        *(FolderWork("move", folder, home) for folder, home in moves.items()),
    ]


def differences_to(now: Snapshot, to: Snapshot, runs: Iterable[Run]) -> list[Change]:
    """Return the changes that make the users of `now` those of `to`.

    `runs` are those since then, oldest first: by them a user who was renamed is the same user.
    """
    where = names_of_now(to.users, runs)
    changes, kept = [], set()
    for key, row in to.users.items():
        user = User.from_row(row)
        there = now.users.get(where.get(key, ""))
        if there is None:
            changes.append(created_by_hand(replace(user, rev=0), _REASON))
            continue
        before = User.from_row(there)
        kept.add(before.key)
        after = replace(user, rev=before.rev, changed=before.changed, created=before.created)
        if after != before:
            changes.append(edited_by_hand(before, after, _REASON))
    gone = (row for key, row in now.users.items() if key not in kept)
    return [*changes, *(deleted_by_hand(User.from_row(row), _REASON) for row in gone)]


def names_of_now(users: Mapping[str, UserRow], runs: Iterable[Run]) -> dict[str, str]:
    """Map the keys of these users to those that they have after the `runs`, if they are there."""
    where = {key: key for key in users}
    for run in runs:
        moved, gone = {}, set()
        for change in run.changes:
            old, new = change["old"] or {}, change["new"]
            if "user_name" in old:
                key = match_key(old["user_name"])
                if new is None:
                    gone.add(key)
                else:
                    moved[key] = match_key(new["user_name"])
        if moved or gone:
            where = {key: moved.get(now, now) for key, now in where.items() if now not in gone}
    return where


def _runs_since(workspace: Workspace, generation: int) -> Iterable[Run]:
    for run in workspace.store.runs():
        if run.generation > generation:
            with suppress(StoreDamaged):  # whose names it changed is then not known
                yield workspace.store.run(run.id)
