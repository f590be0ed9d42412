"""What is told, and what is there, when the server or the way to it fails in mid-write."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import (
    OutcomeUnknown,
    StoreBusy,
    StoreConflict,
    StoreError,
    StoreUnreachable,
)
from store.interface import Batch, Edit
from store.models import User
from store.postgres.store import PostgresStore
from sync.runs.by_hand import add_user
from sync.workspace import open_workspace
from tests.store.contract import ANNA, BERT, run_record
from tests.support.cutting_proxy import CuttingProxy, Where, cutting_proxy
from tests.support.postgres import Cluster, run_sql, running_cluster

# What a write sends, each by a word that only it has.
STATEMENTS = [b"FOR UPDATE", b"DELETE FROM users", b"COPY users", b"COPY addresses",
              b"INSERT INTO runs", b"UPDATE store", b"COMMIT"]  # fmt: skip


@pytest.fixture
def proxy(postgres: Cluster) -> Iterator[CuttingProxy]:
    with cutting_proxy(postgres.port) as running:
        yield running


@pytest.fixture
def open_store() -> Iterator[Callable[[str], PostgresStore]]:
    opened = []

    def open_one(url: str) -> PostgresStore:
        opened.append(PostgresStore(url))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def direct(database: str, open_store: Callable[[str], PostgresStore]) -> PostgresStore:
    store = open_store(database)
    store.apply(Batch([Edit.create(ANNA)], run=run_record("r0")))
    return store


@pytest.fixture
def through(
    direct: PostgresStore,
    database: str,
    proxy: CuttingProxy,
    postgres: Cluster,
    open_store: Callable[[str], PostgresStore],
) -> PostgresStore:
    """A session whose bytes go through the proxy."""
    store = open_store(database.replace(f":{postgres.port}/", f":{proxy.port}/"))
    assert store.snapshot().find("anna")
    return store


def write(store: PostgresStore, run: str = "r1", name: str = "bert") -> None:
    """Change anna and add somebody, with a record."""
    anna = store.snapshot().find("anna")
    assert anna
    new = User(user_name=name, email_addresses=[f"{name}@example.com"])
    edits = [Edit.update(anna, replace(anna, full_name=run)), Edit.create(new)]
    store.apply(Batch(edits, run=run_record(run)))


class TestCuts:
    @pytest.mark.parametrize("where", ["before", "after"])
    @pytest.mark.parametrize("statement", STATEMENTS, ids=lambda text: text.decode())
    def test_a_write_that_is_cut_is_done_once(
        self, through: PostgresStore, direct: PostgresStore, proxy: CuttingProxy,
        statement: bytes, where: Where,
    ) -> None:  # fmt: skip
        proxy.arm(statement, where)
        with contextlib.suppress(StoreUnreachable):  # told as not written
            write(through)
        assert proxy.cuts == 1
        state = direct.snapshot()
        written = state.history.find("r1") is not None
        anna = state.find("anna")
        assert anna
        assert (anna.full_name == "r1", state.find("bert") is not None) == (written, written)
        assert state.generation == 1 + written
        if not written:
            write(through)
        assert through.snapshot() == direct.snapshot()
        assert direct.snapshot().find("bert")

    def test_where_the_answer_to_commit_is_lost_the_write_is_told_as_done(
        self, through: PostgresStore, direct: PostgresStore, proxy: CuttingProxy
    ) -> None:
        proxy.arm(b"COMMIT", "after")
        write(through)  # raises nothing
        assert proxy.cuts == 1
        assert direct.has_run("r1")

    def test_where_commit_itself_is_lost_the_write_is_told_as_not_done(
        self, through: PostgresStore, direct: PostgresStore, proxy: CuttingProxy
    ) -> None:
        proxy.arm(b"COMMIT", "before")
        with pytest.raises(StoreUnreachable, match="before the write was made") as told:
            write(through)
        assert not isinstance(told.value, OutcomeUnknown)
        assert not direct.has_run("r1")

    def test_where_nobody_can_be_asked_that_is_told(
        self, through: PostgresStore, direct: PostgresStore, proxy: CuttingProxy
    ) -> None:
        through.database.ask_seconds = 1.5
        proxy.arm(b"COMMIT", "after")
        proxy.down = True
        with pytest.raises(OutcomeUnknown, match="cannot tell yet whether the write was made"):
            write(through)
        assert direct.has_run("r1")
        proxy.down = False
        time.sleep(1.1)
        assert through.snapshot() == direct.snapshot()

    def test_a_change_by_hand_of_which_nobody_can_tell_is_told_as_that(
        self, direct: PostgresStore, database: str, proxy: CuttingProxy, postgres: Cluster,
        tmp_path: Path,
    ) -> None:  # fmt: skip
        url = database.replace(f":{postgres.port}/", f":{proxy.port}/")
        workspace = open_workspace(url, tmp_path / "secret.key")
        assert workspace.snapshot().find("anna")
        assert isinstance(workspace.store, PostgresStore)
        workspace.store.database.ask_seconds = 1.5
        proxy.arm(b"COMMIT", "after")
        proxy.down = True
        with pytest.raises(OutcomeUnknown):
            add_user(workspace, User(user_name="carla"), "correct horse battery")
        assert direct.snapshot().find("carla")
        archives = workspace.archives(direct.snapshot().settings)
        assert archives.path("carla").is_dir(), "the user may be there, so the folder stays"
        proxy.down = False
        time.sleep(1.1)
        workspace.close()

    def test_control_without_asking_a_write_would_be_done_twice(
        self, through: PostgresStore, direct: PostgresStore, proxy: CuttingProxy
    ) -> None:
        """A client that only tries again where COMMIT was lost: its second write is a conflict."""
        proxy.arm(b"COMMIT", "after")
        batch = Batch([Edit.create(BERT)])
        through.apply(batch)
        with pytest.raises(StoreConflict, match="was added"):
            through.apply(batch)


class TestSilence:
    def test_a_server_that_is_stopped_is_not_waited_for(
        self, through: PostgresStore, proxy: CuttingProxy
    ) -> None:
        proxy.arm(b"store LEFT JOIN users", "before", mute=True)
        start = time.monotonic()
        assert through.find("anna").find("anna")  # by another connection
        assert 9 < time.monotonic() - start < 16


class TestServer:
    @pytest.fixture
    def own(self) -> Iterator[Cluster]:
        with running_cluster(durable=True) as cluster:
            yield cluster

    def test_a_crash_between_two_uses_is_not_noticed(
        self, own: Cluster, open_store: Callable[[str], PostgresStore]
    ) -> None:
        store = open_store(own.new_database())
        store.apply(Batch([Edit.create(ANNA)], run=run_record("r0")))
        for number in (signal.SIGKILL, signal.SIGINT):
            own.stop(number)
            own.start()
            assert store.find("anna").find("anna")
            write(store, f"r{number}", f"user{number}")
        assert [run.id for run in store.runs()] == ["r0", "r9", "r2"]

    def test_away_and_back(self, own: Cluster, open_store: Callable[[str], PostgresStore]) -> None:
        store = open_store(own.new_database())
        store.apply(Batch([Edit.create(ANNA)], run=run_record("r0")))
        own.stop()
        for use in (store.snapshot, lambda: store.attempts.is_locked("anna", None), store.runs):
            with pytest.raises(StoreUnreachable):
                use()
        with pytest.raises(StoreUnreachable):
            write(store)
        own.start()
        deadline = time.monotonic() + 5
        while True:
            with contextlib.suppress(StoreUnreachable):
                write(store)
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert store.find("bert").find("bert")

    def test_a_primary_that_turns_read_only_is_left(
        self, own: Cluster, open_store: Callable[[str], PostgresStore]
    ) -> None:
        url = own.new_database()
        store = open_store(url)
        store.apply(Batch([Edit.create(ANNA)], run=run_record("r0")))
        name = url.rpartition("/")[2]
        own.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        own.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        with pytest.raises(StoreUnreachable):
            write(store)
        own.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        time.sleep(1.1)
        write(store)


class TestPromotion:
    def test_the_standby_takes_over_and_nothing_acknowledged_is_lost(
        self, tmp_path: Path, open_store: Callable[[str], PostgresStore]
    ) -> None:
        with running_cluster(durable=True, options=["wal_level=replica"]) as primary:
            url = primary.new_database()
            folder = primary.log.parent / "standby"
            folder.mkdir()
            standby = Cluster(
                folder,
                durable=True,
                copy=f"{primary.url('')} application_name=standby".replace("/ ", "/?"),
            )
            standby.start()
            try:
                primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
                primary.sql("SELECT pg_reload_conf()")
                both = url.replace("@", "@127.0.0.1:1,").replace(
                    f"127.0.0.1:1,127.0.0.1:{primary.port}",
                    f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}",
                )
                store = open_store(both)
                store.apply(Batch([Edit.create(ANNA)], run=run_record("r0")))
                acknowledged = 0
                for number in range(20):
                    write(store, f"r{number + 1}", f"user{number}")
                    acknowledged += 1
                primary.stop(signal.SIGKILL)
                standby.sql("SELECT pg_promote()")
                start = time.monotonic()
                while True:
                    with contextlib.suppress(StoreUnreachable):
                        write(store, "after", "after")
                        break
                    assert time.monotonic() - start < 20
                    time.sleep(0.05)
                assert [run.id for run in store.runs()] == [
                    *(f"r{number}" for number in range(acknowledged + 1)),
                    "after",
                ]
                assert str(standby.port) in store.where
            finally:
                standby.stop()

    def test_a_store_that_was_set_back_is_read_again_from_the_start(
        self, direct: PostgresStore, database: str, open_store: Callable[[str], PostgresStore]
    ) -> None:
        """As after a failover that lost writes: the same generation, with other content."""
        write(direct)
        run_sql(
            database,
            "DELETE FROM users WHERE key = 'bert'; DELETE FROM addresses; "
            "DELETE FROM runs WHERE id = 'r1'; DELETE FROM writes WHERE generation = 2; "
            "UPDATE users SET full_name = 'as it was', rev = 1, written = 1; "
            "UPDATE store SET generation = 1, stamp = (SELECT stamp FROM writes)",
        )
        other = open_store(database)
        write(other, "r9", "carla")
        state = direct.snapshot()
        assert state.generation == 2
        assert set(state.users) == {"anna", "carla"}
        assert state == other.snapshot()


HOLD = """
import sys, time
from store.postgres.store import PostgresStore
with PostgresStore(sys.argv[1]).lock("sync", "busy:"):
    print("held", flush=True)
    time.sleep(60)
"""


class TestLeases:
    def test_who_lost_the_lock_writes_nothing(self, direct: PostgresStore, database: str) -> None:
        with direct.lock("sync", "busy:"):
            run_sql(database, "UPDATE locks SET until = now() - interval '1 second'")
            with pytest.raises(StoreBusy, match="was lost"):
                write(direct)
        assert not direct.has_run("r1")
        write(direct)

    def test_the_lease_of_who_is_gone_ends(
        self, direct: PostgresStore, database: str, open_store: Callable[[str], PostgresStore]
    ) -> None:
        run_sql(
            database,
            "INSERT INTO locks VALUES ('sync', gen_random_uuid(), 'root on mx9 (process 7)', "
            "'x/7', "
            "now() + interval '1 second')",
        )
        with pytest.raises(StoreBusy, match=r"busy: root on mx9 \(process 7\)"):
            direct.lock("sync", "busy:", 0.0).__enter__()
        with direct.lock("sync", "busy:", 5.0):
            pass

    def test_a_killed_process_of_this_host_is_in_nobodys_way(
        self, direct: PostgresStore, database: str
    ) -> None:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, database], stdout=subprocess.PIPE, text=True
        )
        with holder:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StoreBusy, match=rf"process {holder.pid}"):
                direct.lock("sync", "busy:", 0.0).__enter__()
            holder.kill()
        with direct.lock("sync", "busy:", 0.0):
            pass

    def test_a_lease_is_renewed(
        self, direct: PostgresStore, database: str, open_store: Callable[[str], PostgresStore]
    ) -> None:
        other = open_store(database)
        with direct.lock("sync", "busy:"):
            time.sleep(9)
            with pytest.raises(StoreBusy):
                other.lock("sync", "busy:", 0.0).__enter__()


def test_a_migration_is_made_once_and_a_newer_schema_is_refused(database: str) -> None:
    from store.postgres.schema import migrations

    first = PostgresStore(database)
    first.apply(Batch([Edit.create(ANNA)]))
    schema = len(migrations()) + 1
    later = f"ALTER TABLE users ADD COLUMN later text; UPDATE store SET schema = {schema}"
    newer = PostgresStore(database, steps=[*migrations(), later])
    assert newer.snapshot().find("anna")
    newer.close()
    with pytest.raises(StoreError, match="newer mailroster"):
        first.apply(Batch([Edit.create(BERT)]))
    with pytest.raises(StoreError, match="newer mailroster"):
        first.find("anna")
    first.close()


@pytest.mark.parametrize("name", ["a\0b", "plain"])
def test_what_columns_cannot_hold_is_kept_exactly(
    direct: PostgresStore, database: str, name: str, open_store: Callable[[str], PostgresStore]
) -> None:
    bert = replace(BERT, full_name=name)
    direct.apply(Batch([Edit.create(bert)]))
    for state in (open_store(database).snapshot(), open_store(database).find("bert")):
        user = state.find("bert")
        assert user
        assert user.full_name == name
