"""Renaming a user by hand: the archive folder and everybody's rights on it move along."""

from __future__ import annotations

from dataclasses import replace

from store.archive_moves import ArchiveMoves
from store.errors import InvalidValue
from store.interface import Batch, Edit
from store.models import User
from store.names import check_user_name, match_key
from store.text import printable
from sync.runs.moved_rights import with_moved_rights
from sync.runs.run_lock import run_lock
from sync.workspace import Workspace


def rename_user(workspace: Workspace, user: User, new_name: str) -> User:
    """Give the user a new name and return the user as stored.

    At every moment the store's name leads to the mail: first a link under the new name is made
    to the archive folder, which also keeps that name free; then the store is written, in one
    write for all who have rights on the folder; then the folder takes the link's place. If the
    store refuses, the link goes; if the last step fails, the link stays and serves. No sync runs
    meanwhile.

    Raises `InvalidValue` if the name is refused or taken, also by an archive folder that is still
    there, and the store's errors; then nothing was changed.
    """
    check_user_name(new_name)
    new_key = match_key(new_name)
    with run_lock(workspace):
        snapshot = workspace.snapshot()
        if new_key != user.key and new_key in snapshot.users:
            raise InvalidValue(
                f"There is a user “{printable(new_name)}” already. Nothing was written. "
                "Choose another name, or rename that user first."
            )
        archives = workspace.archives(snapshot.settings)
        ArchiveMoves(archives).finish(lambda run: snapshot.history.find(run) is not None)
        archives.create(user.user_name)
        archives.link(user.user_name, new_name)
        edits = with_moved_rights(
            snapshot.users, [Edit.update(user, replace(user, user_name=new_name))]
        )
        try:
            after = workspace.store.apply(Batch(edits))
        except BaseException:
            archives.unlink(user.user_name, new_name)
            raise
        archives.move(user.user_name, new_name)
    return User.from_row(after.users[new_key])
