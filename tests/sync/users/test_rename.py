"""Renaming by hand: name, mail and rights stay together, whatever fails on the way."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from store.errors import InvalidValue, StoreConflict, StoreError, StoreFull
from store.interface import Batch, Edit
from sync.runs.apply import apply_plan
from sync.runs.undo import undo_preview
from sync.users.rename import rename_user
from sync.workspace import Workspace
from tests.support.archived_mail import archives_of
from tests.support.builders import managed, stored
from tests.support.kills import kill_in_the_middle

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
    root = archives_of(workspace).root
    return [path.name for path in root.iterdir() if not workspace.snapshot().find(path.name)]


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
    ("name", "says"), [("bert", "There is a user “bert”"), ("a/b", "contains “/”"), ("", "empty")]
)
def test_refused_names(office: Workspace, name: str, says: str) -> None:
    content = office.path.read_bytes()
    with pytest.raises(InvalidValue, match=says):
        rename_user(office, stored(office, "anna"), name)
    assert office.path.read_bytes() == content
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
    with pytest.raises(InvalidValue, match="There is an archive folder"):
        rename_user(office, stored(office, "anna"), "carla")
    assert mail(office, "anna") == "mail"
    assert stored(office, "anna")


def test_if_the_store_refuses_nothing_changed(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = stored(office, "anna")
    office.store.apply(Batch([Edit.update(stale, stale)]))
    with pytest.raises(StoreConflict):
        rename_user(office, stale, "carla")

    def full(*_: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(type(office.store), "apply", full)
    with pytest.raises(StoreError):
        rename_user(office, stored(office, "anna"), "carla")
    assert mail(office, "anna") == "mail"
    assert not archives_of(office).path("carla").exists()
    assert left_behind(office) == []


@pytest.mark.parametrize("written", [False, True])
def test_the_next_rename_completes_what_a_crash_cut_short(
    office: Workspace, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """Killed right before or right after the write: the folder is on its way."""

    class Killed(BaseException):
        pass

    real = type(office.store).apply

    def die(self: object, batch: Batch) -> None:
        if written:
            real(self, batch)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(type(office.store), "apply", die)
        patched.setattr("store.archive_moves.ArchiveMoves.finish", lambda *_: None)
        with pytest.raises(Killed):
            rename_user(office, stored(office, "anna"), "carla")
    rename_user(office, stored(office, "bert"), "berta")
    assert mail(office, "carla" if written else "anna") == "mail"
    assert stored(office, "berta").folder_privileges["carla" if written else "anna"] == ["read"]
    assert left_behind(office) == []


def test_if_the_folder_cannot_be_moved_nothing_changed(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("store.archive_moves.os.rename", refused)
        with pytest.raises(StoreError, match="cannot be moved: Permission denied"):
            rename_user(office, stored(office, "anna"), "carla")
    assert mail(office, "anna") == "mail"
    assert office.snapshot().find("carla") is None


def test_the_history_names_who_renamed_whom_and_undo_takes_it_back(office: Workspace) -> None:
    rename_user(office, stored(office, "anna"), "Carla", who="root")
    (run,) = office.snapshot().history.runs
    assert (run.kind, run.who, run.counts["rename"]) == ("rename", "root", 1)
    (change,) = office.store.run(run.id).changes
    assert (change["old"], change["new"]) == ({"user_name": "Anna"}, {"user_name": "Carla"})
    apply_plan(office, undo_preview(office, run.id))
    assert mail(office, "anna") == "mail"
    assert stored(office, "anna").user_name == "Anna"
    assert stored(office, "bert").folder_privileges["anna"] == ["read"]


RENAME_FOREVER = """
import sys
from pathlib import Path
from sync.runs.apply import apply_plan
from sync.runs.undo import undo_preview
from sync.users.rename import rename_user
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
        done = kill_in_the_middle(RENAME_FOREVER, str(office.path), after=chance.random() * 0.05)
        assert done
        rename_user(office, stored(office, f"d{number}"), f"d{number + 1}")
        (name,) = {"anna", "carla"} & set(office.snapshot().users)
        assert mail(office, name) == "mail"
        assert stored(office, "bert").folder_privileges[name] == ["read"]
        assert left_behind(office) == []
