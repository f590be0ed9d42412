"""The history of a TinyDB store: files beside it that count only if the store lists them."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from store.errors import StoreDamaged, StoreUnwritable
from store.history import MOST_RUNS, History, RunSummary, with_run
from store.interface import Batch, Edit
from store.models import User
from store.tinydb_store import TinyDBStore
from tests.store.contract import ANNA, BERT, run_record
from tests.support.kills import kill_in_the_middle


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
    (folder(path) / "r2.json").write_bytes((folder(path) / "r1.json").read_bytes())
    assert [run.id for run in store.snapshot().history.runs] == ["r1"]
    store.apply(Batch([Edit.create(BERT)], run=run_record("r3")))
    assert sorted(file.name for file in folder(path).iterdir()) == ["r1.json", "r3.json"]


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
    (folder(path) / "stray.json").mkdir()
    with pytest.raises(StoreUnwritable, match="No user was changed"):
        store.apply(Batch([Edit.create(BERT)], run=run_record("r2")))
    assert list(store.snapshot().users) == ["anna"]
    (folder(path) / "stray.json").rmdir()
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


class TestFolding:
    def test_the_number_of_runs_is_limited_too(self) -> None:
        history = History()
        for number in range(MOST_RUNS + 3):
            history = with_run(history, run_record(f"r{number}"), {}, 1)
            history = replace(
                history,
                runs=tuple(replace(r, at="2020-01-01T00:00:00+00:00") for r in history.runs),
            )
        assert len(history.runs) == MOST_RUNS
        assert history.folded_counts == {"create": 3}

    def test_the_last_day_is_never_folded(self) -> None:
        first = run_record("r1", "2026-01-01T01:00:00+00:00")
        second = run_record("r2", "2026-01-02T00:00:00+00:00")
        third = run_record("r3", "2026-01-02T01:00:01+00:00")
        sizes = {"r1": 100, "r2": 100, "r3": 100}
        history = with_run(with_run(History(), first, sizes, 1), second, sizes, 1)
        assert [run.id for run in history.runs] == ["r1", "r2"]
        history = with_run(history, third, sizes, 1)
        assert [run.id for run in history.runs] == ["r2", "r3"]
        assert history.folded_runs == 1

    def test_the_guards_measure_of_the_directory_is_kept(self) -> None:
        """The newest sync that held nothing back counts; neither an undo nor a half sync does."""
        changes: list[dict[str, Any]] = [
            {"listed": 100},
            {"listed": 90},
            {"listed": 40, "held": 50},
            {"listed": 3, "kind": "undo", "undoes": "r1"},
            {},
        ]
        history = History()
        for day, values in enumerate(changes, 1):
            run = run_record(f"r{day}", f"2026-01-{2 * day:02}T00:00:00+00:00")
            run = replace(run, summary=replace(run.summary, **values))
            history = with_run(history, run, {f"r{day}": 100 for day in range(1, 6)}, 1)
        assert [run.id for run in history.runs] == ["r5"]
        assert history.folded_listed == 90
        assert History.from_stored(history.to_stored()) == history
        stored = history.to_stored()
        del stored["folded_listed"]  # as before it was kept
        assert History.from_stored(stored).folded_listed is None


class TestUndone:
    def test_what_is_taken_back_and_not_given_back(self) -> None:
        def run(name: str, undoes: str | None = None) -> RunSummary:
            return replace(run_record(name).summary, undoes=undoes)

        history = History((run("a"), run("b"), run("c", undoes="a"), run("d", undoes="b")))
        assert history.undone == {"a", "b"}
        assert replace(history, runs=(*history.runs, run("e", undoes="c"))).undone == {"b", "c"}


SYNC_FOREVER = """
import sys
from pathlib import Path
from dataclasses import replace
from store.interface import Batch, Edit
from store.models import User
from store.tinydb_store import TinyDBStore
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
        runs = [run.id for run in state.history.runs]
        assert sorted(runs) == sorted(state.users)
        assert set(done) <= set(runs)
        for run in state.history.runs:
            assert len(store.run(run.id).changes) == 200
            assert run.generation == state.users[run.id]["rev"]
        store.close()
