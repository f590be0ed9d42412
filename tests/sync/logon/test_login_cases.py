"""Whose hash is made strong after a log-on, and what the log-on hands back."""

from __future__ import annotations

from collections.abc import Callable

import bcrypt
import pytest

from store.models import DIRECTORY_SERVICES, INTEGRATED, Settings, User
from sync.logon.login import check_log_on, log_on
from sync.workspace import Workspace
from tests.conftest import FAST
from tests.support.directory import Directory

PASSWORD = "correct horse battery"


def hashed(cost: int) -> str:
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode()


@pytest.mark.parametrize(
    ("authentication", "stored_cost", "cost_after"),
    [
        (INTEGRATED, FAST - 1, FAST),
        (INTEGRATED, FAST, FAST),
        (INTEGRATED, FAST + 1, FAST + 1),
        (DIRECTORY_SERVICES, FAST - 1, FAST - 1),  # the password that came is the directory's
        (DIRECTORY_SERVICES, None, None),
    ],
)
async def test_only_a_local_users_hash_is_made_strong(
    fill: Callable[..., Workspace],
    directory: Directory,
    authentication: str,
    stored_cost: int | None,
    cost_after: int | None,
) -> None:
    stored = hashed(stored_cost) if stored_cost else None
    anna = User(
        user_name="anna",
        full_name="Anna",
        authentication=authentication,  # type: ignore[arg-type]
        privileges=["login"],
        password_hash=stored,
    )
    directory.put(anna=PASSWORD)
    settings = Settings(directory_service="application_integration", url=directory.url)
    workspace = fill(anna, settings=settings)
    rev = workspace.snapshot().users["anna"]["rev"]
    user = await log_on(workspace, "ANNA", PASSWORD)
    after = workspace.snapshot().find("anna")
    assert (user, user.full_name, user.rev) == (after, "Anna", rev)
    cost = int(user.password_hash[4:6]) if user.password_hash else None
    assert cost == cost_after
    assert (user.password_hash == stored) is (stored_cost == cost_after)


def test_a_strong_hash_makes_no_write(fill: Callable[..., Workspace]) -> None:
    workspace = fill(User(user_name="anna", privileges=["login"], password_hash=hashed(FAST)))
    before = workspace.host_path.read_bytes()
    verdict = check_log_on(workspace, "anna", PASSWORD)
    assert (verdict.outcome, verdict.public) == ("accepted", "accepted")
    assert verdict.user
    assert verdict.user.user_name == "anna"
    assert workspace.host_path.read_bytes() == before
