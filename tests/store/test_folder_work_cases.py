"""Folder work: what waits, what is in the way, and what becomes of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from store.errors import ArchiveNotMounted, StoreUnwritable
from store.files.archive_mark import MARK, done_until, put_mark, store_in
from store.files.archives import Archives
from store.files.folder_work import FolderWork, carry_out, concerns, under_way, waiting_work
from tests.support.replaced import failing, in_place_of

STORE = "a store"
PLACE = ".mailroster-moves"
MOVE = FolderWork("move", "a", "b", 5)
ASIDE = FolderWork("aside", "a", "b", 5)
REMOVE = FolderWork("remove", "a", generation=5)
MAKE = FolderWork("make", "a", generation=5)


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    return Archives(tmp_path / "archive")


def give(archives: Archives, *names: str) -> None:
    for name in names:
        archives.create(name)
        (archives.path(name) / "cur" / "1").write_text(f"mail of {name}")


def files(archives: Archives) -> dict[str, str]:
    """Every file below the root but the mark, by its path."""
    return {
        str(path.relative_to(archives.root)): path.read_text()
        for path in archives.root.rglob("*")
        if path.is_file() and path.name != MARK
    }


def test_work_is_stored_as_plain_values() -> None:
    stored = {"act": "move", "folder": "a", "to": "b", "generation": 5}
    assert MOVE.to_stored() == stored
    assert FolderWork.from_stored(stored) == MOVE
    assert FolderWork.from_stored({"act": "make", "folder": "a"}) == FolderWork("make", "a", "", 0)


@pytest.mark.parametrize(("folder", "is_so"), [("a", True), ("b", True), ("c", False), ("d", True)])
def test_whom_work_concerns(folder: str, is_so: bool) -> None:
    assert concerns([MOVE, FolderWork("remove", "d")], folder) is is_so


def nothing(_archives: Archives) -> None:
    pass


def empty(archives: Archives) -> None:
    archives.create("a")


def full(archives: Archives) -> None:
    give(archives, "a")


@pytest.mark.parametrize("there", [nothing, empty, full])
@pytest.mark.parametrize(
    ("work", "done", "waits"),
    [
        (MOVE, 4, {nothing, empty, full}), (MOVE, 5, set()), (MOVE, 6, set()),
        (ASIDE, 4, {nothing, empty, full}), (ASIDE, 5, set()),
        (REMOVE, 4, {empty}), (REMOVE, 5, {empty}), (MAKE, 4, {nothing}), (MAKE, 5, {nothing}),
    ],
)  # fmt: skip
def test_what_waits(
    archives: Archives,
    work: FolderWork,
    done: int,
    waits: set[Callable[[Archives], None]],
    there: Callable[[Archives], None],
) -> None:
    there(archives)
    put_mark(archives.root, STORE, done)
    assert waiting_work(archives, [work]) == ([work] if there in waits else [])


def test_what_cannot_be_looked_into_does_not_wait_and_stays(archives: Archives) -> None:
    archives.create("a")

    def deny(_path: object, **told: Callable[[OSError], object]) -> list[object]:
        if "onerror" in told:
            told["onerror"](PermissionError(13, "Permission denied", "a"))
        return []

    with in_place_of(os, "walk", deny):
        assert waiting_work(archives, [REMOVE]) == []
        carry_out(archives, STORE, [REMOVE])
    assert archives.path("a").exists()
    carry_out(archives, STORE, [REMOVE])
    assert not archives.path("a").exists()


def test_without_work_nothing_is_made(archives: Archives) -> None:
    carry_out(archives, STORE, [], is_marked=True)
    assert not archives.root.exists()


def test_only_moves_are_marked_as_done(archives: Archives) -> None:
    carry_out(archives, STORE, [MAKE])
    assert archives.path("a").exists()
    assert store_in(archives.root) is None
    carry_out(archives, STORE, [FolderWork("move", "a", "b", 7)])
    assert (store_in(archives.root), done_until(archives.root)) == (STORE, 7)
    carry_out(archives, STORE, [FolderWork("remove", "b", generation=9)])
    assert not archives.path("b").exists()
    assert done_until(archives.root) == 7


def test_a_marked_archive_without_its_mark_is_not_mounted(archives: Archives) -> None:
    give(archives, "a")
    with pytest.raises(ArchiveNotMounted) as refused:
        carry_out(archives, STORE, [MOVE], is_marked=True)
    assert refused.value.what.startswith(f"The archive is not mounted: {archives.root} does not")
    assert files(archives) == {"a/cur/1": "mail of a"}
    put_mark(archives.root, STORE, 0)
    carry_out(archives, STORE, [MOVE], is_marked=True)
    assert files(archives) == {"b/cur/1": "mail of a"}


def test_another_stores_archive_is_refused(archives: Archives) -> None:
    give(archives, "a")
    put_mark(archives.root, "another", 0)
    with pytest.raises(ArchiveNotMounted, match="belongs to another store"):
        carry_out(archives, STORE, [MOVE])


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_an_archive_that_goes_away_meanwhile_is_said(archives: Archives, call: str) -> None:
    """The disk is unmounted at the first such call: another folder is in the root's place."""
    give(archives, "a")
    real, gone = getattr(os, call), archives.root.with_name("gone")

    def unmount(*arguments: object, **named: object) -> object:
        if not gone.exists():
            archives.root.replace(gone)
            (archives.root / PLACE / "5").mkdir(parents=True)
        with suppress(FileNotFoundError):
            return real(*arguments, **named)
        return None

    with in_place_of(os, call, unmount), pytest.raises(ArchiveNotMounted, match="went away"):
        carry_out(archives, STORE, [MOVE])
    assert (gone / "a").exists() or (gone / PLACE / "5" / "0").exists()
    assert not (archives.root / MARK).exists()


def test_work_in_the_same_run_as_a_move(archives: Archives) -> None:
    """Removals come before the moves, and new folders after them."""
    give(archives, "a", "c")
    archives.create("b")
    archives.create("d")
    work = [
        FolderWork("remove", "b", generation=5),
        FolderWork("remove", "d", generation=5),
        FolderWork("remove", "c", generation=5),
        MOVE,
        FolderWork("make", "a", generation=5),
    ]
    carry_out(archives, STORE, work)
    assert files(archives) == {"b/cur/1": "mail of a", "c/cur/1": "mail of c"}
    assert archives.path("a").exists()
    assert not archives.path("d").exists()
    assert waiting_work(archives, work) == []


def test_every_folder_that_holds_mail_is_put_aside(archives: Archives) -> None:
    give(archives, "a", "b")
    archives.create("c")
    names = {"c": "c=aside", "a": "a=aside", "b": "b=aside"}
    work = [FolderWork("aside", name, to, 5) for name, to in names.items()]
    carry_out(archives, STORE, work)
    assert files(archives) == {"a=aside/cur/1": "mail of a", "b=aside/cur/1": "mail of b"}


def test_moves_are_on_the_disk_before_they_are_said_to_be_done(archives: Archives) -> None:
    give(archives, "a")
    synced: list[str] = []

    def note(descriptor: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), archives.root))

    with in_place_of(os, "fsync", note):
        carry_out(archives, STORE, [MOVE])
    place = f"{PLACE}/5"
    assert synced == [
        *(place, PLACE, "."),  # the folder is there
        *(f"{place}/all-left", place),
        ".",  # and under its new name
        *(f"{MARK}.tmp", "."),
    ]


def test_an_empty_folder_is_not_put_aside_but_removed(archives: Archives) -> None:
    archives.create("a")
    carry_out(archives, STORE, [ASIDE])
    assert not archives.path("b").exists()


def test_a_folder_that_was_put_aside_before_a_crash_stays_there(archives: Archives) -> None:
    give(archives, "a", "b")
    carry_out(archives, STORE, [ASIDE])
    assert files(archives) == {"a/cur/1": "mail of a", "b/cur/1": "mail of b"}


class TestMerging:
    """A folder under the new name holds mail already: that of this user, who got it meanwhile."""

    def test_each_message_is_kept_under_its_name_or_a_free_one(self, archives: Archives) -> None:
        give(archives, "a", "b")
        (archives.path("a") / ".Sent" / "cur").mkdir(parents=True)
        (archives.path("a") / ".Sent" / "cur" / "2").write_text("sent")
        (archives.path("a") / "new" / "3").write_text("new")
        (archives.path("a") / "new" / "4").write_text("newer")
        carry_out(archives, STORE, [MOVE])
        found = files(archives)
        assert found.pop("b/new/4") == "newer"
        assert found.pop("b/cur/1") == "mail of b"
        assert found.pop("b/.Sent/cur/2") == "sent"
        assert found.pop("b/new/3") == "new"
        ((path, text),) = found.items()
        assert text == "mail of a"
        assert path.startswith("b/cur/")
        assert (path[-2:], len(path)) == (".1", len("b/cur/") + 12 + 2)
        assert not archives.path("a").exists()
        assert under_way(archives.root) == []
        assert not (archives.root / PLACE).exists()

    @pytest.mark.parametrize("what", ["a file", "a link", "a link to nothing"])
    def test_what_is_in_the_way_stops_it(self, archives: Archives, what: str) -> None:
        give(archives, "a")
        elsewhere = archives.root.with_name("elsewhere")
        home = archives.path("b")
        if what == "a file":
            home.write_text("in the way")
        else:
            home.symlink_to(elsewhere)
            if what == "a link":
                elsewhere.mkdir()
        with pytest.raises(StoreUnwritable) as refused:
            carry_out(archives, STORE, [MOVE])
        assert refused.value.what == (
            f"An archive folder below {archives.root} cannot be moved to its user's name: "
            f"{home} is in the way."
        )
        assert refused.value.advice == "Check that folder's owner, mode and room."
        assert refused.value.untouched.startswith("The users are written, no mail is lost, and")
        assert under_way(archives.root) == [archives.root / PLACE / "5"]
        assert not elsewhere.exists() or not list(elsewhere.iterdir())
        home.unlink()
        carry_out(archives, STORE, [MOVE])
        assert files(archives) == {"b/cur/1": "mail of a"}

    def test_a_link_in_place_of_a_users_folder_is_moved_and_not_merged(
        self, archives: Archives
    ) -> None:
        elsewhere = archives.root.with_name("elsewhere")
        give(Archives(elsewhere), "x")
        archives.root.mkdir()
        archives.path("a").symlink_to(elsewhere / "x")
        give(archives, "b")
        with pytest.raises(StoreUnwritable, match="b is in the way"):
            carry_out(archives, STORE, [MOVE])
        assert (elsewhere / "x" / "cur" / "1").exists()
        (archives.path("b") / "cur" / "1").unlink()
        carry_out(archives, STORE, [MOVE])
        assert archives.path("b").is_symlink()


def test_what_fails_is_said_with_the_file(archives: Archives) -> None:
    give(archives, "a")
    (archives.root / PLACE).write_text("")
    with pytest.raises(StoreUnwritable) as refused:
        carry_out(archives, STORE, [MOVE])
    assert refused.value.what.endswith(f"name: File exists ({archives.root / PLACE}).")
    (archives.root / PLACE).unlink()
    with failing(os, "fsync", 5), pytest.raises(StoreUnwritable, match="name: Input"):
        carry_out(archives, STORE, [MOVE])


def test_places_of_moves_that_are_done_are_swept(archives: Archives) -> None:
    give(archives, "a")
    places = {name: archives.root / PLACE / name for name in ("3", "4", "9", "x")}
    for place in places.values():
        place.mkdir(parents=True)
        (place / "all-left").touch()
    (places["4"] / "0").mkdir()
    carry_out(archives, STORE, [MOVE])
    left = [places[name] for name in ("4", "9", "x")]
    assert under_way(archives.root) == left
    assert [(place / "all-left").exists() for place in left] == [False, True, True]
