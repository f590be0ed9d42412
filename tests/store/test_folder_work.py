"""Folder work: mail goes where its user goes, and what is done twice is done once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from store.errors import ArchiveNotMounted, StoreUnwritable
from store.files.archive_mark import MARK, done_until, put_mark, store_in
from store.files.archives import Archives
from store.files.folder_work import FolderWork, carry_out, under_way, waiting_work
from tests.support.replaced import in_place_of

STORE = "a store"


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    return Archives(tmp_path / "archive")


def give(archives: Archives, *names: str) -> None:
    """Put a message into the folder of each."""
    for name in names:
        archives.create(name)
        (archives.path(name) / "cur" / "1:2,S").write_text(f"mail of {name}")


def mail(archives: Archives) -> dict[str, str]:
    """Return what each folder below the root that is no part of the machinery holds."""
    found = {}
    for folder in archives.root.iterdir():
        message = folder / "cur" / "1:2,S"
        if not folder.name.startswith("."):
            found[folder.name] = message.read_text() if message.exists() else ""
    return found


def move(folder: str, to: str, generation: int = 5) -> FolderWork:
    return FolderWork("move", folder, to, generation)


def remove(folder: str, generation: int = 5) -> FolderWork:
    return FolderWork("remove", folder, generation=generation)


def aside(folder: str, generation: int = 5) -> FolderWork:
    return FolderWork("aside", folder, f"{folder}=aside-r", generation)


CASES: dict[str, tuple[Sequence[FolderWork], dict[str, str]]] = {
    "move": ([move("a", "x")], {"x": "mail of a", "b": "mail of b"}),
    "swap": ([move("a", "b"), move("b", "a")], {"b": "mail of a", "a": "mail of b"}),
    "chain": ([move("b", "c"), move("a", "b")], {"b": "mail of a", "c": "mail of b"}),
    "aside": (
        [aside("b"), move("a", "b")],
        {"b": "mail of a", "b=aside-r": "mail of b"},
    ),
    "into an empty folder": ([move("a", "empty")], {"empty": "mail of a", "b": "mail of b"}),
    "removals": ([remove("empty"), remove("b")], {"a": "mail of a", "b": "mail of b"}),
    "two runs": (
        [move("a", "x", 5), move("x", "y", 6), remove("empty", 7)],
        {"y": "mail of a", "b": "mail of b"},
    ),
    "a folder that is not there": (
        [move("nobody", "x"), move("a", "y")],
        {"y": "mail of a", "b": "mail of b"},
    ),
}


@pytest.fixture(params=CASES, ids=str)
def case(
    request: pytest.FixtureRequest, archives: Archives
) -> tuple[Sequence[FolderWork], dict[str, str]]:
    give(archives, "a", "b")
    archives.create("empty")
    return CASES[request.param]


def without_empty(found: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in found.items() if text}


def test_done_once_and_done_twice(
    archives: Archives, case: tuple[Sequence[FolderWork], dict[str, str]]
) -> None:
    work, expected = case
    carry_out(archives, STORE, work)
    assert without_empty(mail(archives)) == expected
    if any(item.act == "remove" for item in work):
        assert not archives.path("empty").exists()
    assert waiting_work(archives, work) in ([], [remove("b")])
    carry_out(archives, STORE, work)
    assert without_empty(mail(archives)) == expected
    assert under_way(archives.root) == []


def test_killed_before_any_step_it_goes_on_from_there(
    archives: Archives,
    case: tuple[Sequence[FolderWork], dict[str, str]],
) -> None:
    work, expected = case
    calls = ("rename", "replace", "mkdir", "rmdir", "open", "fsync")
    real = {name: getattr(os, name) for name in calls}
    for step in itertools.count(1):
        left = [step]

        def dying(name: str, left: list[int] = left) -> Callable[..., object]:
            def call(*rest: object, **named: object) -> object:
                left[0] -= 1
                if left[0] == 0:
                    raise Killed
                return real[name](*rest, **named)

            return call

        with ExitStack() as replaced:
            for name in calls:
                replaced.enter_context(in_place_of(os, name, dying(name)))
            try:
                carry_out(archives, STORE, work)
            except Killed:
                continue
        assert step > 1
        break
    assert without_empty(mail(archives)) == expected
    assert under_way(archives.root) == []


def test_a_name_that_somebody_new_has_is_not_moved_again(archives: Archives) -> None:
    give(archives, "a")
    work = [move("a", "x")]
    carry_out(archives, STORE, work)
    give(archives, "a")
    carry_out(archives, STORE, work)
    assert mail(archives) == {"x": "mail of a", "a": "mail of a"}


def test_without_what_the_mark_says_it_would_be(archives: Archives) -> None:
    """The control: it is the mark that tells what was done."""
    give(archives, "a")
    work = [move("a", "x")]
    carry_out(archives, STORE, work)
    give(archives, "a")
    (archives.root / MARK).unlink()
    carry_out(archives, STORE, work)
    assert not archives.path("a").exists()


def test_mail_that_came_meanwhile_is_merged(archives: Archives) -> None:
    give(archives, "a")
    archives.create("c")
    (archives.path("c") / "new" / "2").write_text("came meanwhile")
    carry_out(archives, STORE, [move("a", "c")])
    assert (archives.path("c") / "new" / "2").read_text() == "came meanwhile"
    assert mail(archives) == {"c": "mail of a"}


def test_what_is_in_the_way_is_told_and_nothing_is_lost(archives: Archives) -> None:
    give(archives, "a")
    archives.path("c").write_text("a file")
    for _ in range(2):
        with pytest.raises(StoreUnwritable, match="no mail is lost, and the next write"):
            carry_out(archives, STORE, [move("a", "c")])
    archives.path("c").unlink()
    carry_out(archives, STORE, [move("a", "c")])
    assert mail(archives) == {"c": "mail of a"}


class TestMark:
    def test_it_says_whose_archive_it_is_and_what_is_done(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        assert (store_in(root), done_until(root)) == (None, 0)
        put_mark(root, STORE, 7)
        assert (store_in(root), done_until(root)) == (STORE, 7)
        put_mark(root, STORE, 8)
        assert done_until(root) == 8
        with pytest.raises(ArchiveNotMounted, match=r"belongs to another store \(id a store\)"):
            put_mark(root, "another", 9)
        assert [item.name for item in root.iterdir()] == [MARK]

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"store": 1, "done": 1}', "{}"])
    def test_a_damaged_one_stops_everything(self, tmp_path: Path, content: str) -> None:
        (tmp_path / MARK).write_text(content)
        for look in (store_in, done_until):
            with pytest.raises(StoreUnwritable, match=r"The archive.s mark .* No folder was"):
                look(tmp_path)
