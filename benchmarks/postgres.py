"""How long a store in PostgreSQL takes, against bare psycopg: `python -m benchmarks.postgres`.

    python -m benchmarks.postgres [--users 100000] [--rounds 5]

It starts a cluster of its own, whose writes go to the disk.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psycopg

from benchmarks.samples import Sample, options, peak_bytes, report
from store.addresses import address_key
from store.interface import Batch, Edit, Snapshot
from store.locations import ARCHIVE_VARIABLE, NO_ARCHIVE
from store.models import DIRECTORY_SERVICES, User
from store.postgres.rows import COLUMNS
from store.postgres.store import PostgresStore
from store.records import run_bytes
from sync.directory.listing import DirectoryUser, Listing
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import open_workspace
from tests.store.contract import run_record
from tests.support.postgres import running_cluster
from tui.collector import do_without_collector

_CHANGES = 3000
_LOG_ONS = 500
_AT_ONCE = 25  # a moment without others' work is found more often if it need not be long
_SUMMARY = orjson.dumps(run_record("bare").summary.to_stored()).decode()


def make_store(url: str, users: int) -> None:
    """Fill the database with so many users of the directory."""
    store = PostgresStore(url)
    for first in range(0, users, 100_000):
        made = [_person(number) for number in range(first, min(first + 100_000, users))]
        store.apply(Batch([Edit.create(user) for user in made]))
    store.close()


def _person(number: int) -> User:
    return User(
        user_name=f"user{number:07}",
        full_name=f"Person Number {number}",
        distinguished_name=f"CN=Person {number},OU=Staff,DC=example,DC=com",
        email_addresses=[f"user{number:07}@example.com"],
        authentication=DIRECTORY_SERVICES,
        privileges=["login"],
        folder_privileges={f"user{number:07}": ["read"]},
    )


def timed(job: Callable[[], object]) -> float:
    """Return how many seconds the job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def bare_load(connection: psycopg.Connection[Any]) -> object:
    """Read all users as dictionaries by their keys."""
    query = f"SELECT key, {', '.join(COLUMNS)} FROM users"
    rows = connection.execute(query.encode()).fetchall()
    return {key: dict(zip(COLUMNS, rest, strict=True)) for key, *rest in rows}


def changes(state: Snapshot, number: int) -> list[Edit]:
    """Return edits: of six users, four get another full name, one goes, and one comes."""
    rows = list(state.users.values())[: _CHANGES * 5 // 6]
    edits = []
    for place, row in enumerate(rows):
        user = User.from_row(row)
        after = None if place % 5 == 4 else replace(user, full_name=f"Changed {number}")
        edits.append(Edit.of_row(row, after))
    first = 20_000_000 + number * _CHANGES
    return [*edits, *(Edit.create(_person(first + place)) for place in range(_CHANGES // 6))]


def bare_apply(connection: psycopg.Connection[Any], edits: list[Edit], record: bytes) -> None:
    """Write the same with the statements alone, nothing checked, nothing known afterwards."""
    kept = [edit.user for edit in edits if edit.user]
    with connection.transaction(), connection.cursor() as cursor:
        generation = cursor.execute("SELECT generation FROM store FOR UPDATE").fetchone()
        number = generation[0] + 1 if generation else 0
        leaving = [edit for edit in edits if edit.rev]
        cursor.execute(
            "DELETE FROM users USING unnest(%s::text[], %s::bigint[]) AS e (key, rev) "
            "WHERE users.key = e.key AND users.rev = e.rev RETURNING users.key, users.position",
            [[edit.key for edit in leaving], [edit.rev for edit in leaving]],
        )
        places = dict(cursor.fetchall())
        columns = ", ".join(("key", *COLUMNS, "position", "written"))
        with cursor.copy(f"COPY users ({columns}) FROM STDIN".encode()) as copy:
            for place, user in enumerate(kept):
                row = user.to_row() | {"rev": number}
                values = [row[name] for name in COLUMNS]  # type: ignore[literal-required]
                values[6] = orjson.dumps(values[6]).decode()
                where = places.get(user.key, (number << 24) + place)
                copy.write_row((user.key, *values, where, number))
        gone = [edit.key for edit in leaving if edit.user is None]
        cursor.execute("DELETE FROM addresses WHERE key = ANY(%s)", [gone])
        with cursor.copy("COPY addresses (address, key) FROM STDIN") as copy:
            for edit in edits:
                for address in edit.user.email_addresses if edit.user and not edit.rev else ():
                    copy.write_row((address_key(address), edit.key))
        cursor.execute(
            "INSERT INTO runs VALUES (%s, %s, now(), 'sync', 'root', %s, %s)",
            [f"bare{number}", number, _SUMMARY, record],
        )
        cursor.execute("UPDATE store SET generation = %s, stamp = gen_random_uuid()", [number])
        cursor.execute(
            "INSERT INTO writes (generation, stamp, gone) SELECT generation, stamp, %s FROM store",
            [gone],
        )


def log_ons(store: PostgresStore, names: list[str]) -> None:
    """What a right log-on asks of the store."""
    for name in names:
        store.find_for_log_on(name, "192.0.2.1")
        store.attempts.settle(name, "192.0.2.1", right=True)


def bare_log_ons(connection: psycopg.Connection[Any], names: list[str]) -> None:
    """Two statements: the user, and what failed."""
    for name in names:
        query = f"SELECT generation, {', '.join(COLUMNS)} FROM store, users WHERE key = %s"
        connection.execute(query.encode(), [name]).fetchone()
        connection.execute(
            "SELECT * FROM failed_log_ons WHERE (kind, who) IN "
            "(('pairs', %s), ('users', %s), ('sources', '192.0.2.1'))",
            [f"{name}/192.0.2.1", name],
        ).fetchall()


def synchronised(url: str) -> float:
    """Plan and apply a sync in which one user in a hundred changed; return its seconds."""
    os.environ[ARCHIVE_VARIABLE] = NO_ARCHIVE
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(url, Path(folder, "secret.key"))
        listing = Listing(
            [
                DirectoryUser(
                    row["user_name"],
                    row["distinguished_name"],
                    "Another Name" if place % 100 == 0 else row["full_name"],
                    row["email_addresses"],
                )
                for place, row in enumerate(workspace.snapshot().users.values())
            ],
            [],
            [],
        )
        start = time.perf_counter()
        apply_plan(workspace, preview(workspace, listing))
        seconds = time.perf_counter() - start
        workspace.close()
    return seconds


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure everything, subject and floor in turns."""
    samples = []
    with running_cluster(durable=True) as cluster:
        url = cluster.new_database()
        load = timed(lambda: make_store(url, users))
        samples.append(Sample(f"{users} users into an empty store", load))
        connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        names = [f"user{number * 7919 % users:07}" for number in range(_LOG_ONS)]
        knowing = PostgresStore(url)
        log_ons(knowing, names)
        for number in range(rounds):
            store = PostgresStore(url)
            store.runs()  # it is connected
            own, floor = timed(store.snapshot), timed(lambda: bare_load(connection))
            samples.append(Sample(f"snapshot of {users}", own, floor, goal="<= 2"))
            text = orjson.dumps(list(store.snapshot().users.values()))
            floor = timed(lambda: orjson.loads(text))  # noqa: B023 - called at once
            samples.append(Sample("the same, against orjson.loads", own, floor))
            edits = changes(store.snapshot(), 2 * number)
            batch = Batch(edits, run=run_record(f"own{number}", creates=_CHANGES))
            own = timed(lambda: store.apply(batch))  # noqa: B023
            edits = changes(store.snapshot(), 2 * number + 1)
            record = run_bytes(run_record("bare", creates=_CHANGES))
            floor = timed(lambda: bare_apply(connection, edits, record))  # noqa: B023
            samples.append(Sample(f"apply of {_CHANGES} changes", own, floor, goal="<= 1.5"))
            for first in range(0, _LOG_ONS, _AT_ONCE):
                some = names[first : first + _AT_ONCE]
                own = timed(lambda: log_ons(knowing, some)) / _AT_ONCE  # noqa: B023
                floor = timed(lambda: bare_log_ons(connection, some)) / _AT_ONCE  # noqa: B023
                samples.append(Sample("log-on, beyond bcrypt", own, floor, goal="<= 2"))
            store.close()
        samples.append(Sample("sync in which 1 % changed", synchronised(url)))
        samples.append(Sample("peak memory", peak_bytes(), unit="MB"))
        knowing.close()
        connection.close()
    return samples


def main() -> None:
    """Measure and print a table."""
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))


if __name__ == "__main__":
    do_without_collector()
    main()
