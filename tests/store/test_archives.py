"""Archive folders."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.archives import Archives, folder_name
from store.errors import StoreFull, StoreUnwritable
from store.names import match_key, name_problem


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


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    return Archives(tmp_path / "archive")


@pytest.mark.parametrize("is_there", [False, True])
def test_a_disk_that_gets_full_leaves_no_new_folder_and_takes_no_old_one(
    archives: Archives, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    folder = archives.path("anna")
    if is_there:
        folder.mkdir(parents=True)
    mkdir = Path.mkdir

    def fill_up(path: Path, *given: Any, **named: Any) -> None:
        if path.name == "cur":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        mkdir(path, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", fill_up)
        with pytest.raises(StoreFull, match=r"cannot be made: No space.*No user was changed"):
            archives.create("anna")
    assert folder.exists() == is_there
    assert archives.create("anna") != is_there
    assert (folder / "cur").is_dir()


class TestRemoval:
    def test_an_empty_maildir_goes(self, archives: Archives) -> None:
        archives.create("anna")
        archives.create("anna")
        (archives.path("anna") / "Sent" / "cur").mkdir(parents=True)
        assert not archives.is_kept("anna")
        assert archives.remove_if_empty("anna")
        assert not archives.path("anna").exists()
        assert archives.root.exists()

    @pytest.mark.parametrize("where", ["new/1", "cur/1:2,S", "Sent/cur/1", "dovecot-uidlist"])
    def test_one_with_any_file_stays(self, archives: Archives, where: str) -> None:
        archives.create("anna")
        file = archives.path("anna") / where
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mail")
        assert archives.is_kept("anna")
        assert not archives.remove_if_empty("anna")
        assert file.read_text() == "mail"
        assert archives.messages("anna") == (0 if where == "dovecot-uidlist" else 1)

    @pytest.mark.parametrize("where", ["new/1", "dovecot-uidlist"])
    def test_what_arrives_after_the_look_stays_in_a_whole_maildir(
        self, archives: Archives, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        archives.create("anna")
        file = archives.path("anna") / where
        look = Archives.is_kept

        def look_too_early(self: Archives, user_name: str) -> bool:
            kept = look(self, user_name)
            file.write_text("mail")
            return kept

        monkeypatch.setattr(Archives, "is_kept", look_too_early)
        assert not archives.remove_if_empty("anna")
        assert file.read_text() == "mail"
        assert {item.name for item in archives.path("anna").iterdir()} >= {"tmp", "new", "cur"}

    def test_one_that_is_not_there_is_gone(self, archives: Archives) -> None:
        assert not archives.is_kept("anna")
        assert archives.remove_if_empty("anna")

    def test_a_link_is_left_alone(self, archives: Archives, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        archives.root.mkdir()
        archives.path("anna").symlink_to(tmp_path / "elsewhere")
        assert archives.is_kept("anna")
        assert not archives.remove_if_empty("anna")
        assert (tmp_path / "elsewhere").exists()


def test_a_root_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnwritable, match="No user was changed"):
        Archives(tmp_path / "file").create("anna")
