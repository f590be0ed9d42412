"""Archive folders: what is in the way, what they are open to, where a name is cut."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from store.errors import StoreUnwritable
from store.files.archives import Archives, folder_name, folder_name_of_schema_2
from tests.support.replaced import in_place_of


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    return Archives(tmp_path / "far" / "archive")


@pytest.mark.parametrize("where", ["anna", "anna/cur", "anna/new", "anna/tmp"])
def test_a_file_in_the_place_of_a_folder_is_said_and_stays(archives: Archives, where: str) -> None:
    file = archives.root / where
    file.parent.mkdir(parents=True)
    file.write_text("not ours")
    with pytest.raises(StoreUnwritable, match="anna cannot be made: File exists") as refused:
        archives.create("anna")
    assert "Check the archive root" in refused.value.advice
    assert file.read_text() == "not ours"
    assert archives.is_kept("anna")
    assert not archives.remove_folder("anna")
    assert file.read_text() == "not ours"


def test_all_folders_are_their_owners_alone(archives: Archives) -> None:
    before = os.umask(0)
    try:
        assert archives.create("anna")
    finally:
        os.umask(before)
    folder = archives.path("anna")
    made = [archives.root.parent, archives.root, folder, *folder.iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
    assert sorted(path.name for path in folder.iterdir()) == ["cur", "new", "tmp"]
    assert not archives.create("anna")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_new_folder_is_the_roots_owners(archives: Archives) -> None:
    archives.root.mkdir(parents=True)
    os.chown(archives.root, 12345, 23456)
    archives.create("anna")
    folder = archives.path("anna")
    for path in (folder, *folder.iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("a" * 200, "a" * 200),
        ("ü" * 33 + "ab", "=C3=BC" * 33 + "ab"),
        ("ü" * 33 + "abc", None),
        ("a" * 201, None),
    ],
)
def test_a_name_of_200_characters_is_whole_and_one_of_201_is_cut(
    name: str, folder: str | None
) -> None:
    made, before = folder_name(name), folder_name_of_schema_2(name)
    assert len(made) == len(before) == 200
    if folder is not None:
        assert made == before == folder
    else:
        assert made[:166] == before[:166]
        assert (made[166:168], before[175]) == ("=x", "=")


@pytest.mark.parametrize(
    ("there", "asked", "holds"),
    [
        (["anna"], ["bert", "ANNA"], True),
        (["anna"], ["bert"], False),
        ([], ["anna"], False),
        (None, ["anna"], False),
    ],
)
def test_whether_a_root_holds_a_users_folder(
    archives: Archives, there: list[str] | None, asked: list[str], holds: bool
) -> None:
    if there is not None:
        archives.root.mkdir(parents=True)
    for name in there or ():
        archives.create(name)
    assert archives.holds_a_users_folder(asked) is holds


def test_what_cannot_be_looked_into_is_not_empty(archives: Archives) -> None:
    archives.create("anna")

    def deny(_path: object, **told: Any) -> list[object]:
        told["onerror"](PermissionError(13, "Permission denied", "anna/cur"))
        return []

    refused = pytest.raises(StoreUnwritable, match="anna/cur cannot be read: Permission denied")
    with in_place_of(os, "walk", deny), refused:
        archives.is_kept("anna")


@pytest.mark.parametrize(
    ("files", "messages"),
    [(["new/1", "cur/2", "tmp/3"], 2), (["Sent/new/1", "Sent/other/2", "dovecot"], 1), ([], 0)],
)
def test_messages_are_what_lies_in_new_and_cur(
    archives: Archives, files: list[str], messages: int
) -> None:
    archives.create("anna")
    for name in files:
        path = archives.path("anna") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert archives.messages("anna") == messages
    assert archives.messages("bert") == 0
