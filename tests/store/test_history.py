"""The history of a TinyDB store: files beside it that count only if the store lists them."""

from __future__ import annotations

import hashlib
import os
import random
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from store.errors import StoreDamaged, StoreUnwritable
from store.history import MIB, PAGE, History, Run, RunSummary, folded, undone, with_run
from store.interface import Batch, Edit
from store.models import Settings, User
from store.tinydb.history_files import HistoryFiles
from store.tinydb.store import TinyDBStore
from tests.store.contract import ANNA, BERT, run_record
from tests.support.descriptors import no_file_opens
from tests.support.kills import kill_in_the_middle
from tests.support.replaced import in_place_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


@pytest.fixture
def store(path: Path) -> Iterator[TinyDBStore]:
    opened = TinyDBStore(path)
    yield opened
    opened.close()


def folder(path: Path) -> Path:
    return path.with_name("users.json.history")


def test_the_files_are_private(store: TinyDBStore, path: Path) -> None:
    store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
    assert stat.S_IMODE(folder(path).stat().st_mode) == 0o700
    assert stat.S_IMODE((folder(path) / "r1.json").stat().st_mode) == 0o600


def test_what_was_never_committed_does_not_count_and_is_swept(
    store: TinyDBStore, path: Path
) -> None:
    store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
    (folder(path) / "pending.json").write_bytes((folder(path) / "r1.json").read_bytes())
    assert [run.id for run in store.snapshot().history.runs] == ["r1"]
    store.apply(Batch([Edit.create(BERT)], run=run_record("r3")))
    assert sorted(file.name for file in folder(path).iterdir()) == ["r1.json", "r3.json"]


def test_a_record_that_waits_and_cannot_be_read_now_is_not_taken_for_a_stray(
    store: TinyDBStore, path: Path
) -> None:
    listed = store.apply(Batch([Edit.create(ANNA)], run=run_record("r1"))).history
    (folder(path) / "r1.json").rename(folder(path) / "pending.json")
    with no_file_opens(), pytest.raises(StoreUnwritable, match="Too many open files"):
        HistoryFiles(path).settle(listed)
    assert store.run("r1").summary.id == "r1"
    HistoryFiles(path).settle(listed)
    assert (folder(path) / "r1.json").exists()


def test_a_lost_record_is_told_and_the_rest_goes_on(store: TinyDBStore, path: Path) -> None:
    store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
    store.apply(Batch([Edit.create(BERT)], run=run_record("r2")))
    (folder(path) / "r1.json").unlink()
    (folder(path) / "r2.json").write_text("{")
    with pytest.raises(StoreDamaged, match="is gone"):
        store.run("r1")
    with pytest.raises(StoreDamaged, match="cannot be read"):
        store.run("r2")
    assert [run.id for run in store.snapshot().history.runs] == ["r1", "r2"]
    store.apply(Batch([Edit.create(User(user_name="carla"))]))


@pytest.mark.parametrize(
    "changes",
    [
        5,
        None,
        {"a": 1},
        [5],
        [{"action": "create"}],
        [{"action": "x", "user_name": "x", "reason": "x", "archive": None, "old": 5, "new": None}],
        [{"action": 1, "user_name": "x", "reason": "x", "archive": None, "old": {}, "new": None}],
    ],
)
def test_a_record_of_the_wrong_shape_is_damaged_too(
    store: TinyDBStore, path: Path, changes: object
) -> None:
    store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
    file = folder(path) / "r1.json"
    file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), "changes": changes}))
    with pytest.raises(StoreDamaged, match="cannot be read"):
        store.run("r1")


def test_what_cannot_be_swept_is_told(store: TinyDBStore, path: Path) -> None:
    store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
    (folder(path) / "pending.json").mkdir()
    with pytest.raises(StoreUnwritable, match="No user was changed"):
        store.apply(Batch([Edit.create(BERT)], run=run_record("r2")))
    assert list(store.snapshot().users) == ["anna"]
    (folder(path) / "pending.json").rmdir()
    store.apply(Batch([Edit.create(BERT)], run=run_record("r2")))


def test_a_store_from_before_the_history_opens(store: TinyDBStore, path: Path) -> None:
    store.apply(Batch([Edit.create(ANNA)]))
    content = orjson.loads(path.read_bytes())
    assert "history" not in content["meta"]["1"]
    del content["_default"]["1"]["pinned"]
    path.with_suffix(".new").write_bytes(orjson.dumps(content))
    path.with_suffix(".new").chmod(0o600)
    os.replace(path.with_suffix(".new"), path)
    anna = store.snapshot().find("anna")
    assert anna
    assert not anna.pinned
    assert store.snapshot().history == History()


def without_waiting_for_the_disk() -> AbstractContextManager[Any]:
    return in_place_of(os, "fsync", lambda _descriptor: None)


def add_runs(store: TinyDBStore, count: int, first: int = 1) -> None:
    with without_waiting_for_the_disk():
        for number in range(first, first + count):
            store.apply(
                Batch([Edit.create(User(user_name=f"u{number}"))], run=run_record(f"r{number}"))
            )


def of_kib(size: int, run: Run) -> Run:
    """The run with a record of that size."""
    return replace(run, warnings=("x" * size * 1024,))


class TestPages:
    def test_the_store_lists_the_newest_and_pages_the_rest(
        self, store: TinyDBStore, path: Path
    ) -> None:
        add_runs(store, 3 * PAGE + 2)
        kept = store.snapshot().history
        assert PAGE <= len(kept.runs) < 2 * PAGE
        assert kept.count == 3 * PAGE + 2
        expected = [f"r{number}" for number in range(1, 3 * PAGE + 3)]
        for session in (store, TinyDBStore(path)):
            assert [run.id for run in session.runs()] == expected
            assert all(session.run(run.id).summary == run for run in session.runs())
            session.close()

    def test_the_store_does_not_grow_with_the_number_of_runs(
        self, store: TinyDBStore, path: Path
    ) -> None:
        def size_without_users() -> int:
            users = store.snapshot().users
            return path.stat().st_size - sum(len(orjson.dumps(row)) for row in users.values())

        add_runs(store, 2 * PAGE)
        before = size_without_users()
        add_runs(store, 2 * PAGE, 2 * PAGE + 1)
        assert size_without_users() < before + 5000  # a line of the list has 200 bytes and more

    def test_a_lost_page_is_told_and_writing_goes_on(self, store: TinyDBStore, path: Path) -> None:
        add_runs(store, 2 * PAGE)
        (folder(path) / "page-000000").unlink()
        with pytest.raises(StoreDamaged, match="A page of the list of runs"):
            store.runs()
        add_runs(store, 1, 2 * PAGE + 1)
        assert store.run(f"r{2 * PAGE + 1}").changes

    def test_a_lost_page_keeps_no_run_from_being_written_where_room_is_short(
        self, store: TinyDBStore, path: Path
    ) -> None:
        """Its runs are the oldest, which would be folded next."""
        add_runs(store, 2 * PAGE)
        (folder(path) / "page-000000").unlink()
        history = replace(store.snapshot().history, size=2 * MIB)
        later = run_record("later", "2026-12-31T10:00:00+00:00")
        assert HistoryFiles(path).add(history, later, 1).runs[-1] == later.summary

    def test_each_record_carries_the_digest_of_the_one_before(
        self, store: TinyDBStore, path: Path
    ) -> None:
        add_runs(store, 3)
        digest = ""
        for number in range(1, 4):
            content = (folder(path) / f"r{number}.json").read_bytes()
            assert orjson.loads(content)["previous"] == digest
            digest = hashlib.sha256(content).hexdigest()
        assert store.snapshot().history.head == digest


class TestFolding:
    def test_whole_pages_are_folded_with_their_records(
        self, store: TinyDBStore, path: Path
    ) -> None:
        store.apply(Batch(settings=Settings(history_max_mib=1)))
        first_day, total = datetime(2026, 1, 1, tzinfo=UTC), 3 * PAGE
        with without_waiting_for_the_disk():
            for number in range(1, total + 1):
                at = (first_day + timedelta(number)).isoformat(timespec="seconds")
                run = of_kib(5, run_record(f"r{number}", at, creates=3))
                store.apply(Batch([Edit.create(User(user_name=f"u{number}"))], run=run))
        kept = store.snapshot().history
        runs = store.runs()
        assert kept.size <= MIB
        assert kept.folded_runs == total - len(runs) > 0
        assert kept.folded_counts == {"create": 3 * kept.folded_runs}
        assert kept.folded_generation == runs[0].generation - 1
        first = orjson.loads((folder(path) / f"{runs[0].id}.json").read_bytes())
        assert first["previous"] == kept.folded_head
        records = {file.name for file in folder(path).glob("*.json")}
        assert records == {f"{run.id}.json" for run in runs}
        assert len(list(folder(path).glob("page-*"))) == kept.pages[1] - kept.pages[0]

    def test_the_last_day_is_never_folded(self, store: TinyDBStore) -> None:
        store.apply(Batch(settings=Settings(history_max_mib=1)))
        times = ["2026-01-01T01:00:00", "2026-01-02T00:00:00", "2026-01-02T01:00:01"]
        for number, at in enumerate(times, 1):
            run = of_kib(600, run_record(f"r{number}", f"{at}+00:00"))
            store.apply(Batch([Edit.create(User(user_name=f"u{number}"))], run=run))
        assert store.snapshot().history.size > MIB
        assert [run.id for run in store.runs()] == ["r2", "r3"]
        assert store.snapshot().history.folded_runs == 1

    def test_the_guards_figures_outlive_the_runs(self) -> None:
        """The newest sync that held nothing back counts; neither an undo nor a half sync does."""
        changes: list[dict[str, Any]] = [
            {"listed": 100},
            {"listed": 90},
            {"listed": 40, "held": 50},
            {"listed": 3, "kind": "undo", "undoes": "r1"},
        ]
        kept = History()
        for day, values in enumerate(changes, 1):
            run = run_record(f"r{day}", f"2026-01-{2 * day:02}T00:00:00+00:00")
            kept = with_run(kept, replace(run, summary=replace(run.summary, **values)), 1, "x")
        kept = folded(kept, kept.runs, 4, "x")
        assert (kept.listed, kept.size, kept.folded_runs) == (90, 0, 4)
        assert History.from_stored(orjson.loads(orjson.dumps(kept.to_stored()))) == kept

    def test_deletions_are_added_up_for_a_day(self) -> None:
        kept = History()
        for hour, values in enumerate(
            [
                {"guarded": True, "counts": {"delete": 1}},
                {"guarded": True, "counts": {"delete": 2}, "confirmed": True},
                {"guarded": False, "counts": {"delete": 4}, "kind": "delete"},
                {"guarded": True, "counts": {"delete": 8}, "kind": "undo"},
            ]
        ):
            run = run_record(f"r{hour}", f"2026-01-01T0{hour}:00:00+00:00")
            kept = with_run(kept, replace(run, summary=replace(run.summary, **values)), 1, "x")
        assert [count for _, count in kept.deletions] == [1, 8]
        kept = with_run(kept, run_record("last", "2026-01-02T02:00:00+00:00"), 1, "x")
        assert [count for _, count in kept.deletions] == [8]


class TestUndone:
    def test_what_is_taken_back_and_not_given_back(self) -> None:
        def run(name: str, undoes: str | None = None) -> RunSummary:
            return replace(run_record(name).summary, undoes=undoes)

        runs = [run("a"), run("b"), run("c", undoes="a"), run("d", undoes="b")]
        assert undone(runs) == {"a", "b"}
        assert undone([*runs, run("e", undoes="c")]) == {"b", "c"}


SYNC_FOREVER = """
import sys
from pathlib import Path
from contextlib import AbstractContextManager
from dataclasses import replace
from store.interface import Batch, Edit
from store.models import Settings, User
from store.tinydb.store import TinyDBStore
from tests.store.contract import run_record
store = TinyDBStore(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    run = run_record(f"{sys.argv[2]}-{number}", creates=200)
    store.apply(Batch([Edit.create(User(user_name=run.summary.id))], run=run))
    print(run.summary.id, flush=True)
"""


def test_a_kill_at_any_moment_leaves_history_and_store_agreeing(path: Path) -> None:
    chance = random.Random(5)
    for attempt in range(8):
        done = kill_in_the_middle(
            SYNC_FOREVER, str(path), f"p{attempt}", after=chance.random() * 0.05
        )
        assert done
        store = TinyDBStore(path)
        state = store.snapshot()
        runs = [run.id for run in store.runs()]
        assert sorted(runs) == sorted(state.users)
        assert set(done) <= set(runs)
        for run in store.runs():
            assert len(store.run(run.id).changes) == 200
            assert run.generation == state.users[run.id]["rev"]
        store.close()
