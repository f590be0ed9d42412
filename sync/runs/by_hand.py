"""What an administrator does to users by hand. Each of it is a run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from store.addresses import address_key
from store.errors import ArchiveNotMounted, InvalidValue, NotFound, StoreError, StoreUnwritable
from store.files.archives import Archives, same_folder
from store.files.durable import is_there
from store.history import RunKind
from store.interface import Snapshot
from store.models import (
    AUTHENTICATION_LABELS,
    DIRECTORY_SERVICES,
    INTEGRATED,
    Authentication,
    User,
)
from store.names import check_user_name, match_key, name_problem
from store.passwords import hash_password
from store.privileges import (
    ADMIN,
    HAND_MADE_FOLDER_PRIVILEGES,
    HAND_MADE_PRIVILEGES,
    check_folder_privileges,
    check_privileges,
    with_changes,
)
from store.text import printable
from sync.directory.connect import fetch
from sync.planning.changes import created_by_hand, deleted_by_hand, edited_by_hand
from sync.planning.plan import Change, plan_by_hand
from sync.runs.commit import Committed, Draft, commit
from sync.runs.folders import archive_at_hand
from sync.workspace import Workspace


def add_administrator(workspace: Workspace, user_name: str, password: str) -> User:
    """Create a local administrator; see `add_user`."""
    user = User(user_name=user_name, privileges=[ADMIN])
    return add_user(workspace, user, password, kind="administrator")


def add_user(
    workspace: Workspace, user: User, password: str | None = None, *, kind: RunKind = "add"
) -> User:
    """Create `user` with its archive folder and return it as stored.

    Without privileges it gets those of a hand-made user. An integrated user needs a password.
    Rights that others hold on the folder of a former user of that name end.
    Raises `InvalidValue` and the store's errors; then no user was written.
    """
    from store.validation import valid_user

    if password is None and user.authentication == INTEGRATED:
        raise InvalidValue(
            f"“{printable(user.user_name)}” needs a password, because it is an integrated user.",
            "Give one.",
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

    def change(now: Snapshot) -> list[Change]:
        if user.key in now.users:
            raise InvalidValue(
                f"The user “{printable(user.user_name)}” exists already.",
                "Choose another name, or change that user.",
            )
        _check_folder_is_own(now, user.user_name)
        return [created_by_hand(user, "added by hand")]

    return _user(_committed(workspace, kind, change), user.key)


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
        ),
        before=user,
    )

    edits = _edits([(user, changed)], "edited by hand")
    return _user(_committed(workspace, "edit", lambda _: edits), user.key)


def rename_user(workspace: Workspace, user: User, new_name: str) -> User:
    """Give the user a new name and return the user as stored.

    The archive folder and everybody's rights on it move along.

    Raises `InvalidValue` if the name is refused or taken, also by an archive folder that is still
    there, and the store's errors; then no user was changed.
    """
    check_user_name(new_name)

    def change(now: Snapshot) -> list[Change]:
        if match_key(new_name) != user.key:
            _check_name_free(now, _archives_to_look_at(workspace, now), new_name)
        edited = edited_by_hand(user, replace(user, user_name=new_name), "renamed by hand")
        return [replace(edited, action="rename")]

    return _user(_committed(workspace, "rename", change), match_key(new_name))


def delete_users(workspace: Workspace, users: Sequence[User]) -> list[User]:
    """Delete the users in one write; return those whose archive folder was kept with its mail.

    Raises the store's errors; then nobody was deleted.
    """
    done = _committed(
        workspace, "delete", lambda _: [deleted_by_hand(user, "deleted by hand") for user in users]
    )
    kept = {change.user_name for change in done.changes if change.archive == "kept"}
    return [user for user in users if user.user_name in kept]


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
    archives = _archives_to_look_at(workspace, snapshot)
    rights = dict(user.folder_privileges)
    for owner, chosen in (folders or {}).items():
        key = match_key(owner)
        has_folder = archives and not name_problem(owner) and archives.path(owner).exists()
        if key not in snapshot.users and key not in rights and not has_folder:
            raise InvalidValue(
                f"Neither a user nor an archive folder is called “{printable(owner, 60)}”.",
                "List the users with `mailroster users list`.",
            )
        rights.pop(key, None)
        if chosen:
            rights[key] = check_folder_privileges(chosen)
    changed = replace(
        user,
        privileges=user.privileges if privileges is None else check_privileges(privileges),
        folder_privileges=rights,
    )
    done = _edited(workspace, "privileges", [(user, changed)], "privileges set by hand")
    return _user(done, user.key)


def change_privileges(
    workspace: Workspace,
    users: Sequence[User],
    given: Collection[str] = (),
    taken: Collection[str] = (),
) -> list[User]:
    """Give and take privileges of all `users` in one write, and return them as stored.

    What becomes of each user's privileges says `with_changes`. Raises `InvalidValue`,
    `LastAdministrator` and the store's other errors; then nothing was written.
    """
    edits = [
        (user, replace(user, privileges=with_changes(user.privileges, given, taken)))
        for user in users
    ]
    done = _edited(workspace, "privileges", edits, "privileges set by hand")
    return [_user(done, user.key) for user in users]


def unlock_users(workspace: Workspace, users: Sequence[User]) -> dict[str, int]:
    """Clear the users' failed log-ons, from every source; return how many by user name, if any."""
    cleared = {user.user_name: workspace.lockout.unlock(user.key) for user in users}
    unlocked = {name: number for name, number in cleared.items() if number}
    _record_unlocked(workspace, [*unlocked])
    return unlocked


def unlock_source(workspace: Workspace, source: str) -> int:
    """Clear the failed log-ons from that IP address; return how many there were."""
    cleared = workspace.lockout.unlock(source=source)
    _record_unlocked(workspace, [source] if cleared else [])
    return cleared


def set_password(workspace: Workspace, user: User, password: str) -> User:
    """Give an integrated user a new local password and return the user as stored."""
    if user.authentication != INTEGRATED:
        raise InvalidValue(
            f"The password of “{printable(user.user_name)}” is the directory's.",
            "Change it there, or switch the user to integrated authentication.",
        )
    changed = replace(user, password_hash=hash_password(password, user.user_name))
    return _user(_edited(workspace, "password", [(user, changed)], "new password"), user.key)


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
    reason = f"authentication method {AUTHENTICATION_LABELS[method]} by hand"
    for user in users:
        changed = replace(user, authentication=method, other_id=None, absent_since=None)
        if method == INTEGRATED and password is not None:
            changed = replace(changed, password_hash=hash_password(password, user.user_name))
        if method == INTEGRATED and not changed.password_hash:
            raise InvalidValue(
                f"“{printable(user.user_name)}” has no local password yet.",
                "Give one with the switch to integrated authentication.",
            )
        edits.append((user, changed))
    done = _edited(workspace, "authentication", edits, reason)
    return [_user(done, user.key) for user in users]


def pin(workspace: Workspace, *user_names: str) -> list[User]:
    """Keep syncs from deleting these users, all or none; return them as stored.

    Raises `NotFound` where one of them is not there.
    """
    where = "List the users with `mailroster users list`."
    return _set_pinned(workspace, user_names, True, "does not exist", where)


def release(workspace: Workspace, *user_names: str) -> list[User]:
    """Let syncs delete these pinned users again, all or none; return them as stored.

    Raises `NotFound` where one of them is not pinned.
    """
    where = "List the pinned users with `mailroster history pinned`."
    return _set_pinned(workspace, user_names, False, "is not pinned", where)


def pinned_users(snapshot: Snapshot) -> list[User]:
    """Return the users whom no sync deletes, as an undo brought them back or somebody said so."""
    return [User.from_row(row) for row in snapshot.users.values() if row.get("pinned")]


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


def _each_once(addresses: Collection[str]) -> list[str]:
    kept: dict[str, str] = {}
    for address in addresses:
        kept.setdefault(address_key(address), address)
    return list(kept.values())


def _set_pinned(
    workspace: Workspace, user_names: Sequence[str], pinned: bool, problem: str, where: str
) -> list[User]:
    snapshot = workspace.snapshot()
    users = {}
    for name in user_names:
        user = snapshot.find(name)
        if user is None or not (pinned or user.pinned):
            raise NotFound(f"The user “{printable(name, 60)}” {problem}.", where)
        users[user.key] = user
    edits = [(user, replace(user, pinned=pinned, absent_since=None)) for user in users.values()]
    kind: RunKind = "pin" if pinned else "release"
    reason = "pinned by hand" if pinned else "released by hand"
    done = _edited(workspace, kind, edits, reason)
    return [_user(done, key) for key in users]


def _check_folder_is_own(now: Snapshot, name: str) -> None:
    names = (row["user_name"] for row in now.users.values())
    if owner := same_folder([name], names).get(name):
        raise InvalidValue(
            f"“{printable(name)}” would have the same archive folder as “{printable(owner)}”.",
            "Choose another name.",
        )


def _check_name_free(now: Snapshot, archives: Archives | None, new_name: str) -> None:
    if match_key(new_name) in now.users:
        raise InvalidValue(
            f"The user “{printable(new_name)}” exists already.",
            "Choose another name, or rename that user first.",
        )
    _check_folder_is_own(now, new_name)
    if archives is not None and is_there(folder := archives.path(new_name)):
        raise InvalidValue(
            f"The archive folder {printable(folder)} exists already, with or without mail.",
            "Choose another name, or move that folder away first.",
        )


def _archives_to_look_at(workspace: Workspace, now: Snapshot) -> Archives | None:
    try:
        return archive_at_hand(workspace, now)
    except (ArchiveNotMounted, StoreUnwritable):
        return None


def _record_unlocked(workspace: Workspace, names: Sequence[str]) -> None:
    reason = "unlocked by hand, failed log-ons cleared"
    changes = [Change(action="update", user_name=name, reason=reason) for name in names]
    if not changes:
        return
    try:
        commit(workspace, lambda now: Draft(plan_by_hand(now, "unlock", changes), []))
    except StoreError as error:
        error.untouched = "The failed log-ons are cleared; only the history may not tell of it."
        raise


def _edits(pairs: Sequence[tuple[User, User]], reason: str) -> list[Change]:
    return [edited_by_hand(before, after, reason) for before, after in pairs if before != after]


def _edited(
    workspace: Workspace, kind: RunKind, pairs: Sequence[tuple[User, User]], reason: str
) -> Committed:
    return _committed(workspace, kind, lambda _: _edits(pairs, reason))


def _committed(
    workspace: Workspace, kind: RunKind, change: Callable[[Snapshot], list[Change]]
) -> Committed:
    def draft(now: Snapshot) -> Draft | None:
        changes = change(now)
        return Draft(plan_by_hand(now, kind, changes), changes) if changes else None

    return commit(workspace, draft)


def _user(done: Committed, key: str) -> User:
    return User.from_row(done.after.users[key])
