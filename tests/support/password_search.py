"""A pytest plugin: no test may leave one of its passwords behind, wherever that is.

Every password that a test puts through mailroster is learned at the doors that passwords go
through: the local policy, hash and check, the secret box, the directory's client, and the stdin
of a command. When the test is over, its temporary folder (stores, backups, plans, history,
reports, logs), what it printed and logged, and what its commands and terminals
sent, is searched for them, as they are and as JSON, URLs, Base64 and Python spell them. Hashes may
be in stores and their history, and nowhere else.

Passwords of fewer than `SHORTEST` characters are ordinary words, and are not looked for; nor is
what stands in every store, which hypothesis may come upon in the program's text.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from store import passwords
from store.files.secrets import SecretBox
from store.models import Settings, User

SHORTEST = 8
HASH = re.compile(rb"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_STORES = ("users.json", "users-copy.json", "postgresql.")  # with their backups and their history
_DIRECTORIES = ("directory.", "state.json", "a.csv", "B.CSV", "c.json")
HOLDS_HASHES = (*_STORES, *_DIRECTORIES)

_IN_EVERY_STORE = json.dumps(
    [Settings().to_stored(), User(user_name="").to_row()], separators=(",", ":")
)
_learned: set[str] = set()
_leaks: list[str] = []


def learn(password: str) -> None:
    """Look for this password when the test is over."""
    if len(password) >= SHORTEST and password not in _IN_EVERY_STORE:
        _learned.add(password)


def look_at(where: str, sent: bytes | str) -> None:
    """Note what must not be in what a command or a terminal sent to the outside."""
    data = sent if isinstance(sent, bytes) else sent.encode(errors="surrogatepass")
    _leaks.extend(f"{where}: {leak}" for leak in _leaks_in(data, hashes_too=True))


def _leaks_in(data: bytes, *, hashes_too: bool) -> Iterator[str]:
    for password in sorted(_learned):
        if any(spelling in data for spelling in _spellings(password)):
            yield f"the password {password!r}"
    if hashes_too and HASH.search(data):
        yield "the hash of a password"


@cache
def _spellings(password: str) -> set[bytes]:
    plain = password.encode(errors="surrogateescape")
    texts = (
        quote(plain),
        quote(plain, safe=""),
        quote_plus(plain),
        json.dumps(password)[1:-1],
        repr(password)[1:-1],
        b64encode(plain).decode().rstrip("="),
    )
    return {plain, *(text.encode(errors="surrogateescape") for text in texts)}


@pytest.fixture(autouse=True, scope="session")
def _doors() -> Iterator[None]:
    """Learn from what passes through the doors."""
    with pytest.MonkeyPatch.context() as patch:
        from sync.directory.client import DirectoryClient

        doors: list[tuple[Any, str, int]] = [
            (passwords, "normalized", 0),
            (SecretBox, "encrypt", 1),
            (DirectoryClient, "__init__", 2),
            (DirectoryClient, "check_password", 2),
        ]
        for owner, name, place in doors:
            patch.setattr(owner, name, _learning(getattr(owner, name), place))
        yield


def _learning(door: Any, place: int) -> Any:
    def learning(*args: Any) -> Any:
        learn(args[place])
        return door(*args)

    return learning


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test at its end if it left a password behind."""
    report = yield
    if call.when != "teardown":
        return report
    for title, text in report.sections:
        look_at(title, text)
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    for file in sorted(folder.rglob("*")) if folder else ():
        _look_into(file, file.relative_to(folder))
    if _leaks:
        report.outcome = "failed"
        report.longrepr = "\n".join(["The test left behind:", *dict.fromkeys(_leaks)])
    _learned.clear()
    _leaks.clear()
    return report


def _look_into(file: Path, shown: Path) -> None:
    try:
        if file.is_file():
            hashes_too = not any(part.startswith(HOLDS_HASHES) for part in shown.parts)
            leaks = _leaks_in(file.read_bytes(), hashes_too=hashes_too)
            _leaks.extend(f"{shown}: {leak}" for leak in leaks)
        leaks = _leaks_in(str(shown).encode(errors="surrogateescape"), hashes_too=True)
        _leaks.extend(f"{shown}: {leak} in its name" for leak in leaks)
    except OSError:
        return  # what is not readable to whoever runs the tests, or is gone
