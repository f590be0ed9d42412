"""Log-on: the local password or the directory's, as the user's authentication method says."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from store.errors import StoreError
from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, Settings, User
from store.passwords import hash_password, needs_rehash, verify_password
from store.privileges import may_log_on
from store.secrets import directory_password
from store.text import printable
from sync.errors import LogOnRefused, LogOnUnavailable
from sync.run import check_configured
from sync.workspace import Workspace


async def log_on(workspace: Workspace, user_name: str, password: str) -> User:
    """Return the user if the password is right and the privileges allow a log-on.

    Raises `LogOnRefused` for an unknown user, a wrong password and a missing privilege alike.
    Anything that leaves the question open is an outage and never looks like a refusal:
    `LogOnUnavailable`, `DirectoryError`, `NotConfigured` or a `StoreError`.
    """
    snapshot = workspace.snapshot()
    if not snapshot.store_id:
        raise LogOnUnavailable(
            f"There is no user database at {printable(workspace.path)}. Nobody can log on. "
            "Give its path with --store or MAILROSTER_STORE, or start mailroster to make it."
        )
    user = snapshot.find(user_name)
    allowed = user if user and may_log_on(user.privileges) else None
    if allowed and allowed.authentication == DIRECTORY_SERVICES:
        right = await _directory_accepts(workspace, snapshot.settings, allowed, password)
    else:
        stored = allowed.password_hash if allowed else None
        right = await asyncio.to_thread(verify_password, password, stored)
    if not (right and allowed):
        raise LogOnRefused("The user name or the password is wrong, or this user may not log on.")
    _strengthen(workspace, allowed, password)
    return allowed


async def _directory_accepts(
    workspace: Workspace, settings: Settings, user: User, password: str
) -> bool:
    if not password:
        return False
    from sync.client import DirectoryClient

    check_configured(settings)
    service_password = directory_password(settings, workspace.secrets)
    return await DirectoryClient(settings, service_password).check_password(
        user.user_name, password
    )


def _strengthen(workspace: Workspace, user: User, password: str) -> None:
    """Hash the password anew where the stored hash is weaker than today's; no matter if not."""
    if user.authentication == DIRECTORY_SERVICES or not user.password_hash:
        return
    if needs_rehash(user.password_hash):
        with contextlib.suppress(StoreError):
            stronger = replace(user, password_hash=hash_password(password, user.user_name))
            workspace.store.apply(Batch([Edit.update(user, stronger)]))
