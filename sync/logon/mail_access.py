"""What a mail server gives a user who has logged on: a home, and the archive folders allowed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from store.errors import NoArchive, Problem, StoreUnwritable
from store.files.archives import folder_name
from store.files.durable import read_regular, replace_whole
from store.files.ownership import make_folder, make_folders
from store.interface import Snapshot
from store.models import User
from store.names import name_problem
from store.privileges import DELETE, READ, WRITE, may_delete, may_enter
from store.text import printable
from sync.errors import LogOnRefused
from sync.logon.login import Verdict, check_log_on, current_users
from sync.workspace import Workspace

PREFIX = "Archive"
ACL_FILE = "acl"

# IMAP's rights (RFC 4314, section 2.1). Nobody gets `a`: rights are changed here, not over IMAP.
_LETTERS = {READ: "lr", WRITE: "lrwsi"}
_DELETE = "lrte"
_ALL = "lrwstipek"
_OWN = '"*" "owner" lr\n'  # the INBOX, which no archive has a use for, stays empty
_BELOW = "x"  # subfolders may be deleted, the archive folder itself is mailroster's


@dataclass(frozen=True, slots=True)
class MailAccess:
    """A logged-on user as a mail server needs it.

    `user` is the name as stored; `home` the folder for what the server keeps per user; `acl` the
    file with this user's rights; `uid` and `gid` own the archive.
    """

    user: str
    home: Path
    acl: Path
    uid: int
    gid: int


def default_homes(workspace: Workspace) -> Path:
    """Return where the users' homes are unless configured: beside the store."""
    return workspace.host_path.with_name("homes")


def admit(
    workspace: Workspace, homes: Path, user_name: str, password: str, source: str | None = None
) -> tuple[Verdict, MailAccess | None]:
    """Check a log-on at a mail server; with the access if it is accepted, see `let_in`.

    A refusal, too, ends the rights of a user who is disabled or deleted: a session that is open
    has them from the file.
    """
    verdict = check_log_on(workspace, user_name, password, source)
    if verdict.user:
        return let_in(workspace, homes, verdict.user)
    try:
        if verdict.public == "refused":
            _end_access(homes, user_name, current_users(workspace, user_name))
    except Problem as error:
        return Verdict("outage", error=error), None
    return verdict, None


def let_in(workspace: Workspace, homes: Path, user: User) -> tuple[Verdict, MailAccess | None]:
    """Accept a user whose password is right, with the access. Never raises.

    On a host without archive folders the access is None, and the verdict's error says so.
    """
    try:
        return Verdict("accepted", user), derive_access(workspace, homes, user.user_name)
    except NoArchive as error:
        return Verdict("accepted", user, error), None
    except LogOnRefused as error:
        return Verdict("refused", error=error), None
    except Problem as error:
        return Verdict("outage", error=error), None


def derive_access(workspace: Workspace, homes: Path, user_name: str) -> MailAccess:
    """Write the user's rights as the store has them now, and return what the server needs.

    The writer looks at the store once more afterwards, and writes again if it has changed;
    so of two log-ons at once the one that saw older privileges never has the last word. Raises
    `LogOnRefused` for a user who is unknown or may not log on, `StoreUnwritable`, and the
    store's other errors, `LogOnUnavailable` among them.
    """
    snapshot = current_users(workspace, user_name)
    user = _allowed(homes, user_name, snapshot)
    root = workspace.archives(snapshot.settings).root
    home = _home(homes, user_name)
    try:
        make_folders(homes.parent)
        make_folder(homes, root)
        make_folder(home, root)
        while True:
            write_access(home, user)
            now = _allowed(homes, user_name, current_users(workspace, user_name))
            if now == user:
                break
            user = now
        owner = os.stat(root)
    except OSError as error:
        raise _unusable(user_name, home, error) from None
    return MailAccess(user.user_name, home, home / ACL_FILE, owner.st_uid, owner.st_gid)


def write_access(home: Path, user: User | None) -> None:
    """Make the file in `home` say what the user is allowed, None nothing; raises `OSError`."""
    allowed = user if user and may_enter(user) else None
    content = "".join(acl_lines(allowed)) if allowed else ""
    _replace(home / ACL_FILE, content.encode())


def has_access_file(home: Path) -> bool:
    """Tell whether the user with this home has logged on at the mail server before."""
    return (home / ACL_FILE).exists()


def _home(homes: Path, user_name: str) -> Path:
    return homes / folder_name(user_name)


def _allowed(homes: Path, user_name: str, snapshot: Snapshot) -> User:
    user = snapshot.find(user_name)
    if user is None or not may_enter(user):
        _end_access(homes, user_name, snapshot)
        raise LogOnRefused()
    return user


def _end_access(homes: Path, user_name: str, snapshot: Snapshot) -> None:
    """End the rights in the file of a user who may not log on; raises `StoreUnwritable`."""
    user = snapshot.find(user_name)
    if may_enter(user) if user else name_problem(user_name):
        return  # whose name it cannot be has no home
    home = _home(homes, user_name)
    try:
        if has_access_file(home):
            write_access(home, None)
    except OSError as error:
        raise _unusable(user_name, home, error) from None


def _unusable(user_name: str, home: Path, error: OSError) -> StoreUnwritable:
    return StoreUnwritable(
        f"{printable(error.filename or home)}, which the mail server needs for "
        f"“{printable(user_name)}”, cannot be used: {error.strerror}.",
        "Check the owner and mode of the homes and of the archive root, and the room there.",
        untouched="The log-on was put off.",
    )


def acl_lines(user: User) -> Iterator[str]:
    """Yield the user's rights as lines of Dovecot's global ACL file. No line, no right."""
    quoted = user.user_name.replace("\\", "\\\\").replace('"', '\\"')
    yield _OWN
    for folder, rights in user.folder_privileges.items():
        if letters := acl_letters(user, rights):
            name = f"{PREFIX}/{folder_name(folder)}"
            below = letters + _BELOW if letters == _ALL else letters
            yield f'"{name}" "user={quoted}" {letters}\n'
            yield f'"{name}/*" "user={quoted}" {below}\n'


def acl_letters(user: User, rights: list[str]) -> str:
    """Return the letters for these rights on a folder. Delete needs the privilege too."""
    granted = [_LETTERS[right] for right in (READ, WRITE) if right in rights]
    if may_delete(user.privileges, rights):
        if {READ, WRITE, DELETE} <= set(rights):
            return _ALL
        granted.append(_DELETE)
    return "".join(dict.fromkeys("".join(granted)))


def _replace(path: Path, content: bytes) -> None:
    """Make `content` the file's content in one step, unless it is already."""
    with suppress(OSError):  # no file, or another one than ours
        if read_regular(path, len(content)) == content:
            return
    replace_whole(path, [content], through=False)
