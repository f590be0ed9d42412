"""Log-on: the local password or the directory's, as the user's authentication method says."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import Literal

from store.errors import StoreDamaged, StoreError
from store.interface import Batch, Edit, Snapshot
from store.models import DIRECTORY_SERVICES, Settings, User
from store.passwords import hash_password, needs_rehash, verify_password
from store.privileges import may_log_on
from store.text import printable
from sync.directory.connect import connect
from sync.errors import LogOnLocked, LogOnRefused, LogOnUnavailable, SyncError
from sync.workspace import Workspace

Outcome = Literal["accepted", "refused", "locked", "outage", "damaged"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a log-on ended. `user` is set if it was accepted, `error` if it was not."""

    outcome: Outcome
    user: User | None = None
    error: Exception | None = None

    @property
    def public(self) -> Literal["accepted", "refused", "unavailable"]:
        """What may be told to whoever tries to log on."""
        if self.outcome in ("outage", "damaged"):
            return "unavailable"
        return "accepted" if self.outcome == "accepted" else "refused"


def check_log_on(
    workspace: Workspace, user_name: str, password: str, source: str | None = None
) -> Verdict:
    """Return how the log-on ends; for programs that answer a mail server, it never raises."""
    try:
        return Verdict("accepted", asyncio.run(log_on(workspace, user_name, password, source)))
    except LogOnLocked as error:
        return Verdict("locked", error=error)
    except LogOnRefused as error:
        return Verdict("refused", error=error)
    except StoreDamaged as error:
        return Verdict("damaged", error=error)
    except (StoreError, SyncError) as error:
        return Verdict("outage", error=error)
    except Exception as error:  # noqa: BLE001 - a bug must not look like a wrong password either
        problem = LogOnUnavailable(f"Something unexpected went wrong ({type(error).__name__}).")
        return Verdict("outage", error=problem)


async def log_on(
    workspace: Workspace, user_name: str, password: str, source: str | None = None
) -> User:
    """Return the user if the password is right, the privileges allow it and nothing is locked.

    `source` is the IP address that the attempt comes from, if known. Raises `LogOnRefused` for an
    unknown user, a wrong password and a missing privilege alike, `LogOnLocked` after too many
    failures. Anything that leaves the question open is an outage, never looks like a refusal and
    is not counted: `LogOnUnavailable`, `DirectoryError`, `NotConfigured` or a `StoreError`, of
    which `StoreDamaged` means that the store or this user's hash is broken.

    Whoever is refused waits for one bcrypt check at today's cost, so the time does not tell an
    unknown user from a locked or a mistyped one. For a directory user that check runs beside
    the request, and its result is thrown away: as long as the directory answers within that
    time, the names that it knows cannot be told apart either. Only an outage of the directory
    shows, because it must not pass for a refusal.
    """
    snapshot = current_users(workspace)
    user = snapshot.find(user_name)
    key = user.key if user else None
    locked = workspace.lockout.is_locked(key, source)
    allowed = user if user and may_log_on(user.privileges) and not locked else None
    if allowed and allowed.authentication == DIRECTORY_SERVICES:
        right = await _directory_accepts(workspace, snapshot.settings, allowed, password)
    else:
        stored = allowed.password_hash if allowed else None
        right = await asyncio.to_thread(verify_password, password, stored)
    accepted = workspace.lockout.settle(key, source, right=right)
    if not (accepted and allowed):
        raise LogOnLocked() if locked or right else LogOnRefused()
    return await asyncio.to_thread(_strengthened, workspace, allowed, password)


def current_users(workspace: Workspace) -> Snapshot:
    """Return the store's state; raises `LogOnUnavailable` if there is no store."""
    snapshot = workspace.snapshot()
    if not snapshot.store_id:
        raise LogOnUnavailable(
            f"There is no user database at {printable(workspace.path)}. Nobody can log on. "
            "Give its path with --store or MAILROSTER_STORE, or start mailroster to make it."
        )
    return snapshot


async def _directory_accepts(
    workspace: Workspace, settings: Settings, user: User, password: str
) -> bool:
    # Started before the HTTP client is imported, which would otherwise show in the time.
    decoy = asyncio.get_running_loop().run_in_executor(None, verify_password, password, None)
    right = False
    if password:
        directory = await connect(workspace, settings)
        right = await directory.check_password(user.user_name, password)
    await decoy
    return right


def _strengthened(workspace: Workspace, user: User, password: str) -> User:
    """Return the user, the password hashed anew if the hash was too weak; no matter if it fails."""
    if user.authentication == DIRECTORY_SERVICES or not user.password_hash:
        return user
    if needs_rehash(user.password_hash):
        with contextlib.suppress(StoreError):
            stronger = replace(user, password_hash=hash_password(password, user.user_name))
            after = workspace.store.apply(Batch([Edit.update(user, stronger)]))
            return after.find(user.user_name) or user
    return user
