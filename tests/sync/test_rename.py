"""Renaming by hand: name, mail and rights stay together, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from store.archives import Archives
from store.errors import InvalidValue, StoreConflict, StoreError, StoreFull
from store.interface import Batch, Edit
from store.models import User
from sync.users.rename import rename_user
from sync.workspace import Workspace
from tests.support.builders import managed

Fill = Callable[..., Workspace]


def found(workspace: Workspace, name: str) -> User:
    user = workspace.snapshot().find(name)
    assert user
    return user


def archives_of(workspace: Workspace) -> Archives:
    return workspace.archives(workspace.snapshot().settings)


@pytest.fixture
def office(fill: Fill) -> Workspace:
    workspace = fill(
        managed("Anna", folder_privileges={"anna": ["read"], "bert": ["write"]}),
        managed("bert", folder_privileges={"anna": ["read"], "carla": ["delete"]}),
        managed("dora", folder_privileges={"dora": ["read"]}),
    )
    archives_of(workspace).create("Anna")
    (archives_of(workspace).path("Anna") / "cur" / "1:2,S").write_text("mail")
    return workspace


def mail(workspace: Workspace, name: str) -> str:
    return (archives_of(workspace).path(name) / "cur" / "1:2,S").read_text()


def test_folder_and_rights_move_along_in_one_write(office: Workspace) -> None:
    generation = office.snapshot().generation
    dora = found(office, "dora")
    renamed = rename_user(office, found(office, "anna"), "Carla")
    assert renamed.user_name == "Carla"
    assert renamed.folder_privileges == {"carla": ["read"], "bert": ["write"]}
    assert found(office, "bert").folder_privileges == {"carla": ["read"]}
    assert found(office, "dora") == dora
    assert office.snapshot().find("anna") is None
    assert office.snapshot().generation == generation + 1
    assert mail(office, "carla") == "mail"
    folder = archives_of(office).path("carla")
    assert folder.is_dir()
    assert not folder.is_symlink()
    assert not archives_of(office).path("anna").exists()


def test_case_only(office: Workspace) -> None:
    assert rename_user(office, found(office, "anna"), "ANNA").user_name == "ANNA"
    assert mail(office, "anna") == "mail"
    assert found(office, "bert").folder_privileges == {"anna": ["read"], "carla": ["delete"]}


def test_a_user_without_a_folder_gets_one(office: Workspace) -> None:
    rename_user(office, found(office, "dora"), "doris")
    assert (archives_of(office).path("doris") / "cur").is_dir()
    assert not archives_of(office).path("dora").exists()


@pytest.mark.parametrize(
    ("name", "says"), [("bert", "There is a user “bert”"), ("a/b", "contains “/”"), ("", "empty")]
)
def test_refused_names(office: Workspace, name: str, says: str) -> None:
    content = office.path.read_bytes()
    with pytest.raises(InvalidValue, match=says):
        rename_user(office, found(office, "anna"), name)
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
        rename_user(office, found(office, "anna"), "carla")
    assert mail(office, "anna") == "mail"
    assert found(office, "anna")


def test_if_the_store_refuses_nothing_changed(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = found(office, "anna")
    office.store.apply(Batch([Edit.update(stale, stale)]))
    with pytest.raises(StoreConflict):
        rename_user(office, stale, "carla")

    def full(*_: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(type(office.store), "apply", full)
    with pytest.raises(StoreError):
        rename_user(office, found(office, "anna"), "carla")
    assert mail(office, "anna") == "mail"
    assert not archives_of(office).path("carla").is_symlink()


def test_killed_before_the_folder_moves_the_mail_is_reached_under_both_names(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Archives, "move", lambda *_: None)
    rename_user(office, found(office, "anna"), "carla")
    monkeypatch.undo()
    assert mail(office, "carla") == mail(office, "anna") == "mail"
    rename_user(office, found(office, "carla"), "dieter")
    assert mail(office, "dieter") == "mail"


def test_if_the_folder_cannot_move_the_link_serves(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Path:
        raise PermissionError

    monkeypatch.setattr(Path, "rename", refused)
    assert rename_user(office, found(office, "anna"), "carla").user_name == "Carla".lower()
    assert mail(office, "carla") == "mail"


def test_if_no_link_can_be_made_nothing_changed(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "symlink_to", refused)
    with pytest.raises(StoreError, match="cannot be renamed: Permission denied"):
        rename_user(office, found(office, "anna"), "carla")
    assert found(office, "anna")
