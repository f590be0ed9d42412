"""Who still gets in while the servers are flooded: `python -m benchmarks.floods` (needs nginx)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx

from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, Settings, User
from store.passwords import hash_password, verify_password
from sync.workspace import open_workspace
from tests.docs.pages import ROOT, blocks
from tests.support.nginx import running_nginx
from tests.support.ports import free_port

_PASSWORD = "correct horse battery staple"
_HASH = hash_password(_PASSWORD, "x")
_ASK = {"trust_env": False, "timeout": 60.0, "verify": False}


@contextmanager
def server(folder: Path, *words: str) -> Iterator[tuple[int, Path]]:
    """Run one of mailroster's servers; yield its port and its log."""
    port, log = free_port(), folder / f"{words[0]}.log"
    store = str(folder / "users.json")
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tui.cli", "--store", store, *words, "--port", str(port)]
        process = subprocess.Popen(command, stderr=output)
    try:
        while "stop" not in log.read_text():
            time.sleep(0.05)
        yield port, log
    finally:
        process.terminate()
        process.wait()


@contextmanager
def flood(connections: int, ask: Callable[[], object]) -> Iterator[list[object]]:
    """Ask again and again over so many connections while the block runs; yield the answers."""
    ended, answers = threading.Event(), list[object]()

    def go_on() -> None:
        while not ended.is_set():
            answers.append(ask())

    with ThreadPoolExecutor(connections) as pool:
        for _ in range(connections):
            pool.submit(go_on)
        time.sleep(3)
        yield answers
        ended.set()


def timed(ask: Callable[[], int], times: int) -> str:
    """Return how many of these are answered with 200, and the slowest of them."""
    answers, slowest = [], 0.0
    for _ in range(times):
        started = time.perf_counter()
        answers.append(ask())
        slowest = max(slowest, time.perf_counter() - started)
    return f"{answers.count(200)} of {times} get in, the slowest after {slowest:.2f} s"


def guessing(folder: Path) -> Iterator[str]:
    """40 connections of one source guess through nginx, set up as docs/LOGON.md has it."""
    (lines,) = (block.text for block in blocks("docs/LOGON.md") if block.language == "nginx")
    with ExitStack() as stack:
        port, log = stack.enter_context(server(folder, "login-server"))
        http, _, location = lines.replace("14300", str(port)).partition("# in server")
        location = f"root {ROOT}/docs; # {location}"
        url = stack.enter_context(running_nginx(folder, location, http)) + "UNDO.md"

        def get(name: str, password: str, source: str) -> int:
            headers = {"X-Forwarded-For": source}
            return httpx.get(url, auth=(name, password), headers=headers, **_ASK).status_code

        sources = iter(f"192.0.2.{number}" for number in range(100))
        with flood(40, lambda: get("guessed", os.urandom(4).hex(), "198.51.100.1")) as answers:
            others = timed(lambda: get("other", _PASSWORD, next(sources)), 14)
        yield f"{len(answers)} guesses of one source through nginx: {others}; "
        yield f"{len(log.read_text().splitlines())} log lines\n"
        started = time.perf_counter()
        with ThreadPoolExecutor(6) as pool:
            page_of_40 = list(pool.map(lambda _: get("other", _PASSWORD, "192.0.2.200"), range(40)))
        took = time.perf_counter() - started
        yield f"a page of {page_of_40.count(200)} requests: {took:.2f} s\n"


def hanging_directory(folder: Path) -> Iterator[str]:
    """50 log-ons wait for a directory that never answers."""
    with ExitStack() as stack:
        port, _ = stack.enter_context(server(folder, "login-server"))

        def post(name: str) -> int:
            form = {"userName": name, "password": _PASSWORD, "source": next(sources)}
            return httpx.post(f"http://127.0.0.1:{port}/", data=form, **_ASK).status_code

        sources = iter(f"192.0.{number // 200}.{number % 200}" for number in range(50_000))
        with flood(50, lambda: post("remote")):
            yield f"50 log-ons that wait for the directory: {timed(lambda: post('local'), 17)}\n"


def crowd(folder: Path) -> Iterator[str]:
    """50 clients with right passwords at once, and 10: how many get in, and what a check takes."""
    for clients in (10, 50):
        with ExitStack() as stack:
            port, _ = stack.enter_context(server(folder, "login-server"))
            pool = stack.enter_context(ThreadPoolExecutor(clients))

            def post(number: int, port: int = port) -> int:
                form = {"userName": "local", "password": _PASSWORD, "source": f"192.0.2.{number}"}
                return httpx.post(f"http://127.0.0.1:{port}/", data=form, **_ASK).status_code

            started = time.perf_counter()
            answers = list(pool.map(post, range(clients)))
            took = time.perf_counter() - started
        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda _: verify_password(_PASSWORD, _HASH), range(clients)))
        bare = time.perf_counter() - started
        yield f"{clients} log-ons at once: {answers.count(200)} get in, in {took:.2f} s; "
        yield f"as many bare checks in {bare:.2f} s\n"


def slow_clients(folder: Path) -> Iterator[str]:
    """1 085 connections send a byte every 5 seconds to `directory-server`."""
    (folder / "directory.csv").write_text("userName\nanna\n")
    with ExitStack() as stack:
        port, _ = stack.enter_context(
            server(folder, "directory-server", str(folder / "directory.csv"))
        )
        for _ in range(1085):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(b"P")
            stack.enter_context(closing(client))

        def post() -> int:
            url = f"http://127.0.0.1:{port}/"
            return httpx.post(url, data={"cmd": "list"}, **_ASK).status_code

        yield f"1 085 slow connections to directory-server: {timed(post, 14)}\n"


def main() -> None:
    """Run each and say what came of it, and how busy the machine was."""
    mute = socket.create_server(("127.0.0.1", 0), backlog=200)
    with tempfile.TemporaryDirectory() as name, mute:
        folder = Path(name)
        workspace = open_workspace(str(folder / "users.json"), folder / "key")
        users = [
            User(user_name=name, privileges=["login"], password_hash=_HASH)
            for name in ("local", "other", "guessed")
        ]
        remote = User(user_name="remote", privileges=["login"], authentication=DIRECTORY_SERVICES)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        settings = Settings(directory_service="application_integration", url=url, login_timeout=30)
        batch = Batch([Edit.create(user) for user in (*users, remote)], settings=settings)
        workspace.store.apply(batch)
        workspace.close()
        for part in (guessing, hanging_directory, crowd, slow_clients):
            load = os.getloadavg()[0]
            print("".join(part(folder)) + f"    load {load:.1f} on {os.cpu_count()} cores before")


if __name__ == "__main__":
    main()
