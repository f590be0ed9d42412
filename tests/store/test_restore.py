"""Returning to a backup on a disk that fails: what is said of what is where is true."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from store.errors import StoreUnwritable
from store.history import History
from store.interface import Batch, Edit
from store.models import Settings, User
from store.tinydb.backups import list_backups
from store.tinydb.history_files import HistoryFiles, history_folder
from store.tinydb.restore import read_backups, read_whole, replace_unreadable
from store.tinydb.store import TinyDBStore
from sync.runs.restore import restore_backup
from sync.workspace import open_workspace
from tests.support.builders import A_RESTORE
from tests.support.replaced import failing, in_place_of, is_folder


def is_temporary(path: Any, *_: Any) -> bool:
    """Whether this opens what is to be the store's next file."""
    return str(path).endswith(".tmp")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A store that was written three times and is no JSON now."""
    path = tmp_path / "users.json"
    store = TinyDBStore(path)
    store.apply(Batch([Edit.create(User(user_name="anna", privileges=["login"]))]))
    for number in (1, 2):
        store.apply(Batch(settings=Settings(guard_max_deletes=number)))
    store.close()
    path.write_text("{")
    return path


def test_what_cannot_be_put_back_is_told_where_it_is(damaged: Path) -> None:
    """The backup is in place when the disk ends."""
    replaced: list[Any] = []

    def not_the_first(source: Any, target: Any) -> bool:
        replaced.append(source)
        return len(replaced) > 1

    with (
        failing(os, "replace", errno.EIO, not_the_first),
        failing(os, "fsync", errno.EIO, partial(is_folder, path=damaged.parent)),
        pytest.raises(StoreUnwritable, match="The backup is in its place; the former") as caught,
    ):
        replace_unreadable(damaged, list_backups(damaged)[0], A_RESTORE, lambda runs: [])
    (aside,) = damaged.parent.glob("*.aside")
    assert str(aside) in str(caught.value)
    assert aside.read_text() == "{"
    assert read_whole(damaged).find("anna")


STEPS: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "the backup is read": lambda path: failing(
        io, "open", errno.EIO, lambda name, *_: Path(name) == list_backups(path)[0]
    ),
    "the new file is written": lambda _: failing(os, "open", errno.EIO, is_temporary),
    "it takes its place": lambda path: failing(os, "replace", errno.EIO, lambda _, to: to == path),
    "the folder is synchronised": lambda path: failing(
        os, "fsync", errno.EIO, partial(is_folder, path=path.parent)
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_one_step_that_fails_leaves_all_as_it_was(damaged: Path, step: str) -> None:
    assert damaged.with_name("users.json.lock").exists()
    files, before = HistoryFiles(damaged), sorted(damaged.parent.iterdir())
    with (
        STEPS[step](damaged),
        pytest.raises(StoreUnwritable, match=r"Input/output error\. It is as it was"),
    ):
        replace_unreadable(damaged, list_backups(damaged)[0], A_RESTORE, lambda runs: [])
    after = sorted(damaged.parent.iterdir())
    assert [path for path in after if path != history_folder(damaged)] == before
    assert files.with_all_records(History()).runs == ()
    assert damaged.read_text() == "{"


def test_a_backup_that_cannot_be_read_now_is_told_from_a_damaged_one(damaged: Path) -> None:
    newest, older = list_backups(damaged)
    assert [found.is_unreadable for found in read_backups(damaged)] == [False, False]
    with failing(os, "open", errno.EIO, lambda path, *_: Path(path) == newest):
        found = list(read_backups(damaged))
    assert [(item.is_unreadable, bool(item.state)) for item in found] == [
        (True, False),
        (False, True),
    ]
    newest.unlink()
    newest.write_text("{")
    found = list(read_backups(damaged))
    assert [(item.path, item.is_unreadable) for item in found] == [(newest, False), (older, False)]


def test_a_restore_that_writes_nothing_leaves_nothing_aside(tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path / "users.json"), tmp_path / "secret.key")
    admin = User(user_name="root", privileges=["admin"], password_hash="$2b$x")
    workspace.store.apply(Batch([Edit.create(admin)]))
    workspace.store.apply(Batch(settings=Settings(guard_max_deletes=1)))
    (backup,) = list_backups(workspace.host_path)
    before = workspace.host_path.read_bytes()
    with (
        failing(os, "open", errno.EIO, is_temporary),
        pytest.raises(StoreUnwritable, match="The previous state is whole"),
    ):
        restore_backup(workspace, backup)
    assert workspace.host_path.read_bytes() == before
    assert list(tmp_path.glob("*.aside")) == []
    assert restore_backup(workspace, backup) in tmp_path.glob("*.aside")
    workspace.close()


def test_a_restore_that_the_history_cannot_list_is_none(damaged: Path, tmp_path: Path) -> None:
    workspace = open_workspace(str(damaged), tmp_path / "secret.key")
    backup = list_backups(damaged)[0]
    in_history = history_folder(damaged)
    with (
        failing(os, "open", errno.EIO, lambda path, *_: in_history in Path(path).parents),
        pytest.raises(StoreUnwritable, match="No user was changed"),
    ):
        restore_backup(workspace, backup)
    assert damaged.read_text() == "{"
    assert list(tmp_path.glob("*.aside")) == []
    written: list[Any] = []

    def counted(source: Any, target: Any) -> None:
        written.append(target)
        replace(source, target)

    with in_place_of(os, "replace", counted) as replace:
        aside = restore_backup(workspace, backup)
    assert written.count(damaged) == 1  # which has users and run
    assert aside is not None
    assert aside.read_text() == "{"
    assert workspace.snapshot().find("anna")
    (run,) = workspace.store.runs()
    assert (run.kind, workspace.store.run(run.id).summary) == ("restore", run)
    workspace.close()
