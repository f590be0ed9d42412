"""What a mail server is told of a user, and the file with the user's rights."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import StoreUnwritable
from store.interface import Batch, Edit, Snapshot
from store.models import DIRECTORY_SERVICES, User
from sync.errors import LogOnRefused, LogOnUnavailable
from sync.logon.mail_access import acl_letters, acl_lines, admit, derive_access, write_access
from sync.workspace import Workspace
from tests.support.wrapped_store import with_store

Fill = Callable[..., Workspace]


def user(*privileges: str, **folders: list[str]) -> User:
    return User(user_name="anna", privileges=list(privileges), folder_privileges=folders)


@pytest.fixture
def ready(fill: Fill) -> Workspace:
    workspace = fill(user("login", anna=["read"], bert=["write"]))
    workspace.archives(workspace.snapshot().settings).create("anna")
    return workspace


@pytest.mark.parametrize(
    ("privileges", "rights", "letters"),
    [
        (["login"], ["none"], ""),
        (["login"], [], ""),
        (["login"], ["read"], "lr"),
        (["login"], ["write"], "lrwsi"),
        (["login"], ["read", "write"], "lrwsi"),
        (["login"], ["delete"], ""),
        (["login"], ["read", "delete"], "lr"),
        (["login", "delete"], ["read", "delete"], "lrte"),
        (["admin"], ["delete"], "lrte"),
        (["login", "delete"], ["write", "delete"], "lrwsite"),
        (["login", "delete"], ["read", "write", "delete"], "lrwstipek"),
    ],
)
def test_letters(privileges: list[str], rights: list[str], letters: str) -> None:
    assert acl_letters(user(*privileges), rights) == letters
    assert "a" not in letters


def test_lines_name_folders_safely_and_the_user_as_stored() -> None:
    named = replace(user("login", **{"jörg *": ["read"], "none": ["none"]}), user_name='Jörg "J"')
    assert list(acl_lines(named)) == [
        '"*" "owner" lr\n',
        '"Archive/j=C3=B6rg=20=2A" "user=Jörg \\"J\\"" lr\n',
        '"Archive/j=C3=B6rg=20=2A/*" "user=Jörg \\"J\\"" lr\n',
    ]


def test_only_subfolders_may_be_deleted() -> None:
    lines = list(acl_lines(user("login", "delete", anna=["read", "write", "delete"])))
    assert lines[1].endswith(" lrwstipek\n")
    assert lines[2].endswith(" lrwstipekx\n")


def test_nobody_gets_in_or_keeps_rights_under_a_name_with_another_id(
    ready: Workspace, tmp_path: Path
) -> None:
    access = derive_access(ready, tmp_path / "homes", "anna")
    before = ready.snapshot().find("anna")
    assert before
    in_doubt = replace(before, authentication=DIRECTORY_SERVICES, directory_id="1", other_id="2")
    ready.store.apply(Batch([Edit.update(before, in_doubt)]))
    with pytest.raises(LogOnRefused):
        derive_access(ready, tmp_path / "homes", "anna")
    assert access.acl.read_text() == ""
    write_access(access.home, in_doubt)
    assert access.acl.read_text() == ""


def test_the_file_is_private_and_follows_the_store(ready: Workspace, tmp_path: Path) -> None:
    access = derive_access(ready, tmp_path / "homes", "ANNA")
    assert (access.user, access.home) == ("anna", tmp_path / "homes" / "anna")
    assert (access.uid, access.gid) == (os.getuid(), os.getgid())
    assert stat.S_IMODE(access.acl.stat().st_mode) == 0o600
    assert "Archive/bert" in access.acl.read_text()
    before = ready.snapshot().find("anna")
    assert before
    changed = replace(before, folder_privileges={"anna": ["none"]})
    ready.store.apply(Batch([Edit.update(before, changed)]))
    assert derive_access(ready, tmp_path / "homes", "anna").acl.read_text() == '"*" "owner" lr\n'
    assert [path.name for path in access.home.iterdir()] == ["acl"]


def test_an_unchanged_file_is_left_alone(ready: Workspace, tmp_path: Path) -> None:
    before = derive_access(ready, tmp_path / "homes", "anna").acl.stat()
    after = derive_access(ready, tmp_path / "homes", "anna").acl.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_change_while_it_is_written_wins(ready: Workspace, tmp_path: Path) -> None:
    """An earlier log-on that is slow to write must not restore what was taken away."""
    looks: list[Snapshot] = []

    def find(user_name: str) -> Snapshot:
        state = ready.store.find(user_name)
        looks.append(state)
        if len(looks) == 1:
            before = state.find(user_name)
            assert before
            changed = replace(before, folder_privileges={"anna": ["read"]})
            ready.store.apply(Batch([Edit.update(before, changed)]))
        return state

    access = derive_access(with_store(ready, find=find), tmp_path / "homes", "anna")
    assert "Archive/bert" not in access.acl.read_text()
    assert len(looks) == 3


@pytest.mark.parametrize("name", ["nobody", "off"])
def test_nobody_else_gets_anything(ready: Workspace, tmp_path: Path, name: str) -> None:
    ready.store.apply(Batch([Edit.create(User(user_name="off", privileges=["none"]))]))
    with pytest.raises(LogOnRefused):
        derive_access(ready, tmp_path / "homes", name)


def test_without_a_store_or_a_place_nobody_can_tell(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(LogOnUnavailable):
        derive_access(workspace, tmp_path / "homes", "anna")
    (tmp_path / "homes").write_text("in the way")
    workspace.store.apply(Batch([Edit.create(user("login"))]))
    with pytest.raises(StoreUnwritable, match="cannot be used"):
        derive_access(workspace, tmp_path / "homes", "anna")


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(
    ready: Workspace, tmp_path: Path
) -> None:
    access = derive_access(ready, tmp_path / "homes", "anna")
    content = access.acl.read_text()
    before = ready.snapshot().find("anna")
    assert before
    ready.store.apply(Batch([Edit.update(before, replace(before, folder_privileges={}))]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, limits[1]))
    try:
        with pytest.raises(StoreUnwritable, match="File too large"):
            derive_access(ready, tmp_path / "homes", "anna")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in access.home.iterdir()] == ["acl"]
    assert access.acl.read_text() == content


GONE = {"deleted": None, "disabled": ["none"]}


@pytest.mark.parametrize("privileges", GONE.values(), ids=GONE)
def test_a_refused_log_on_ends_the_rights_of_who_may_not_log_on(
    ready: Workspace, tmp_path: Path, privileges: list[str] | None
) -> None:
    homes = tmp_path / "homes"
    access = derive_access(ready, homes, "anna")
    assert admit(ready, homes, "ANNA", "wrong")[0].outcome == "refused"
    assert "Archive/anna" in access.acl.read_text()  # who only mistyped keeps them
    before = ready.snapshot().find("anna")
    assert before
    after = replace(before, privileges=privileges) if privileges else None
    ready.store.apply(Batch([Edit(before.key, before.rev, after)]))
    assert admit(ready, homes, "ANNA", "any")[0].outcome == "refused"
    assert access.acl.read_text() == ""


def test_rights_that_cannot_be_ended_are_an_outage(ready: Workspace, tmp_path: Path) -> None:
    access = derive_access(ready, tmp_path / "homes", "anna")
    before = ready.snapshot().find("anna")
    assert before
    ready.store.apply(Batch([Edit.delete(before)]))
    access.acl.unlink()
    access.acl.mkdir()
    verdict, _ = admit(ready, tmp_path / "homes", "anna", "any")
    assert (verdict.outcome, "Is a directory" in str(verdict.error)) == ("outage", True)


@pytest.mark.parametrize("name", ["..", ".", "", "/", "\udcff", "a" * 999, "nobody"])
def test_names_that_nobody_can_have_touch_no_file(
    ready: Workspace, tmp_path: Path, name: str
) -> None:
    homes = tmp_path / "homes"
    homes.mkdir()
    for folder in (homes, tmp_path):
        (folder / "acl").write_text("somebody else's")
    assert admit(ready, homes, name, "any")[0].outcome == "refused"
    assert [(folder / "acl").read_text() for folder in (homes, tmp_path)] == ["somebody else's"] * 2
