"""nginx on both sides: in front of a directory in PHP-FPM, and asking `login-server`."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password
from sync.logon.login_server import LoginServer
from sync.logon.turns import OF_ONE_SOURCE
from sync.workspace import Workspace
from tests.docs.pages import ROOT, blocks
from tests.support.command_line import CommandLine
from tests.support.nginx import FpmDirectory, running_nginx
from tests.support.php_server import php_hash
from tests.support.wrapped_store import with_attempts

CREDENTIALS = ("archive", "sérvice & password=1")
PASSWORD = "Käse & Brot = 100%+"
LOCAL_PASSWORD = "sieben lange Würste"
MANY = 800  # more than nginx keeps in its buffers


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[FpmDirectory]:
    fpm = FpmDirectory(tmp_path, CREDENTIALS)
    hashed = php_hash(PASSWORD)
    for name in ("jörg", *(f"user{number}" for number in range(MANY - 1))):
        fpm.users[name] = {"userName": name, "fullName": f"Frau {name}", "passwordHash": hashed}
    fpm.start()
    yield fpm
    fpm.stop()


def test_a_directory_behind_nginx_and_php_fpm(tmp_path: Path, directory: FpmDirectory) -> None:
    (tmp_path / "store").mkdir()
    mailroster = CommandLine(tmp_path / "store")
    url = f"http://127.0.0.1:{directory.port}/"
    mailroster.set_up(url, "requires_authentication=true", f"user_name={CREDENTIALS[0]}")
    assert mailroster("settings", "set", "password", stdin=CREDENTIALS[1] + "\n").code == 0
    done = mailroster("sync", "--yes", "--json")
    assert done.code == 0, done.err
    assert done.json["counts"]["create"] == MANY
    assert mailroster.log_on("JÖRG", PASSWORD) == 0
    assert mailroster.log_on("jörg", "wrong") == 1
    directory.stop_fpm()  # nginx answers 502
    failed = mailroster("sync", "--yes", "--json")
    assert failed.code == 20
    assert "502" in failed.json["error"]["message"]
    assert mailroster.log_on("jörg", PASSWORD) == 111
    assert len(mailroster.users()) == MANY
    directory.start_fpm()
    assert mailroster.log_on("jörg", PASSWORD) == 0


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def checked() -> list[str]:
    """The users whose log-on was checked."""
    return []


@pytest.fixture
def server(
    workspace: Workspace, tmp_path: Path, lines: list[str], checked: list[str]
) -> Iterator[LoginServer]:
    users = [
        User(
            user_name=name,
            privileges=["login"],
            password_hash=hash_password(LOCAL_PASSWORD, name),
        )
        for name in ("änne", "bert")
    ]
    workspace.store.apply(Batch([Edit.create(user) for user in users]))
    counted = with_attempts(workspace, settle=counting(workspace.lockout.settle, checked))
    running = LoginServer(counted, tmp_path / "homes", log=lines.append)
    thread = threading.Thread(target=running.run)
    thread.start()
    yield running
    running.stop()
    thread.join(20)
    assert not thread.is_alive()


def documented(server: LoginServer) -> tuple[str, str]:
    """Return what docs/LOGON.md puts into nginx's `http` and `server` blocks, for this port."""
    (lines,) = (block.text for block in blocks("docs/LOGON.md") if block.language == "nginx")
    assert lines.count("proxy_pass http://127.0.0.1:14300/;") == 1
    lines = lines.replace("14300", str(server.server_address[1]))
    http, _, location = lines.partition("# in server")
    return http, f"root {ROOT}/docs; # in server{location}"


@pytest.fixture
def url(server: LoginServer, tmp_path: Path) -> Iterator[str]:
    http, location = documented(server)
    with running_nginx(tmp_path, location, http) as answering:
        yield f"{answering}UNDO.md"


def get(url: str, credentials: str | None, source: str) -> httpx.Response:
    headers = {"X-Forwarded-For": source, "Cookie": "a" * 6000}
    if credentials is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
    return httpx.get(url, headers=headers, trust_env=False, timeout=60, verify=False)


RIGHT = f"änne:{LOCAL_PASSWORD}"


def test_auth_request(url: str, lines: list[str], tmp_path: Path) -> None:
    assert get(url, RIGHT, "192.0.2.1").text == (ROOT / "docs" / "UNDO.md").read_text()
    for credentials in (None, "änne:wrong", "nobody:wrong"):
        refused = get(url, credentials, "192.0.2.1")
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert [line for line in lines if line.endswith("from 192.0.2.1")] == [
        "accepted “änne” from 192.0.2.1",
        "refused “änne” from 192.0.2.1",
        "refused an unknown name from 192.0.2.1",
    ]
    (tmp_path / "users.json").write_text("{")
    assert get(url, RIGHT, "192.0.2.2").status_code == 500


def test_a_page_of_40_requests_costs_a_few_checks(
    url: str, checked: list[str], lines: list[str]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(url, RIGHT, "192.0.2.1"), range(40)))
    assert {answer.status_code for answer in answers} == {200}, lines
    assert 0 < len(checked) <= OF_ONE_SOURCE


@pytest.mark.parametrize("limited", [True, False], ids=["as documented", "without limit_req"])
def test_one_source_that_floods_keeps_nobody_out(
    server: LoginServer, tmp_path: Path, limited: bool
) -> None:
    """40 connections of one source that guess; 14 log-ons from elsewhere meanwhile."""
    http, location = documented(server)
    if not limited:
        http, location = (
            "\n".join(line for line in text.splitlines() if "limit_req" not in line)
            for text in (http, location)
        )
    flooded: list[int] = []
    enough, ended = threading.Event(), threading.Event()

    def flood(url: str) -> None:
        while not ended.is_set():
            flooded.append(get(url, "änne:wrong", "192.0.2.66").status_code)
            if len(flooded) > 120:
                enough.set()

    with (
        running_nginx(tmp_path, location, http) as answering,
        ThreadPoolExecutor(40) as pool,
    ):
        url = f"{answering}UNDO.md"
        for _ in range(40):
            pool.submit(flood, url)
        try:
            assert enough.wait(60)
            others = [
                get(url, f"bert:{LOCAL_PASSWORD}", f"192.0.2.{number}") for number in range(14)
            ]
        finally:
            ended.set()
    assert [answer.status_code for answer in others] == [200] * 14
    assert 200 not in flooded
    assert (429 in flooded) == limited


def counting(settle: Callable[..., bool], users: list[str]) -> Callable[..., bool]:
    """Return `settle`, which notes whom each call is about."""

    def counted(user: str, *rest: object, **named: object) -> bool:
        users.append(user)
        return settle(user, *rest, **named)

    return counted
