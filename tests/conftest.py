"""What every test may use: a clean environment, fast hashes, a workspace on real files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

import store.passwords
from store.interface import Clock, utc_now
from sync.workspace import Workspace, open_workspace
from tests.support.directory import Directory, running_directory
from tests.support.warm_start import FAST
from tui.collector import collect_seldom

hypothesis_settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("untimed")

# What the real cost of a hash is has a test of its own; modules of tests make hashes, too.
store.passwords.COST = FAST
collect_seldom()  # as the screens and servers do

pytest_plugins = [
    "tests.support.postgres",
    "tests.support.both_stores",
    "tests.support.password_search",
]

# Their tests share servers that take long to start. They come first: later idle workers of xdist
# take tests from others, and would start these servers once more.
_FIRST = (
    "tests/docs/test_host.py",
    "tests/dovecot/",
    "tests/end_to_end/test_active_directory.py",
    "tests/sync/directory/ldap/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests with costly servers before all others."""
    items.sort(key=lambda item: not item.nodeid.startswith(_FIRST))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the tester's own store, key or proxy settings."""
    monkeypatch.delenv("MAILROSTER_STORE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def clock() -> Clock:
    """What tells the time."""
    return utc_now


@pytest.fixture
def workspace(tmp_path: Path, new_store: Callable[[str], str], clock: Clock) -> Iterator[Workspace]:
    """A new, empty store with its key."""
    opened = open_workspace(new_store("users.json"), tmp_path / "secret.key", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """A running directory server without users."""
    with running_directory(tmp_path) as running:
        yield running
