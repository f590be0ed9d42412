"""What users without the privilege admin may do with their own entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from store.errors import InvalidValue, StoreConflict
from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password
from sync.errors import LogOnRefused
from sync.logon.login import log_on
from sync.logon.quick_access import change_own_password, password_change_problem
from sync.workspace import Workspace
from tests.support.builders import managed, stored
from tests.support.wrapped_store import with_attempts

OLD, NEW = "correct horse battery", "another horse battery"
ANNA = User(
    user_name="anna",
    privileges=["login", "changePassword"],
    password_hash=hash_password(OLD, "anna"),
)
Fill = Callable[..., Workspace]


async def test_the_own_password(fill: Fill) -> None:
    workspace = fill(ANNA)
    await change_own_password(workspace, "anna", OLD, NEW)
    assert await log_on(workspace, "anna", NEW)
    with pytest.raises(LogOnRefused):
        await change_own_password(workspace, "anna", OLD, NEW)
    assert workspace.lockout.failures("anna", None)[0].failed == 1


async def test_the_policy_holds(fill: Fill) -> None:
    workspace = fill(ANNA)
    with pytest.raises(InvalidValue, match="fewer than 15"):
        await change_own_password(workspace, "anna", OLD, "short")
    assert await log_on(workspace, "anna", OLD)


async def test_not_without_the_privilege(fill: Fill) -> None:
    workspace = fill(replace(ANNA, privileges=["login"]))
    with pytest.raises(InvalidValue, match="no privilege"):
        await change_own_password(workspace, "anna", OLD, NEW)


@pytest.mark.parametrize(
    ("user", "says"),
    [
        (ANNA, None),
        (replace(ANNA, privileges=["admin"]), None),
        (replace(ANNA, privileges=["login"]), "no privilege"),
        (managed("anna", privileges=["login", "changePassword"]), "is the directory's"),
    ],
)
def test_who_may(user: User, says: str | None) -> None:
    problem = password_change_problem(user)
    assert (says in problem) if says and problem else problem is None


async def test_what_an_administrator_writes_meanwhile_wins(fill: Fill) -> None:
    """Somebody takes the privilege away between the check of the password and the change."""

    def settle(*attempt: Any, **outcome: Any) -> bool:
        user = stored(workspace, "anna")
        workspace.store.apply(Batch([Edit.update(user, replace(user, privileges=["login"]))]))
        return workspace.lockout.settle(*attempt, **outcome)

    workspace = fill(ANNA)
    with pytest.raises(StoreConflict):
        await change_own_password(with_attempts(workspace, settle=settle), "anna", OLD, NEW)
    assert await log_on(workspace, "anna", OLD)
