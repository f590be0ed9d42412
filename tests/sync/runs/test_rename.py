"""Renaming by hand: name, mail and rights stay together, whatever fails on the way."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import InvalidValue, StoreConflict, StoreError, StoreFull
from store.files.archive_mark import MARK
from store.interface import Batch, Edit
from sync.runs.apply import apply_plan
from sync.runs.by_hand import edit_user, rename_user
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.archived_mail import archives_of
from tests.support.builders import managed, stored
from tests.support.kills import kill_in_the_middle
from tests.support.replaced import failing
from tests.support.wrapped_store import with_store

Fill = Callable[..., Workspace]


@pytest.fixture
def office(fill: Fill) -> Workspace:
    workspace = fill(
        managed("Anna", folder_privileges={"anna": ["read"], "bert": ["write"]}),
        managed("bert", folder_privileges={"anna": ["read"], "carla": ["delete"]}),
        managed("dora", folder_privileges={"dora": ["read"]}),
        managed("d0"),
    )
    archives_of(workspace).create("Anna")
    (archives_of(workspace).path("Anna") / "cur" / "1:2,S").write_text("mail")
    return workspace


def left_behind(workspace: Workspace) -> list[str]:
    """What is below the archive root and is no user's."""
    names = [path.name for path in archives_of(workspace).root.iterdir()]
    return [name for name in names if name != MARK and not workspace.snapshot().find(name)]


def mail(workspace: Workspace, name: str) -> str:
    return (archives_of(workspace).path(name) / "cur" / "1:2,S").read_text()


def test_folder_and_rights_move_along_in_one_write(office: Workspace) -> None:
    generation = office.snapshot().generation
    dora = stored(office, "dora")
    renamed = rename_user(office, stored(office, "anna"), "Carla")
    assert renamed.user_name == "Carla"
    assert renamed.folder_privileges == {"carla": ["read"], "bert": ["write"]}
    assert stored(office, "bert").folder_privileges == {"carla": ["read"]}
    assert stored(office, "dora") == dora
    assert office.snapshot().find("anna") is None
    assert office.snapshot().generation == generation + 1
    assert mail(office, "carla") == "mail"
    folder = archives_of(office).path("carla")
    assert folder.is_dir()
    assert not folder.is_symlink()
    assert not archives_of(office).path("anna").exists()


def test_case_only(office: Workspace) -> None:
    assert rename_user(office, stored(office, "anna"), "ANNA").user_name == "ANNA"
    assert mail(office, "anna") == "mail"
    assert stored(office, "bert").folder_privileges == {"anna": ["read"], "carla": ["delete"]}


def test_a_user_without_a_folder_gets_one(office: Workspace) -> None:
    rename_user(office, stored(office, "dora"), "doris")
    assert (archives_of(office).path("doris") / "cur").is_dir()
    assert not archives_of(office).path("dora").exists()


@pytest.mark.parametrize(
    ("name", "says"), [("bert", "The user “bert” exists"), ("a/b", "contains “/”"), ("", "empty")]
)
def test_refused_names(office: Workspace, name: str, says: str) -> None:
    content = office.host_path.read_bytes()
    with pytest.raises(InvalidValue, match=says):
        rename_user(office, stored(office, "anna"), name)
    assert office.host_path.read_bytes() == content
    assert mail(office, "anna") == "mail"


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_a_folder_that_is_there_is_never_taken_over(office: Workspace, kind: str) -> None:
    target = archives_of(office).path("carla")
    if kind == "folder":
        target.mkdir()
    elif kind == "file":
        target.touch()
    else:
        target.symlink_to("nowhere")
    with pytest.raises(InvalidValue, match="The archive folder"):
        rename_user(office, stored(office, "anna"), "carla")
    assert mail(office, "anna") == "mail"
    assert stored(office, "anna")


def test_if_the_store_refuses_nothing_changed(office: Workspace) -> None:
    stale = stored(office, "anna")
    office.store.apply(Batch([Edit.update(stale, stale)]))
    with pytest.raises(StoreConflict):
        rename_user(office, stale, "carla")

    def full(*_: object) -> None:
        raise StoreFull("no room", "")

    with pytest.raises(StoreError):
        rename_user(with_store(office, apply=full), stored(office, "anna"), "carla")
    assert mail(office, "anna") == "mail"
    assert not archives_of(office).path("carla").exists()
    assert left_behind(office) == []


def test_a_folder_that_cannot_be_moved_yet_is_told_and_moved_later(office: Workspace) -> None:
    root = archives_of(office).root
    with failing(os, "rename", errno.EACCES, lambda source, _: root in Path(source).parents):
        rename_user(office, stored(office, "anna"), "carla")
        (notice,) = office.notices
        assert "cannot be moved to its user's name: Permission denied" in notice
        assert mail(office, "anna") == "mail"
        with pytest.raises(StoreError, match="Permission denied"):
            rename_user(office, stored(office, "dora"), "doris")  # it needs folders as well
        edit_user(office, stored(office, "bert"), replace(stored(office, "bert"), full_name="B"))
    assert stored(office, "carla")
    rename_user(office, stored(office, "dora"), "doris")
    assert mail(office, "carla") == "mail"
    assert left_behind(office) == []


def test_the_history_names_who_renamed_whom_and_undo_takes_it_back(office: Workspace) -> None:
    rename_user(replace(office, who="root"), stored(office, "anna"), "Carla")
    (run,) = office.snapshot().history.runs
    assert (run.kind, run.who, run.counts["rename"]) == ("rename", "root", 1)
    change, ended = office.store.run(run.id).changes
    assert (ended["user_name"], ended["old"], ended["new"]) == (
        "bert",
        {"folder_privileges": {"anna": ["read"], "carla": ["delete"]}},
        {"folder_privileges": {"carla": ["read"]}},
    )
    assert (change["old"], change["new"]) == ({"user_name": "Anna"}, {"user_name": "Carla"})
    apply_plan(office, undo_preview(office, run.id))
    assert mail(office, "anna") == "mail"
    assert stored(office, "anna").user_name == "Anna"
    assert stored(office, "bert").folder_privileges == {"anna": ["read"], "carla": ["delete"]}


RENAME_FOREVER = """
import sys
from pathlib import Path
from sync.runs.apply import apply_plan
from sync.runs.undo import undo_preview
from sync.runs.by_hand import edit_user, rename_user
from sync.workspace import open_workspace
workspace = open_workspace(sys.argv[1], Path(sys.argv[1]).with_name("secret.key"))
while True:
    for name in ("anna", "carla"):
        if user := workspace.snapshot().find(name):
            rename_user(workspace, user, "carla" if name == "anna" else "anna")
            print("renamed", flush=True)
"""


def test_killed_at_any_moment_the_mail_and_the_rights_are_with_the_user(
    office: Workspace,
) -> None:
    chance = random.Random(11)
    for number in range(6):
        done = kill_in_the_middle(
            RENAME_FOREVER, str(office.host_path), after=chance.random() * 0.05
        )
        assert done
        rename_user(office, stored(office, f"d{number}"), f"d{number + 1}")
        (name,) = {"anna", "carla"} & set(office.snapshot().users)
        assert mail(office, name) == "mail"
        assert stored(office, "bert").folder_privileges[name] == ["read"]
        assert left_behind(office) == []
