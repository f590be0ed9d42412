"""Several sessions, as of several hosts, on one store: nothing is lost, and changes are seen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from store.interface import Batch, Edit, Snapshot
from store.models import User
from store.postgres.store import PostgresStore
from tests.store.contract import ANNA, BERT, run_record
from tests.support.pgbouncer import pgbouncer
from tests.support.postgres import Cluster

Open = Callable[[str], PostgresStore]


@pytest.fixture
def open_store() -> Iterator[Open]:
    opened = []

    def open_one(url: str) -> PostgresStore:
        opened.append(PostgresStore(url))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


COUNT_UP = """
import sys, time
from dataclasses import replace
from store.errors import StoreConflict
from store.interface import Batch, Edit
from store.postgres.store import PostgresStore
store, until, done = PostgresStore(sys.argv[1]), time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < until:
    anna = store.snapshot().find("anna")
    more = replace(anna, full_name=str(int(anna.full_name) + 1))
    try:
        store.apply(Batch([Edit.update(anna, more)]))
        done += 1
    except StoreConflict:
        pass
print(done)
store.close()
"""


def test_eight_writers_lose_no_update(database: str, open_store: Open) -> None:
    store = open_store(database)
    store.apply(Batch([Edit.create(replace(ANNA, full_name="0"))]))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT_UP, database, "5"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    acknowledged = [int(writer.communicate(timeout=120)[0]) for writer in writers]
    anna = store.snapshot().find("anna")
    assert anna
    assert int(anna.full_name or "") == sum(acknowledged) > 0
    assert store.generation == 1 + sum(acknowledged)


class TestWatch:
    async def seen_after(
        self, watcher: PostgresStore, write: Callable[[], object]
    ) -> tuple[Snapshot, float]:
        """Return what the watcher sees of a write, and how many seconds after it."""
        watcher.snapshot()
        changes = watcher.watch()
        seen = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(write)
        start = time.monotonic()
        state = await asyncio.wait_for(seen, 10)
        passed = time.monotonic() - start
        await changes.aclose()  # type: ignore[attr-defined]
        return state, passed

    async def test_a_change_is_seen_within_a_second(self, database: str, open_store: Open) -> None:
        writer, watcher = open_store(database), open_store(database)
        writer.apply(Batch([Edit.create(ANNA)]))
        state, passed = await self.seen_after(
            watcher, lambda: writer.apply(Batch([Edit.create(BERT)]))
        )
        assert state.find("bert")
        assert passed < 1

    async def test_a_watcher_goes_on_after_its_connections_were_ended(
        self, postgres: Cluster, database: str, open_store: Open
    ) -> None:
        writer, watcher = open_store(database), open_store(database)
        writer.apply(Batch([Edit.create(ANNA)]))

        def end_all_and_write() -> None:
            postgres.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{database.rpartition('/')[2]}'"
            )
            writer.apply(Batch([Edit.create(BERT)]))

        state, passed = await self.seen_after(watcher, end_all_and_write)
        assert state.find("bert")
        assert passed < 2

    def test_only_what_is_new_is_read(self, database: str, open_store: Open) -> None:
        writer, reader = open_store(database), open_store(database)
        writer.apply(Batch([Edit.create(User(user_name=f"u{n}")) for n in range(200)]))
        before = reader.snapshot()
        user = writer.snapshot().find("u7")
        assert user
        writer.apply(
            Batch(
                [
                    Edit.update(user, replace(user, user_name="seven")),
                    Edit.delete(writer.snapshot().find("u8") or user),
                    Edit.create(ANNA),
                ]
            )
        )
        after = reader.snapshot()
        assert after == writer.snapshot() == open_store(database).snapshot()
        assert all(after.users[f"u{n}"] is before.users[f"u{n}"] for n in range(9, 200))


@pytest.mark.parametrize("mode", ["session", "transaction"])
class TestPooler:
    @pytest.fixture
    def url(self, postgres: Cluster, database: str, mode: str) -> Iterator[str]:
        with pgbouncer(postgres, mode) as port:
            yield database.replace(f":{postgres.port}/", f":{port}/")

    async def test_everything_works_through_it(self, url: str, open_store: Open) -> None:
        stores = [open_store(url) for _ in range(2)]
        stores[0].apply(Batch([Edit.create(ANNA)], run=run_record("r0")))
        for number in range(30):
            store = stores[number % 2]
            anna = store.snapshot().find("anna")
            assert anna
            with store.lock("change", "busy:"):
                edits = [
                    Edit.update(anna, replace(anna, full_name=str(number))),
                    Edit.create(User(user_name=f"u{number}", email_addresses=[f"{number}@x.org"])),
                ]
                store.apply(Batch(edits, run=run_record(f"r{number + 1}")))
            assert not store.attempts.settle("anna", "192.0.2.1", right=False)
        assert stores[0].attempts.is_locked("anna", "192.0.2.1")
        assert stores[0].snapshot() == stores[1].snapshot()
        assert len(stores[0].runs()) == 31
        watching = TestWatch()
        state, passed = await watching.seen_after(
            stores[1], lambda: stores[0].apply(Batch([Edit.create(BERT)]))
        )
        assert state.find("bert")
        assert passed < 1
