"""Whether somebody who logged on as an administrator may go on as one."""

from __future__ import annotations

from store.interface import Snapshot
from store.models import AUTHENTICATION_LABELS, User
from store.privileges import ADMIN
from store.text import printable


def administrator_problem(logged_on: User, snapshot: Snapshot) -> str:
    """Return why the administrator `logged_on` may not go on, or nothing."""
    name, now = printable(logged_on.user_name), snapshot.find(logged_on.user_name)
    if now is None:
        return f"{name} was deleted or renamed."
    if ADMIN not in now.privileges:
        return f"{name} is no longer an administrator."
    if now.is_suspended:
        return f"{name} is listed under another id in the directory, so log-ons are refused."
    if now.authentication != logged_on.authentication:
        return f"{name} was switched to {AUTHENTICATION_LABELS[now.authentication]}."
    return ""
