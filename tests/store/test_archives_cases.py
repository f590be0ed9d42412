"""Archive folders: what is in the way, what they are open to, where a name is cut."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from store.errors import StoreFull, StoreUnwritable
from store.files.archives import Archives, folder_name, folder_name_of_schema_2, same_folder
from tests.support.replaced import failing, in_place_of


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

    with in_place_of(os, "walk", deny), pytest.raises(StoreUnwritable) as refused:
        archives.is_empty("anna")
    assert refused.value.what == "The archive folder anna/cur cannot be read: Permission denied."
    assert refused.value.advice == "Check its owner and mode."
    assert refused.value.untouched == "Nothing was changed."
    with in_place_of(os, "walk", deny):
        assert archives.is_kept("anna")
    with failing(os, "stat", errno.EACCES):  # the root is closed
        assert archives.is_kept("anna")
    full = failing(os, "mkdir", errno.ENOSPC, lambda path, *_: path == "cur")
    with in_place_of(os, "walk", deny), full, pytest.raises(StoreFull, match="No space left"):
        archives.create("bert")  # what is left of it cannot be looked into


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


def test_a_root_that_cannot_be_made_is_named(archives: Archives) -> None:
    archives.root.parent.write_text("")
    with pytest.raises(StoreUnwritable) as refused:
        archives.create("anna")
    what = f"The archive folder {archives.root} cannot be made: File exists."
    assert refused.value.what == what


def test_a_folder_that_can_neither_be_removed_nor_made_whole_stays(archives: Archives) -> None:
    archives.create("anna")
    full = failing(os, "mkdir", errno.ENOSPC)
    with failing(os, "rmdir", errno.EACCES, lambda path: str(path).endswith("anna")), full:
        assert not archives.remove_folder("anna")
    assert archives.path("anna").exists()
    assert archives.remove_folder("anna")


LONG = ["ü" * 40 + end for end in "abc"]  # whose folders are cut


@pytest.mark.parametrize(
    ("names", "others", "found"),
    [
        (["x", *LONG[:1]], ["x", LONG[1]], {LONG[0]: LONG[1]}),
        (LONG[:2], [LONG[2]], {LONG[0]: LONG[2], LONG[1]: LONG[2]}),
        (LONG[:2], [LONG[0].upper()], {LONG[1]: LONG[0].upper()}),
        (LONG[:1], ["x", LONG[0], "y"], {}),
        ([LONG[0], LONG[0].upper()], [], {}),
        (["x"], LONG, {}),
        (LONG[:1], [LONG[1], LONG[2]], {LONG[0]: LONG[2]}),
    ],
)
def test_whose_folder_is_another_ones(
    names: list[str], others: list[str], found: dict[str, str]
) -> None:
    with in_place_of(hashlib, "sha256", lambda _text: hashlib.md5(b"one for all")):
        assert same_folder(names, others) == found


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archives:
    """Archives in the current folder, which belongs to somebody else than root."""
    monkeypatch.chdir(tmp_path)
    os.chown(tmp_path, 12345, 23456)
    os.chmod(tmp_path, 0o755)
    return Archives(Path("archive"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_who_is_not_root_gives_nothing_away(elsewhere: Archives) -> None:
    os.seteuid(12345)
    try:
        assert elsewhere.create("anna")
    finally:
        os.seteuid(0)
    assert {path.stat().st_uid for path in elsewhere.root.rglob("*")} == {12345}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_file_system_that_gives_nothing_away_is_left_alone(elsewhere: Archives) -> None:
    elsewhere.root.mkdir()
    os.chown(elsewhere.root, 12345, 23456)
    with failing(os, "chown", errno.EPERM):
        assert elsewhere.create("anna")
    assert len(list(elsewhere.path("anna").iterdir())) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_in_a_folder_that_came_in_place_of_roots_nothing_is_given_away(
    elsewhere: Archives,
) -> None:
    """The root's owner may put an own folder there, and then links to what is root's into it."""
    elsewhere.root.mkdir()
    os.chown(elsewhere.root, 12345, 23456)

    def swapped(path: Any, mode: int, **where: Any) -> None:
        real(path, mode, **where)
        if path == "anna":
            os.chown(path, 12345, 23456, **where)

    with in_place_of(os, "mkdir", swapped) as real:
        assert elsewhere.create("anna")
    assert {path.stat().st_uid for path in elsewhere.path("anna").iterdir()} == {0}
