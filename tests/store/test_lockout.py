"""Failed log-ons: how they are counted, when they lock, and what damage does."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from store.errors import InvalidValue
from store.files.attempts import AttemptsUnreadable, AttemptsUnwritable, Lockout
from store.interface import LogOnAttempts
from store.lockout import LOCK_SECONDS, MOST, PAIR, SOURCE, USER, Attempts, source_key
from store.postgres.attempts import PostgresAttempts
from store.postgres.store import PostgresStore
from store.tinydb.check import check_store
from store.upkeep import Finding
from sync.workspace import open_workspace
from tests.support.descriptors import no_file_opens
from tests.support.replaced import failing

pytestmark = pytest.mark.both_stores
LIMIT, USER_LIMIT, SOURCE_LIMIT = PAIR.limit, USER.limit, SOURCE.limit


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lockout(
    new_store: Callable[[str], str], store_kind: str, clock: Clock
) -> Iterator[LogOnAttempts]:
    where = new_store("users.json")
    if store_kind == "tinydb":
        yield Lockout(Path(where), clock)
    else:
        store = PostgresStore(where)
        store.make_schema()
        yield PostgresAttempts(store.database, clock)
        store.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.json.attempts"


@pytest.fixture
def readonly_folder(tmp_path: Path) -> None:
    """Nothing can be written here, by root neither: the lock is a folder."""
    (tmp_path / "users.json.attempts.lock").mkdir()


def fail(lockout: LogOnAttempts, times: int, user: str = "anna", source: str = "") -> None:
    for _ in range(times):
        assert not lockout.settle(user, source, right=False)


class TestPairs:
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

    def test_who_knows_a_name_does_not_lock_its_owner_out(self, lockout: Lockout) -> None:
        fail(lockout, LIMIT, source="192.0.2.66")
        assert lockout.is_locked("anna", "192.0.2.66")
        for source in (None, "192.0.2.1"):
            assert lockout.settle("anna", source, right=True)
        assert lockout.is_locked("anna", "192.0.2.66")

    def test_a_right_password_is_refused_while_locked_and_counts_nowhere(
        self, lockout: Lockout
    ) -> None:
        fail(lockout, LIMIT)
        assert not lockout.settle("anna", None, right=True)
        assert not lockout.settle("anna", None, right=False)
        assert [each.failed for each in lockout.failures("anna", None)] == [LIMIT] * 3

    def test_more_failures_do_not_prolong_a_lock(self, lockout: Lockout, clock: Clock) -> None:
        fail(lockout, LIMIT)
        clock.now += LOCK_SECONDS - 1
        fail(lockout, 3)
        assert lockout.failures("anna", None).pair == (LIMIT, 1, True, LIMIT)
        clock.now += 1
        fail(lockout, 1)
        assert lockout.failures("anna", None).pair == (1, LOCK_SECONDS, False, LIMIT)

    def test_failures_are_forgotten_15_minutes_after_the_last(
        self, lockout: Lockout, clock: Clock
    ) -> None:
        for _ in range(3):
            fail(lockout, 1)
            clock.now += LOCK_SECONDS - 1
        assert lockout.failures("anna", None).pair.failed == 3
        clock.now += 1
        assert lockout.failures("anna", None).pair.failed == 0

    @pytest.mark.file_store
    def test_a_success_counts_nothing(self, lockout: Lockout, file: Path) -> None:
        assert lockout.settle("anna", None, right=True)
        assert not file.exists()

    def test_a_success_clears_its_own_pair_only(self, lockout: Lockout) -> None:
        assert lockout.settle("anna", None, right=True)
        fail(lockout, LIMIT - 1)
        fail(lockout, 2, source="192.0.2.1")
        assert lockout.settle("anna", None, right=True)
        assert [each.failed for each in lockout.failures("anna", None)] == [0, 6, 4]
        assert lockout.failures("anna", "192.0.2.1").pair.failed == 2
        fail(lockout, LIMIT - 1)
        assert not lockout.is_locked("anna", None)

    def test_an_administrator_unlocks(self, lockout: Lockout) -> None:
        assert not lockout.unlock("anna")
        for source in ("", "192.0.2.1"):
            fail(lockout, LIMIT, source=source)
        assert lockout.unlock("anna") == 2 * LIMIT
        for source in (None, "192.0.2.1"):
            assert lockout.settle("anna", source, right=True)
        assert lockout.of_user("anna") == {}

    @pytest.mark.parametrize("back", [1, 86_400, 50 * 365 * 86_400])
    def test_a_clock_that_was_set_back_neither_ends_nor_prolongs_a_lock(
        self, lockout: Lockout, clock: Clock, back: int
    ) -> None:
        fail(lockout, LIMIT)
        clock.now -= back
        assert lockout.is_locked("anna", None)
        assert not lockout.settle("anna", None, right=True)
        clock.now += LOCK_SECONDS - 1
        assert lockout.is_locked("anna", None)
        clock.now += 1
        assert lockout.settle("anna", None, right=True)


class TestRepeats:
    def repeat(self, lockout: Lockout, *passwords: str, **about: Any) -> None:
        for password in passwords:
            assert not lockout.settle("anna", "192.0.2.1", right=False, password=password, **about)

    def test_the_same_wrong_password_counts_once(self, lockout: Lockout) -> None:
        self.repeat(lockout, *["old password"] * 50)
        assert [each.failed for each in lockout.failures("anna", "192.0.2.1")] == [1] * 3
        self.repeat(lockout, *["old password", "older password"] * 50)
        assert lockout.failures("anna", "192.0.2.1").pair.failed == 2
        assert lockout.settle("anna", "192.0.2.1", right=True)

    def test_other_ones_count(self, lockout: Lockout) -> None:
        """The control."""
        self.repeat(lockout, *map(str, range(LIMIT)))
        assert lockout.is_locked("anna", "192.0.2.1")

    def test_they_are_forgotten_with_the_pair(self, lockout: Lockout, clock: Clock) -> None:
        self.repeat(lockout, "old")
        lockout.settle("anna", "192.0.2.1", right=True)
        self.repeat(lockout, "old")
        assert lockout.failures("anna", "192.0.2.1").pair.failed == 1
        clock.now += LOCK_SECONDS
        self.repeat(lockout, "old")
        assert lockout.failures("anna", "192.0.2.1").pair.failed == 1

    @pytest.mark.file_store
    def test_neither_a_password_nor_a_name_that_nobody_has_is_in_the_file(
        self, lockout: Lockout, file: Path
    ) -> None:
        self.repeat(lockout, "a wrong password", "half of a pair: \udcff")
        lockout.settle("my password as a name", None, right=False, known=False, password="x")
        stored = orjson.loads(file.read_bytes())
        assert b"password" not in file.read_bytes()
        digests = [digest for count in stored["pairs"].values() for digest in count[3]]
        assert [len(bytes.fromhex(digest)) for digest in digests] == [2, 2, 2]
        assert sorted(map(len, stored["users"])) == [len("anna"), len("?0000")]


class TestUsers:
    def from_everywhere(self, lockout: Lockout, clock: Clock, times: int, **about: Any) -> None:
        for number in range(times):
            source = f"198.51.{number % 200}.{number // 200}"
            assert not lockout.settle("anna", source, right=False, **about)
            clock.now += 60

    def test_the_hundredth_in_24_hours_locks_for_every_source_but_known_ones(
        self, lockout: Lockout, clock: Clock
    ) -> None:
        assert lockout.settle("anna", "192.0.2.1", right=True)
        self.from_everywhere(lockout, clock, USER_LIMIT - 1)
        assert not lockout.is_locked("anna", "192.0.2.2")
        self.from_everywhere(lockout, clock, 1)
        assert lockout.is_locked("anna", "192.0.2.2")
        assert not lockout.settle("anna", "192.0.2.2", right=True)
        assert not lockout.is_locked("bert", "192.0.2.2")
        assert lockout.settle("anna", "192.0.2.1", right=True)
        assert lockout.is_exempt("anna", "192.0.2.1")
        assert not lockout.is_exempt("bert", "192.0.2.1")
        fail(lockout, LIMIT, source="192.0.2.1")
        assert lockout.is_locked("anna", "192.0.2.1")  # its own bound holds there too

    def test_then_each_further_one_does_until_the_24_hours_are_over(
        self, lockout: Lockout, clock: Clock
    ) -> None:
        began = clock.now
        self.from_everywhere(lockout, clock, USER_LIMIT)
        clock.now += LOCK_SECONDS
        assert not lockout.is_locked("anna", "192.0.2.2")
        fail(lockout, 1, source="192.0.2.2")
        assert lockout.is_locked("anna", "192.0.2.3")
        clock.now = began + 24 * 60 * 60
        assert lockout.settle("anna", "192.0.2.3", right=True)
        assert lockout.failures("anna", None).user.failed == 0

    def test_30_days_after_the_last_success_a_source_is_known_no_longer(
        self, lockout: Lockout, clock: Clock
    ) -> None:
        for days, exempt in ((30, True), (31, False)):
            assert lockout.settle("anna", "192.0.2.1", right=True)
            clock.now += days * 24 * 60 * 60
            assert lockout.is_exempt("anna", "192.0.2.1") is exempt

    def test_names_that_nobody_has_lock_alike(self, lockout: Lockout, clock: Clock) -> None:
        for _ in range(LIMIT):
            assert not lockout.settle("nobody", "192.0.2.1", right=False, known=False)
        assert lockout.is_locked("nobody", "192.0.2.1", known=False)
        assert not lockout.is_locked("nobody", "192.0.2.2", known=False)
        self.from_everywhere(lockout, clock, USER_LIMIT, known=False)
        assert lockout.is_locked("anna", "192.0.2.2", known=False)
        assert not lockout.is_locked("anna", "192.0.2.2")


class TestSources:
    def test_one_source_is_held_to_its_own_limit(self, lockout: Lockout) -> None:
        for number in range(SOURCE_LIMIT):
            fail(lockout, 1, f"user{number}", "192.0.2.1")
        assert lockout.is_locked("anybody", "192.0.2.1")
        assert not lockout.settle("anybody", "192.0.2.1", right=True)
        assert not lockout.failures("anybody", None)[0].failed
        assert lockout.settle("anybody", "192.0.2.2", right=True)
        assert lockout.settle("anybody", None, right=True)
        assert lockout.unlock(source="192.0.2.1") == SOURCE_LIMIT
        assert lockout.settle("anybody", "192.0.2.1", right=True)
        assert lockout.of_user("user7") == {}

    def test_a_success_does_not_reset_it(self, lockout: Lockout) -> None:
        fail(lockout, 3, source="192.0.2.1")
        assert lockout.settle("mine", "192.0.2.1", right=True)
        assert lockout.failures("x", "192.0.2.1").source.failed == 3

    def test_a_few_failures_a_day_never_add_up(self, lockout: Lockout, clock: Clock) -> None:
        for number in range(2 * SOURCE_LIMIT):
            fail(lockout, 1, f"user{number}", "192.0.2.1")
            clock.now += LOCK_SECONDS - 1
        assert lockout.failures("x", "192.0.2.1").source.failed <= 2

    def test_attempts_on_a_locked_user_do_not_count_against_it(self, lockout: Lockout) -> None:
        fail(lockout, SOURCE_LIMIT + LIMIT, source="192.0.2.1")
        assert [each.failed for each in lockout.failures("anna", "192.0.2.1")] == [LIMIT] * 3

    def test_none_and_this_machine_are_one_source(self, lockout: Lockout) -> None:
        for source in ("", "127.0.0.1", "::1", "127.9.9.9", ""):
            fail(lockout, 1, source=source)
        assert lockout.is_locked("anna", "::ffff:127.0.0.1")
        assert not lockout.is_locked("anna", "192.0.2.1")

    @pytest.mark.parametrize(
        ("source", "key"),
        [
            (None, "local"),
            ("", "local"),
            ("127.0.0.1", "local"),
            ("127.9.9.9", "local"),
            ("::1", "local"),
            ("::ffff:127.0.0.1", "local"),
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
        with pytest.raises(InvalidValue, match="is not an IP address"):
            lockout.settle("anna", source, right=False)


@pytest.mark.file_store
class TestFile:
    def test_it_is_private_and_small(self, lockout: Lockout, clock: Clock, file: Path) -> None:
        for number in range(20):
            fail(lockout, 1, f"user{number}", f"192.0.2.{number}")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        clock.now += 24 * 60 * 60
        fail(lockout, 1)
        stored = json.loads(file.read_bytes())
        assert {name: list(stored[name]) for name in ("pairs", "users", "sources")} == {
            "pairs": ["anna/local"],
            "users": ["anna"],
            "sources": ["local"],
        }

    def test_it_never_grows_beyond_a_bound(self, clock: Clock) -> None:
        attempts = Attempts(clock())
        for number in range(LIMIT - 1):
            attempts.fail("anna", "192.0.2.1", f"wrong {number}", known=True)
        for number in range(MOST + 20):
            attempts.fail(f"{number}", f"2001:db8:{number:x}::/64", None, known=True)
        stored = attempts.to_stored()
        assert [len(stored[name]) for name in ("pairs", "users", "sources")] == [MOST] * 3
        left = attempts.standing("anna", "192.0.2.1", known=True)
        assert left.pair.failed == LIMIT - 1  # the lowest went

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"null", b'{"users": []}', b'{"users": {"anna": 1}, "sources": {}}',
         b'{"key": "00", "pairs": {}, "users": {}, "sources": {}}', b"\xff\x00" * 100],
    )  # fmt: skip
    def test_a_damaged_one_lets_nobody_in_until_it_is_moved_away(
        self, lockout: Lockout, file: Path, content: bytes
    ) -> None:
        fail(lockout, LIMIT)
        file.write_bytes(content)
        self.unreadable(lockout)
        with pytest.raises(AttemptsUnreadable, match="Move that file away"):
            lockout.unlock("anna")
        assert file.read_bytes() == content
        file.unlink()
        assert lockout.settle("anna", None, right=True)

    @pytest.mark.parametrize("count", ["many", 5, None, [], ["x", 9e9, 9e9, []], [5, 9e9, 9e9, 1]])
    @pytest.mark.parametrize("table", ["pairs", "users", "sources"])
    def test_one_damaged_count_keeps_its_own_user_or_source_out_until_unlocked(
        self, lockout: Lockout, file: Path, table: str, count: object
    ) -> None:
        fail(lockout, LIMIT, source="192.0.2.1")
        fail(lockout, LIMIT, "carla", source="192.0.2.2")
        names = {"pairs": "anna/192.0.2.1", "users": "anna", "sources": "192.0.2.1"}
        stored = json.loads(file.read_bytes())
        stored[table][names[table]] = count
        file.write_text(json.dumps(stored))
        for _ in range(2):  # whatever others do, it stays
            for use in (lockout.is_locked, lockout.failures):
                with pytest.raises(AttemptsUnreadable, match="is damaged"):
                    use("anna", "192.0.2.1")
            with pytest.raises(AttemptsUnreadable, match="users unlock"):
                lockout.settle("anna", "192.0.2.1", right=True)
            assert lockout.is_locked("carla", "192.0.2.2"), "what can be read counts"
            assert lockout.settle("bert", "192.0.2.3", right=True)
            assert not lockout.settle("bert", "192.0.2.3", right=False)
        assert any(names[table] in found.problem for found in findings(file))
        assert lockout.unlock("anna") + lockout.unlock(source="192.0.2.1") > 0
        assert lockout.settle("anna", "192.0.2.1", right=True)
        assert lockout.is_locked("carla", "192.0.2.2")
        assert findings(file) == []

    def unreadable(self, lockout: Lockout) -> None:
        """Nobody gets in, locked or not, and no failure is written."""
        for user in ("anna", "bert"):
            with pytest.raises(AttemptsUnreadable, match="Nobody was let in"):
                lockout.is_locked(user, None)
            with pytest.raises(AttemptsUnreadable, match="Nobody was let in"):
                lockout.settle(user, None, right=True)
            with pytest.raises((AttemptsUnreadable, AttemptsUnwritable)):
                lockout.settle(user, None, right=False)

    @pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
    def test_what_cannot_be_read_lets_nobody_in(
        self, lockout: Lockout, file: Path, make: Callable[[Path], None]
    ) -> None:
        make(file)
        self.unreadable(lockout)
        with pytest.raises(AttemptsUnreadable):
            lockout.unlock("anna")

    def test_without_descriptors_nobody_gets_in_and_the_counts_stay(
        self, lockout: Lockout, file: Path
    ) -> None:
        fail(lockout, LIMIT)
        before = file.read_bytes()
        with no_file_opens():
            self.unreadable(lockout)
        assert file.read_bytes() == before
        assert lockout.is_locked("anna", None)
        assert lockout.settle("bert", None, right=True)

    def test_an_error_of_the_disk_too(self, lockout: Lockout, file: Path) -> None:
        fail(lockout, LIMIT)
        before = file.read_bytes()
        with failing(os, "open", errno.EIO, lambda path, *_: Path(path) == file):
            self.unreadable(lockout)
        assert file.read_bytes() == before

    def test_where_nothing_can_be_written_right_passwords_pass_and_wrong_ones_are_errors(
        self, lockout: Lockout, readonly_folder: None
    ) -> None:
        assert lockout.settle("anna", None, right=True)
        for known in (True, False):
            with pytest.raises(AttemptsUnwritable, match="could not be counted"):
                lockout.settle("anna", None, right=False, known=known)

    def test_a_lock_holds_where_nothing_can_be_written(
        self, lockout: Lockout, tmp_path: Path
    ) -> None:
        fail(lockout, LIMIT)
        (tmp_path / "users.json.attempts.lock").unlink()
        (tmp_path / "users.json.attempts.lock").mkdir()
        with pytest.raises(AttemptsUnwritable):
            lockout.settle("anna", None, right=True)


def findings(attempts: Path) -> list[Finding]:
    return check_store(attempts.with_name("users.json"), attempts.with_name("secret.key"))[1]


FIVE_FAILURES = """
import sys; from pathlib import Path; from sync.workspace import open_workspace
workspace = open_workspace(sys.argv[1], Path(sys.argv[1]))
for number in range(5):
    workspace.lockout.settle(f"{sys.argv[2]}-{number}", "192.0.2.7", right=False)
"""


class TestRaces:
    @pytest.fixture
    def where(self, new_store: Callable[[str], str], tmp_path: Path) -> str:
        where = new_store("users.json")
        workspace = open_workspace(where, tmp_path / "secret.key")
        workspace.upkeep.create()
        workspace.close()
        return where

    @pytest.fixture
    def session(self, where: str, tmp_path: Path) -> Iterator[Callable[[], LogOnAttempts]]:
        """Opens sessions on one store."""
        opened = []

        def open_one() -> LogOnAttempts:
            opened.append(open_workspace(where, tmp_path / "secret.key"))
            return opened[-1].lockout

        yield open_one
        for workspace in opened:
            workspace.close()

    def test_fifty_failures_at_once_count_as_fifty(
        self, session: Callable[[], LogOnAttempts]
    ) -> None:
        with ThreadPoolExecutor(50) as pool:
            each = pool.map(lambda n: session().settle(f"{n}", None, right=False), range(50))
            assert not any(each)
        assert session().failures("anna", None).source.failed == 50

    def test_fifty_on_one_name_lock_it_at_the_fifth(
        self, session: Callable[[], LogOnAttempts]
    ) -> None:
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda _: session().settle("anna", None, right=False), range(50)))
        assert [each.failed for each in session().failures("anna", None)] == [LIMIT] * 3

    def test_of_ten_processes_too(self, where: str, session: Callable[[], LogOnAttempts]) -> None:
        running = [
            subprocess.Popen([sys.executable, "-c", FIVE_FAILURES, where, str(number)])
            for number in range(10)
        ]
        assert [process.wait(60) for process in running] == [0] * 10
        assert session().failures("anna", "192.0.2.7").source.failed == 50

    def test_a_right_guess_among_fifty_is_not_told_after_the_fifth_failure(
        self, session: Callable[[], LogOnAttempts]
    ) -> None:
        fail(session(), LIMIT - 1)
        with ThreadPoolExecutor(2) as pool:
            wrong = pool.submit(session().settle, "anna", None, right=False)
            assert not wrong.result()
            assert not pool.submit(session().settle, "anna", None, right=True).result()

    def test_right_ones_at_once_all_pass(self, session: Callable[[], LogOnAttempts]) -> None:
        lockout = session()
        with ThreadPoolExecutor(20) as pool:
            assert all(pool.map(lambda _: lockout.settle("anna", None, right=True), range(50)))


@pytest.mark.file_store
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_an_attempts_file_without_an_end_is_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "users.json.attempts")
    with pytest.raises(AttemptsUnreadable):
        Lockout(tmp_path / "users.json").is_locked("anna", None)
    assert any(
        "failed log-ons cannot be read" in found.problem
        for found in check_store(tmp_path / "users.json", tmp_path / "secret.key")[1]
    )
