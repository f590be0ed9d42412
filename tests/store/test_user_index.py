"""The index beside the store's file: what it saves, and that nobody relies on it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import StoreDamaged
from store.interface import Batch, Edit, Snapshot
from store.models import Settings, User
from store.names import match_key
from store.tinydb.store import TinyDBStore
from store.tinydb.user_index import index_path
from tests.support.spoiled import spoil

USERS = 1000
NAMES = ["user0", "USER999", "Straße", "STRASSE", "nobody", "user10000", "", "\udc80"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "users.json"
    names = [*(f"user{number}" for number in range(USERS)), "strasse"]
    written = TinyDBStore(path)
    written.apply(Batch([Edit.create(User(user_name=name)) for name in names]))
    written.close()
    return path


def find(path: Path, name: str) -> Snapshot:
    opened = TinyDBStore(path)
    try:
        return opened.find(name)
    finally:
        opened.close()


def check_all(path: Path) -> None:
    opened = TinyDBStore(path)
    now = opened.snapshot()
    opened.close()
    for name in NAMES:
        key = match_key(name)
        users = {key: now.users[key]} if key in now.users else {}
        assert find(path, name) == replace(now, users=users), name


def test_only_the_first_log_on_reads_the_whole_file(path: Path) -> None:
    found = {name: find(path, name) for name in NAMES}
    spoil(path, "user500")
    assert {name: find(path, name) for name in NAMES} == found
    with pytest.raises(StoreDamaged):  # the control
        TinyDBStore(path).snapshot()
    assert stat.S_IMODE(index_path(path).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.apply(Batch([Edit.create(User(user_name="nobody"))])),
        lambda store: store.apply(Batch([Edit.delete(store.snapshot().find("user0"))])),
        lambda store: store.apply(Batch(settings=Settings(url="https://x.org/"))),
        lambda store: store.apply(
            Batch([Edit.delete(User.from_row(row)) for row in store.snapshot().users.values()])
        ),
    ],
    ids=["user", "deleted", "settings", "nobody left"],
)
def test_an_index_of_before_a_write_is_not_used(
    path: Path, write: Callable[[TinyDBStore], object]
) -> None:
    find(path, "user0")
    store = TinyDBStore(path)
    write(store)
    store.close()
    check_all(path)


def broken(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("place", [0, 20, 45, 60, 70, 100, 150, 500, 4000, 9000, -1])
def test_a_broken_index_is_not_used(path: Path, place: int) -> None:
    find(path, "user0")
    index = index_path(path)
    whole = index.read_bytes()
    for name in NAMES:
        index.write_bytes(broken(whole, place % len(whole)))
        expected = find(path, name).users
        index.unlink()
        assert find(path, name).users == expected
    for size in (0, 10, place % len(whole)):
        index.write_bytes(whole[:size])
        check_all(path)


def test_an_index_that_others_may_write_is_not_used(path: Path) -> None:
    find(path, "user0")
    spoil(path, "user500")
    assert find(path, "user0").users
    index_path(path).chmod(0o666)
    with pytest.raises(StoreDamaged):
        find(path, "user0")


def test_what_is_in_its_place_is_not_used(path: Path) -> None:
    find(path, "user0")
    index = index_path(path)
    index.unlink()
    index.mkdir()
    check_all(path)
    index.rmdir()
    index.symlink_to(path)
    check_all(path)


def test_the_index_of_another_store_is_not_used(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    written = TinyDBStore(other)
    written.apply(Batch([Edit.create(User(user_name="nobody"))]))
    written.close()
    find(other, "nobody")
    os.replace(index_path(other), index_path(path))
    check_all(path)


def test_a_store_that_is_open_to_others_is_refused_with_an_index_too(path: Path) -> None:
    find(path, "user0")
    path.chmod(0o640)
    with pytest.raises(StoreDamaged, match="chmod 600"):
        find(path, "user0")


def test_a_store_edited_in_place_is_read_whole(path: Path) -> None:
    find(path, "user0")
    path.write_bytes(path.read_bytes().replace(b'"user0"', b'"userX"'))
    assert not find(path, "user0").users
    assert find(path, "userx").users
