"""The sources where users got in: what is remembered, for how long, and in how little room."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.known_sources import KnownSources

DAY = 24 * 60 * 60
NOW = 1_800_000_000.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=20))
def test_it_knows_whom_it_was_told_and_nobody_else(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, str]]
) -> None:
    known = KnownSources(tmp_path_factory.mktemp("store") / "users.json", lambda: NOW)
    for user, source in told:
        known.remember(user, source)
    for user in "abc":
        for source in "xyz":
            assert known.includes(user, source) is ((user, source) in told)


def test_the_file_is_private_small_and_written_once_a_day(tmp_path: Path) -> None:
    now = [NOW]
    known = KnownSources(tmp_path / "users.json", lambda: now[0])
    known.remember("anna", "192.0.2.1")
    status = known.path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    os.utime(known.path, (1, 1))
    known.remember("anna", "192.0.2.1")
    assert known.path.stat().st_mtime == 1
    now[0] += DAY
    known.remember("anna", "192.0.2.1")
    assert known.path.stat().st_mtime > 1
    for number in range(3_000):
        known.remember(f"user{number}", "192.0.2.1")
    assert known.path.stat().st_size <= 4 << 20
    assert sum(known.includes(f"user{number}", "192.0.2.1") for number in range(3_000)) == 3_000


def test_a_full_bucket_loses_the_oldest(tmp_path: Path) -> None:
    now = [NOW]
    known = KnownSources(tmp_path / "users.json", lambda: now[0], buckets=1)
    for number in range(9):
        known.remember(f"user{number}", "x")
        now[0] += DAY
    assert [known.includes(f"user{number}", "x") for number in range(9)] == [False] + [True] * 8


@pytest.mark.parametrize("jump", [-60 * 365 * DAY, -40 * DAY, 40 * DAY, 300 * 365 * DAY])
def test_a_clock_that_jumps_knows_nobody_and_goes_on(tmp_path: Path, jump: int) -> None:
    now = [NOW]
    known = KnownSources(tmp_path / "users.json", lambda: now[0])
    known.remember("anna", "x")
    now[0] += jump
    assert not known.includes("anna", "x")
    known.remember("anna", "x")
    assert known.includes("anna", "x")


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/passwd")]
)
def test_where_something_else_is_nobody_is_known(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    known = KnownSources(tmp_path / "users.json", lambda: NOW)
    make(known.path)
    known.remember("anna", "x")
    assert not known.includes("anna", "x")
