"""The rights of open sessions follow every change of the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from store.interface import Batch, Edit
from store.models import User
from sync.logon import access_keeper
from sync.logon.access_keeper import AccessKeeper
from sync.logon.mail_access import derive_access
from sync.workspace import Workspace

Fill = Callable[..., Workspace]


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def kept(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> Iterator[Workspace]:
    monkeypatch.setattr(access_keeper, "SECONDS", 0.02)
    workspace = fill(
        *(User(user_name=name, privileges=["login"], folder_privileges={name: ["write"]})
          for name in ("anna", "bert", "carl"))
    )  # fmt: skip
    for name in ("anna", "bert"):
        workspace.archives(workspace.snapshot().settings).create(name)
        derive_access(workspace, tmp_path / "homes", name)
    keeper = AccessKeeper(workspace, tmp_path / "homes", lines.append)
    keeper.start()
    yield workspace
    keeper.stop()
    keeper.join(10)
    assert not keeper.is_alive()


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_changed_disabled_and_deleted_users(kept: Workspace, tmp_path: Path) -> None:
    anna, bert, carl = (kept.snapshot().find(name) for name in ("anna", "bert", "carl"))
    assert anna
    assert bert
    assert carl
    anna_file, bert_file = (tmp_path / "homes" / name / "acl" for name in ("anna", "bert"))
    kept.store.apply(Batch([Edit.update(anna, replace(anna, folder_privileges={"b": ["read"]}))]))
    assert comes_true(lambda: "Archive/b" in anna_file.read_text())
    assert "Archive/bert" in bert_file.read_text()
    kept.store.apply(Batch([Edit.delete(bert), Edit.update(carl, replace(carl, full_name="C"))]))
    assert comes_true(lambda: bert_file.read_text() == "")
    assert not (tmp_path / "homes" / "carl").exists()


def test_an_older_state_that_is_put_back_counts(kept: Workspace, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.hardlink_to(kept.path)
    anna = kept.snapshot().find("anna")
    assert anna
    file = tmp_path / "homes" / "anna" / "acl"
    kept.store.apply(Batch([Edit.update(anna, replace(anna, folder_privileges={"b": ["read"]}))]))
    assert comes_true(lambda: "Archive/b" in file.read_text())
    backup.replace(kept.path)
    assert comes_true(lambda: "Archive/anna" in file.read_text())


@pytest.mark.parametrize(("content", "says"), [("{", "is not valid JSON"), (None, "no user")])
def test_an_outage_is_told_once_and_changes_nothing(
    kept: Workspace, tmp_path: Path, lines: list[str], content: str | None, says: str
) -> None:
    if content:
        damaged = tmp_path / "damaged"
        damaged.write_text(content)
        damaged.replace(kept.path)
    else:
        kept.path.unlink()
    assert comes_true(lambda: bool(lines))
    time.sleep(0.2)
    assert len(lines) == 1
    assert says in lines[0]
    assert "Archive/anna" in (tmp_path / "homes" / "anna" / "acl").read_text()
