"""A name service that does not answer delays neither the error nor the end of the process."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

# The look-up is the C library's and cannot be cancelled: here it takes as long as glibc's does.
ASK = """
import asyncio, socket, sys, time
from store.models import Settings
from sync.directory import certificate, client, name_lookup

socket.getaddrinfo = lambda *_, **__: time.sleep(6)
if sys.argv[2] == "in the executor":
    client.abandon_slow_lookups = certificate.abandon_slow_lookups = lambda: None
settings = Settings(url=sys.argv[1], list_timeout=1, login_timeout=1)
ask = {
    "list": lambda: client.DirectoryClient(settings, "").list_users(),
    "log-on": lambda: client.DirectoryClient(settings, "").check_password("anna", "secret"),
    "certificate": lambda: certificate.fetch_certificate(settings),
}[sys.argv[3]]
try:
    asyncio.run(ask())
except Exception as error:
    print(type(error).__name__, error)
"""


def ask(how: str, what: str) -> tuple[str, float]:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", ASK, "https://silent.example/ai", how, what],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout, time.monotonic() - start


@pytest.mark.parametrize("what", ["list", "log-on", "certificate"])
def test_the_deadline_is_kept(what: str) -> None:
    told, seconds = ask("abandoned", what)
    assert told.startswith("TimedOut https://silent.example/ai did not answer in full within 1 s.")
    assert seconds < 6


def test_the_control_in_asyncios_executor_the_process_waits() -> None:
    told, seconds = ask("in the executor", "list")
    assert told.startswith("TimedOut")
    assert seconds > 6
