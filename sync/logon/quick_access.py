"""Quick Access: what users without the privilege `admin` may do with their own entry."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from store.errors import InvalidValue
from store.models import INTEGRATED, User
from store.privileges import ADMIN, CHANGE_PASSWORD
from sync.logon.login import log_on
from sync.runs.by_hand import set_password
from sync.workspace import Workspace


def password_change_problem(user: User) -> str | None:
    """Return why this user may not change the own password, or None."""
    if user.authentication != INTEGRATED:
        return "Your password is the directory's; change it there."
    if CHANGE_PASSWORD not in user.privileges and ADMIN not in user.privileges:
        return "You have no privilege to change your password; ask an administrator."
    return None


async def change_own_password(workspace: Workspace, user_name: str, current: str, new: str) -> User:
    """Replace the user's own password, which needs the current one; return the user as stored.

    The current one is checked like a log-on, failures counted: raises what `log_on` raises, then
    `InvalidValue` if the user may not, or the new password breaks the policy, and the store's
    errors: `StoreConflict` if anybody changed the user since the check.
    """
    user = await log_on(workspace, user_name, current)
    if problem := password_change_problem(user):
        raise InvalidValue(problem, "")
    own = replace(workspace, who=user.user_name)
    return await asyncio.to_thread(set_password, own, user, new)
