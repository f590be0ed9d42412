"""The campaign of faults on PostgreSQL: clients and servers are killed, standbys take over.

    python -m tests.faults.postgres [--kills 200] [--crashes 20] [--promotions 10] [--lost 50]
        [--race 60]

A client that edits writes one number into two users at once, with a record; one that synchronises
changes a third user; each says before and after what it does. One that logs on has the right
password, and must never be refused. Afterwards the database must hold every write that was
acknowledged, none that was told as not made, and no half; and clients must go on by themselves. The
controls take a guard away each, and must find losses.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from store.errors import OutcomeUnknown, Problem, StoreBusy, StoreError
from store.interface import Batch, Edit, Store
from store.locations import ARCHIVE_VARIABLE, NO_ARCHIVE
from store.models import DIRECTORY_SERVICES, User
from store.passwords import hash_password
from store.postgres.store import PostgresStore
from sync.directory.listing import DirectoryUser, Listing
from sync.logon.login import check_log_on
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import Workspace, open_workspace
from tests.store.contract import run_record
from tests.support.cutting_proxy import Where, cutting_proxy
from tests.support.postgres import Cluster, run_sql, running_cluster

PAIR = ("anna", "bert")
PASSWORD = "correct horse battery"
SEED = 7
Work = Callable[[Workspace, str, Callable[[str, str], None]], None]


@dataclass
class Told:
    """What clients said of their writes, by the ids of their runs."""

    begun: set[str] = field(default_factory=set)
    ends: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """Note one line of a client."""
        word, run, at = line.split()
        if word == "begin":
            self.begun.add(run)
        else:
            self.ends[run] = word
            self.seconds[run] = float(at)

    def of(self, word: str) -> set[str]:
        """Return the runs that ended like this."""
        return {run for run, end in self.ends.items() if end == word}


def fill(url: str) -> None:
    """Make the store that the clients work on."""
    store = PostgresStore(url)
    users = [User(user_name=name, full_name="0") for name in PAIR]
    users.append(User(user_name="clara", authentication=DIRECTORY_SERVICES))
    hashed = hash_password(PASSWORD, "dora")
    users.append(User(user_name="dora", privileges=["login"], password_hash=hashed))
    store.apply(Batch([Edit.create(user) for user in users]))
    store.close()


def count_up(store: Store, run: str) -> None:
    """Count both users up by one; whoever else does so at once is in conflict."""
    state = store.snapshot()
    users = [state.find(name) for name in PAIR]
    number = int(users[0].full_name or 0) + 1 if users[0] else 0
    edits = [Edit.update(user, replace(user, full_name=str(number))) for user in users if user]
    store.apply(Batch(edits, run=run_record(run)))


def write_once(store: Store, run: str) -> None:
    """Do that under the lock of a change."""
    with store.lock("change", "busy:"):
        count_up(store, run)


def race(workspace: Workspace, run: str, tell: Callable[[str, str], None]) -> None:
    """Edit without the lock, so that only the store keeps writers apart."""
    tell("begin", run)
    count_up(workspace.store, run)
    tell("done", run)


def edit(workspace: Workspace, run: str, tell: Callable[[str, str], None]) -> None:
    """Edit as commands do."""
    tell("begin", run)
    write_once(workspace.store, run)
    tell("done", run)


def synchronise(workspace: Workspace, run: str, tell: Callable[[str, str], None]) -> None:
    """Synchronise one user; the run has an id of its own, which the plan knows before."""
    plan = preview(workspace, Listing([DirectoryUser("clara", None, run, [])], [], []))
    tell("begin", plan.id)
    try:
        apply_plan(workspace, plan)
    except OutcomeUnknown:
        tell("unknown", plan.id)
    except Problem:
        tell("not", plan.id)
    else:
        tell("done", plan.id)


def log_on(workspace: Workspace, run: str, tell: Callable[[str, str], None]) -> None:
    """Log on with the right password: in, or try later."""
    verdict = check_log_on(workspace, "dora", PASSWORD, "192.0.2.1")
    tell(f"log-on-{verdict.public}", run)


_MIXED = (edit, edit, synchronise, log_on)


def client(url: str, pipe: int, name: str, work: Work) -> None:
    """Work until killed, and tell of each write before and after it."""

    def tell(word: str, run: str) -> None:
        os.write(pipe, f"{word} {run} {time.monotonic()}\n".encode())

    os.environ[ARCHIVE_VARIABLE] = NO_ARCHIVE
    with tempfile.TemporaryDirectory() as folder:
        workspace, number = open_workspace(url, Path(folder, "secret.key")), 0
        while True:
            number += 1
            run = f"{name}.{number}"
            try:
                work(workspace, run, tell)
            except OutcomeUnknown:
                tell("unknown", run)
            except Problem:
                tell("not", run)
                time.sleep(0.02)


@contextlib.contextmanager
def clients(url: str, name: str, *works: Work) -> Iterator[tuple[list[int], Callable[[], str]]]:
    """Fork a client for each work; yield their process ids, and what reads all that they say."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    pids = []
    for number, work in enumerate(works):
        pid = os.fork()
        if pid == 0:
            try:
                client(url, writer, f"{name}.{number}", work)
            except BaseException as error:  # noqa: BLE001 - told, and the process ends
                os.write(2, f"client: {error!r}\n".encode())
            finally:
                os._exit(1)
        pids.append(pid)
    os.close(writer)

    def read() -> str:
        text = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(reader, 1 << 16):
                text += piece
        return text.decode()

    try:
        yield pids, read
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        os.close(reader)


def judge(url: str, told: Told) -> Counter[str]:
    """Compare what was told with what is there."""
    there = {run for (run,) in run_sql(url, "SELECT id FROM runs")}
    pair = run_sql(url, "SELECT full_name FROM users WHERE key IN ('anna', 'bert')")
    numbers = [int(number) for (number,) in pair]
    edits = sum("." in run for run in there)
    ((generation,),) = run_sql(url, "SELECT generation FROM store")
    found: Counter[str] = Counter()
    found["acknowledged"] = len(told.of("done"))
    found["acknowledged and lost"] = len(told.of("done") - there)
    found["told as not made"] = len(told.of("not"))
    found["told as not made, but there"] = len(told.of("not") & there)
    found["cannot be told"] = len(told.of("unknown"))
    found["killed and there"] = len((told.begun - told.ends.keys()) & there)
    found["half"] = len(set(numbers)) - 1 + (numbers[0] != edits) + (generation != len(there) + 1)
    if log_ons := Counter(end for end in told.ends.values() if end.startswith("log-on")):
        found["log-ons"] = log_ons["log-on-accepted"]
        found["told to try later"] = log_ons["log-on-unavailable"]
        found["right passwords refused"] = log_ons["log-on-refused"]
    return found


def report(what: str, found: Counter[str], seconds: list[float] | None = None) -> None:
    """Print a line."""
    parts = [f"{name} {count}" for name, count in found.items()]
    if seconds:
        ordered = sorted(seconds)
        parts.append(f"again after {ordered[len(ordered) // 2]:.2f} s, at most {ordered[-1]:.2f} s")
    print(f"{what}: {', '.join(parts)}", flush=True)


def kills(cluster: Cluster, count: int) -> None:
    """SIGKILL clients at random moments of their writes."""
    url, told = cluster.new_database(), Told()
    fill(url)
    chance, seconds = random.Random(SEED), []
    for number in range(count):
        with clients(url, f"kill{number}", edit) as (pids, read):
            start, text = time.monotonic(), ""
            while "done" not in text:
                time.sleep(0.002)
                text += read()
                if time.monotonic() - start > 60:
                    raise AssertionError("a client did not get on")
            seconds.append(time.monotonic() - start)
            time.sleep(chance.random() * 0.05)
            os.kill(pids[0], signal.SIGKILL)
            os.waitpid(pids[0], 0)
            for line in (text + read()).splitlines():
                told.take(line)
    report(f"{count} clients killed", judge(url, told), seconds)


def crashes(count: int) -> None:
    """`kill -9` of the postmaster under syncs, edits and log-ons, and a restart."""
    with running_cluster(durable=True) as cluster:
        url, told, seconds = cluster.new_database(), Told(), []
        fill(url)
        chance = random.Random(SEED)
        with clients(url, "crash", *_MIXED) as (_, read):
            for _ in range(count):
                time.sleep(0.3 + chance.random() * 0.3)
                cluster.stop(signal.SIGKILL)
                cluster.start()
                seconds.append(again(told, read))
            take(told, read)
        report(f"{count} crashes of the server", judge(url, told), seconds)


def races(cluster: Cluster, seconds: float, writers: int = 8) -> Counter[str]:
    """Let clients write one pair of users all at once; return what was found."""
    url, told = cluster.new_database(), Told()
    fill(url)
    with clients(url, "race", *[race] * writers) as (pids, read):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.05)
            take(told, read)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        take(told, read)
    found = judge(url, told)
    report(f"{writers} writers for {seconds:g} s", found)
    return found


def take(told: Told, read: Callable[[], str]) -> None:
    """Note all that clients have said."""
    for line in read().splitlines():
        told.take(line)


def again(told: Told, read: Callable[[], str]) -> float:
    """Wait for the next write that is acknowledged; return how many seconds from now."""
    start = time.monotonic()
    while True:
        take(told, read)
        later = [at for run, at in told.seconds.items() if told.ends[run] == "done" and at > start]
        if later:
            return min(later) - start
        if time.monotonic() - start > 60:
            raise AssertionError("no client got on within 60 s")
        time.sleep(0.005)


def promotions(count: int, *, synchronous: bool = True) -> None:
    """Kill the primary under syncs, edits and log-ons, and promote its standby."""
    total: Counter[str] = Counter()
    seconds = []
    for number in range(count):
        with running_cluster(durable=True) as primary:
            url, told = primary.new_database(), Told()
            fill(url)
            folder = primary.log.parent / "standby"
            folder.mkdir()
            source = f"{primary.url('')}?application_name=standby"
            standby = Cluster(folder, durable=True, copy=source)
            standby.start()
            try:
                if synchronous:
                    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
                    primary.sql("SELECT pg_reload_conf()")
                servers = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
                both = url.replace(f"127.0.0.1:{primary.port}", servers)
                with clients(both, f"promotion{number}", *_MIXED) as (_, read):
                    again(told, read)
                    if not synchronous:
                        stop_receiving(standby)
                    time.sleep(0.5)
                    primary.stop(signal.SIGKILL)
                    standby.sql("SELECT pg_promote()")
                    seconds.append(again(told, read))
                total.update(judge(standby.url(url.rpartition("/")[2]), told))
            finally:
                standby.stop()
    kind = "promotions" if synchronous else "promotions without synchronous replication (control)"
    report(f"{count} {kind}", total, seconds)


def stop_receiving(standby: Cluster) -> None:
    """Let the standby fall behind, as one that is cut off does."""
    standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
    standby.sql("SELECT pg_reload_conf()")


def lost_answers(cluster: Cluster, count: int) -> None:
    """Lose the answer to COMMIT; a client that does not ask would tell a lie each time."""
    url = cluster.new_database()
    fill(url)
    told: Counter[str] = Counter()
    with cutting_proxy(cluster.port) as proxy:
        store = PostgresStore(url.replace(f":{cluster.port}/", f":{proxy.port}/"))
        for number in range(count):
            where: Where = "after" if number % 2 else "before"
            store.snapshot()
            proxy.arm(b"COMMIT", where)
            try:
                write_once(store, f"lost{number}")
                end = "done"
            except StoreBusy:
                end = "busy"
            except StoreError:
                end = "not"
            is_there = bool(run_sql(url, f"SELECT id FROM runs WHERE id = 'lost{number}'"))
            what = "there" if is_there else "not there"
            told[f"cut {where} it: told as {end}, and {what}"] += 1
            told["a client that does not ask would have lied (control)"] += is_there
        store.close()
    report(f"{count} lost COMMITs", told)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("kills", 200), ("crashes", 20), ("promotions", 10), ("lost", 50)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--race", type=float, default=60, metavar="SECONDS")
    wanted = parser.parse_args()
    with running_cluster(durable=True) as cluster:
        if wanted.race:
            races(cluster, wanted.race)
        if wanted.lost:
            lost_answers(cluster, wanted.lost)
        if wanted.kills:
            kills(cluster, wanted.kills)
    if wanted.crashes:
        crashes(wanted.crashes)
    if wanted.promotions:
        promotions(wanted.promotions)
        promotions(2, synchronous=False)


if __name__ == "__main__":
    sys.exit(main())
