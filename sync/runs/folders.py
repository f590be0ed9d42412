"""The archive folders of a run: are they at hand, and what is to be done to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from store.errors import ArchiveNotMounted, InvalidValue, StoreError, StoreUnwritable
from store.files.archive_mark import check_owner, not_mounted, put_mark
from store.files.archives import Archives, folder_name
from store.files.folder_work import FolderWork, carry_out, concerns, waiting_work
from store.interface import Snapshot
from store.locations import archive_root, is_archive_root_set, why_no_archive
from store.models import Settings, User
from store.text import printable, quantity
from sync.planning.changes import quoted
from sync.planning.plan import Change
from sync.runs.change_lock import change_lock
from sync.workspace import Workspace


def mounted_archive(workspace: Workspace, state: Snapshot) -> tuple[Archives | None, bool]:
    """Return the archive folders, or None on a host that is said to have none.

    Also whether the mark is still to be put there, of a store from before there were marks: then
    it is known by a user's folder. Raises `ArchiveNotMounted` for the archive of another store, as
    a copy finds it at first, and where a root is set that has no mark. Of `state` the users need
    not be known.
    """
    configured = state.settings.archive_root
    root = archive_root(configured, workspace.host_path)
    if root is None:
        return None, False
    archives = Archives(root)
    if not state.store_id:
        return archives, False
    is_marked = check_owner(root, state.store_id)
    if is_marked or not is_archive_root_set(configured):
        return archives, False
    if state.archive_marked or not archives.holds_a_users_folder(workspace.snapshot().users):
        raise not_mounted(root)
    return archives, True


def archive_at_hand(workspace: Workspace, state: Snapshot) -> Archives | None:
    """Return the archive folders like `mounted_archive`, with the mark put where it was missing."""
    archives, is_unmarked = mounted_archive(workspace, state)
    if archives is not None and is_unmarked:
        _put_mark(workspace, state, archives.root, state.store_id)
    return archives


def take_archive(workspace: Workspace) -> str:
    """Put this store's mark into the archive's root, as the administrator says; return the root.

    Raises `ArchiveNotMounted` over another store's mark, and `StoreUnwritable`.
    """
    with change_lock(workspace):
        state = workspace.snapshot()
        root = workspace.archives(state.settings).root
        _put_mark(workspace, state, root, state.store_id)
    return str(root)


def mark_archive(workspace: Workspace, state: Snapshot, configured: str, store_id: str) -> None:
    """Put the mark into the root that these settings name, unless this store's is there."""
    root = archive_root(configured, workspace.host_path)
    if root is None:
        return
    if not check_owner(root, store_id):
        _put_mark(workspace, state, root, store_id)


def left_in_old_root(workspace: Workspace, before: Snapshot, after: Settings) -> str:
    """Return the notice that users' folders stay in a root that is given up, or nothing."""
    old, new = (
        archive_root(settings.archive_root, workspace.host_path)
        for settings in (before.settings, after)
    )
    if old is None or old == new or not Archives(old).holds_a_users_folder(before.users):
        return ""
    where = "on other hosts only" if new is None else f"in {printable(new)}"
    return (
        f"The archive folders of users stay in {printable(old)}, and mailroster looks for them "
        f"{where} from now on. Move them there yourself, or set archive_root back."
    )


def kept_archives(archives: Archives | None) -> Callable[[str], bool]:
    """Return the test whether a user's archive outlives the user.

    Where the archive is not at hand nobody can look, so every one is kept.
    """
    return archives.is_kept if archives else lambda _name: True


def archives_to_look_into(workspace: Workspace, state: Snapshot) -> tuple[Archives | None, str]:
    """Return the archive, or None and why nobody can look into it.

    Work that waits is done first; otherwise the mail of a renamed user looks like somebody else's.
    """
    try_folder_work(workspace)
    try:
        archives = archive_at_hand(workspace, state)
    except (ArchiveNotMounted, StoreUnwritable) as error:
        return None, f"{error.what} Changes that need no archive folder continue. {error.advice}"
    if archives is None:
        return None, (
            f"{why_no_archive(state.settings.archive_root)}; a host that has them checks those of "
            "deleted users."
        )
    return archives, ""


def finish_folder_work(
    workspace: Workspace, state: Snapshot, archives: Archives | None, *, of_others: bool = True
) -> int:
    """Do the folder work that waits; return up to which generation it can be dropped.

    `workspace.notices` tells of what was left by somebody else: it was cut short, or on a host
    without the archive.
    """
    if archives is None or not state.folder_work:
        return 0
    left = waiting_work(archives, state.folder_work) if of_others else ()
    is_marked = is_archive_root_set(state.settings.archive_root)
    staying = carry_out(archives, state.store_id, state.folder_work, is_marked=is_marked)
    if finished := max(len(left) - len(staying), 0):
        workspace.notices.append(
            f"Finished {quantity(finished, 'piece')} of work on archive folders that an earlier "
            "change had left."
        )
    notice = (
        f"{quantity(len(staying), 'empty archive folder')} of deleted users could not be removed: "
        f"{quoted(staying)}. Check the owner and mode there; the next change tries once more."
    )
    if staying and notice not in workspace.notices:
        workspace.notices.append(notice)
    return state.folder_work[-1].generation


def try_folder_work(workspace: Workspace) -> None:
    """Do the folder work that waits, if it can be done; it stays in the store until a write."""
    with suppress(StoreError):  # `store check` and the next write tell what is wrong
        state = workspace.snapshot()
        archives = archive_at_hand(workspace, state) if state.folder_work else None
        if archives is not None and waiting_work(archives, state.folder_work):
            with change_lock(workspace):
                finish_folder_work(workspace, workspace.snapshot(), archives)


def folder_for_log_on(workspace: Workspace, user: User) -> None:
    """See to it that the user who logs on finds the own archive folder, and no other.

    Work that waits for this folder is done first; a folder that is missing is made. Raises
    `ArchiveNotMounted` and the store's other errors: then nobody can tell whose folder it is.
    """
    state = workspace.store.find(user.user_name)
    archives = archive_at_hand(workspace, state)
    if archives is None:
        return
    if concerns(state.folder_work, folder_name(user.user_name)):
        with change_lock(workspace):
            state = workspace.snapshot()
            finish_folder_work(workspace, state, archives)
    if not archives.path(user.user_name).exists():
        archives.create(user.user_name)


def folder_work_of(
    changes: Sequence[Change],
    archives: Archives | None,
    run_id: str,
    undoes: str | None = None,
    *,
    may_set_aside: bool,
    to_be_removed: Collection[str] = (),
) -> tuple[list[Change], list[FolderWork]]:
    """Return the changes with what becomes of each deleted user's archive, and the folder work.

    Where a folder that holds something is in the way of a renamed user, it is set aside if that
    may be; on a host without archive folders that is found out when the work is done. Raises
    `InvalidValue` if it may not. Where the user behind a name changes, the folder of the one who
    goes is set aside, and the one that the run which this `undoes` had set aside comes back.
    Folders that are `to_be_removed` by work that waits are made again for users who come.
    """
    done: list[Change] = []
    work: list[FolderWork] = []
    moves = [(old, folder_name(old), folder_name(new)) for old, new in _renames(changes)]
    leaving = {folder for _, folder, _ in moves}
    for old, folder, target in moves:
        if target not in leaving and (archives is None or not archives.is_empty(target)):
            if archives is not None and not may_set_aside:
                raise InvalidValue(
                    f"“{printable(old)}” cannot be renamed: the archive folder "
                    f"{printable(archives.root / target)} holds mail already.",
                    "Move that folder away first.",
                )
            work.append(FolderWork("aside", target, aside_name(target, run_id)))
        work.append(FolderWork("move", folder, target))
    for change in changes:
        if change.edit and change.archive in ("aside", "back"):
            folder = folder_name(change.user_name)
            if change.archive == "back":
                work.append(FolderWork("remove", folder))
            work.append(FolderWork("aside", folder, aside_name(folder, run_id)))
            if undoes:
                work.append(FolderWork("move", aside_name(folder, undoes), folder))
        elif change.edit and not change.edit.rev and folder_name(change.user_name) in to_be_removed:
            work.append(FolderWork("make", folder_name(change.user_name)))
        elif change.action in ("return", "create") and change.edit and change.candidates:
            folder, target = map(folder_name, (change.candidates[0], change.user_name))
            work += _moved(folder, target, archives, run_id)
        elif change.action == "delete":
            folder = folder_name(change.user_name)
            kept = archives is None or archives.is_kept(change.user_name)
            if kept and change.candidates:
                work += _moved(folder, folder_name(change.candidates[0]), archives, run_id)
                if undoes:
                    work.append(FolderWork("move", aside_name(folder, undoes), folder))
            elif archives is None or not kept:
                work.append(FolderWork("remove", folder))
            change = replace(change, archive="kept" if kept else "removed")
        done.append(change)
    return done, work


def _moved(
    folder: str, target: str, archives: Archives | None, run_id: str
) -> Iterator[FolderWork]:
    """Yield the move of a folder, after what sets aside a folder that holds something there."""
    if archives is None or not archives.is_empty(target):
        yield FolderWork("aside", target, aside_name(target, run_id))
    yield FolderWork("move", folder, target)


def aside_name(folder: str, run_id: str) -> str:
    """Return under which name that run sets the folder aside; no user's folder has such a name."""
    return f"{folder}=aside-{run_id}"


def _renames(changes: Iterable[Change]) -> list[tuple[str, str]]:
    """Return the key that each renamed user had, and the new name."""
    return [
        (change.edit.key, change.edit.user.user_name)
        for change in changes
        if change.edit
        and change.edit.rev
        and change.edit.user
        and change.edit.user.key != change.edit.key
    ]


def _put_mark(workspace: Workspace, state: Snapshot, root: Path, store_id: str) -> None:
    """Put the mark; it says that all work but the waiting is done, under any root."""
    done = state.folder_work[0].generation - 1 if state.folder_work else state.generation
    put_mark(root, store_id, done, workspace.host_path.parent)
