"""Why a user can or cannot log on, step by step, for an administrator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from store.addresses import address_key
from store.errors import Problem, StoreDamaged
from store.interface import Snapshot
from store.lockout import LOCAL, Failures, source_key
from store.models import DIRECTORY_SERVICES, Settings, User, UserRow
from store.names import match_key
from store.passwords import verify_password
from store.privileges import ADMIN, LOGIN, PRIVILEGES, may_log_on, privilege_labels
from store.text import printable, quantity
from sync.directory.connect import check_configured, connect, fetch
from sync.errors import NotConfigured
from sync.logon.login import current_users
from sync.logon.open_questions import open_about
from sync.planning.identity import directory_of, known_id
from sync.runs.folders import archive_at_hand
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """One condition of a log-on. `ok` is None where nobody can tell now.

    `error` has the parts of the failure that it tells of, if there was one. What was not
    `looked_at`, because only a log-on tells it, keeps nobody from logging on as far as is known.
    """

    ok: bool | None
    text: str
    error: dict[str, str] | None = None
    looked_at: bool = True

    @property
    def found(self) -> bool | None:
        """What was found, for a sign before the text; None where it is open."""
        return self.ok if self.looked_at else None

    def to_record(self) -> dict[str, Any]:
        """Return the step as JSON output shows it."""
        return {"ok": self.ok, "text": self.text, "error": self.error}

    @classmethod
    def of(cls, error: Problem, text: str = "") -> Step:
        """Return the step that tells of a failure, which leaves the answer open."""
        return cls(None, text or str(error), error.to_record())


CONCLUSIONS = {
    True: "Nothing that was looked at keeps this user from logging on.",
    False: "This user cannot log on.",
    None: "mailroster cannot tell now whether this user can log on.",
}


_NOT_CHECKED = (
    "The password was not checked, because mailroster sends the directory passwords of its own "
    "users only."
)


_ONLY_A_LOG_ON_TELLS = (
    "The password was not checked. Only a log-on shows whether the directory accepts it, or has "
    "locked or disabled the account."
)


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
    the directory's list. For an unknown user or a wrong password, the steps say what a sync
    would ask about the name. Nothing is counted as an attempt.
    """
    try:
        snapshot = current_users(workspace)
    except Problem as error:
        return [Step.of(error)]
    shown = printable(user_name, 60)
    steps = [Step(True, f"The user database {workspace.store.where} is readable.")]
    user = snapshot.find(user_name)
    if user is None:
        holders = _holders(snapshot.users.values(), user_name)
        whose = f" It is an e-mail address of {holders}; a log-on needs the user name." * bool(
            holders
        )
        steps.append(Step(False, f"The user “{shown}” does not exist.{whose}"))
        if password is not None:
            steps.append(Step(None, _NOT_CHECKED))
        return steps + await _open(workspace, snapshot.settings, user_name)
    steps.append(Step(True, f"“{shown}” is the user “{printable(user.user_name, 60)}”."))
    steps += [_privileges(user), *_suspension(user), *_lockout(workspace, user, source)]
    steps += _archive(workspace, snapshot)
    if user.authentication == DIRECTORY_SERVICES:
        return steps + await _directory(workspace, snapshot.settings, user, password)
    return steps + list(_local(user, password))


def _archive(workspace: Workspace, snapshot: Snapshot) -> Iterator[Step]:
    try:
        archive_at_hand(workspace, snapshot)
    except Problem as error:
        yield Step.of(
            error, f"{error.what} Mail servers try the log-on again later. {error.advice}"
        )


def _holders(users: Iterable[UserRow], address: str) -> str:
    """Name the users who have this e-mail address, empty for nobody."""
    key = address_key(address)
    return " and ".join(
        f"“{printable(row['user_name'], 60)}”"
        for row in users
        if key in map(address_key, row["email_addresses"])
    )


def _privileges(user: User) -> Step:
    held = privilege_labels(user.privileges) or "none"
    if may_log_on(user.privileges):
        return Step(True, f"The privileges allow a log-on: {held}.")
    needed = f"neither “{PRIVILEGES[LOGIN]}” nor “{PRIVILEGES[ADMIN]}”"
    return Step(False, f"The privileges include {needed}: {held}.")


def _suspension(user: User) -> Iterator[Step]:
    if user.is_suspended:
        name = printable(user.user_name, 60)
        yield Step(
            False,
            f"The directory lists the name under the id {printable(user.other_id, 60)}, but the "
            f"user has the id {printable(user.directory_id, 60)}: this may be somebody else. "
            f"Answer with `mailroster sync --same {name}` or `--new {name}`.",
        )


def _lockout(workspace: Workspace, user: User, source: str | None) -> Iterator[Step]:
    lockout = workspace.lockout
    try:
        standing = lockout.failures(user.key, source)
    except Problem as error:
        yield Step.of(error)
        return
    if source:
        pairs = {source_key(source): standing.pair} if standing.pair.failed else {}
        yield _failures(f"The source {printable(source, 60)}", standing.source)
    else:
        pairs = lockout.of_user(user.key)
    for origin, failures in pairs.items():
        place = "this machine" if origin == LOCAL else printable(origin, 60)
        step = _failures(f"The user, from {place},", failures)
        if origin == source_key(source):
            yield step
        else:
            yield Step(True, f"{step.text} From elsewhere this changes nothing.")
    if standing.user.locked and lockout.is_exempt(user.key, source):
        yield Step(
            True,
            "The user is locked, but not for this source, which the user logged on from lately.",
        )
    elif standing.user.locked or not pairs:
        yield _failures("The user", standing.user)


def _failures(who: str, failures: Failures) -> Step:
    minutes = max(1, round(failures.seconds / 60))
    if failures.locked:
        return Step(
            False,
            f"{who} is locked for another {minutes} min, after "
            f"{quantity(failures.failed, 'failure')}. Unlock with `mailroster users unlock`.",
        )
    if failures.failed:
        return Step(
            True,
            f"{who} is not locked: {failures.failed} of {failures.limit} failures, cleared in "
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
        yield Step.of(error)
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
        where = printable(check_configured(settings).where(settings), 200)
        steps = [Step(True, f"The user's password is the directory's, at {where}.")]
        if password is not None:
            stable_id = known_id(user.to_row(), directory_of(settings))
            right = await directory.check_password(user.user_name, password, stable_id)
            steps.append(_told(right, directory.why_refused, name))
            return steps if right else steps + await _open(workspace, settings, user.user_name)
        listing = await fetch(workspace, settings)
        is_listed = user.key in {match_key(found.user_name) for found in listing.users}
        does = "lists" if is_listed else "does not list"
        steps.append(Step(is_listed, f"The directory {does} “{name}”."))
        if user.is_suspended:  # which is told already
            return steps
        steps += (
            Step(is_listed, text) for _, text in open_about(workspace, listing, user.user_name)
        )
        if is_listed:
            steps.append(Step(True, _ONLY_A_LOG_ON_TELLS, looked_at=False))
        return steps
    except Problem as error:
        return [Step.of(error)]


async def _open(workspace: Workspace, settings: Settings, user_name: str) -> list[Step]:
    """Return what is open about the name of somebody who cannot log on anyway."""
    try:
        listing = await fetch(workspace, settings)
        return [Step(*found) for found in open_about(workspace, listing, user_name)]
    except NotConfigured:
        return []
    except Problem as error:
        why = f"mailroster cannot tell what a sync would ask about the name. {error}"
        return [Step.of(error, why)]


def _told(right: bool, why: str, name: str) -> Step:
    """Return what the directory said of the password, with its reason for a refusal."""
    if right or not why:
        return _checked(right, f"the directory does not accept it for “{name}”")
    return Step(False, f"The directory refuses “{name}”: {why}.")


def _checked(right: bool, otherwise: str) -> Step:
    return Step(
        right, "The password is right." if right else f"The password is wrong: {otherwise}."
    )
