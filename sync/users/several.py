"""What an administrator does to several users in one write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from store.interface import Batch, Edit
from store.models import User
from sync.workspace import Workspace


def delete_users(workspace: Workspace, users: Sequence[User]) -> list[User]:
    """Delete the users in one write; return those whose archive folder was kept with its mail.

    Raises the store's errors; then nobody was deleted.
    """
    after = workspace.store.apply(Batch([Edit.delete(user) for user in users]))
    archives = workspace.archives(after.settings)
    return [user for user in users if not archives.remove_if_empty(user.user_name)]


def take_back_switch(
    workspace: Workspace, before: Sequence[User], after: Sequence[User]
) -> list[User]:
    """Give the users `after` the authentication methods and passwords they had `before`.

    Raises `StoreConflict` if one of them was changed since, and the store's other errors; then
    nothing was written.
    """
    edits = [
        Edit.update(
            new,
            replace(new, authentication=old.authentication, password_hash=old.password_hash),
        )
        for old, new in zip(before, after, strict=True)
    ]
    stored = workspace.store.apply(Batch(edits))
    return [User.from_row(stored.users[user.key]) for user in after]
