"""The Application Integration server over a file, through real sockets."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from sync.server.directory_file import (
    DirectoryFileInvalid,
    hash_directory_password,
)
from sync.server.directory_server import (
    MAX_BODY_BYTES,
    DirectoryServer,
    DirectoryServerFailed,
)
from sync.server.listener import LIMITS, Limits
from sync.server.server_log import FIRST
from tests.support.certificates import self_signed
from tests.support.replaced import in_place_of
from tests.support.times import told_apart

PASSWORD = "grüne Gießkanne"
HASH = hash_directory_password(PASSWORD, cost=4)
CREDENTIALS = ("archive", "k€y: with colon")
CSV = f"""\
userName,distinguishedName,fullName,emailAddresses,passwordHash
anna.mueller,"CN=Anna Müller,OU=IT,DC=example",Anna Müller,anna@example.com; am@example.org,{HASH}

"bob+shop",,,bob@example.com bob2@example.com,
Jörg,,"Jörg ""Joe"" Abel",,{HASH}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "directory.csv"
    path.write_text(CSV)
    return path


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def server(file: Path, lines: list[str]) -> Iterator[DirectoryServer]:
    with DirectoryServer(file, credentials=CREDENTIALS, log=lines.append) as running:
        yield running


def post(server: DirectoryServer, **form: str) -> httpx.Response:
    return httpx.post(server.url, data=form, auth=CREDENTIALS, trust_env=False)


def test_list_has_the_protocols_fields_and_no_hash(server: DirectoryServer) -> None:
    answer = post(server, cmd="list")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json() == [
        {
            "userName": "anna.mueller",
            "distinguishedName": "CN=Anna Müller,OU=IT,DC=example",
            "fullName": "Anna Müller",
            "emailAddresses": ["anna@example.com", "am@example.org"],
        },
        {
            "userName": "bob+shop",
            "distinguishedName": None,
            "fullName": None,
            "emailAddresses": ["bob@example.com", "bob2@example.com"],
        },
        {
            "userName": "Jörg",
            "distinguishedName": None,
            "fullName": 'Jörg "Joe" Abel',
            "emailAddresses": [],
        },
    ]
    assert HASH not in answer.text
    assert "$2" not in answer.text


@pytest.mark.parametrize(
    ("user_name", "password", "right"),
    [
        ("anna.mueller", PASSWORD, True),
        ("ANNA.Mueller", PASSWORD, True),
        ("jo\u0308rg", PASSWORD, True),
        ("anna.mueller", PASSWORD + " ", False),
        ("anna.mueller", "", False),
        ("anna.mueller", "x" * 100, False),
        ("anna.mueller", "\0", False),
        ("bob+shop", PASSWORD, False),
        ("nobody", PASSWORD, False),
        ("", PASSWORD, False),
    ],
)
def test_auth(server: DirectoryServer, user_name: str, password: str, right: bool) -> None:
    answer = post(server, cmd="auth", userName=user_name, password=password)
    assert answer.status_code == 200
    assert answer.json() == {"succeeded": right}


@pytest.mark.alone
@pytest.mark.parametrize("alike", [True, False])
async def test_unknown_names_take_as_long_as_the_costliest_known_one(
    tmp_path: Path, alike: bool
) -> None:
    """The control has a name whose hash is far cheaper than the costliest."""
    names = {"anna": 10} if alike else {"anna": 10, "cheap": 4}
    path = tmp_path / "directory.csv"
    rows = [f"{name},{hash_directory_password('x', cost=cost)}" for name, cost in names.items()]
    path.write_text("\n".join(["userName,passwordHash", *rows, ""]))
    with DirectoryServer(path, log=lambda _: None) as server:

        async def refuse(name: str) -> None:
            await asyncio.to_thread(post, server, cmd="auth", userName=name, password="wrong")

        found = await told_apart([*names, "nobody"], refuse, 20, at_least=0.01 if alike else 0.0)
    assert (found == []) is alike


@pytest.mark.parametrize("auth", [None, ("archive", "wrong"), ("", ""), ("archivé", "k€y")])
def test_credentials_are_needed(server: DirectoryServer, auth: Any) -> None:
    for form in ({"cmd": "list"}, {"cmd": "auth", "userName": "anna.mueller", "password": "x"}):
        answer = httpx.post(server.url, data=form, auth=auth, trust_env=False)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert "anna" not in answer.text


RIGHT = base64.b64encode(":".join(CREDENTIALS).encode()).decode()


@pytest.mark.parametrize(
    "header", [f"Bearer {RIGHT}", RIGHT, "Basic", "Basic ????", "Basic Zm9v\xff"]
)
def test_odd_authorization_headers_are_refused(server: DirectoryServer, header: str) -> None:
    answer = httpx.post(
        server.url,
        data={"cmd": "list"},
        headers={"Authorization": header.encode("latin-1")},
        trust_env=False,
    )
    assert answer.status_code == 401


def test_without_credentials_everybody_may_ask(file: Path) -> None:
    with DirectoryServer(file, log=lambda _: None) as server:
        assert httpx.post(server.url, data={"cmd": "list"}, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"cmd=",
        b"cmd=delete",
        b"cmd=LIST",
        b"cmd=auth",
        b"cmd=auth&userName=anna.mueller",
        b"cmd=auth&password=x",
        b"cmd=auth&cmd=list",
        b"cmd=auth&userName=%ff&password=x",
        b"cmd=auth&userName=\xc3\xa4&password=x",
        b'{"cmd": "list"}',
    ],
)
def test_other_bodies_are_bad_requests(server: DirectoryServer, body: bytes) -> None:
    answer = httpx.post(server.url, content=body, auth=CREDENTIALS, trust_env=False)
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post(server: DirectoryServer, method: str) -> None:
    answer = httpx.request(method, server.url + "?password=secret", trust_env=False)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 10**30])
def test_oversized_bodies_are_refused_unread(server: DirectoryServer, size: int) -> None:
    request = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port)) as client:
        client.settimeout(10)
        client.sendall(request)
        assert client.makefile("rb").readline() == b"HTTP/1.1 413 Request Entity Too Large\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\ncmd=list", b"400"),
        (b"password=secret\r\n\r\n", b"400"),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
    ],
)
def test_malformed_requests(
    server: DirectoryServer, lines: list[str], request_bytes: bytes, status: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port)) as client:
        client.settimeout(10)
        client.sendall(request_bytes)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answer:
            text = answer.read()
    assert status in text
    assert "secret" not in "".join(lines)


def test_a_silent_client_is_dropped_and_blocks_nobody(file: Path) -> None:
    limits = Limits(request_seconds=0.3)
    with (
        DirectoryServer(file, credentials=CREDENTIALS, log=lambda _: None, limits=limits) as server,
        socket.create_connection(("127.0.0.1", httpx.URL(server.url).port)) as silent,
    ):
        assert post(server, cmd="list").status_code == 200
        silent.settimeout(10)
        assert silent.recv(1) == b""


def test_a_changed_file_is_read_again(server: DirectoryServer, file: Path) -> None:
    assert len(post(server, cmd="list").json()) == 3
    for name in ("eve1", "eve2", "eve3"):
        file.write_text(f"userName\n{name}\n")
        assert [user["userName"] for user in post(server, cmd="list").json()] == [name]
    assert post(server, cmd="auth", userName="anna.mueller", password=PASSWORD).json() == {
        "succeeded": False
    }


def test_a_change_within_one_tick_of_the_clock_is_seen(server: DirectoryServer, file: Path) -> None:
    now = time.time()
    for name in ("eve1", "eve2"):
        file.write_text(f"userName\n{name}\n")
        os.utime(file, (now, now))
        assert [user["userName"] for user in post(server, cmd="list").json()] == [name]


def test_an_unchanged_file_is_read_once(file: Path) -> None:
    """A file that looks the same in size and time, and would be refused now, is not read again."""
    os.utime(file, (1_700_000_000, 1_700_000_000))
    with DirectoryServer(file, credentials=CREDENTIALS, log=lambda _: None) as server:
        before = post(server, cmd="list").text
        file.write_bytes(b"\xff" * file.stat().st_size)
        os.utime(file, (1_700_000_000, 1_700_000_000))
        assert post(server, cmd="list").text == before
        assert httpx.get(f"{server.url}health", trust_env=False).status_code == 200
        file.touch()
        assert httpx.get(f"{server.url}health", trust_env=False).status_code == 503  # the control


def test_while_the_file_is_broken_its_last_good_state_is_served(
    server: DirectoryServer, file: Path, lines: list[str]
) -> None:
    good = post(server, cmd="list").json()
    for broken, says in {
        'userName,fullName\nanna.mueller,"Anna\n': "line 2: unexpected end of data",
        "": "line 1: the column userName is missing",
        "anna.mueller:{SHA}secret\n": "it is a passwd file",
        None: "No such file",
    }.items():
        file.unlink(missing_ok=True)
        if broken is not None:
            file.write_text(broken)
        lines.clear()
        assert post(server, cmd="list").json() == good
        answer = post(server, cmd="auth", userName="anna.mueller", password=PASSWORD)
        assert answer.json() == {"succeeded": True}
        assert httpx.get(f"{server.url}health", trust_env=False).status_code == 503
        assert says in lines[0]
        assert " The directory server still serves the file as read at 20" in lines[0]
        assert "secret" not in lines[0]
    file.write_text("userName\nbert\n")
    assert len(post(server, cmd="list").json()) == 1
    assert httpx.get(f"{server.url}health", trust_env=False).status_code == 200


def test_a_bad_row_is_an_outage_for_its_user_and_nobody_else(
    server: DirectoryServer, file: Path, lines: list[str]
) -> None:
    def log_on(name: str, password: str = PASSWORD) -> tuple[int, Any]:
        answer = post(server, cmd="auth", userName=name, password=password)
        return answer.status_code, answer.json() if answer.status_code == 200 else None

    stored = hash_directory_password(PASSWORD, cost=4)
    other = hash_directory_password(PASSWORD, cost=4)
    right, wrong, unclear = (200, {"succeeded": True}), (200, {"succeeded": False}), (503, None)
    file.write_text(
        f"userName,passwordHash\nanna,{stored}\nbert,{{SHA}}x\ncora,{stored}\nCora,{other}\n"
        f"dora,{stored}\nDora,{stored}\n"
    )
    assert (log_on("anna"), log_on("anna", "x"), log_on("nobody")) == (right, wrong, wrong)
    assert (log_on("bert"), log_on("cora"), log_on("CORA"), log_on("dora")) == (
        unclear,
        unclear,
        unclear,
        right,
    )
    assert any("line 3: passwordHash is not a bcrypt hash" in line for line in lines)
    assert any("line 5: the user name appears already in line 4" in line for line in lines)
    assert not any("{SHA}" in line for line in lines)

    file.write_text(f"userName,passwordHash\nanna,{stored}\nbert\n")
    assert post(server, cmd="list").json() == [{**_record("anna")}, {}]
    assert (log_on("anna"), log_on("bert"), log_on("nobody")) == (right, unclear, unclear)


def _record(name: str) -> dict[str, Any]:
    return {
        "userName": name,
        "distinguishedName": None,
        "fullName": None,
        "emailAddresses": [],
    }


def test_tls(file: Path, tmp_path: Path, lines: list[str]) -> None:
    made = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=made.certificate)
    with DirectoryServer(
        file, certificate=made.certificate, key=made.key, log=lines.append
    ) as server:
        assert server.url.startswith("https://127.0.0.1:")
        answer = httpx.post(server.url, data={"cmd": "list"}, verify=trusting, trust_env=False)
        assert len(answer.json()) == 3
        with pytest.raises(httpx.ConnectError, match="self-signed certificate"):
            httpx.post(server.url, data={"cmd": "list"}, trust_env=False)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(server.url.replace("https", "http"), trust_env=False)
        with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port)):
            answer = httpx.post(server.url, data={"cmd": "list"}, verify=trusting, trust_env=False)
            assert answer.status_code == 200
    assert any("connection failed" in line for line in lines)


def test_a_certificate_that_cannot_be_used(file: Path, tmp_path: Path) -> None:
    made = self_signed(tmp_path)
    with pytest.raises(DirectoryServerFailed, match="No such file"):
        DirectoryServer(file, certificate=tmp_path / "none.pem")
    with pytest.raises(DirectoryServerFailed, match="cannot be used"):
        DirectoryServer(file, certificate=made.certificate, key=file)
    key = load_pem_private_key(made.key.read_bytes(), None)
    locked = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
    )
    made.key.write_bytes(locked)
    with pytest.raises(DirectoryServerFailed, match="the key has a passphrase"):
        DirectoryServer(file, certificate=made.certificate, key=made.key)


def test_a_broken_file_is_refused_at_the_start(file: Path) -> None:
    file.write_text("")
    with pytest.raises(DirectoryFileInvalid):
        DirectoryServer(file)


def test_a_port_in_use(server: DirectoryServer, file: Path) -> None:
    with pytest.raises(DirectoryServerFailed, match="Address already in use"):
        DirectoryServer(file, port=httpx.URL(server.url).port or 0)
    with pytest.raises(DirectoryServerFailed, match="cannot listen"):
        DirectoryServer(file, port=70000)


def test_the_log_is_one_line_per_request_without_passwords(
    server: DirectoryServer, lines: list[str]
) -> None:
    post(server, cmd="list", note="secret")
    post(server, cmd="auth", userName="anna.mueller", password="secret")
    post(server, cmd="auth", userName="anna\x1b[2J\n\u202e", password="secret")
    httpx.get(server.url + "?password=secret", trust_env=False)
    httpx.post(server.url, data={"cmd": "list"}, auth=("a", "secret"), trust_env=False)
    assert lines == [
        "127.0.0.1 200 cmd=list",
        "127.0.0.1 200 cmd=auth userName=anna.mueller",
        "127.0.0.1 200 cmd=auth unknown name",
        "127.0.0.1 405",
        "127.0.0.1 401",
    ]


def test_the_log_goes_to_stderr_unless_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with DirectoryServer(file) as server:
        post(server, cmd="list")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(" 127.0.0.1 200 cmd=list\n")


def test_stop_closes_the_port_even_if_it_never_started(file: Path) -> None:
    server = DirectoryServer(file)
    server.stop()
    with pytest.raises(httpx.ConnectError):
        post(server, cmd="list")


def test_ipv6(file: Path) -> None:
    try:
        server = DirectoryServer(file, host="::1", log=lambda _: None)
    except DirectoryServerFailed:
        pytest.skip("no IPv6 on this machine")
    with server:
        assert server.url.startswith("http://[::1]:")
        assert post(server, cmd="list").status_code == 200


def test_the_server_needs_no_http_client() -> None:
    script = "import sys, sync.server.directory_server; sys.exit('httpx' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def connections(server: DirectoryServer, number: int, *sent: bytes) -> list[socket.socket]:
    """Open so many, each with the beginning of a request."""
    opened = []
    for _ in range(number):
        client = socket.create_connection(("127.0.0.1", httpx.URL(server.url).port), timeout=20)
        client.sendall(b"".join(sent))
        opened.append(client)
    return opened


SLOW = {
    "a head": b"POST / HTTP/1.1\r\nHo",
    "a body": b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nc",
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_any_number_of_slow_clients_keeps_nobody_out(
    server: DirectoryServer, lines: list[str], sent: bytes
) -> None:
    slow = connections(server, LIMITS.most_of_one + 40, sent)
    try:
        for _ in range(3):
            assert post(server, cmd="list").status_code == 200
        assert threading.active_count() < LIMITS.most_of_one + 20
    finally:
        for client in slow:
            client.close()
    busy = [line for line in lines if line.startswith("busy")]
    assert set(busy) == {"busy: 64 connections from this machine; closed the one slowest to ask"}
    assert len(busy) == FIRST


def test_slow_handshakes_keep_nobody_out(file: Path, tmp_path: Path) -> None:
    limits = Limits(most_of_one=4)
    made = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=made.certificate)
    with DirectoryServer(
        file, certificate=made.certificate, key=made.key, log=lambda _: None, limits=limits
    ) as server:
        slow = connections(server, 9, b"\x16\x03")  # the first bytes of a handshake
        answer = httpx.post(server.url, data={"cmd": "list"}, verify=trusting, trust_env=False)
        assert answer.status_code == 200
        for client in slow:
            client.close()


def test_the_bound_on_all_connections(file: Path, lines: list[str]) -> None:
    limits = Limits(most_connections=5)
    with DirectoryServer(file, credentials=CREDENTIALS, log=lines.append, limits=limits) as server:
        slow = connections(server, 9, SLOW["a head"])
        assert post(server, cmd="list").status_code == 200
        for client in slow:
            client.close()
    assert "busy: 5 connections; closed the one slowest to ask" in lines


def test_where_all_are_being_worked_on_it_is_busy(file: Path, lines: list[str]) -> None:
    limits = Limits(most_of_one=3)
    working, release = threading.Semaphore(0), threading.Event()

    def slow(*_: object) -> bool:
        working.release()
        return release.wait(20)

    form = b"cmd=auth&userName=a&password=b"
    credentials = base64.b64encode(":".join(CREDENTIALS).encode())
    head = b"POST / HTTP/1.1\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\n\r\n"
    with (
        in_place_of(bcrypt, "checkpw", slow),
        DirectoryServer(file, credentials=CREDENTIALS, log=lines.append, limits=limits) as server,
    ):
        at_work = connections(server, 3, head % (credentials, len(form)), form)
        assert all(working.acquire(timeout=20) for _ in at_work)
        (refused,) = connections(server, 1)
        assert refused.recv(12) == b"HTTP/1.1 503"
        assert "busy: 3 connections from this machine are being worked on" in lines
        release.set()
        for client in at_work:
            assert client.recv(12) == b"HTTP/1.1 200"
            client.close()
        refused.close()


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_the_whole_request_has_a_deadline(file: Path, sent: bytes) -> None:
    """A client that sends a byte now and then is never silent, and is hung up on all the same."""
    limits = Limits(request_seconds=0.4)
    with DirectoryServer(file, log=lambda _: None, limits=limits) as server:
        (slow,) = connections(server, 1, sent)
        slow.settimeout(0.1)
        started = time.monotonic()
        answer = b""
        while not answer and time.monotonic() < started + 10:
            with suppress(OSError):
                slow.sendall(b"x")
            with suppress(TimeoutError):
                answer = slow.recv(100) or b"hung up"
        slow.close()
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"X-%d: %s\r\n" % (number, b"a" * 60_000) for number in range(99)),
        b"X: %s\r\n" % (b"a" * 20_000),
        b"".join(b"X-%d: a\r\n" % number for number in range(101)),
    ],
    ids=["99 of 60 KB", "one of 20 KB", "101 of 1 byte"],
)
def test_a_head_is_bounded(server: DirectoryServer, head: bytes) -> None:
    (client,) = connections(server, 1)
    with suppress(ConnectionError):
        client.sendall(b"POST / HTTP/1.1\r\n" + head + b"Content-Length: 8\r\n\r\ncmd=list")
    assert client.recv(12) == b"HTTP/1.1 431"
    client.close()


def test_a_request_line_is_bounded(server: DirectoryServer) -> None:
    (client,) = connections(server, 1, b"GET /%s HTTP/1.1\r\n\r\n" % (b"a" * 20_000))
    assert client.recv(12) == b"HTTP/1.1 431"
    client.close()


def test_a_head_that_is_long_but_allowed(server: DirectoryServer) -> None:
    answer = httpx.post(
        server.url, data={"cmd": "list"}, auth=CREDENTIALS, trust_env=False,
        headers={"X-Long": "a" * 12_000},
    )  # fmt: skip
    assert answer.status_code == 200


def test_whoever_expects_a_100_gets_it_at_once(server: DirectoryServer) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n"
    (client,) = connections(server, 1, head)
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"cmd=list")
    assert client.recv(12) == b"HTTP/1.1 401"
    client.close()


def test_health_needs_no_credentials(server: DirectoryServer, file: Path, lines: list[str]) -> None:
    assert httpx.get(f"{server.url}health", trust_env=False).status_code == 200
    file.unlink()
    assert httpx.get(f"{server.url}health", trust_env=False).status_code == 503
    assert "No such file" in lines[1]


@pytest.mark.parametrize("typed", ["my password", "", "a" * 5000, "anna.mueller\x1b[2J"])
def test_what_is_no_users_name_is_not_in_the_log(
    server: DirectoryServer, lines: list[str], typed: str
) -> None:
    post(server, cmd="auth", userName=typed, password="x")
    post(server, cmd=typed)
    assert lines == ["127.0.0.1 200 cmd=auth unknown name", "127.0.0.1 400"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that fails to be read")
def test_a_file_that_cannot_be_read_is_told_in_the_log(
    server: DirectoryServer, file: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.unlink()
    file.symlink_to("/proc/self/mem")  # read(2) fails with EIO
    assert len(post(server, cmd="list").json()) == 3
    assert "cannot be served" in lines[0]
