"""A log-on asks the database twice: who that is and whether locked, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password
from sync.errors import LogOnRefused
from sync.logon.login import log_on
from sync.workspace import Workspace, open_workspace
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy
from tests.support.postgres import Cluster
from tests.support.replaced import in_place_of

PASSWORD = "correct horse battery"


@pytest.fixture
def proxy(postgres: Cluster) -> Iterator[CuttingProxy]:
    with cutting_proxy(postgres.port) as running:
        yield running


@pytest.fixture
def workspace(
    proxy: CuttingProxy, postgres: Cluster, database: str, tmp_path: Path
) -> Iterator[Workspace]:
    """Through the proxy, with a user who got in and is known from nowhere else."""
    url = database.replace(f":{postgres.port}/", f":{proxy.port}/")
    opened = open_workspace(url, tmp_path / "secret.key")
    hashed = hash_password(PASSWORD, "anna")
    anna = User(user_name="anna", privileges=["login"], password_hash=hashed)
    opened.store.apply(Batch([Edit.create(anna)]))
    opened.lockout.settle("anna", "192.0.2.1", right=True)
    yield opened
    opened.close()


async def asked(proxy: CuttingProxy, workspace: Workspace, name: str, password: str) -> int:
    """Log on, and return how often the database was asked."""
    before = proxy.asked
    with suppress(LogOnRefused):
        await log_on(workspace, name, password, "192.0.2.1")
    return proxy.asked - before


async def test_a_right_password_takes_two_round_trips(
    proxy: CuttingProxy, workspace: Workspace
) -> None:
    user = await log_on(workspace, "anna", PASSWORD, "192.0.2.1")
    assert user.user_name == "anna"
    assert await asked(proxy, workspace, "Anna", PASSWORD) == 2


async def test_every_refusal_takes_the_same_number(
    proxy: CuttingProxy, workspace: Workspace
) -> None:
    """One more than a right one, as failures are counted one after the other."""
    for number in range(7):
        counts = {
            await asked(proxy, workspace, name, f"wrong {number}") for name in ("anna", "nobody")
        }
        assert counts == {3} or number == 0, "where a count is new, it also prunes"
    assert workspace.lockout.is_locked("anna", "192.0.2.1")


def test_a_host_whose_clock_is_ahead_forgets_nobodys_failures(workspace: Workspace) -> None:
    """The database's clock counts, also for what is dropped and for what an unlock returns."""
    for number in range(3):
        workspace.lockout.settle("anna", "192.0.2.9", right=False, password=f"{number}")
    with in_place_of(time, "time", lambda: real() + 86_400) as real:
        workspace.lockout.settle("bert", "192.0.2.8", right=False, password="wrong")
        assert workspace.lockout.unlock("anna") == 3
