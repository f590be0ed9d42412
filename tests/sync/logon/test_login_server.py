"""The verifier on loopback HTTP, through real sockets."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password
from sync.logon import login_server
from sync.logon.login import Verdict
from sync.logon.login_server import MAX_BODY_BYTES, MAX_WORKERS, LoginServer, LoginServerFailed
from sync.workspace import Workspace

PASSWORD = "grüne Gießkanne & mehr"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def server(
    fill: Callable[..., Workspace], tmp_path: Path, lines: list[str]
) -> Iterator[LoginServer]:
    user = User(
        user_name="Änne",
        privileges=["login"],
        folder_privileges={"änne": ["read"]},
        password_hash=hash_password(PASSWORD, "Änne"),
    )
    workspace = fill(user)
    workspace.archives(workspace.snapshot().settings).create("Änne")
    running = LoginServer(workspace, tmp_path / "homes", log=lines.append)
    thread = threading.Thread(target=running.run)
    thread.start()
    yield running
    running.stop()
    thread.join(20)
    assert not thread.is_alive()


def post(server: LoginServer, user_name: str, password: str, **more: str) -> httpx.Response:
    form = {"userName": user_name, "password": password, **more}
    return httpx.post(server.url, data=form, trust_env=False, timeout=30)


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
    answers += [post(server, "änne", "wrong") for _ in range(5)]
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
    assert server.workspace.lockout.failures(None, "192.0.2.9")[1].failed == 2


def test_the_store_is_read_again_when_it_changed(server: LoginServer) -> None:
    assert post(server, "new", PASSWORD).status_code == 403
    user = User(user_name="new", privileges=["login"], password_hash=hash_password(PASSWORD, "new"))
    other = type(server.workspace.store)(server.workspace.path)  # type: ignore[call-arg]
    other.apply(Batch([Edit.create(user)]))
    other.close()
    assert post(server, "new", PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), b"413"),
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


def test_a_request_that_never_arrives_is_hung_up_on(
    server: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_server, "REQUEST_SECONDS", 0.3)
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


def test_more_than_it_can_work_on_gets_503_at_once(
    server: LoginServer, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    release = threading.Event()
    at_work: list[str] = []

    def slow(_workspace: Any, _homes: Any, user_name: str, *_: Any) -> tuple[Verdict, None]:
        at_work.append(user_name)
        release.wait(20)
        return Verdict("refused"), None

    monkeypatch.setattr(login_server, "admit", slow)
    with ThreadPoolExecutor(MAX_WORKERS + 8) as pool:
        waiting = [pool.submit(post, server, "änne", PASSWORD) for _ in range(MAX_WORKERS)]
        deadline = time.monotonic() + 10
        while len(at_work) < MAX_WORKERS:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        started = time.monotonic()
        extra = [pool.submit(post, server, "änne", PASSWORD).result() for _ in range(3)]
        assert time.monotonic() - started < 5
        assert [answer.status_code for answer in extra] == [503] * 3
        release.set()
        assert {future.result().status_code for future in waiting} == {403}
    assert [line for line in lines if line.startswith("busy")]


def test_stopping_finishes_what_is_being_worked_on(
    server: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = threading.Event()

    def slow(*_: Any) -> tuple[Verdict, None]:
        started.set()
        time.sleep(0.5)
        return Verdict("refused"), None

    monkeypatch.setattr(login_server, "admit", slow)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, server, "änne", PASSWORD)
        assert started.wait(10)
        server.stop()
        assert waiting.result().status_code == 403


def test_the_log_names_users_but_no_secrets(server: LoginServer, lines: list[str]) -> None:
    post(server, "änne", PASSWORD, source="192.0.2.1")
    post(server, "änne", "geheim1")
    post(server, "geheim2\x1b[2J", "geheim3", source="\x1b[2J")
    assert lines == [
        "accepted “änne” from 192.0.2.1",
        "refused “änne” from -",
        lines[2],
    ]
    assert lines[2].startswith(r"outage an unknown name from \x1b[2J: “\x1b[2J” is no IP address")
    assert "geheim" not in "".join(lines)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "localhost", "", "*"])
def test_only_this_machine_is_served(workspace: Workspace, tmp_path: Path, host: str) -> None:
    with pytest.raises(LoginServerFailed, match="is no loopback address"):
        LoginServer(workspace, tmp_path, host=host)


def test_a_port_in_use(server: LoginServer, tmp_path: Path) -> None:
    with pytest.raises(LoginServerFailed, match="Address already in use"):
        LoginServer(server.workspace, tmp_path, port=server.server_address[1])
