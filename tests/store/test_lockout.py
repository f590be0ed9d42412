"""Failed log-ons: how they are counted, when they lock, and what damage does."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.errors import InvalidValue
from store.lockout import (
    LIMIT,
    LOCK_SECONDS,
    SOURCE_LIMIT,
    AttemptsUnwritable,
    Lockout,
    source_key,
)


class Clock:
    now = 1_800_000_000.0

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


@pytest.fixture
def readonly_folder(tmp_path: Path) -> None:
    """Nothing can be written here, by root neither: the lock is a folder."""
    (tmp_path / "users.json.attempts.lock").mkdir()


def fail(lockout: Lockout, times: int, user: str | None = "anna", source: str = "") -> None:
    for _ in range(times):
        assert not lockout.settle(user, source, right=False)


class TestUsers:
    def test_the_fifth_failure_locks_for_15_minutes(self, lockout: Lockout, clock: Clock) -> None:
        fail(lockout, LIMIT - 1)
        assert not lockout.is_locked("anna", None)
        fail(lockout, 1)
        assert lockout.is_locked("anna", None)
        assert not lockout.is_locked("bert", None)
        clock.now += LOCK_SECONDS - 1
        assert lockout.is_locked("anna", None)
        clock.now += 1
        assert not lockout.is_locked("anna", None)
        assert lockout.settle("anna", None, right=True)

    def test_a_right_password_is_refused_while_locked(self, lockout: Lockout) -> None:
        fail(lockout, LIMIT)
        assert not lockout.settle("anna", None, right=True)
        assert lockout.failures("anna", None)[0].failed == LIMIT + 1

    def test_more_failures_do_not_prolong_a_lock(self, lockout: Lockout, clock: Clock) -> None:
        fail(lockout, LIMIT)
        clock.now += LOCK_SECONDS - 1
        fail(lockout, 3)
        assert lockout.failures("anna", None)[0] == (LIMIT + 3, 1, True)
        clock.now += 1
        fail(lockout, 1)
        assert lockout.failures("anna", None)[0] == (1, LOCK_SECONDS, False)

    def test_failures_are_forgotten_15_minutes_after_the_last(
        self, lockout: Lockout, clock: Clock
    ) -> None:
        for _ in range(3):
            fail(lockout, 1)
            clock.now += LOCK_SECONDS - 1
        assert lockout.failures("anna", None)[0].failed == 3
        clock.now += 1
        assert lockout.failures("anna", None)[0].failed == 0

    def test_a_success_makes_failures_forgotten(self, lockout: Lockout, file: Path) -> None:
        assert lockout.settle("anna", None, right=True)
        assert not file.exists()
        fail(lockout, LIMIT - 1)
        assert lockout.settle("anna", None, right=True)
        fail(lockout, LIMIT - 1)
        assert not lockout.is_locked("anna", None)

    def test_an_administrator_unlocks(self, lockout: Lockout) -> None:
        assert not lockout.unlock("anna")
        fail(lockout, LIMIT)
        assert lockout.unlock("anna")
        assert lockout.settle("anna", None, right=True)

    def test_unknown_names_cost_the_same_write_and_leave_nothing(
        self, lockout: Lockout, file: Path
    ) -> None:
        fail(lockout, LIMIT + 1, user=None)
        assert json.loads(file.read_bytes()) == {"users": {}, "sources": {}}
        assert not lockout.is_locked(None, None)


class TestSources:
    def test_one_source_is_held_to_its_own_limit(self, lockout: Lockout) -> None:
        for number in range(SOURCE_LIMIT):
            fail(lockout, 1, f"user{number}", "192.0.2.1")
        assert lockout.is_locked("anybody", "192.0.2.1")
        assert not lockout.settle("anybody", "192.0.2.1", right=True)
        assert not lockout.failures("anybody", None)[0].failed
        assert lockout.settle("anybody", "192.0.2.2", right=True)
        assert lockout.settle("anybody", None, right=True)
        assert lockout.unlock(source="192.0.2.1")
        assert lockout.settle("anybody", "192.0.2.1", right=True)

    def test_a_success_does_not_reset_it(self, lockout: Lockout) -> None:
        fail(lockout, 3, source="192.0.2.1")
        assert lockout.settle("mine", "192.0.2.1", right=True)
        assert lockout.failures("x", "192.0.2.1")[1].failed == 3

    def test_attempts_on_a_locked_user_do_not_count_against_it(self, lockout: Lockout) -> None:
        fail(lockout, SOURCE_LIMIT + LIMIT, source="192.0.2.1")
        assert lockout.failures("anna", "192.0.2.1")[0].failed == SOURCE_LIMIT + LIMIT
        assert lockout.failures("anna", "192.0.2.1")[1].failed == LIMIT

    @pytest.mark.parametrize(
        ("source", "key"),
        [
            (None, None),
            ("", None),
            ("127.0.0.1", None),
            ("127.9.9.9", None),
            ("::1", None),
            ("::ffff:127.0.0.1", None),
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
        ],
    )
    def test_what_is_counted_as_one(self, source: str | None, key: str | None) -> None:
        assert source_key(source) == key

    @pytest.mark.parametrize("source", ["x", "192.0.2.1:143", "192.0.2", "a\x1b[2J"])
    def test_what_is_no_address(self, lockout: Lockout, source: str) -> None:
        with pytest.raises(InvalidValue, match="is no IP address"):
            lockout.settle("anna", source, right=False)


class TestFile:
    def test_it_is_private_and_small(self, lockout: Lockout, clock: Clock, file: Path) -> None:
        for number in range(20):
            fail(lockout, 1, f"user{number}", f"192.0.2.{number}")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        clock.now += LOCK_SECONDS
        fail(lockout, 1)
        assert list(json.loads(file.read_bytes())["users"]) == ["anna"]
        assert json.loads(file.read_bytes())["sources"] == {}

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"null", b'{"users": []}', b'{"users": {"anna": 1}, "sources": {}}',
         b'{"users": {"anna": ["x", "y"]}, "sources": {}}', b"\xff\x00" * 100],
    )  # fmt: skip
    def test_a_damaged_one_locks_nobody_out_and_the_lockout_works_on(
        self, lockout: Lockout, file: Path, content: bytes
    ) -> None:
        file.write_bytes(content)
        assert not lockout.is_locked("anna", None)
        fail(lockout, LIMIT)
        assert lockout.damaged.read_bytes() == content
        assert lockout.is_locked("anna", None)
        assert lockout.settle("bert", None, right=True)

    def test_a_clock_that_was_set_back_locks_nobody_for_long(
        self, lockout: Lockout, clock: Clock
    ) -> None:
        fail(lockout, LIMIT)
        clock.now -= 86_400
        assert not lockout.is_locked("anna", None)

    def test_where_nothing_can_be_written_right_passwords_pass_and_wrong_ones_are_errors(
        self, lockout: Lockout, readonly_folder: None
    ) -> None:
        assert lockout.settle("anna", None, right=True)
        for user in ("anna", None):
            with pytest.raises(AttemptsUnwritable, match="could not be counted"):
                lockout.settle(user, None, right=False)

    def test_a_lock_holds_where_nothing_can_be_written(
        self, lockout: Lockout, tmp_path: Path
    ) -> None:
        fail(lockout, LIMIT)
        (tmp_path / "users.json.attempts.lock").unlink()
        (tmp_path / "users.json.attempts.lock").mkdir()
        with pytest.raises(AttemptsUnwritable):
            lockout.settle("anna", None, right=True)


FIVE_FAILURES = """
import sys; from pathlib import Path; from store.lockout import Lockout
for _ in range(5):
    Lockout(Path(sys.argv[1])).settle("anna", "192.0.2.7", right=False)
"""


class TestRaces:
    def test_fifty_failures_at_once_count_as_fifty(self, tmp_path: Path) -> None:
        path = tmp_path / "users.json"
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda _: Lockout(path).settle("anna", None, right=False), range(50)))
        assert Lockout(path).failures("anna", None)[0].failed == 50

    def test_of_ten_processes_too(self, tmp_path: Path) -> None:
        path = tmp_path / "users.json"
        running = [
            subprocess.Popen([sys.executable, "-c", FIVE_FAILURES, str(path)]) for _ in range(10)
        ]
        assert [process.wait(60) for process in running] == [0] * 10
        assert Lockout(path).failures("anna", None)[0].failed == 50
        assert Lockout(path).failures("anna", "192.0.2.7")[1].failed == LIMIT

    def test_a_right_guess_among_fifty_is_not_told_after_the_fifth_failure(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "users.json"
        fail(Lockout(path), LIMIT - 1)
        with ThreadPoolExecutor(2) as pool:
            wrong = pool.submit(Lockout(path).settle, "anna", None, right=False)
            assert not wrong.result()
            assert not pool.submit(Lockout(path).settle, "anna", None, right=True).result()

    def test_right_ones_at_once_all_pass(self, tmp_path: Path) -> None:
        lockout = Lockout(tmp_path / "users.json")
        with ThreadPoolExecutor(20) as pool:
            assert all(pool.map(lambda _: lockout.settle("anna", None, right=True), range(50)))
