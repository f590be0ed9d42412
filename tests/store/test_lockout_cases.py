"""Failed log-ons: when a lock begins and ends to the second, and what may lie beside the store."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from store.files.attempts import Lockout
from store.lockout import LOCK_SECONDS, PAIR, SOURCE, USER

START = 1_800_000_000.0
DAY = 24 * 60 * 60


class Clock:
    now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lockout(tmp_path: Path, clock: Clock) -> Lockout:
    return Lockout(tmp_path / "users.json", clock)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.json.attempts"


def fail_on_one_name(lockout: Lockout, times: int) -> None:
    for _ in range(times):
        lockout.settle("anna", "192.0.2.1", right=False)


def fail_on_many_names(lockout: Lockout, times: int) -> None:
    for number in range(times):
        lockout.settle(f"user{number}", "192.0.2.1", right=False)


def fail_from_many_places(lockout: Lockout, times: int) -> None:
    for number in range(times):
        lockout.settle("anna", f"198.51.100.{number}", right=False)


@pytest.mark.parametrize(
    ("fail", "limit"),
    [
        (fail_on_one_name, PAIR.limit),
        (fail_on_many_names, SOURCE.limit),
        (fail_from_many_places, USER.limit),
    ],
)
def test_a_lock_begins_with_the_last_failure_and_ends_after_900_seconds(
    lockout: Lockout, clock: Clock, fail: Callable[[Lockout, int], None], limit: int
) -> None:
    assert limit in (5, 100)
    fail(lockout, limit - 1)
    assert not lockout.is_locked("anna", "192.0.2.1")
    fail(lockout, limit)
    assert lockout.is_locked("anna", "192.0.2.1")
    for seconds, locked in ((899, True), (900, False)):
        clock.now = START + seconds
        assert lockout.is_locked("anna", "192.0.2.1") is locked
    assert LOCK_SECONDS == 900


def test_a_network_counts_as_one_source_and_is_unlocked_as_one(lockout: Lockout) -> None:
    for number in range(100):
        lockout.settle(f"user{number}", "2001:db8:1:2::1", right=False)
    assert lockout.is_locked("anna", "2001:db8:1:2::2")
    assert not lockout.is_locked("anna", "2001:db8:1:3::1")
    assert lockout.failures("anna", "2001:db8:1:2::9").source.failed == 100
    assert lockout.unlock(source="2001:db8:1:2::3") == 100
    assert not lockout.is_locked("anna", "2001:db8:1:2::1")
    assert lockout.unlock(source="2001:db8:1:2::3") == 0


def test_a_known_network_is_known_as_one(lockout: Lockout) -> None:
    assert lockout.settle("anna", "2001:db8:1:2::1", right=True)
    assert lockout.is_exempt("anna", "2001:db8:1:2::2")
    assert not lockout.is_exempt("anna", "2001:db8:1:3::2")


def test_what_still_counts_is_told_in_seconds(lockout: Lockout, clock: Clock) -> None:
    fail_on_one_name(lockout, 2)
    clock.now += 100
    standing = lockout.failures("anna", "192.0.2.1")
    assert standing.pair == (2, 800, False, 5)
    assert standing.user == (2, DAY - 100, False, 100)
    assert standing.source == (2, 800, False, 100)
    assert {key: found[:2] for key, found in lockout.of_user("anna").items()} == {
        "192.0.2.1": (2, 800)
    }
    assert lockout.of_user("bert") == {}


LEFT = ".users.json.attempts.tmp"


def left_longer(path: Path) -> None:
    path.write_bytes(b"x" * 100_000)


def left_open_to_all(path: Path) -> None:
    path.touch(0o666)
    path.chmod(0o666)


@pytest.mark.parametrize("leave", [left_longer, left_open_to_all, lambda path: None])
def test_what_an_earlier_write_left_does_no_harm(
    lockout: Lockout, file: Path, leave: Callable[[Path], None]
) -> None:
    leave(file.with_name(LEFT))
    fail_on_one_name(lockout, 1)
    assert orjson.loads(file.read_bytes())["users"].keys() == {"anna"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.with_name(LEFT).exists()
    assert lockout.failures("anna", "192.0.2.1").pair.failed == 1


def test_nothing_is_written_through_a_link(lockout: Lockout, file: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    file.with_name(LEFT).symlink_to(tmp_path / "elsewhere")
    lockout.settle("anna", None, right=False)
    assert (tmp_path / "elsewhere").read_text() == "precious"
    assert lockout.failures("anna", None).pair.failed == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_file_is_the_folders_owners(lockout: Lockout, file: Path, tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 23456)
    fail_on_one_name(lockout, 1)
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)
