"""The verifier on loopback HTTP, through real sockets."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password
from store.tinydb.store import TinyDBStore
from sync.logon.login_server import LIMITS, MAX_BODY_BYTES, LoginServer, LoginServerFailed
from sync.logon.turns import OF_ONE_SOURCE, WORKERS, Turns
from sync.server.server_log import FIRST
from sync.workspace import Workspace
from tests.support.replaced import in_place_of
from tests.support.wrapped_store import with_attempts

PASSWORD = "grüne Gießkanne & mehr"
SERVING = "serving"


@pytest.fixture
def lines() -> list[str]:
    return []


class Checks:
    """The log-ons that are checked, by their users; while `release` is not set they wait."""

    def __init__(self) -> None:
        self.of: list[str] = []
        self.release = threading.Event()
        self.release.set()

    def watching(self, settle: Callable[..., bool]) -> Callable[..., bool]:
        def watched(user: str, source: str | None, **outcome: Any) -> bool:
            self.of.append(user)
            assert self.release.wait(20)
            return settle(user, source, **outcome)

        return watched

    def wait_for(self, number: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.of) < number:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def checks() -> Checks:
    return Checks()


Serve = Callable[..., LoginServer]


@pytest.fixture
def serve(
    fill: Callable[..., Workspace], tmp_path: Path, lines: list[str], checks: Checks
) -> Iterator[Serve]:
    """Start a server with these options."""
    user = User(
        user_name="Änne",
        privileges=["login"],
        folder_privileges={"änne": ["read"]},
        password_hash=hash_password(PASSWORD, "Änne"),
    )
    workspace = fill(user)
    workspace.archives(workspace.snapshot().settings).create("Änne")
    watched = with_attempts(workspace, settle=checks.watching(workspace.lockout.settle))
    with ExitStack() as stack:

        def start(**options: Any) -> LoginServer:
            running = LoginServer(watched, tmp_path / "homes", log=lines.append, **options)
            thread = threading.Thread(target=running.run, name=SERVING)
            thread.start()
            stack.callback(ended, running, thread)
            return running

        yield start


def ended(running: LoginServer, thread: threading.Thread) -> None:
    running.stop()
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def server(serve: Serve) -> LoginServer:
    return serve()


def post(server: LoginServer, user_name: str, password: str, **more: str) -> httpx.Response:
    form = {"userName": user_name, "password": password, **more}
    return httpx.post(server.url, data=form, trust_env=False, timeout=30, verify=False)


def raw(server: LoginServer, request: bytes, *, end: bool = True) -> bytes:
    with socket.create_connection(server.server_address[:2], timeout=20) as client:  # type: ignore[arg-type]
        client.sendall(request)
        if end:
            client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answer:
            return answer.read()


def test_accepted_with_what_a_mail_server_needs(server: LoginServer, tmp_path: Path) -> None:
    answer = post(server, "ÄNNE", PASSWORD, source="192.0.2.1")
    assert answer.status_code == 200
    fields = dict(line.split("=", 1) for line in answer.text.splitlines())
    home = tmp_path / "homes" / "=C3=A4nne"
    assert fields["user"] == "Änne"
    assert fields["home"] == str(home)
    assert fields["acl"] == str(home / "acl")
    assert fields["uid"] == str((tmp_path / "archive").stat().st_uid)
    assert '"Archive/=C3=A4nne" "user=Änne" lr\n' in (home / "acl").read_text()


def test_refused_unknown_and_locked_read_the_same(server: LoginServer) -> None:
    answers = [post(server, "nobody", PASSWORD)]
    answers += [post(server, "änne", f"wrong {number}") for number in range(5)]
    answers.append(post(server, "änne", PASSWORD))
    assert {(answer.status_code, answer.text) for answer in answers} == {(403, "403 Forbidden\n")}


def test_nobody_can_tell(server: LoginServer, tmp_path: Path) -> None:
    store = tmp_path / "users.json"
    kept = store.rename(tmp_path / "kept")
    assert post(server, "änne", PASSWORD).status_code == 503
    store.write_text("{")
    assert post(server, "änne", PASSWORD).status_code == 503
    kept.replace(store)
    assert post(server, "änne", PASSWORD).status_code == 200
    assert post(server, "änne", PASSWORD, source="nonsense").status_code == 503


def test_basic_credentials_for_a_reverse_proxy(server: LoginServer) -> None:
    def get(credentials: str | None) -> httpx.Response:
        encoded = base64.b64encode((credentials or "").encode()).decode()
        headers = {"Authorization": f"Basic {encoded}"} if credentials is not None else {}
        return httpx.get(server.url, headers={**headers, "X-Real-IP": "192.0.2.9"}, trust_env=False)

    assert get(f"änne:{PASSWORD}").status_code == 200
    for wrong in (None, "änne", "änne:wrong", "änne:"):
        answer = get(wrong)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert server.workspace.lockout.failures("änne", "192.0.2.9").source.failed == 2


def test_the_store_is_read_again_when_it_changed(server: LoginServer) -> None:
    assert post(server, "new", PASSWORD).status_code == 403
    user = User(user_name="new", privileges=["login"], password_hash=hash_password(PASSWORD, "new"))
    other = TinyDBStore(server.workspace.host_path)
    other.apply(Batch([Edit.create(user)]))
    other.close()
    assert post(server, "new", PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nuserName=a", b"408"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nuserName=a", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\xff\xfe\x00\x01", b"400"),
        (b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
        (b"password=secret\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nAuthorization: Basic ????\r\n\r\n", b"401"),
    ],
)  # fmt: skip
def test_what_is_no_log_on(
    server: LoginServer, lines: list[str], request_bytes: bytes, status: bytes
) -> None:
    answer = raw(server, request_bytes)
    assert status in answer.split(b"\r\n", 1)[0]
    assert b"secret" not in answer
    assert "secret" not in "".join(lines)


def test_whoever_expects_a_100_gets_it_at_once(server: LoginServer) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n"
    assert raw(server, head).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_a_request_that_never_arrives_is_hung_up_on(serve: Serve) -> None:
    server = serve(limits=LIMITS._replace(request_seconds=0.3))
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n"
    started = time.monotonic()
    with socket.create_connection(server.server_address[:2], timeout=20) as client:  # type: ignore[arg-type]
        client.sendall(head)
        for _ in range(5):
            time.sleep(0.1)
            try:
                client.sendall(b"u")
            except OSError:
                break
        assert b" 408 " in client.recv(200)
    assert time.monotonic() - started < 3


def impatient() -> Turns:
    return Turns(patience=0.3)


def test_more_than_it_can_work_on_gets_503_after_a_short_wait(
    serve: Serve, checks: Checks, lines: list[str]
) -> None:
    server = serve(turns=impatient())
    checks.release.clear()
    with ThreadPoolExecutor(WORKERS + 8) as pool:
        waiting = [pool.submit(post, server, "änne", "wrong") for _ in range(WORKERS)]
        checks.wait_for(WORKERS)
        started = time.monotonic()
        extra = [pool.submit(post, server, "änne", PASSWORD) for _ in range(3)]
        answers = [future.result() for future in extra]
        assert time.monotonic() - started < 5
        assert {(a.status_code, a.headers["Retry-After"]) for a in answers} == {(503, "1")}
        checks.release.set()
        assert {future.result().status_code for future in waiting} == {403}
    assert [line for line in lines if line.startswith("busy")]


def test_one_source_does_not_keep_the_others_out(
    serve: Serve, checks: Checks, lines: list[str]
) -> None:
    server = serve(turns=impatient())
    checks.release.clear()
    with ThreadPoolExecutor(50) as pool:
        many = [pool.submit(post, server, "änne", "x", source="192.0.2.1") for _ in range(40)]
        checks.wait_for(OF_ONE_SOURCE)
        other = pool.submit(post, server, "other", "x", source="192.0.2.2")
        checks.wait_for(OF_ONE_SOURCE + 1)
        assert "other" in checks.of
        while len(done := wait(many, 0.05).done) < 40 - OF_ONE_SOURCE:
            assert not checks.release.is_set()
        assert {future.result().status_code for future in done} == {503}
        checks.release.set()
        assert other.result().status_code == 403
        assert [future.result().status_code for future in many].count(403) == OF_ONE_SOURCE
    busy_lines = [line for line in lines if line.startswith("busy")]
    assert len(set(busy_lines)) == 1
    assert "from 192.0.2.1 waited" in busy_lines[0]
    assert len(busy_lines) == FIRST  # the rest will be summed up


def test_local_users_get_in_while_the_directory_hangs(serve: Serve) -> None:
    """50 log-ons wait for a directory that takes connections and never answers."""
    server = serve(turns=impatient())
    mute = socket.create_server(("127.0.0.1", 0), backlog=100)
    settings = replace(
        server.workspace.snapshot().settings,
        directory_service="application_integration",
        url=f"http://127.0.0.1:{mute.getsockname()[1]}/",
        login_timeout=30,
    )
    remote = User(user_name="remote", privileges=["login"], authentication="directory_services")
    server.workspace.store.apply(Batch([Edit.create(remote)], settings=settings))
    with ThreadPoolExecutor(60) as pool:
        hanging = [pool.submit(post, server, "remote", "any") for _ in range(50)]
        while len(wait(hanging, 0.05).done) < 50 - WORKERS * 3 // 4:
            pass
        for number in range(5):
            answer = post(server, "änne", PASSWORD, source=f"192.0.2.{number}")
            assert answer.status_code == 200
        assert sum(not future.done() for future in hanging) == WORKERS * 3 // 4
        mute.close()
        assert {future.result().status_code for future in hanging} == {503}


def test_a_locked_source_waits_without_a_worker_or_a_check(serve: Serve) -> None:
    server = serve()
    for number in range(6):
        answer = post(server, "änne", f"wrong {number}", source="192.0.2.1")
        assert answer.status_code == 403
    made: list[bytes] = []

    def counted(password: bytes, hashed: bytes) -> bool:
        made.append(password)
        return bool(check(password, hashed))

    without_workers = serve(turns=Turns(workers=0, patience=0))
    with in_place_of(bcrypt, "checkpw", counted) as check:
        answers = [post(without_workers, "änne", PASSWORD, source="192.0.2.1") for _ in range(3)]
        assert {answer.status_code for answer in answers} == {403}
        assert made == []
        assert post(without_workers, "änne", PASSWORD).status_code == 503  # the control
        assert post(server, "änne", "wrong").status_code == 403
        assert made


def test_an_accepted_log_on_is_remembered_for_a_moment(server: LoginServer, checks: Checks) -> None:
    form = {"user_name": "änne", "password": PASSWORD, "source": "192.0.2.1"}

    def page() -> list[int]:
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(lambda: post(server, **form)) for _ in range(40)]
        return [future.result().status_code for future in asked]

    assert page() == [200] * 40
    assert len(checks.of) <= OF_ONE_SOURCE
    for changed in ({"user_name": "ÄNNE"}, {"source": "192.0.2.2"}, {"password": "other"}):
        checks.of.clear()
        assert post(server, **{**form, **changed}).status_code in (200, 403)
        assert len(checks.of) == 1, changed
    checks.of.clear()
    assert page() == [200] * 40
    assert checks.of == []
    user = server.workspace.snapshot().find("änne")
    assert user
    server.workspace.store.apply(Batch([Edit.update(user, replace(user, full_name="Ä"))]))
    assert post(server, **form).status_code == 200
    assert len(checks.of) == 1
    user = server.workspace.snapshot().find("änne")
    assert user
    server.workspace.store.apply(Batch([Edit.update(user, replace(user, privileges=["none"]))]))
    assert post(server, **form).status_code == 403


def test_without_threads_it_is_busy_and_goes_on_afterwards(
    server: LoginServer, lines: list[str]
) -> None:
    """As where the system, or a limit on processes, starts no more of them."""

    def none(thread: threading.Thread) -> None:
        if threading.current_thread().name == SERVING:
            raise RuntimeError("can't start new thread")
        start(thread)

    with in_place_of(threading.Thread, "start", none) as start:
        for _ in range(server.limits.most_connections + 10):
            with socket.create_connection(server.server_address[:2], timeout=20) as client:  # type: ignore[arg-type]
                assert client.recv(12) == b"HTTP/1.1 503"
    assert lines == ["busy: the system starts no more threads"] * FIRST
    assert post(server, "änne", PASSWORD).status_code == 200


def test_health_needs_no_credentials(server: LoginServer, lines: list[str], tmp_path: Path) -> None:
    def health() -> int:
        return httpx.get(f"{server.url}health", trust_env=False).status_code

    assert health() == 200
    assert lines == []
    (tmp_path / "users.json").write_text("{")
    assert health() == 503
    assert "is not valid JSON" in lines[0]


def test_stopping_finishes_what_is_being_worked_on(server: LoginServer, checks: Checks) -> None:
    checks.release.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, server, "änne", PASSWORD)
        checks.wait_for(1)
        server.stop()
        time.sleep(0.5)
        checks.release.set()
        assert waiting.result().status_code == 200


def test_stopping_does_not_wait_for_requests_that_never_arrive(server: LoginServer) -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 50\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(server.server_address[:2], timeout=20) as client:  # type: ignore[arg-type]
        client.sendall(head)
        assert client.recv(200).startswith(b"HTTP/1.1 100 ")
        server.stop()
        started = time.monotonic()
        assert b" 408 " in client.recv(200)
        assert time.monotonic() - started < server.limits.request_seconds / 2


def test_a_locked_user_is_not_remembered(server: LoginServer) -> None:
    form = {"user_name": "änne", "password": PASSWORD, "source": "192.0.2.1"}
    assert post(server, **form).status_code == 200
    for number in range(6):
        post(server, "änne", f"wrong {number}", source="192.0.2.1")
    assert post(server, **form).status_code == 403


def test_the_log_names_users_but_no_secrets(server: LoginServer, lines: list[str]) -> None:
    post(server, "änne", PASSWORD, source="192.0.2.1")
    post(server, "änne", "geheim1")
    post(server, "geheim2\x1b[2J", "geheim3", source="\x1b[2J")
    assert lines == [
        "accepted “änne” from 192.0.2.1",
        "refused “änne” from -",
        lines[2],
    ]
    assert lines[2].startswith(r"outage an unknown name from \x1b[2J: “\x1b[2J” is not an IP")
    assert "geheim" not in "".join(lines)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "localhost", "", "*"])
def test_only_this_machine_is_served(workspace: Workspace, tmp_path: Path, host: str) -> None:
    with pytest.raises(LoginServerFailed, match="is not a loopback address"):
        LoginServer(workspace, tmp_path, host=host)


def test_a_port_in_use(server: LoginServer, tmp_path: Path) -> None:
    with pytest.raises(LoginServerFailed, match="Address already in use"):
        LoginServer(server.workspace, tmp_path, port=server.server_address[1])
