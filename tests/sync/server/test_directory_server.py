"""The Application Integration server over a file, through real sockets."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    read_users,
)
from sync.server.directory_server import (
    MAX_BODY_BYTES,
    READ_SECONDS,
    DirectoryServer,
    DirectoryServerFailed,
    _Handler,
)
from tests.support.certificates import self_signed

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
def test_unknown_names_take_as_long_as_the_costliest_known_one(tmp_path: Path) -> None:
    path = tmp_path / "directory.csv"
    path.write_text(f"userName,passwordHash\nanna,{hash_directory_password('x', cost=11)}\n")
    with DirectoryServer(path, log=lambda _: None) as server:
        took = {"anna": 60.0, "nobody": 60.0}
        for name in list(took) * 5:
            started = time.perf_counter()
            post(server, cmd="auth", userName=name, password="wrong")
            took[name] = min(took[name], time.perf_counter() - started)
    assert took["nobody"] > took["anna"] / 2 > 0.01


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
        assert client.makefile("rb").readline() == b"HTTP/1.0 413 Request Entity Too Large\r\n"


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


def test_a_silent_client_is_dropped_and_blocks_nobody(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _Handler.timeout == READ_SECONDS
    monkeypatch.setattr(_Handler, "timeout", 0.3)
    with (
        DirectoryServer(file, credentials=CREDENTIALS, log=lambda _: None) as server,
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


def test_an_unchanged_file_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []

    def counted(path: Path) -> Any:
        reads.append(path)
        return read_users(path)

    monkeypatch.setattr("sync.server.directory_file.read_users", counted)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    with DirectoryServer(file, credentials=CREDENTIALS, log=lambda _: None) as server:
        post(server, cmd="list")
        post(server, cmd="list")
    assert len(reads) == 1


def test_a_broken_file_is_an_outage_until_it_is_mended(
    server: DirectoryServer, file: Path, lines: list[str]
) -> None:
    file.write_text("userName,fullName\nanna.mueller\n")
    assert post(server, cmd="list").status_code == 500
    answer = post(server, cmd="auth", userName="anna.mueller", password=PASSWORD)
    assert answer.status_code == 500
    assert "anna" not in answer.text
    assert "line 2: 1 cells, but the header has 2" in lines[0]
    file.unlink()
    assert post(server, cmd="list").status_code == 500
    assert "No such file" in lines[-2]
    file.write_text(CSV)
    assert post(server, cmd="list").status_code == 200


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
        r"127.0.0.1 200 cmd=auth userName=anna\x1b[2J\n\u202e",
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
