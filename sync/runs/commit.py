"""The one way in: every change of users and settings is committed here, as a run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from store.errors import ArchiveNotMounted, StoreError, StoreUnwritable
from store.files.archives import Archives, folder_name
from store.files.folder_work import STILL_TO_DO
from store.interface import Batch, Snapshot
from store.locations import NO_ARCHIVE
from store.models import Settings
from store.progress import OnProgress, with_progress
from sync.planning.folder_rights import (
    returned_keys,
    settled_keys,
    with_ended_rights,
    with_moved_rights,
)
from sync.planning.plan import Change, Plan
from sync.runs.change_lock import change_lock
from sync.runs.folders import (
    archive_at_hand,
    finish_folder_work,
    folder_work_of,
    left_in_old_root,
    mark_archive,
)
from sync.runs.former import check_nobody_inherits
from sync.runs.record import run_of, short_history
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Draft:
    """What a run is to write: the `wanted` changes of `plan`, and its new settings.

    `held` deletions were left out, `confirmed` tells that the delete guard was opened.
    """

    plan: Plan
    wanted: Sequence[Change]
    held: int = 0
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """What a run wrote: the state after it, its changes, and its id, None if it wrote nothing."""

    after: Snapshot
    changes: Sequence[Change] = ()
    run: str | None = None


def commit(workspace: Workspace, make: Callable[[Snapshot], Draft | None]) -> Committed:
    """Write what `make` returns for the state of now, with its record, and return what was done.

    These are the steps; wherever they are cut short, no mail is lost or with somebody else:

    1. The lock against other changes is taken, and folder work that waits is done.
    2. `make` looks at the state; it may raise, or return None for nothing to do.
    3. Folders of new users are made.
    4. Users, settings, the record and the work on other folders are written, all in one.
    5. That work is done, or waits for the next run or log-on; then `workspace.notices` says so.

    Raises what `make` raises, `ArchiveNotMounted` where folders are concerned that are not at
    hand, and the store's errors; then nothing was written and no folder is left.
    """
    with change_lock(workspace):
        before = workspace.snapshot()
        archives, work_done, trouble = _archive(workspace, before)
        draft = make(before)
        if draft is None:
            return Committed(before)
        plan = draft.plan
        changes = with_ended_rights(before.users, draft.wanted)
        if trouble is not None and any(map(_concerns_folders, changes)):
            raise trouble
        if plan.kind == "sync":
            check_nobody_inherits(archives, changes)
        waiting = before.folder_work if archives is None else ()
        changes, work = folder_work_of(
            changes,
            archives,
            plan.id,
            plan.undoes,
            may_set_aside=plan.kind == "restore",
            to_be_removed={item.folder for item in waiting if item.act == "remove"},
        )
        own = [change.edit for change in changes if change.edit]
        settled, returned = settled_keys(before.users, changes), returned_keys(changes)
        edits = with_moved_rights(before.users, own, settled, returned)
        batch = Batch(
            edits,
            settings=plan.new_settings,
            based_on_settings=plan.settings,
            run=run_of(
                plan,
                changes,
                edits,
                before,
                workspace.who,
                workspace.clock(),
                draft.held,
                draft.confirmed,
            ),
            folder_work=work,
            work_done=work_done,
            store_id=before.store_id or uuid.uuid4().hex,
        )
        if marks := _marks_archive(before, plan):
            mark_archive(workspace, before, marks.archive_root, batch.store_id)
            batch = replace(batch, archive_marked=True)
        new = _NewFolders(archives, changes, {item.folder for item in work}, workspace.on_progress)
        try:
            new.make()
            after = workspace.store.apply(batch)
        except BaseException:
            if not _may_be_written(workspace, plan.id):
                new.unmake()
            raise
        if notice := left_in_old_root(workspace, before, after.settings):
            workspace.notices.append(notice)
        drops = after.history.folded_runs > before.history.folded_runs
        if drops and (warning := short_history(after, workspace.clock())):
            workspace.notices.append(str(warning))
        if archives is not None:
            try:
                finish_folder_work(workspace, after, archives, of_others=False)
                new.make_late()
            except (ArchiveNotMounted, StoreUnwritable) as error:
                error.untouched = STILL_TO_DO
                workspace.notices.append(str(error))
    return Committed(after, changes, plan.id if after.generation > before.generation else None)


def _may_be_written(workspace: Workspace, run_id: str) -> bool:
    """Tell whether the run is there, or a store that cannot be asked may have it."""
    try:
        return workspace.store.has_run(run_id)
    except StoreError:
        return True


class _NewFolders:
    """The archive folders of users who are new or renamed, but for what `moving` folders become."""

    def __init__(
        self,
        archives: Archives | None,
        changes: Iterable[Change],
        moving: set[str],
        on_progress: OnProgress,
    ) -> None:
        self._archives = archives
        self._on_progress = on_progress
        self._root_is_new = archives is not None and not archives.root.exists()
        self._made: list[str] = []
        self._early: list[str] = []
        self._late: list[str] = []
        for change in changes:
            if change.edit and change.edit.user and _concerns_folders(change):
                name = change.edit.user.user_name
                waits = change.edit.rev or (moving and folder_name(name) in moving)
                (self._late if waits else self._early).append(name)

    def make(self) -> None:
        """Make those of users who are new under a name that nobody leaves."""
        if self._archives and self._early:
            early = with_progress(self._early, "Archive folders made", self._on_progress)
            for folder in self._archives.create_folders(map(folder_name, early)):
                self._made.append(folder)  # one by one: the next may fail, or be interrupted

    def make_late(self) -> None:
        """Make the others where they are missing, once folders have left their names."""
        if self._archives and self._late:
            list(self._archives.create_folders(map(folder_name, self._late)))

    def unmake(self) -> None:
        """Remove what was made."""
        for folder in with_progress(self._made, "Archive folders taken back", self._on_progress):
            with suppress(StoreUnwritable):
                if self._archives:
                    self._archives.remove_folder(folder)
        if self._archives and self._root_is_new:
            with suppress(OSError):  # it is not there, or holds something
                self._archives.root.rmdir()


def _archive(
    workspace: Workspace, state: Snapshot
) -> tuple[Archives | None, int, StoreError | None]:
    """Return the archive with its waiting work done, until when it is, and what is in the way."""
    try:
        archives = archive_at_hand(workspace, state)
        return archives, finish_folder_work(workspace, state, archives), None
    except (ArchiveNotMounted, StoreUnwritable) as error:
        return None, 0, error


def _concerns_folders(change: Change) -> bool:
    edit = change.edit
    return edit is not None and (not edit.rev or edit.user is None or edit.user.key != edit.key)


def _marks_archive(before: Snapshot, plan: Plan) -> Settings | None:
    """Return the settings whose archive is to be marked: a store's first, and with another root."""
    after = plan.new_settings or before.settings
    is_new_root = after.archive_root not in ("", NO_ARCHIVE, before.settings.archive_root)
    return after if is_new_root or not before.generation else None
