"""`history verify`: whatever is done to any record is found, and the first wrong one is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from store.chain import Chain, digest, verify
from store.history import PAGE, History, RunSummary
from store.interface import Batch, Edit, utc_now
from store.models import Settings, User
from store.tinydb.store import TinyDBStore
from tests.store.contract import run_record

RUNS = 12
Records = dict[str, bytes]
Tamper = Callable[[list[RunSummary], Records, int], None]


@pytest.fixture
def store(tmp_path: Path) -> TinyDBStore:
    store = TinyDBStore(tmp_path / "users.json")
    fill(store, RUNS)
    return store


def fill(store: TinyDBStore, count: int, settings: Settings | None = None) -> None:
    now = utc_now().isoformat()
    for number in range(count):
        edit = Edit.create(User(user_name=f"user{number}"))
        store.apply(Batch([edit], settings=settings, run=run_record(f"run{number}", at=now)))


def look(store: TinyDBStore, noted: str = "") -> Chain:
    return verify(store.snapshot().history, store.runs(), store.record, noted)


def test_the_control(store: TinyDBStore) -> None:
    head = store.snapshot().history.head
    assert look(store) == Chain(RUNS, 0, head)
    assert look(store, head) == look(store, digest(store.record("run3"))) == look(store)


def changed(runs: list[RunSummary], records: Records, at: int) -> None:
    record = orjson.loads(records[runs[at].id])
    record["changes"] = []
    records[runs[at].id] = orjson.dumps(record)


def other_who(runs: list[RunSummary], records: Records, at: int) -> None:
    record = orjson.loads(records[runs[at].id])
    record["summary"]["who"] = "somebody"
    runs[at] = replace(runs[at], who="somebody")
    records[runs[at].id] = orjson.dumps(record)


def other_in_the_list_alone(runs: list[RunSummary], records: Records, at: int) -> None:
    runs[at] = replace(runs[at], who="somebody")


def without_previous(runs: list[RunSummary], records: Records, at: int) -> None:
    record = orjson.loads(records[runs[at].id])
    del record["previous"]
    records[runs[at].id] = orjson.dumps(record)


def one_byte(runs: list[RunSummary], records: Records, at: int) -> None:
    records[runs[at].id] += b" "


def removed(runs: list[RunSummary], records: Records, at: int) -> None:
    del records[runs.pop(at).id]


def put_in_after(runs: list[RunSummary], records: Records, at: int) -> None:
    before = records[runs[at].id]
    record = {**orjson.loads(before), "previous": digest(before)}
    record["summary"]["id"] = "forged"
    runs.insert(at + 1, replace(runs[at], id="forged"))
    records["forged"] = orjson.dumps(record)


def swapped(runs: list[RunSummary], records: Records, at: int) -> None:
    other = at - 1 if at else 1
    runs[at], runs[other] = runs[other], runs[at]


@pytest.mark.parametrize("at", range(RUNS))
@pytest.mark.parametrize(
    "tamper",
    [
        changed,
        other_who,
        other_in_the_list_alone,
        without_previous,
        one_byte,
        removed,
        put_in_after,
        swapped,
    ],
)
def test_tampering_with_every_record(store: TinyDBStore, tamper: Tamper, at: int) -> None:
    runs = list(store.runs())
    names = [run.id for run in runs]
    records = {run.id: store.record(run.id) for run in runs}
    tamper(runs, records, at)
    found = verify(store.snapshot().history, runs, records.__getitem__)
    assert found.problem
    first = at - 2 if tamper is swapped else at - 1  # two records moved
    near = {"forged", *names[max(0, first) : at + 2]}
    assert found.wrong in near


def test_a_lost_file_and_one_that_is_not_whole(store: TinyDBStore, tmp_path: Path) -> None:
    file = tmp_path / "users.json.history" / "run4.json"
    content = file.read_bytes()
    file.write_bytes(content[:40])
    assert look(store).wrong == "run4"
    file.unlink()
    found = look(store)
    assert (found.wrong, found.records, "is gone" in found.problem) == ("run4", 4, True)


def cut_off(history: History, records: Records, keep: int) -> History:
    """What somebody leaves who removes the newest records and writes the head anew."""
    kept = history.runs[:keep]
    return replace(history, runs=kept, head=digest(records[kept[-1].id]))


def test_a_cut_off_end_is_found_by_a_head_noted_elsewhere(store: TinyDBStore) -> None:
    history = store.snapshot().history
    records = {run.id: store.record(run.id) for run in history.runs}
    short = cut_off(history, records, 5)
    assert not verify(short, short.runs, records.__getitem__).problem  # as the documents say
    assert verify(short, short.runs, records.__getitem__, history.head).wrong == "run4"
    earlier = digest(records["run2"])
    assert not verify(short, short.runs, records.__getitem__, earlier).problem


def test_pages_and_folded_runs(tmp_path: Path) -> None:
    store = TinyDBStore(tmp_path / "users.json")
    fill(store, 2 * PAGE + 3)
    assert store.snapshot().history.pages == (0, 1)
    assert look(store).records == 2 * PAGE + 3
    page = tmp_path / "users.json.history" / "page-000000"
    runs: list[dict[str, Any]] = orjson.loads(page.read_bytes())
    runs[7]["who"] = "somebody"
    page.write_bytes(orjson.dumps(runs))
    assert look(store).wrong == "run7"


def test_folded_runs_leave_their_digest(store: TinyDBStore) -> None:
    history = store.snapshot().history
    records = {run.id: store.record(run.id) for run in history.runs}
    folded = replace(
        history, runs=history.runs[4:], folded_runs=4, folded_head=digest(records["run3"])
    )
    read = records.__getitem__
    assert not verify(folded, folded.runs, read).problem
    assert not verify(folded, folded.runs, read, folded.folded_head).problem
    shorter = folded.runs[1:]
    assert verify(folded, shorter, read).wrong == "run5"  # run4 was removed
    unknown = replace(folded, folded_head="")
    assert not verify(unknown, unknown.runs, read).problem


def test_records_from_before_the_chain(store: TinyDBStore) -> None:
    runs, records = list(store.runs())[:3], {}
    before = ""
    for number, run in enumerate(runs):
        record = orjson.loads(store.record(run.id))
        if number < 2:
            del record["previous"]
        else:
            record["previous"] = before
        records[run.id] = orjson.dumps(record)
        before = digest(records[run.id])
    history = replace(store.snapshot().history, head=before)
    assert verify(history, runs, records.__getitem__) == Chain(3, 1, before)
