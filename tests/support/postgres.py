"""PostgreSQL clusters of the tests' own, as the system's user `postgres` where root runs them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port

_READY_SECONDS = 20
_OLDEST = 15


def binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed and new enough."""
    found = sorted(
        (int(folder.name), folder / "bin")
        for folder in Path("/usr/lib/postgresql").glob("*")
        if folder.name.isdecimal() and (folder / "bin" / "postgres").exists()
    )
    usable = [folder for version, folder in found if version >= _OLDEST]
    if usable:
        return usable[-1]
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def need_postgres() -> Path:
    """Return the folder of the binaries; skip without them, but fail where CI must have them."""
    folder = binaries()
    if folder is not None:
        return folder
    if os.environ.get("CI") == "true":
        pytest.fail("PostgreSQL is not installed; .ci/run installs it", pytrace=False)
    pytest.skip("PostgreSQL is not installed")


def as_postgres() -> dict[str, Any]:
    """Return how a process is started as a user who may run a server; root may not."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    return {"user": "postgres", "group": "postgres", "extra_groups": [], "cwd": "/"}


class Cluster:
    """A server with its data below a folder of its own, reached over loopback without passwords.

    `durable` writes go to the disk, as they do in earnest; without, tests are faster.
    """

    def __init__(
        self, folder: Path, *, durable: bool = False, options: Sequence[str] = (), copy: str = ""
    ) -> None:
        self.bin = need_postgres()
        self.port = free_port()
        self.data = folder / "data"
        self.log = folder / "log"
        self._options = [*options] if durable else [*options, "fsync=off"]
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        if not copy:
            words = "-N --no-instructions --wal-segsize=1 -A trust -U postgres -E UTF8"
            self._run("initdb", *words.split(), "--locale=C.UTF-8", "-D", self.data)
        else:
            words = "-R -X stream -c fast --no-sync"
            self._run("pg_basebackup", "-d", copy, "-D", self.data, *words.split())

    def _run(self, program: str, *words: object) -> None:
        subprocess.run(
            [self.bin / program, *map(str, words)],
            check=True,
            capture_output=True,
            **as_postgres(),
        )

    def start(self) -> None:
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "dynamic_shared_memory_type=mmap",  # leaves nothing outside the folder when killed
            *self._options,
        ]
        words = [word for setting in settings for word in ("-c", setting)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, *words],
                stdout=log,
                stderr=log,
                **as_postgres(),
            )
        self.wait()

    def wait(self) -> None:
        """Return when the server answers."""
        import psycopg

        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise AssertionError(self.log.read_text()[-2000:]) from None
                time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends sessions, SIGKILL is a crash."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.wait()

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Return the URL of a new, empty database."""
        self._databases += 1
        name = f"mailroster{self._databases}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected."""
        self.sql(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def sql(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, and return its rows."""
        url = database if "://" in database else self.url(database)
        return run_sql(url, query)


def run_sql(url: str, query: str) -> list[tuple[Any, ...]]:
    """Run a statement in that database, and return its rows."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def running_cluster(*, durable: bool = False, options: Sequence[str] = ()) -> Iterator[Cluster]:
    """A cluster that runs within the block."""
    need_postgres()
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mailroster-pg-", dir=base) as folder:
        cluster = Cluster(Path(folder), durable=durable, options=options)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One cluster for all tests of a process; each makes a database of its own."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def database(postgres: Cluster) -> Iterator[str]:
    """The URL of a new, empty database."""
    url = postgres.new_database()
    yield url
    postgres.drop(url)
