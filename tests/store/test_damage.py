"""A store that somebody or something damaged: refused in words, left as it is, never guessed at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from store.errors import StoreDamaged, StoreUnwritable
from store.files.lock import writer_lock
from store.interface import Batch, Edit
from store.models import FilterRule, Settings, User
from store.tinydb.store import TinyDBStore
from tests.store.contract import ROOT, run_record
from tests.support.replaced import in_place_of

ZOE = User(
    user_name="Zoë",
    email_addresses=["zoe@example.com"],
    privileges=["login"],
    folder_privileges={"zoë": ["read"]},
)
RULE = FilterRule(action="exclude", field="user_name", pattern="x*")
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of two users, one filter and one backup."""
    path = tmp_path / "users.json"
    store = TinyDBStore(path)
    store.apply(Batch([Edit.create(ROOT), Edit.create(ZOE)]))
    store.apply(Batch(settings=Settings(filters=(RULE,))))
    store.close()
    return path


def refused(path: Path) -> str:
    """What is said; the file is the same after a look and after a try to write."""
    store = TinyDBStore(path)
    try:
        with pytest.raises(StoreDamaged) as looked:
            store.snapshot()
        with pytest.raises(StoreDamaged):
            store.apply(Batch([Edit.create(User(user_name="new"))]))
    finally:
        store.close()
    assert "It was left as it is" in str(looked.value)
    return str(looked.value)


def edited(path: Path, *place: str, value: Any) -> None:
    """Replace one value in the file, as somebody with an editor would."""
    tables = orjson.loads(path.read_bytes())
    record = tables
    for name in place[:-1]:
        record = record[name]
    if value is KeyError:
        del record[place[-1]]
    else:
        record[place[-1]] = value
    path.write_bytes(orjson.dumps(tables))


class TestContent:
    @hypothesis_settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(share=st.floats(0, 0.999))
    def test_cut_off_anywhere(self, path: Path, share: float) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        assert "is not valid JSON at line" in refused(path)
        path.write_bytes(content)

    @hypothesis_settings(
        max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(place=st.floats(0, 0.999), junk=st.binary(min_size=1, max_size=8))
    def test_garbled_anywhere_it_is_refused_or_sound(
        self, path: Path, place: float, junk: bytes
    ) -> None:
        content = path.read_bytes()
        start = int(len(content) * place)
        path.write_bytes(content[:start] + junk + content[start + len(junk) :])
        store = TinyDBStore(path)
        try:
            store.apply(Batch([Edit.create(User(user_name="new"))]))
            assert "new" in store.snapshot().users
        except StoreDamaged as error:
            assert "It was left as it is" in str(error)  # noqa: PT017
        store.close()
        path.write_bytes(content)

    def test_zeroed(self, path: Path) -> None:
        path.write_bytes(b"\0" * path.stat().st_size)
        assert "is not valid JSON at line 1, column 1" in refused(path)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("user_name", 7),
            ("user_name", KeyError),
            ("full_name", ["x"]),
            ("distinguished_name", False),
            ("email_addresses", "zoe@example.com"),
            ("email_addresses", [None]),
            ("authentication", "magic"),
            ("authentication", []),
            ("privileges", None),
            ("privileges", {"login": True}),
            ("folder_privileges", []),
            ("folder_privileges", {"zoë": "read"}),
            ("password_hash", 1),
            ("created", None),
            ("changed", 0),
            ("rev", "1"),
            ("pinned", "yes"),
            ("directory_id", 7),
            ("directory", ["x"]),
            ("other_id", {}),
            ("absent_since", 20261130),
            ("absent_since", "20261130"),
            ("absent_since", "2026-02-30"),
            ("absent_since", ""),
            ("rev", True),
            ("rev", KeyError),
        ],
    )
    def test_wrong_types_in_a_user(self, path: Path, field: str, value: Any) -> None:
        edited(path, "_default", "2", field, value=value)
        said = refused(path)
        assert field in said
        assert "document 2" in said or field == "user_name"

    @pytest.mark.parametrize(
        ("place", "value", "says"),
        [
            (("settings", "1", "auto_delete"), "yes", "the setting “auto_delete”"),
            (("settings", "1", "guard_max_deletes"), None, "the setting “guard_max_deletes”"),
            (("settings", "1", "default_privileges"), [1], "the setting “default_privileges”"),
            (("settings", "1", "filters"), [{"x": 1}], "is not a mailroster store"),
            (
                ("settings", "1", "filters"),
                [{"action": "skip", "field": "user_name", "pattern": 7}],
                "the setting “filters”",
            ),
            (("settings",), [], "is not a mailroster store"),
            (("meta", "1", "generation"), "2", "“generation”"),
            (("meta", "1", "store_id"), None, "“store_id”"),
            (("meta", "1", "history"), [1], "is not a mailroster store"),
            (("_default", "two"), {"user_name": "x"}, "“two” as a document id"),
            (("_default",), [], "is not a mailroster store"),
        ],
    )
    def test_wrong_types_elsewhere(
        self, path: Path, place: tuple[str, ...], value: Any, says: str
    ) -> None:
        edited(path, *place, value=value)
        assert says in refused(path)

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            (b'{"_default":{\n"1":{', b'{"_default":{\n"1":{},"1":{', "has “1” twice"),
            (b'{"_default":{\n"1":{', b'{"_default":{\n"1":{"x":1},\n"1":{', "has “1” twice"),
            (b'"privileges":[', b'"privileges":[],"privileges":[', "has “privileges” twice"),
            (b'"Zo\xc3\xab"', b'"ROOT"', "two users of the same name"),
            (b"{", b"\xef\xbb\xbf{", "because it begins with a byte order mark"),
        ],
    )
    def test_two_of_the_same_id_member_or_name(
        self, path: Path, old: bytes, new: bytes, says: str
    ) -> None:
        path.write_bytes(path.read_bytes().replace(old, new, 1))
        assert says in refused(path)

    def test_a_file_as_it_was_left_is_not_checked_again(self, path: Path) -> None:
        written = path.stat().st_mtime_ns
        edited(path, "_default", "2", "created", value=None)
        os.utime(path, ns=(written, written))
        store = TinyDBStore(path)
        assert store.snapshot().find("zoë")
        store.close()
        with pytest.raises(StoreDamaged, match="created"):
            TinyDBStore(path, check_all=True).snapshot()


def test_an_edit_in_place_is_seen_and_not_overwritten(path: Path) -> None:
    store = TinyDBStore(path)
    assert store.snapshot().find("zoë")
    edited(path, "_default", "2", "full_name", value="By hand")
    zoe = store.apply(Batch([Edit.create(User(user_name="new"))])).find("zoë")
    assert zoe
    assert zoe.full_name == "By hand"
    path.write_bytes(b"{")
    with pytest.raises(StoreDamaged):
        store.apply(Batch([Edit.create(User(user_name="newer"))]))
    store.close()


class TestPlace:
    def test_a_symbolic_link(self, path: Path) -> None:
        path.rename(path.with_name("elsewhere.json"))
        path.symlink_to("elsewhere.json")
        assert "is a symbolic link. Give the path of the file itself" in refused(path)

    @pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
    def test_something_that_is_no_file(self, path: Path, make: Callable[[Path], None]) -> None:
        path.unlink()
        make(path)
        assert "is not a regular file" in refused(path)

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
    def test_open_to_others(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        assert f"(mode {mode:04o}); close it with chmod 600" in refused(path)
        path.chmod(0o600)
        assert TinyDBStore(path).snapshot().find("zoë")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_of_somebody_else(self, path: Path) -> None:
        os.chown(path, NOBODY, NOBODY)
        assert "belongs to nobody; give it to root with chown" in refused(path)
        os.chown(path.parent, NOBODY, NOBODY)
        assert TinyDBStore(path).snapshot().find("zoë"), "root works for the folder's owner"

    def test_gone_is_not_new(self, path: Path) -> None:
        live = TinyDBStore(path)
        assert live.snapshot().users
        path.unlink()
        with pytest.raises(StoreDamaged, match="is gone, but its backups are there"):
            live.snapshot()
        live.close()
        store = TinyDBStore(path)
        for use in (store.snapshot, lambda: store.apply(Batch([Edit.create(ROOT)]))):
            with pytest.raises(StoreDamaged, match="is gone, but its backups are there"):
                use()
        assert not path.exists()
        shutil.rmtree(path.with_name("users.json.backups"))
        assert store.snapshot().store_id == ""
        store.close()

    def test_a_folder_of_the_path_is_a_file(self, path: Path) -> None:
        store = TinyDBStore(path / "users.json")
        with pytest.raises(StoreDamaged, match="Not a directory"):
            store.snapshot()


@pytest.fixture
def unprivileged(path: Path) -> Iterator[None]:
    """For root, whom modes do not hold: be nobody, and own the store."""
    if os.geteuid():
        yield
        return
    opened = [place for place in path.parents if place.stat().st_mode & 0o011 != 0o011]
    modes = {place: place.stat().st_mode for place in opened}
    for place in opened:
        place.chmod(modes[place] | 0o011)
    for place in (path.parent, *path.parent.rglob("*")):
        os.chown(place, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for place in opened:
            place.chmod(modes[place])


@pytest.mark.usefixtures("unprivileged")
class TestRights:
    def test_a_read_only_folder(self, path: Path) -> None:
        content = path.read_bytes()
        path.parent.chmod(0o500)
        store = TinyDBStore(path)
        try:
            assert store.snapshot().find("zoë")
            with pytest.raises(StoreUnwritable, match=r"Permission denied.*The previous state is"):
                store.apply(Batch([Edit.create(User(user_name="new"))]))
            path.parent.chmod(0o700)
            assert path.read_bytes() == content
            store.apply(Batch([Edit.create(User(user_name="new"))]))
        finally:
            path.parent.chmod(0o700)
            store.close()

    def test_a_store_that_may_not_be_read(self, path: Path) -> None:
        path.chmod(0)
        try:
            assert "cannot be opened by" in refused(path)
        finally:
            path.chmod(0o600)


class TestStrays:
    def test_a_log_on_that_is_being_counted_is_no_stray(self, path: Path) -> None:
        counting = path.with_name(".users.json.attempts.tmp")
        counting.touch()
        store = TinyDBStore(path)
        store.apply(Batch([Edit.create(User(user_name="new"))]))
        store.close()
        assert counting.exists()

    def test_the_record_of_a_run_that_never_was_goes_with_any_write(self, path: Path) -> None:
        store = TinyDBStore(path)
        store.apply(Batch([Edit.create(User(user_name="a"))], run=run_record("r1")))
        records = path.with_name("users.json.history")
        (records / "pending.json").write_text("half")
        store.apply(Batch([Edit.create(User(user_name="b"))]))
        store.close()
        assert [record.name for record in records.iterdir()] == ["r1.json"]

    def test_special_characters_in_the_name(self, tmp_path: Path) -> None:
        path = tmp_path / "users[1].json"
        stray = tmp_path / ".users[1].json.99.tmp"
        stray.touch()
        store = TinyDBStore(path)
        store.apply(Batch([Edit.create(ROOT)]))
        store.close()
        assert not stray.exists()


def test_a_removed_lock_file_lets_nobody_in_twice(path: Path) -> None:
    lock = path.with_name("users.json.lock")
    store = TinyDBStore(path, lock_wait=0.2)
    opened: list[int] = []

    def slow_open(name: Any, *rest: Any, **named: Any) -> int:
        descriptor: int = real_open(name, *rest, **named)
        if Path(name) == lock and not opened:
            opened.append(descriptor)
            lock.unlink()  # between the opening and the locking
        return descriptor

    with in_place_of(os, "open", slow_open) as real_open, writer_lock(lock, 0.2):
        assert lock.exists(), "the lock that is held is the one that others find"
    store.close()
