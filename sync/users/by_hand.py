"""What an administrator does to users by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from store.addresses import address_key
from store.errors import InvalidValue
from store.interface import Batch, Edit, Snapshot
from store.models import DIRECTORY_SERVICES, INTEGRATED, Authentication, User
from store.names import match_key
from store.passwords import hash_password
from store.privileges import (
    ADMIN,
    HAND_MADE_FOLDER_PRIVILEGES,
    HAND_MADE_PRIVILEGES,
    check_folder_privileges,
    check_privileges,
)
from store.text import printable
from sync.directory.connect import fetch
from sync.runs.change_lock import change_lock
from sync.runs.moved_rights import with_moved_rights
from sync.workspace import Workspace


def add_administrator(workspace: Workspace, user_name: str, password: str) -> User:
    """Create a local administrator; see `add_user`."""
    return add_user(workspace, User(user_name=user_name, privileges=[ADMIN]), password)


def add_user(workspace: Workspace, user: User, password: str | None = None) -> User:
    """Create `user` with its archive folder and return it as stored.

    Without privileges it gets those of a hand-made user. An integrated user needs a password.
    Rights that others hold on the folder of a former user of that name end.
    Raises `InvalidValue` and the store's errors; then no user was written.
    """
    from store.validation import valid_user

    if password is None and user.authentication == INTEGRATED:
        raise InvalidValue(
            f"“{printable(user.user_name)}” needs a password, because it is an integrated user. "
            "Nothing was written. Give one."
        )
    user = valid_user(
        replace(
            user,
            privileges=user.privileges or list(HAND_MADE_PRIVILEGES),
            folder_privileges=user.folder_privileges
            or {match_key(user.user_name): list(HAND_MADE_FOLDER_PRIVILEGES)},
        )
    )
    if password is not None:
        user = replace(user, password_hash=hash_password(password, user.user_name))
    with change_lock(workspace):
        snapshot = workspace.snapshot()
        if user.key in snapshot.users:
            raise InvalidValue(
                f"There is a user “{printable(user.user_name)}” already. Nothing was written. "
                "Choose another name, or change that user."
            )
        _check_addresses_free(snapshot, user)
        workspace.archives(snapshot.settings).create(user.user_name)
        edits = with_moved_rights(snapshot.users, [Edit.create(user)])
        return _stored(workspace, user.key, edits)


def edit_user(workspace: Workspace, user: User, edited: User) -> User:
    """Write the full name, distinguished name and e-mail addresses of `edited`.

    Return the user as stored. Everything else stays as in `user`; see `rename_user` and
    `set_privileges`. Raises `InvalidValue` and the store's errors; then nothing was written.
    """
    from store.validation import valid_user

    changed = valid_user(
        replace(
            user,
            full_name=edited.full_name or None,
            distinguished_name=edited.distinguished_name or None,
            email_addresses=_each_once(edited.email_addresses),
        )
    )
    with change_lock(workspace):
        _check_addresses_free(workspace.snapshot(), changed)
        edits = [Edit.update(user, changed)] if changed != user else []
        return _stored(workspace, user.key, edits)


def set_privileges(
    workspace: Workspace,
    user: User,
    privileges: Collection[str] | None = None,
    folders: Mapping[str, Collection[str]] | None = None,
) -> User:
    """Replace the privileges, and those on the named archive folders; return the user as stored.

    None leaves the privileges as they are. `folders` maps a folder's owner to the rights on it,
    empty to remove the entry; folders that are not named keep theirs. Raises `InvalidValue`,
    `LastAdministrator` and the store's other errors; then nothing was written.
    """
    snapshot = workspace.snapshot()
    archives = workspace.archives(snapshot.settings)
    rights = dict(user.folder_privileges)
    for owner, chosen in (folders or {}).items():
        key = match_key(owner)
        if key not in snapshot.users and key not in rights and not archives.path(owner).exists():
            raise InvalidValue(
                f"There is neither a user nor an archive folder “{printable(owner, 60)}”. "
                "Nothing was written. `mailroster users list` shows all users."
            )
        rights.pop(key, None)
        if chosen:
            rights[key] = check_folder_privileges(chosen)
    changed = replace(
        user,
        privileges=user.privileges if privileges is None else check_privileges(privileges),
        folder_privileges=rights,
    )
    return _stored(workspace, user.key, [Edit.update(user, changed)] if changed != user else [])


def unlock_user(workspace: Workspace, user: User) -> bool:
    """Forget the user's failed log-ons; tell whether there were any."""
    return workspace.lockout.unlock(user.key)


def set_password(workspace: Workspace, user: User, password: str) -> User:
    """Give an integrated user a new local password and return the user as stored."""
    if user.authentication != INTEGRATED:
        raise InvalidValue(
            f"The password of “{printable(user.user_name)}” is the directory's. Nothing was "
            "written. Change it there, or switch the user to integrated authentication."
        )
    changed = replace(user, password_hash=hash_password(password, user.user_name))
    return _stored(workspace, user.key, [Edit.update(user, changed)])


def switch_authentication(
    workspace: Workspace,
    users: Sequence[User],
    method: Authentication,
    password: str | None = None,
) -> list[User]:
    """Give all `users` this authentication method in one write and return them as stored.

    To become integrated a user needs a local password: `password`, else the one from before.
    Whether the directory knows the names is for `unknown_to_directory` to say beforehand.
    """
    edits = []
    for user in users:
        changed = replace(user, authentication=method)
        if method == INTEGRATED and password is not None:
            changed = replace(changed, password_hash=hash_password(password, user.user_name))
        if method == INTEGRATED and not changed.password_hash:
            raise InvalidValue(
                f"“{printable(user.user_name)}” has no local password yet. Nothing was written. "
                "Give one with the switch to integrated authentication."
            )
        if changed != user:
            edits.append(Edit.update(user, changed))
    after = workspace.store.apply(Batch(edits))
    return [User.from_row(after.users[user.key]) for user in users]


async def unknown_to_directory(workspace: Workspace, users: Collection[User]) -> list[User]:
    """Return those of `users` whose names the directory does not list.

    Raises `NotConfigured` or `DirectoryError` if the directory cannot be asked.
    """
    listing = await fetch(workspace, workspace.snapshot().settings)
    known = {match_key(user.user_name) for user in listing.users}
    return [user for user in users if user.key not in known]


def other_method(user: User) -> Authentication:
    """Return the authentication method that the user does not have."""
    return DIRECTORY_SERVICES if user.authentication == INTEGRATED else INTEGRATED


def _check_addresses_free(snapshot: Snapshot, user: User) -> None:
    wanted = {address_key(address): address for address in user.email_addresses}
    if not wanted:
        return
    for key, row in snapshot.users.items():
        for address in row["email_addresses"]:
            if address_key(address) in wanted and key != user.key:
                raise InvalidValue(
                    f"The address “{printable(address)}” belongs to "
                    f"“{printable(row['user_name'])}”. Nothing was written. Take it from that "
                    "user first, or choose another one."
                )


def _each_once(addresses: Collection[str]) -> list[str]:
    kept: dict[str, str] = {}
    for address in addresses:
        kept.setdefault(address_key(address), address)
    return list(kept.values())


def _stored(workspace: Workspace, key: str, edits: list[Edit]) -> User:
    return User.from_row(workspace.store.apply(Batch(edits)).users[key])
