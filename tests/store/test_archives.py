"""Archive folders."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import StoreFull, StoreUnwritable
from store.files.archives import Archives, folder_name, folder_name_of_schema_2, same_folder
from store.names import match_key, name_problem
from tests.support.replaced import failing, in_place_of


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("anna", "anna"),
        ("Anna.Berg", "anna.berg"),
        ("a b+c@x.org", "a=20b+c@x.org"),
        ("jörg", "j=C3=B6rg"),
        ("a=20b", "a=3D20b"),
        ("$(rm -rf)&'", "=24=28rm=20-rf=29=26=27"),
    ],
)
def test_folder_names_are_plain(name: str, folder: str) -> None:
    assert folder_name(name) == folder


valid_names = st.text(min_size=1, max_size=300).filter(lambda name: name_problem(name) is None)


@given(valid_names, valid_names)
def test_they_are_safe_and_as_different_as_the_names(one: str, other: str) -> None:
    folder = folder_name(one)
    assert folder.isascii()
    assert folder.isprintable()
    assert len(folder) <= 200
    assert not set(folder) & set("/\\*?%~ ")
    assert folder not in (".", "..")
    assert (folder == folder_name(other)) == (match_key(one) == match_key(other))


def test_very_long_names_that_begin_alike_differ() -> None:
    assert folder_name("ü" * 120 + "a") != folder_name("ü" * 120 + "b")


@given(st.text("aü =", min_size=20, max_size=250).filter(lambda name: name_problem(name) is None))
def test_no_name_spells_the_folder_of_one_that_is_cut(name: str) -> None:
    folder = folder_name(name)
    for escapes in (folder, folder.upper(), folder_name_of_schema_2(name)):
        other = unquote(escapes.replace("=", "%"))
        assert match_key(other) == match_key(name) or folder_name(other) != folder


def test_a_cut_name_and_one_made_for_it_had_one_folder() -> None:
    names = (f"{'a b' * 60}{number}" for number in range(1000))
    for name in names:  # whose digest begins with an escape that one can spell
        old = folder_name_of_schema_2(name)
        if old[-24:-22].isdigit() and old[-24:-22] >= "30":
            made = unquote(old.replace("=", "%"))
            if name_problem(made) is None and folder_name(made) == old:
                assert match_key(made) != match_key(name)
                assert folder_name(made) != folder_name(name)
                return
    pytest.fail("no such name was found")


def test_names_whose_digests_are_one() -> None:
    one, other, shorter = "ü" * 120 + "a", "ü" * 120 + "b", "ü" * 10
    with in_place_of(hashlib, "sha256", lambda _text: hashlib.md5(b"one for all")):
        assert same_folder([one, shorter], [other, "anna"]) == {one: other}
        assert same_folder([one, other], [shorter]) == {other: one}
        assert same_folder([one], [one.upper()]) == {}


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    return Archives(tmp_path / "archive")


@pytest.mark.parametrize("is_there", [False, True])
def test_a_disk_that_gets_full_leaves_no_new_folder_and_takes_no_old_one(
    archives: Archives, is_there: bool
) -> None:
    folder = archives.path("anna")
    if is_there:
        folder.mkdir(parents=True)
    with (
        failing(os, "mkdir", errno.ENOSPC, lambda path, *_: os.path.basename(path) == "cur"),
        pytest.raises(StoreFull, match=r"cannot be made: No space.*No user was changed"),
    ):
        archives.create("anna")
    assert folder.exists() == is_there
    assert archives.create("anna") != is_there
    assert (folder / "cur").is_dir()


def test_of_many_folders_those_before_a_failure_are_told(archives: Archives) -> None:
    archives.create("bert")
    folders = archives.create_folders(["anna", "bert", "carl", "dora"])
    assert [next(folders), next(folders)] == ["anna", "carl"]
    with (
        failing(os, "mkdir", errno.ENOSPC),
        pytest.raises(StoreFull, match="dora cannot be made: No space"),
    ):
        next(folders)
    assert sorted(os.listdir(archives.root)) == ["anna", "bert", "carl"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_root_gives_folders_to_the_owner_of_the_root(archives: Archives) -> None:
    archives.root.mkdir()
    os.chown(archives.root, 1234, 5678)
    archives.create("anna")
    (archives.root / "bert").mkdir()  # there, and not whole
    archives.create("bert")
    made = [archives.path("anna"), *archives.path("anna").iterdir()]
    made += archives.path("bert").iterdir()
    assert {(found.st_uid, found.st_gid) for found in map(os.stat, made)} == {(1234, 5678)}
    assert archives.path("bert").stat().st_uid == 0  # what is there stays as it is


class TestRemoval:
    def test_an_empty_maildir_goes(self, archives: Archives) -> None:
        archives.create("anna")
        archives.create("anna")
        (archives.path("anna") / "Sent" / "cur").mkdir(parents=True)
        assert not archives.is_kept("anna")
        assert archives.remove_folder("anna")
        assert not archives.path("anna").exists()
        assert archives.root.exists()

    @pytest.mark.parametrize("where", ["new/1", "cur/1:2,S", "Sent/cur/1", "dovecot-uidlist"])
    def test_one_with_any_file_stays(self, archives: Archives, where: str) -> None:
        archives.create("anna")
        file = archives.path("anna") / where
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mail")
        assert archives.is_kept("anna")
        assert not archives.remove_folder("anna")
        assert file.read_text() == "mail"
        assert archives.messages("anna") == (0 if where == "dovecot-uidlist" else 1)

    @pytest.mark.parametrize("where", ["new/1", "dovecot-uidlist"])
    def test_what_arrives_after_the_look_stays_in_a_whole_maildir(
        self, archives: Archives, where: str
    ) -> None:
        archives.create("anna")
        file = archives.path("anna") / where

        class LooksTooEarly(Archives):
            def is_empty(self, folder: str) -> bool:
                empty = super().is_empty(folder)
                file.write_text("mail")
                return empty

        assert not LooksTooEarly(archives.root).remove_folder("anna")
        assert file.read_text() == "mail"
        assert {item.name for item in archives.path("anna").iterdir()} >= {"tmp", "new", "cur"}

    def test_one_that_is_not_there_is_gone(self, archives: Archives) -> None:
        assert not archives.is_kept("anna")
        assert archives.remove_folder("anna")

    def test_a_link_is_left_alone(self, archives: Archives, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        archives.root.mkdir()
        archives.path("anna").symlink_to(tmp_path / "elsewhere")
        assert archives.is_kept("anna")
        assert not archives.remove_folder("anna")
        assert (tmp_path / "elsewhere").exists()


def test_a_root_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnwritable, match="No user was changed"):
        Archives(tmp_path / "file").create("anna")
