"""Log-on: the local password or the directory's, as the user's authentication method says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from typing import Literal

from store.errors import Problem, StoreDamaged, StoreError
from store.interface import Batch, Edit, Snapshot
from store.locations import NAME_OR_MAKE
from store.models import DIRECTORY_SERVICES, User
from store.names import match_key
from store.passwords import hash_password, needs_rehash, verify_password
from store.privileges import may_enter
from sync.directory.connect import connect, rehearse
from sync.errors import LogOnLocked, LogOnRefused, LogOnUnavailable
from sync.logon.pace import Pace, wait_until
from sync.planning.identity import directory_of, known_id
from sync.runs.folders import folder_for_log_on
from sync.workspace import Workspace

Outcome = Literal["accepted", "refused", "locked", "outage", "damaged"]
Need = Literal["nothing", "check", "directory"]
_PACE = Pace()  # of this process


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a log-on ended. `user` is set if it was accepted, `error` if it was not.

    An `error` of an accepted user is why a mail server cannot serve that user.
    """

    outcome: Outcome
    user: User | None = None
    error: Problem | None = None

    @property
    def public(self) -> Literal["accepted", "refused", "unavailable"]:
        """What the person who tries to log on may learn."""
        if self.outcome in ("outage", "damaged"):
            return "unavailable"
        return "accepted" if self.outcome == "accepted" else "refused"


def check_log_on(
    workspace: Workspace, user_name: str, password: str, source: str | None = None
) -> Verdict:
    """Return how the log-on ends; for programs that answer a mail server, it never raises.

    An accepted user finds their own archive folder in its place. Where mailroster cannot tell,
    because the archive is not mounted or a folder cannot be moved, the log-on is an outage.
    """
    try:
        user = asyncio.run(log_on(workspace, user_name, password, source))
        folder_for_log_on(workspace, user)
        return Verdict("accepted", user)
    except LogOnLocked as error:
        return Verdict("locked", error=error)
    except LogOnRefused as error:
        return Verdict("refused", error=error)
    except StoreDamaged as error:
        return Verdict("damaged", error=error)
    except Problem as error:
        return Verdict("outage", error=error)
    except Exception as error:  # noqa: BLE001 - a bug must not look like a wrong password either
        why = getattr(error, "strerror", None) or type(error).__name__
        problem = LogOnUnavailable(f"Something unexpected went wrong ({why}).", "")
        return Verdict("outage", error=problem)


async def log_on(
    workspace: Workspace, user_name: str, password: str, source: str | None = None
) -> User:
    """Return the user if the password is right, the privileges allow it and nothing is locked.

    `source` is the IP address that the attempt comes from, if known. Raises `LogOnRefused` for an
    unknown user, a wrong password and a missing privilege alike, `LogOnLocked` after too many
    failures (`store.lockout` has the rules). Anything that leaves the question open is an
    outage, never looks like a refusal and is not counted: `LogOnUnavailable`, `DirectoryError`,
    `NotConfigured` or a `StoreError`, of which `StoreDamaged` means that the store or this user's
    hash is broken, and `AttemptsUnreadable` that nobody knows who is locked.

    A refused user waits for one bcrypt check at today's cost, so the time does not tell an unknown
    user from a locked or a mistyped one. Who is locked waits as long as one of the last refusals
    took, and so does a directory user after the request; for everybody else the directory's client
    is got ready beside the check, and not used. So as long as the directory answers within that
    time, the names that it knows cannot be told apart either. Only an outage of the directory
    shows, because it must not pass for a refusal.
    """
    snapshot, locked = _looked_up(workspace, user_name, source)
    user = snapshot.find(user_name)
    key, known = match_key(user_name), user is not None
    allowed = user if user and may_enter(user) and not locked else None
    asked = allowed if allowed and allowed.authentication == DIRECTORY_SERVICES else None
    stored = allowed.password_hash if allowed and not asked else None
    started = time.perf_counter()
    pause = _PACE.of_the_last() if locked or asked else None
    # Started before the HTTP client is imported, which would otherwise show in the time.
    run = asyncio.get_running_loop().run_in_executor
    check = None if pause else run(None, verify_password, password, stored)
    rehearse(snapshot.settings)
    right = bool(asked and await _directory_accepts(workspace, snapshot, asked, password))
    if check and await check:  # never of a directory user, who has no password here
        right = True
    accepted = workspace.lockout.settle(key, source, right=right, known=known, password=password)
    if not (accepted and allowed):
        if pause:
            await wait_until(started + pause)
        elif not (asked or right):  # a request is no check, a right password's hash may be cheaper
            _PACE.note(started)
        raise LogOnLocked() if locked or right else LogOnRefused()
    return await asyncio.to_thread(_strengthened, workspace, allowed, password)


def need_of(workspace: Workspace, user_name: str, source: str | None) -> Need:
    """Return what it takes to decide this log-on; raises what `log_on` raises of the store."""
    snapshot, locked = _looked_up(workspace, user_name, source)
    user = snapshot.find(user_name)
    if locked:
        return "nothing"
    if user and may_enter(user) and user.authentication == DIRECTORY_SERVICES:
        return "directory"
    return "check"


def current_users(workspace: Workspace, user_name: str | None = None) -> Snapshot:
    """Return the store's state, with that user alone if one is named.

    Raises `LogOnUnavailable` if there is no store.
    """
    snapshot = workspace.snapshot() if user_name is None else workspace.store.find(user_name)
    return _of_a_store(workspace, snapshot)


def _looked_up(workspace: Workspace, user_name: str, source: str | None) -> tuple[Snapshot, bool]:
    snapshot, locked = workspace.store.find_for_log_on(user_name, source)
    return _of_a_store(workspace, snapshot), locked


def _of_a_store(workspace: Workspace, snapshot: Snapshot) -> Snapshot:
    if not snapshot.store_id:
        raise LogOnUnavailable(
            f"The user database {workspace.store.where} does not exist. Nobody can log on.",
            NAME_OR_MAKE,
        )
    return snapshot


async def _directory_accepts(
    workspace: Workspace, snapshot: Snapshot, user: User, password: str
) -> bool:
    if not password:
        return False
    directory = await connect(workspace, snapshot.settings)
    stable_id = known_id(user.to_row(), directory_of(snapshot.settings))
    return await directory.check_password(user.user_name, password, stable_id)


def _strengthened(workspace: Workspace, user: User, password: str) -> User:
    """Return the user, the password hashed anew if the hash was too weak; no matter if it fails."""
    if user.authentication == DIRECTORY_SERVICES or not user.password_hash:
        return user
    if needs_rehash(user.password_hash):
        with contextlib.suppress(StoreError):
            stronger = replace(user, password_hash=hash_password(password, user.user_name))
            rehash = replace(Edit.update(user, stronger), keeps_rev=True)  # nobody decides by it
            after = workspace.store.apply(Batch([rehash]))
            return after.find(user.user_name) or user
    return user
