"""Why a user can or cannot log on, step by step, for an administrator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from store.errors import StoreDamaged, StoreError
from store.lockout import LIMIT, SOURCE_LIMIT, Failures
from store.models import DIRECTORY_SERVICES, Settings, User
from store.passwords import verify_password
from store.privileges import may_log_on
from store.text import printable
from sync.directory.connect import connect
from sync.errors import LogOnUnavailable, SyncError
from sync.logon.login import current_users
from sync.users.by_hand import unknown_to_directory
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """One condition of a log-on. `ok` is None where nobody can tell now."""

    ok: bool | None
    text: str


def can_log_on(steps: list[Step]) -> bool | None:
    """Tell whether all that the steps looked at allows a log-on; None if nobody can tell."""
    if any(step.ok is False for step in steps):
        return False
    return None if any(step.ok is None for step in steps) else True


async def explain(
    workspace: Workspace, user_name: str, password: str | None = None, source: str | None = None
) -> list[Step]:
    """Return what a log-on of this user would meet, in the order of a log-on.

    With a `password` that is checked too; without one, a directory user's name is looked up in
    the directory's list. Nothing is counted as an attempt.
    """
    try:
        snapshot = current_users(workspace)
    except (StoreError, LogOnUnavailable) as error:
        return [Step(None, str(error))]
    shown = printable(user_name, 60)
    steps = [Step(True, f"The user database {printable(workspace.path)} is readable.")]
    user = snapshot.find(user_name)
    if user is None:
        return [*steps, Step(False, f"There is no user “{shown}”.")]
    steps.append(Step(True, f"“{shown}” is the user “{printable(user.user_name, 60)}”."))
    steps += [_privileges(user), *_lockout(workspace, user, source)]
    if user.authentication == DIRECTORY_SERVICES:
        return steps + await _directory(workspace, snapshot.settings, user, password)
    return steps + list(_local(user, password))


def _privileges(user: User) -> Step:
    held = ", ".join(user.privileges) or "none"
    if may_log_on(user.privileges):
        return Step(True, f"The privileges allow a log-on: {held}.")
    return Step(False, f"The privileges ({held}) hold neither login nor admin.")


def _lockout(workspace: Workspace, user: User, source: str | None) -> Iterator[Step]:
    of_user, of_source = workspace.lockout.failures(user.key, source)
    yield _failures("The user", of_user, LIMIT)
    if source:
        yield _failures(f"The source {printable(source, 60)}", of_source, SOURCE_LIMIT)
    if workspace.lockout.damaged.exists():
        yield Step(
            True,
            f"A damaged file of failed log-ons was set aside as {workspace.lockout.damaged}, and "
            "the count was started anew. Look into it, then remove it.",
        )


def _failures(who: str, failures: Failures, limit: int) -> Step:
    minutes = max(1, round(failures.seconds / 60))
    if failures.locked:
        return Step(
            False,
            f"{who} is locked for another {minutes} min, after {failures.failed} failures. "
            "`mailroster users unlock` ends that.",
        )
    if failures.failed:
        return Step(
            True,
            f"{who} is not locked: {failures.failed} of {limit} failures, which are forgotten in "
            f"{minutes} min.",
        )
    return Step(True, f"{who} is not locked and has no failures.")


def _local(user: User, password: str | None) -> Iterator[Step]:
    if user.password_hash is None:
        yield Step(False, "The user is integrated, but has no local password.")
        return
    try:
        right = verify_password(password or "", user.password_hash)
    except StoreDamaged as error:
        yield Step(None, str(error))
        return
    yield Step(True, "The user is integrated and has a local password.")
    if password is not None:
        yield _checked(right, "it is not the local password")


async def _directory(
    workspace: Workspace, settings: Settings, user: User, password: str | None
) -> list[Step]:
    name = printable(user.user_name, 60)
    try:
        directory = await connect(workspace, settings)
        url = printable(settings.url, 200)
        steps = [Step(True, f"The user's password is the directory's, at {url}.")]
        if password is not None:
            right = await directory.check_password(user.user_name, password)
            return [*steps, _checked(right, f"the directory does not accept it for “{name}”")]
        if await unknown_to_directory(workspace, [user]):
            return [*steps, Step(False, f"The directory does not list “{name}”.")]
        return [*steps, Step(True, f"The directory lists “{name}”.")]
    except (StoreError, SyncError) as error:
        return [Step(None, str(error))]


def _checked(right: bool, otherwise: str) -> Step:
    return Step(
        right, "The password is right." if right else f"The password is wrong: {otherwise}."
    )
