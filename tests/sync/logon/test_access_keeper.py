"""The rights of open sessions follow every change of the store."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from store.interface import Batch, Edit
from store.models import User
from sync.logon.access_keeper import AccessKeeper
from sync.logon.mail_access import derive_access
from sync.runs.restore import restore_backup
from sync.workspace import Workspace

Fill = Callable[..., Workspace]


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def kept(fill: Fill, tmp_path: Path, lines: list[str]) -> Iterator[Workspace]:
    workspace = fill(
        *(User(user_name=name, privileges=["login"], folder_privileges={name: ["write"]})
          for name in ("anna", "bert", "carl"))
    )  # fmt: skip
    for name in ("anna", "bert"):
        workspace.archives(workspace.snapshot().settings).create(name)
        derive_access(workspace, tmp_path / "homes", name)
    keeper = AccessKeeper(workspace, tmp_path / "homes", lines.append, seconds=0.02)
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


def test_what_is_no_file_holds_nobody_up(kept: Workspace, tmp_path: Path) -> None:
    """A pipe in the place of anna's file would be waited for; the file takes its place."""
    files = [tmp_path / "homes" / name / "acl" for name in ("anna", "bert")]
    files[0].unlink()
    os.mkfifo(files[0])
    users = [kept.snapshot().find(name) for name in ("anna", "bert")]
    kept.store.apply(Batch([Edit.delete(user) for user in users if user]))
    assert comes_true(lambda: all(file.is_file() and not file.read_text() for file in files))


def test_an_older_state_that_is_put_back_counts(kept: Workspace, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.hardlink_to(kept.host_path)
    anna = kept.snapshot().find("anna")
    assert anna
    file = tmp_path / "homes" / "anna" / "acl"
    kept.store.apply(Batch([Edit.update(anna, replace(anna, folder_privileges={"b": ["read"]}))]))
    assert comes_true(lambda: "Archive/b" in file.read_text())
    backup.replace(kept.host_path)
    assert comes_true(lambda: "Archive/anna" in file.read_text())


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_restore_reaches_open_sessions(kept: Workspace, tmp_path: Path, is_damaged: bool) -> None:
    """What a restore takes away ends; one of a damaged store keeps the `rev` of the backup."""
    file, backup = tmp_path / "homes" / "anna" / "acl", tmp_path / "backup"
    backup.hardlink_to(kept.host_path)
    anna = kept.snapshot().find("anna")
    assert anna
    kept.store.apply(Batch([Edit.update(anna, replace(anna, folder_privileges={"b": ["read"]}))]))
    assert comes_true(lambda: "Archive/b" in file.read_text())
    if is_damaged:
        kept.host_path.unlink()
        kept.host_path.write_text("{")
    restore_backup(kept, backup)
    assert comes_true(lambda: "Archive/b" not in file.read_text() != "")


def test_a_hand_edit_that_keeps_every_count_is_a_change(kept: Workspace, tmp_path: Path) -> None:
    bert_file = tmp_path / "homes" / "bert" / "acl"
    assert "Archive/bert" in bert_file.read_text()
    by_hand = json.loads(kept.host_path.read_text())
    for row in by_hand["_default"].values():
        if row["user_name"] == "bert":
            row["privileges"], row["folder_privileges"] = ["none"], {}
    kept.host_path.write_text(json.dumps(by_hand))
    assert comes_true(lambda: bert_file.read_text() == "")


def test_who_was_deleted_before_it_started(fill: Fill, tmp_path: Path) -> None:
    homes = tmp_path / "homes"
    workspace = fill(
        *(User(user_name=name, privileges=["login"], folder_privileges={name: ["write"]})
          for name in ("anna", "Ärna", "carl"))
    )  # fmt: skip
    workspace.archives(workspace.snapshot().settings).create("anna")
    for name in ("anna", "Ärna"):
        derive_access(workspace, homes, name)
    ärna = workspace.snapshot().find("ärna")
    assert ärna
    workspace.store.apply(Batch([Edit.delete(ärna)]))
    (homes / "a file in between").write_text("")
    (homes / "a folder without rights").mkdir()
    keeper = AccessKeeper(workspace, homes, lambda _: None)
    keeper.start()
    try:
        assert comes_true(lambda: (homes / "=C3=A4rna" / "acl").read_text() == "")
        assert "Archive/anna" in (homes / "anna" / "acl").read_text()
        assert not (homes / "carl").exists()
    finally:
        keeper.stop()
        keeper.join(10)


@pytest.mark.parametrize("broken", ["anna", "bert"])
def test_one_broken_home_does_not_stop_the_others(
    kept: Workspace, tmp_path: Path, lines: list[str], broken: str
) -> None:
    home = tmp_path / "homes" / broken
    (sound,) = {"anna", "bert"} - {broken}
    (keeper,) = [thread for thread in threading.enumerate() if isinstance(thread, AccessKeeper)]
    in_the_way = home / f".acl.{os.getpid()}.{keeper.native_id}.tmp"
    in_the_way.mkdir()
    users = [kept.snapshot().find(name) for name in ("anna", "bert")]
    kept.store.apply(
        Batch([Edit.update(u, replace(u, folder_privileges={"b": ["read"]})) for u in users if u])
    )
    assert comes_true(lambda: "Archive/b" in (tmp_path / "homes" / sound / "acl").read_text())
    assert comes_true(lambda: bool(lines))
    assert str(home) in lines[0]
    assert "Is a directory" in lines[0]
    assert 'Archive/b"' not in (home / "acl").read_text()
    in_the_way.rmdir()
    assert comes_true(lambda: "Archive/b" in (home / "acl").read_text())
    assert len(lines) == 1


@pytest.mark.parametrize(("content", "says"), [("{", "is not valid JSON"), (None, "not exist")])
def test_an_outage_is_told_once_and_changes_nothing(
    kept: Workspace, tmp_path: Path, lines: list[str], content: str | None, says: str
) -> None:
    if content:
        damaged = tmp_path / "damaged"
        damaged.write_text(content)
        damaged.replace(kept.host_path)
    else:
        kept.host_path.unlink()
    assert comes_true(lambda: bool(lines))
    time.sleep(0.2)
    assert len(lines) == 1
    assert says in lines[0]
    assert "Archive/anna" in (tmp_path / "homes" / "anna" / "acl").read_text()
