"""What a mail server gives a user who has logged on: a home, and the archive folders allowed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from store.archives import folder_name
from store.errors import StoreError, StoreUnwritable
from store.interface import Snapshot
from store.models import User
from store.ownership import give_to_owner_of, make_folder
from store.privileges import DELETE, READ, WRITE, may_delete, may_log_on
from store.text import printable
from sync.errors import LogOnRefused, SyncError
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
    return workspace.path.with_name("homes")


def admit(
    workspace: Workspace, homes: Path, user_name: str, password: str, source: str | None = None
) -> tuple[Verdict, MailAccess | None]:
    """Check a log-on at a mail server; with the access if it is accepted. Never raises."""
    verdict = check_log_on(workspace, user_name, password, source)
    if verdict.user is None:
        return verdict, None
    try:
        return verdict, derive_access(workspace, homes, verdict.user.user_name)
    except LogOnRefused as error:
        return Verdict("refused", error=error), None
    except (StoreError, SyncError) as error:
        return Verdict("outage", error=error), None


def derive_access(workspace: Workspace, homes: Path, user_name: str) -> MailAccess:
    """Write the user's rights as the store has them now, and return what the server needs.

    Whoever writes looks at the store once more afterwards, and writes again if it has changed;
    so of two log-ons at once the one that saw older privileges never has the last word. Raises
    `LogOnRefused` for a user who is unknown or may not log on, `StoreUnwritable`, and the
    store's other errors, `LogOnUnavailable` among them.
    """
    snapshot = current_users(workspace)
    user = _allowed(snapshot, user_name)
    root = workspace.archives(snapshot.settings).root
    home = _home(homes, user_name)
    try:
        homes.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_folder(homes, root)
        make_folder(home, root)
        while True:
            write_access(homes, user_name, snapshot)
            generation, snapshot = snapshot.generation, current_users(workspace)
            if snapshot.generation == generation:
                break
            user = _allowed(snapshot, user_name)
        owner = os.stat(root)
    except OSError as error:
        raise StoreUnwritable(
            f"{printable(error.filename or home)}, which the mail server needs for "
            f"“{printable(user_name)}”, cannot be used: {error.strerror}. The log-on was put off. "
            "Check the owner and mode of the homes and of the archive root, and the room there."
        ) from None
    return MailAccess(user.user_name, home, home / ACL_FILE, owner.st_uid, owner.st_gid)


def write_access(homes: Path, user_name: str, snapshot: Snapshot) -> None:
    """Make the user's file, whose home is there, say what `snapshot` allows; raises `OSError`."""
    user = snapshot.find(user_name)
    allowed = user if user and may_log_on(user.privileges) else None
    content = "".join(acl_lines(allowed)) if allowed else ""
    _replace(_home(homes, user_name) / ACL_FILE, content.encode())


def has_access_file(homes: Path, user_name: str) -> bool:
    """Tell whether the user has logged on at the mail server before."""
    return (_home(homes, user_name) / ACL_FILE).exists()


def _home(homes: Path, user_name: str) -> Path:
    return homes / folder_name(user_name)


def _allowed(snapshot: Snapshot, user_name: str) -> User:
    user = snapshot.find(user_name)
    if user is None or not may_log_on(user.privileges):
        raise LogOnRefused()
    return user


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
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            give_to_owner_of(path.parent, file.fileno())
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
