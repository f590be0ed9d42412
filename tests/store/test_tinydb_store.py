"""The user database on its file. What any store must do is in `contract.py`."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import resource
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from tinydb import TinyDB

from store.errors import (
    StoreBusy,
    StoreConflict,
    StoreDamaged,
    StoreFull,
    StoreTooNew,
    StoreUnwritable,
)
from store.files.archives import Archives
from store.files.secrets import SecretBox
from store.interface import Batch, Edit, Store
from store.models import Settings, User
from store.read_only import ReadOnlyStore
from store.tinydb.backups import KEPT_NEWEST, list_backups, superseded
from store.tinydb.restore import link_aside
from store.tinydb.storage import DurableStorage
from store.tinydb.store import TinyDBStore
from tests.store.contract import ANNA, StoreContract
from tests.support.kills import kill_in_the_middle
from tests.support.replaced import failing, is_folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "users.json"


@pytest.fixture
def store(path: Path) -> Iterator[TinyDBStore]:
    opened = TinyDBStore(path)
    yield opened
    opened.close()


class TestContract(StoreContract):
    @pytest.fixture
    def other(self, path: Path) -> Iterator[Store]:
        opened = TinyDBStore(path)
        yield opened
        opened.close()


def write_anna(store: Store) -> None:
    store.apply(Batch([Edit.create(ANNA)]))


class TestFile:
    def test_stock_tinydb_opens_it_and_sees_the_users(self, store: Store, path: Path) -> None:
        write_anna(store)
        with TinyDB(path) as stock:
            (user,) = stock.all()
            assert (user.doc_id, user["user_name"]) == (1, "anna")

    @pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
    def test_it_is_private_under_any_umask(self, store: Store, path: Path, mask: int) -> None:
        path.parent.mkdir()
        before = os.umask(mask)
        try:
            write_anna(store)
            store.apply(Batch(settings=Settings(auto_delete=True)))
        finally:
            os.umask(before)
        if mask != 0o777:  # a folder made under 0777 cannot be used by anyone but root
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(list_backups(path)[0].stat().st_mode) == 0o600

    def test_document_ids_and_unknown_fields_survive_a_write(
        self, store: Store, path: Path
    ) -> None:
        write_anna(store)
        content = orjson.loads(path.read_bytes())
        content["_default"]["7"] = content["_default"].pop("1") | {"future": [1]}
        content["settings"]["1"]["future_setting"] = True
        content["future_table"] = {"1": {"x": 1}}
        path.write_bytes(orjson.dumps(content))
        os.replace(path, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)
        reopened = TinyDBStore(path)
        anna = reopened.snapshot().find("anna")
        assert anna
        reopened.apply(
            Batch(
                [Edit.update(anna, replace(anna, full_name="A")), Edit.create(User(user_name="b"))]
            )
        )
        reopened.close()
        after = orjson.loads(path.read_bytes())
        assert after["_default"]["7"]["future"] == [1]
        assert after["_default"]["7"]["full_name"] == "A"
        assert after["_default"]["8"]["user_name"] == "b"
        assert after["settings"]["1"]["future_setting"] is True
        assert after["future_table"] == {"1": {"x": 1}}

    @pytest.mark.parametrize("ids", [("3", "1", "2"), ("1", "2", "9"), ("9", "8", "10")])
    def test_a_new_user_gets_a_document_id_that_nobody_has(
        self, store: Store, path: Path, ids: tuple[str, ...]
    ) -> None:
        for name in "abc":
            store.apply(Batch([Edit.create(User(user_name=name))]))
        tables = orjson.loads(path.read_bytes())
        tables["_default"] = dict(zip(ids, tables["_default"].values(), strict=True))
        path.write_bytes(orjson.dumps(tables))
        new = [Edit.create(User(user_name=f"new{number}")) for number in range(9)]
        store.apply(Batch(new))
        with TinyDB(path) as stock:
            found = {user["user_name"]: str(user.doc_id) for user in stock.all()}
        assert tuple(found[name] for name in "abc") == ids
        assert len(set(found.values())) == len(found) == 12

    @pytest.mark.parametrize("left", ["99999", "outcome.{dead}.{dead}", "figures.{dead}.1"])
    def test_what_a_killed_writer_left_is_swept_away(
        self, store: Store, path: Path, left: str
    ) -> None:
        write_anna(store)
        ended = subprocess.Popen(["true"])
        ended.wait()
        stray = path.with_name(f".{path.name}.{left.format(dead=ended.pid)}.tmp")
        stray.write_text("half")
        store.apply(Batch(settings=Settings(auto_delete=True)))
        assert sorted(item.name for item in path.parent.iterdir()) == [
            "users.json",
            "users.json.backups",
            "users.json.lock",
        ]

    def test_a_note_that_is_being_written_stays(self, store: Store, path: Path) -> None:
        write_anna(store)
        alive = path.with_name(f".{path.name}.outcome.{os.getpid()}.1.tmp")
        alive.write_text("half")
        store.apply(Batch(settings=Settings(auto_delete=True)))
        assert alive.exists()


class TestDamage:
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "is not valid JSON at line 1, column 1"),
            (b'{"_default": {"1": {"user_na', "is not valid JSON at line 1"),
            (b"\0" * 100, "is not valid JSON"),
            (b"[]", "does not hold TinyDB's tables"),
            (b"{}", "is not a mailroster store"),
            (b'{"_default": {"1": {"name": "x"}}}', "is not a mailroster store"),
        ],
    )
    def test_it_is_refused_and_left_as_it_is(self, path: Path, content: bytes, says: str) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        store = TinyDBStore(path)
        with pytest.raises(StoreDamaged, match=says):
            store.snapshot()
        with pytest.raises(StoreDamaged, match="It was left as it is"):
            write_anna(store)
        store.close()
        assert path.read_bytes() == content

    def test_two_users_of_one_name(self, store: Store, path: Path) -> None:
        write_anna(store)
        content = orjson.loads(path.read_bytes())
        content["_default"]["2"] = content["_default"]["1"] | {"user_name": "ANNA"}
        path.write_bytes(orjson.dumps(content))
        with pytest.raises(StoreDamaged, match="two users of the same name"):
            TinyDBStore(path).snapshot()

    def test_the_newest_backup_is_named(self, store: Store, path: Path) -> None:
        write_anna(store)
        store.apply(Batch(settings=Settings(auto_delete=True)))
        path.with_suffix(".damaged").write_text("{")
        os.replace(path.with_suffix(".damaged"), path)
        with pytest.raises(StoreDamaged, match=list_backups(path)[0].name):
            store.snapshot()

    def test_a_newer_schema_is_refused(self, store: Store, path: Path) -> None:
        write_anna(store)
        content = orjson.loads(path.read_bytes())
        content["meta"]["1"]["schema"] = 99
        path.write_bytes(orjson.dumps(content))
        with pytest.raises(StoreTooNew, match="written by a newer mailroster"):
            TinyDBStore(path).snapshot()

    @pytest.mark.parametrize("kind", ["folder", "link"])
    def test_what_is_no_file_is_refused(self, path: Path, kind: str) -> None:
        path.parent.mkdir()
        if kind == "folder":
            path.mkdir()
        else:
            path.symlink_to("/etc/passwd")
        with pytest.raises(StoreDamaged):
            TinyDBStore(path).snapshot()


class TestFullDisk:
    def test_the_old_state_stays_and_memory_equals_disk(self, store: Store, path: Path) -> None:
        write_anna(store)
        content = path.read_bytes()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = _ignore_file_size_signal()
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            with pytest.raises(StoreFull, match="The previous state is whole"):
                store.apply(Batch([Edit.create(User(user_name="bert"))]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            handler()
        assert path.read_bytes() == content
        assert list(store.snapshot().users) == ["anna"]
        assert not list(path.parent.glob(".*"))
        store.apply(Batch([Edit.create(User(user_name="bert"))]))
        assert list(store.snapshot().users) == ["anna", "bert"]

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(StoreUnwritable, match="cannot be reached or made"):
            write_anna(TinyDBStore(tmp_path / "file" / "users.json"))


def _ignore_file_size_signal() -> object:
    import signal

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return lambda: signal.signal(signal.SIGXFSZ, before)


class TestLock:
    def test_a_writer_waits_and_then_says_who_holds_the_lock(self, path: Path) -> None:
        store = TinyDBStore(path, lock_wait=0.1)
        write_anna(store)
        lock = path.with_name("users.json.lock")
        with lock.open("r+") as holder:
            fcntl.flock(holder, fcntl.LOCK_EX)
            with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
                store.apply(Batch(settings=Settings(auto_delete=True)))
        store.apply(Batch(settings=Settings(auto_delete=True)))
        store.close()

    def test_readers_take_no_lock(self, path: Path, store: Store) -> None:
        write_anna(store)
        with path.with_name("users.json.lock").open("r+") as holder:
            fcntl.flock(holder, fcntl.LOCK_EX)
            fresh = TinyDBStore(path)
            assert list(fresh.snapshot().users) == ["anna"]
            fresh.close()

    def test_the_lock_file_is_never_replaced(self, path: Path, store: Store) -> None:
        write_anna(store)
        inode = path.with_name("users.json.lock").stat().st_ino
        store.apply(Batch(settings=Settings(auto_delete=True)))
        assert path.with_name("users.json.lock").stat().st_ino == inode


ADD_USERS = """
import sys
from pathlib import Path
from store.interface import Batch, Edit
from store.models import User
from store.tinydb.store import TinyDBStore
store = TinyDBStore(Path(sys.argv[1]))
for number in range(25):
    store.apply(Batch([Edit.create(User(user_name=f"{sys.argv[2]}-{number}"))]))
    print(f"{sys.argv[2]}-{number}", flush=True)
"""


class TestProcesses:
    def test_writers_in_several_processes_lose_nothing(self, path: Path) -> None:
        running = [
            subprocess.Popen([sys.executable, "-c", ADD_USERS, str(path), name])
            for name in ("one", "two", "three")
        ]
        assert [process.wait(60) for process in running] == [0, 0, 0]
        store = TinyDBStore(path)
        assert len(store.snapshot().users) == 75
        assert store.generation == 75
        store.close()

    def test_a_killed_writer_leaves_every_acknowledged_user(self, path: Path) -> None:
        for delay in (0.0, 0.01, 0.03, 0.07):
            acknowledged = kill_in_the_middle(ADD_USERS, str(path), f"run{delay}", after=delay)
            store = TinyDBStore(path)
            users = store.snapshot().users
            assert acknowledged
            assert all(name in users for name in acknowledged)
            assert store.generation == len(users)
            store.close()


def test_any_thread_may_ask_for_a_change_while_others_write(path: Path) -> None:
    """The screens watch the file from their loop while threads of theirs read and write it."""
    path.parent.mkdir()
    storage, other = DurableStorage(path), DurableStorage(path)
    done = threading.Event()

    def work() -> None:
        for number in range(150):
            other.write({"_default": {"1": {"number": 2 * number}}})
            storage.write({"_default": {"1": {"number": 2 * number + 1}}})
            storage.read()
        done.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    working = threading.Thread(target=work)
    working.start()
    try:
        while not done.is_set():
            storage.changed()
    finally:
        working.join()
        sys.setswitchinterval(interval)
    other.close()
    assert not storage.changed()


async def test_watch_sees_a_change_of_another_process_within_a_second(path: Path) -> None:
    store = TinyDBStore(path)
    write_anna(store)
    states = store.watch()
    waiting = asyncio.ensure_future(anext(states))
    await asyncio.sleep(0)
    started = time.monotonic()
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", ADD_USERS, str(path), "x"], check=True
    )
    state = await asyncio.wait_for(waiting, 5)
    assert "x-0" in state.users
    while len(store.snapshot().users) < 26:
        await asyncio.sleep(0.01)
    assert time.monotonic() - started < 10
    await states.aclose()  # type: ignore[attr-defined]
    store.close()


def test_backups_keep_the_newest_ten_and_one_a_day(tmp_path: Path) -> None:
    def written(*times: tuple[int, int]) -> list[Path]:
        for day, hour in times:
            file = tmp_path / f"202601{day:02}T{hour:02}0000.json"
            file.touch()
            at = datetime(2026, 1, day, hour, tzinfo=UTC).timestamp()
            os.utime(file, (at, at))
        return [tmp_path / f"202601{day:02}T{hour:02}0000.json" for day, hour in times]

    newest_first = written(*[(day, hour) for day in (9, 8, 7) for hour in (9, 8, 7, 6)])
    gone = superseded(newest_first)
    kept = [path.name for path in newest_first if path not in gone]
    assert kept == [path.name for path in newest_first[:KEPT_NEWEST]]
    many = written(*[(day, 0) for day in range(28, 0, -1)])
    assert len(many) - len(superseded(many)) == 14


@pytest.mark.parametrize("jump", ["2090-01-01", "1970-01-02"])
def test_one_day_of_a_wrong_clock_costs_no_other_day(path: Path, jump: str) -> None:
    """Ten days, one on which the clock is wrong, three more: each keeps its last state."""
    days = [f"2026-11-{day:02}" for day in range(1, 11)]
    after = ["2026-11-12", "2026-11-13", "2026-11-14"]
    states, now = {}, [datetime.now(UTC)]
    store = TinyDBStore(path, clock=lambda: now[0])
    for number, day in enumerate([*days, jump, *after, "2026-11-15"]):
        now[0] = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        for hour in range(4):
            store.apply(Batch(settings=Settings(guard_max_deletes=10 * number + hour)))
            states[day] = path.read_bytes()
    kept = [backup.read_bytes() for backup in list_backups(path)]
    assert [day for day in (jump, *after) if states[day] not in kept] == []
    assert len(kept) == len(set(kept)) == KEPT_NEWEST + 14 - 3
    store.close()


@pytest.fixture
def without_links() -> Iterator[None]:
    with failing(os, "link", errno.EPERM):
        yield


@pytest.mark.parametrize("clock", ["2026-11-10", "1970-01-02", "2090-01-01"])
@pytest.mark.parametrize(
    "name",
    [
        "20900101T000000.000000Z.json",
        "99991231T235959.999999Z.json",
        "zzz.json",
        "Z.json",
        "20900231T000000.000000Z.json",
        "19700101T000000.000000Z.json",
        "20900101T000000.000000Z.a.b.json",
        "\udcff\x1b[31m.json",
    ],
)
@pytest.mark.parametrize("kind", ["file", "folder", "loop", "end of time"])
def test_what_somebody_put_among_the_backups_stops_none(
    path: Path, store: Store, clock: str, name: str, kind: str
) -> None:
    store.apply(Batch(settings=Settings(guard_max_deletes=1)))
    planted = path.with_name("users.json.backups") / name
    planted.parent.mkdir(exist_ok=True)
    if kind == "folder":
        planted.mkdir()
    elif kind == "loop":
        planted.symlink_to(planted)
    else:
        planted.touch()
        if kind == "end of time":
            os.utime(planted, (2**37, 2**37))
    at = datetime.fromisoformat(f"{clock}T12:00:00+00:00")
    store = TinyDBStore(path, clock=lambda: at)
    states = []
    for number in range(2, 2 + 2 * KEPT_NEWEST):
        states.insert(0, path.read_bytes())
        store.apply(Batch(settings=Settings(guard_max_deletes=number)))
    kept = [backup.read_bytes() for backup in list_backups(path) if backup.name != name]
    assert kept[: KEPT_NEWEST - 1] == states[: KEPT_NEWEST - 1]


def test_a_file_system_without_hard_links_gets_copies(
    path: Path, store: Store, without_links: None
) -> None:
    write_anna(store)
    before, written = path.read_bytes(), path.stat().st_mtime_ns
    store.apply(Batch(settings=Settings(guard_max_deletes=1)))
    (backup,) = list_backups(path)
    assert backup.read_bytes() == before
    assert (backup.stat().st_mtime_ns, backup.stat().st_mode & 0o777) == (written, 0o600)
    assert link_aside(path).read_bytes() == path.read_bytes()
    box = SecretBox(path.parent / "config" / "secret.key")
    assert box.decrypt(box.encrypt("geheim")) == "geheim"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_another_failure_of_a_link_is_none_of_that(path: Path, store: Store, number: int) -> None:
    write_anna(store)
    before = path.read_bytes()
    with (
        failing(os, "link", number),
        pytest.raises(StoreUnwritable, match="The previous state is whole"),
    ):
        store.apply(Batch(settings=Settings(guard_max_deletes=1)))
    assert path.read_bytes() == before


def test_a_write_that_only_the_folder_misses_is_told_as_written(path: Path, store: Store) -> None:
    with (
        failing(os, "fsync", errno.EIO, is_folder),
        pytest.raises(
            StoreUnwritable, match="was written, but the disk did not confirm it"
        ) as caught,
    ):
        write_anna(store)
    assert "The new state is in place" in str(caught.value)
    assert TinyDBStore(path).snapshot().find("anna")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO])
def test_a_lock_that_the_file_system_refuses(path: Path, store: Store, number: int) -> None:
    with (
        failing(fcntl, "flock", number),
        pytest.raises(StoreUnwritable, match=r"cannot be taken: .* Nothing was written"),
    ):
        write_anna(store)
    assert not path.exists()


def test_folders_are_private_all_the_way_down_under_any_umask(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        path = tmp_path / "a" / "b" / "users.json"
        write_anna(TinyDBStore(path))
        SecretBox(tmp_path / "c" / "d" / "secret.key").encrypt("x")
        Archives(tmp_path / "e" / "f").create("anna")
    finally:
        os.umask(umask)
    folders = [folder for folder in tmp_path.rglob("*") if folder.is_dir()]
    assert len(folders) > 6
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}


@pytest.mark.parametrize(
    "name", ["99991231T235959.999999Z.json", "00000000T000000.000000Z.json", "zzz.json"]
)
def test_a_backup_of_a_strange_name_stops_no_write(path: Path, store: Store, name: str) -> None:
    write_anna(store)
    folder = path.with_name("users.json.backups")
    folder.mkdir()
    (folder / name).write_text("{}")
    before = path.read_bytes()
    store.apply(Batch(settings=Settings(guard_max_deletes=1)))
    assert before in [backup.read_bytes() for backup in list_backups(path)]


def test_a_clock_that_was_set_back_costs_no_backup(path: Path, store: Store) -> None:
    write_anna(store)
    ahead = [f"29990101T000000.{number:06}Z.json" for number in range(KEPT_NEWEST)]
    folder = path.with_name("users.json.backups")
    folder.mkdir()
    for name in ahead:
        shutil.copy(path, folder / name)
    for number in range(3):
        before = path.read_bytes()
        store.apply(Batch(settings=Settings(guard_max_deletes=number)))
        assert list_backups(path)[0].read_bytes() == before
    kept = {backup.name for backup in list_backups(path)}
    assert kept & set(ahead) == set(ahead[3:])


def test_a_file_that_somebody_put_beside_the_backups_stops_none(path: Path, store: Store) -> None:
    write_anna(store)
    folder = path.with_name("users.json.backups")
    folder.mkdir()
    (folder / "notes.json").write_text("mine")
    before = path.read_bytes()
    store.apply(Batch(settings=Settings(guard_max_deletes=1)))
    assert before in [backup.read_bytes() for backup in list_backups(path)]
    assert (folder / "notes.json").read_text() == "mine"


def test_a_read_only_one_shows_what_others_write_and_writes_nothing(
    path: Path, store: Store
) -> None:
    def opened() -> int:
        return [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()].count(str(path))

    looked_at = ReadOnlyStore(TinyDBStore(path))
    write_anna(store)
    assert looked_at.snapshot().find("anna")
    assert looked_at.generation == store.snapshot().generation == 1
    with pytest.raises(StoreUnwritable, match="was opened read-only"):
        looked_at.apply(Batch(settings=Settings(guard_max_deletes=1)))
    assert (store.snapshot().generation, opened()) == (1, 2)
    looked_at.close()
    assert opened() == 1


def test_a_stale_reader_cannot_overwrite(path: Path, store: Store) -> None:
    write_anna(store)
    stale = store.snapshot().find("anna")
    assert stale
    other = TinyDBStore(path)
    other.apply(Batch([Edit.update(stale, replace(stale, full_name="Theirs"))]))
    other.close()
    with pytest.raises(StoreConflict, match="user “anna” was changed"):
        store.apply(Batch([Edit.update(stale, replace(stale, full_name="Ours"))]))
    after = store.snapshot().find("anna")
    assert after
    assert after.full_name == "Theirs"
