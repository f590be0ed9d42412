"""The seam of the store holds another one: it passes the contract, is synced and logged on to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from store.files.secrets import SecretBox
from store.interface import Batch, Edit, Store
from store.models import User
from store.passwords import hash_password
from sync.errors import LogOnLocked, LogOnRefused
from sync.logon.login import log_on
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import ELSEWHERE, StoreElsewhere, Workspace, open_workspace
from tests.store.contract import ANNA, StoreContract
from tests.support.builders import AUTO_DELETE, answer, listed, managed
from tests.support.memory_store import Memory, MemoryStore

PASSWORD = "correct horse battery"


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def store(memory: Memory) -> Store:
    return MemoryStore(memory)


class TestContract(StoreContract):
    @pytest.fixture
    def other(self, memory: Memory) -> Store:
        return MemoryStore(memory)


def no_upkeep() -> NoReturn:
    raise AssertionError("nothing here looks after the store")


@pytest.fixture
def workspace(store: Store, tmp_path: Path) -> Workspace:
    return Workspace(
        lambda: store,
        tmp_path / "mailroster",
        "memory:",
        SecretBox(tmp_path / "secret.key"),
        no_upkeep,
    )


def test_it_is_opened_by_its_address(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = StoreElsewhere(
        "memory", ("memory://",), lambda *_: (lambda: MemoryStore(memory), no_upkeep)
    )
    monkeypatch.setitem(ELSEWHERE, kind.name, kind)
    opened = open_workspace("memory://here", tmp_path / "secret.key")
    opened.store.apply(Batch([Edit.create(ANNA)]))
    assert set(memory.state.users) == {"anna"}
    assert opened.store_argument == "memory://here"
    assert (opened.host_path.name, opened.archives(AUTO_DELETE).root.name) == ("memory", "archive")


def test_a_sync_and_its_record(workspace: Workspace, tmp_path: Path) -> None:
    users = [managed("anna"), managed("bert")]
    workspace.store.apply(Batch([Edit.create(user) for user in users], settings=AUTO_DELETE))
    plan = preview(workspace, answer(listed("bert", full="Bert"), listed("carla")))
    result = apply_plan(workspace, plan, allow_deletes=1)
    assert [change.action for change in result.applied] == ["create", "update", "delete"]
    assert set(workspace.snapshot().users) == {"bert", "carla"}
    assert [run.id for run in workspace.store.runs()] == [result.run]
    assert (tmp_path / "archive" / "carla" / "cur").is_dir()


async def test_a_log_on_and_a_lock(workspace: Workspace) -> None:
    anna = User(user_name="anna", privileges=["login"])
    anna = replace(anna, password_hash=hash_password(PASSWORD, "anna"))
    workspace.store.apply(Batch([Edit.create(anna)]))
    assert (await log_on(workspace, "ANNA", PASSWORD)).user_name == "anna"
    for _ in range(5):
        with pytest.raises(LogOnRefused):
            await log_on(workspace, "anna", "wrong")
    with pytest.raises(LogOnLocked):
        await log_on(workspace, "anna", PASSWORD)
    assert workspace.lockout.unlock("anna")
    assert (await log_on(workspace, "anna", PASSWORD)).user_name == "anna"
