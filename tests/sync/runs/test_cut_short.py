"""A run that is cut short at any step, by a kill or an archive that goes away: nothing is lost.

Afterwards the next write, the log-on of a user or `store check` finishes what was left.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from store.errors import ArchiveNotMounted, StoreDamaged
from store.files.archive_mark import MARK, put_mark
from store.files.archives import folder_name
from store.files.folder_work import waiting_work
from store.locations import ARCHIVE_VARIABLE
from store.models import User
from store.tinydb.history_files import history_folder
from store.tinydb.restore import save_copy
from sync.runs import by_hand
from sync.runs.folders import folder_for_log_on, try_folder_work
from sync.workspace import Workspace
from tests.support.archived_mail import archives_of, left_behind
from tests.support.builders import stored
from tests.support.cut_short import Harm, cases, mount
from tests.sync.runs import jobs

# Each job with those that are done before it.
JOBS: dict[str, tuple[Callable[[Path], None], ...]] = {
    "first_administrator": (),
    "swap_and_go": (jobs.first_sync,),
    "rename": (jobs.first_sync,),
    "delete": (jobs.first_sync,),
    "undo": (jobs.first_sync, jobs.delete),
    "undo of a rename": (jobs.first_sync, jobs.rename),
    "add": (jobs.first_sync,),
    "restore": (jobs.first_sync, jobs.rename),
    "restore over a damaged store": (jobs.first_sync, jobs.rename),
}
WITH_MAIL = ("anna", "bert", "carla")


def next_write(workspace: Workspace) -> None:
    root = stored(workspace, "root")
    by_hand.edit_user(workspace, root, replace(root, full_name=f"{root.full_name}."))


def log_ons(workspace: Workspace) -> None:
    for row in workspace.snapshot().users.values():
        folder_for_log_on(workspace, User.from_row(row))


WAYS = (next_write, log_ons, try_folder_work)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    folder = tmp_path / "office"
    folder.mkdir()
    return folder


def prepared(name: str, office: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Do what comes before the job; each user of the directory gets mail that tells whose it is."""
    monkeypatch.setenv(ARCHIVE_VARIABLE, str(office / "archive"))
    path = office / "users.json"
    for job in JOBS[name]:
        job(path)
        if job is jobs.first_sync:
            for user in WITH_MAIL:
                (office / "archive" / user / "new" / "1").write_text(f"CN={user}")
            workspace = jobs.opened(path)
            save_copy(path, office / "users-copy.json")
            next_write(workspace)
    if "damaged" in name:
        path.write_text("{")
    return path


def content(workspace: Workspace) -> dict[str, Any] | None:
    ignored = ("rev", "changed", "created", "password_hash")
    try:
        users = workspace.snapshot().users
    except StoreDamaged:
        return None
    return {
        key: {name: value for name, value in row.items() if name not in ignored}
        for key, row in users.items()
    }


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("name", "harm"),
    [
        *((name, "kill") for name in JOBS),
        # The first run is what tells which archive it is.
        *((name, "unmount") for name in JOBS if name != "first_administrator"),
    ],
)
def test_nothing_is_lost(
    name: str, harm: Harm, office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = prepared(name, office, monkeypatch)
    before = content(jobs.opened(path))
    job = f"{jobs.__name__}.{name.split(' ')[0]}"
    copies = list(cases(job, office, harm))
    monkeypatch.setenv(ARCHIVE_VARIABLE, str(copies[-1] / "archive"))
    after = content(jobs.opened(copies[-1] / "users.json"))
    assert after not in (before, None)
    assert len(copies) > 5
    for copy, way in zip(copies, cycle(WAYS), strict=False):
        monkeypatch.setenv(ARCHIVE_VARIABLE, str(copy / "archive"))
        if harm == "unmount":
            mount(copy / "archive")
        workspace = jobs.opened(copy / "users.json")
        now = content(workspace)
        assert now in (before, after), copy
        if now is not None:
            finish(workspace, way)
            check_folders(workspace)
            if "root" in now:
                next_write(workspace)
                assert left_behind(workspace) == []
            check_records(workspace)
        workspace.close()
        shutil.rmtree(copy)


def finish(workspace: Workspace, way: Callable[[Workspace], None]) -> None:
    """Do what comes next; it finishes what was left, and says so."""
    state = workspace.snapshot()
    archives = archives_of(workspace)
    if way is next_write and "root" not in state.users:
        return
    waiting = waiting_work(archives, state.folder_work)
    way(workspace)
    said = [notice for notice in workspace.notices if "Finished" in notice]
    if way is not log_ons or len(said):  # the log-ons of those whose folders wait
        assert len(said) == bool(waiting)
    if way is not log_ons:
        assert waiting_work(archives, state.folder_work) == []


def check_folders(workspace: Workspace) -> None:
    """Everybody has the own mail, and no folder is anybody's who is not there or had mail."""
    users = workspace.snapshot().users
    root = archives_of(workspace).root
    for row in users.values():
        who = (row["distinguished_name"] or "").removeprefix("CN=")
        if who in WITH_MAIL:
            assert (root / folder_name(row["user_name"]) / "new" / "1").read_text() == f"CN={who}"
    if not root.exists():
        return
    for folder in {path.name for path in root.iterdir()} - {folder_name(name) for name in users}:
        files = [path for path in (root / folder).rglob("*") if path.is_file()]
        if folder != MARK and any(path.read_text() for path in files):
            (file,) = files
            assert file.read_text() == f"CN={folder}"  # of anna, who was deleted


def check_records(workspace: Workspace) -> None:
    """Each run that counts has its record, and there is no other record."""
    runs = workspace.store.runs()
    assert [workspace.store.run(run.id).summary for run in runs] == list(runs)
    folder = history_folder(workspace.host_path)
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    assert there - {"pending.json"} == {f"{run.id}.json" for run in runs}


def test_another_stores_archive_is_left_alone(
    office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = prepared("rename", office, monkeypatch)
    (office / "archive" / MARK).unlink()
    put_mark(office / "archive", "of another store", 0)
    tree = sorted(str(path) for path in (office / "archive").rglob("*"))
    with pytest.raises(ArchiveNotMounted, match="belongs to another store"):
        jobs.rename(path)
    assert sorted(str(path) for path in (office / "archive").rglob("*")) == tree
    assert "anna" in jobs.opened(path).snapshot().users
