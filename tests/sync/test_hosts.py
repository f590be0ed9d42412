"""Two hosts on one store in PostgreSQL: they count together, and never do the same thing twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from store.administrators import is_local_administrator
from store.errors import LastAdministrator, StoreBusy, StoreConflict
from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password
from sync.logon.login_server import LoginServer
from sync.runs.apply import apply_plan
from sync.runs.by_hand import set_privileges
from sync.runs.preview import preview
from sync.runs.run_lock import run_lock
from sync.workspace import Workspace, open_workspace
from tests.support.builders import AUTO_DELETE, answer, listed
from tests.support.postgres import running_cluster

PASSWORD = "correct horse battery"


def local(name: str, privilege: str) -> User:
    return User(user_name=name, privileges=[privilege], password_hash=hash_password(PASSWORD, name))


@pytest.fixture
def host_on(tmp_path: Path) -> Iterator[Callable[[str, str], Workspace]]:
    """Opens a database as a host of that name, with a key and an archive of its own."""
    opened = []

    def open_one(url: str, name: str) -> Workspace:
        folder = tmp_path / name
        folder.mkdir()
        workspace = open_workspace(url, folder / "secret.key")
        opened.append(workspace)
        return replace(workspace, host_path=folder / "postgresql", who=f"root of {name}")

    yield open_one
    for workspace in opened:
        workspace.close()


@pytest.fixture
def hosts(database: str, host_on: Callable[[str, str], Workspace]) -> tuple[Workspace, Workspace]:
    one, two = host_on(database, "one"), host_on(database, "two")
    edits = [Edit.create(user) for user in (local("anna", "login"), local("root", "admin"))]
    one.store.apply(Batch(edits, settings=AUTO_DELETE))
    return one, two


@contextmanager
def answering(workspace: Workspace) -> Iterator[LoginServer]:
    server = LoginServer(workspace, workspace.host_path.with_name("homes"), log=lambda _line: None)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


def post(server: LoginServer, name: str, password: str, source: str = "192.0.2.1") -> int:
    form = {"userName": name, "password": password, "source": source}
    return httpx.post(server.url, data=form, trust_env=False, timeout=60).status_code


def within(seconds: float, is_so: Callable[[], bool]) -> float:
    """Wait until it is so, and return how long that took."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < seconds
        time.sleep(0.02)
    return time.monotonic() - start


def test_fifty_guesses_on_two_servers_count_as_fifty(hosts: tuple[Workspace, Workspace]) -> None:
    def guess(number: int) -> None:
        source = f"198.51.100.{number}"
        while post(servers[number % 2], "anna", f"wrong {number}", source) == 503:
            time.sleep(0.05)

    with answering(hosts[0]) as first, answering(hosts[1]) as second:
        servers = (first, second)
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(guess, range(50)))
        counts = [host.lockout.failures("anna", None).user.failed for host in hosts]
        assert counts == [50, 50]
        for number in range(5):
            assert post(servers[number % 2], "anna", f"wrong {number}") == 403
        assert [post(server, "anna", PASSWORD) for server in servers] == [403, 403]
        assert post(second, "anna", PASSWORD, "192.0.2.2") == 200


def test_two_demotions_at_once_leave_one_administrator(
    hosts: tuple[Workspace, Workspace],
) -> None:
    hosts[0].store.apply(Batch([Edit.create(local("second", "admin"))]))
    barrier = threading.Barrier(2)

    def demote(host: Workspace, name: str) -> bool:
        user = host.snapshot().find(name)
        assert user
        barrier.wait()
        try:
            set_privileges(host, user, ["login"])
        except (LastAdministrator, StoreConflict):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, hosts, ("root", "second")))
    assert sorted(done) == [False, True]
    left = [row for row in hosts[0].snapshot().users.values() if is_local_administrator(row)]
    assert len(left) == 1


def test_a_second_sync_is_told_who_has_the_first(hosts: tuple[Workspace, Workspace]) -> None:
    one, two = hosts
    with (
        run_lock(one),
        pytest.raises(StoreBusy, match=r"Another sync is running, \S+ on \S+ \(process"),
        run_lock(two, 0.0),
    ):
        pass
    with run_lock(two, 0.0):
        pass


def test_two_syncs_at_once_make_one(hosts: tuple[Workspace, Workspace]) -> None:
    listing = answer(*(listed(f"user{number}") for number in range(20)))
    barrier = threading.Barrier(2)

    def synchronise(host: Workspace) -> int:
        barrier.wait()
        with run_lock(host):
            return len(apply_plan(host, preview(host, listing)).applied)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(synchronise, hosts)) == [0, 20]
    assert len(hosts[1].store.runs()) == 1
    assert hosts[0].snapshot() == hosts[1].snapshot()


def test_access_files_of_the_other_host_follow_within_two_seconds(
    hosts: tuple[Workspace, Workspace],
) -> None:
    one, two = hosts
    with answering(two) as server:
        assert post(server, "anna", PASSWORD) == 200
        acl = two.host_path.with_name("homes") / "anna" / "acl"
        before = acl.read_bytes()
        anna = one.snapshot().find("anna")
        assert anna
        rights = replace(anna, folder_privileges={"anna": ["read", "write"]})
        one.store.apply(Batch([Edit.update(anna, rights)]))
        within(2.0, lambda: acl.read_bytes() != before)


def test_a_login_server_answers_again_by_itself(
    host_on: Callable[[str, str], Workspace],
) -> None:
    with running_cluster() as cluster:
        host = host_on(cluster.new_database(), "one")
        host.store.apply(Batch([Edit.create(local("anna", "login"))]))
        with answering(host) as server:
            assert post(server, "anna", PASSWORD) == 200
            for _ in range(2):
                cluster.stop()
                assert post(server, "anna", f"{PASSWORD}!") == 503
                assert httpx.get(f"{server.url}health", trust_env=False).status_code == 503
                cluster.start()
                within(5.0, lambda: post(server, "anna", PASSWORD) == 200)
            assert not host.lockout.failures("anna", "192.0.2.1").pair.failed
