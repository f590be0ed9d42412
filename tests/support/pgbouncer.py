"""A pgbouncer of the tests' own before a cluster."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.postgres import Cluster, as_postgres


@contextlib.contextmanager
def pgbouncer(cluster: Cluster, mode: str) -> Iterator[int]:
    """Run a pooler in that mode (`session` or `transaction`); yield its port."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("pgbouncer is not installed; .ci/run installs it", pytrace=False)
        pytest.skip("pgbouncer is not installed")
    with tempfile.TemporaryDirectory(prefix="mailroster-pgbouncer-") as name:
        folder, port = Path(name), free_port()
        (folder / "users").write_text('"postgres" ""\n')
        (folder / "ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=postgres\n"
            f"[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\nunix_socket_dir=\n"
            f"auth_type=any\nauth_file={folder}/users\npool_mode={mode}\ndefault_pool_size=10\n"
            "ignore_startup_parameters=extra_float_digits\n"
        )
        with (folder / "log").open("wb") as log:
            if os.geteuid() == 0:
                for path in (folder, *folder.iterdir()):
                    shutil.chown(path, "postgres", "postgres")
            process = subprocess.Popen(
                [program, str(folder / "ini")], stdout=log, stderr=log, **as_postgres()
            )
        try:
            _wait(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    import psycopg

    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
