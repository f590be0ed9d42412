"""Failed log-ons: when a lock begins and ends to the second, and what may lie beside the store."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import orjson
import pytest

from store.errors import StoreBusy, StoreFull
from store.files.attempts import AttemptsUnreadable, AttemptsUnwritable, Lockout
from store.files.lock import writer_lock
from store.lockout import LOCK_SECONDS, PAIR, SOURCE, USER
from tests.support.replaced import failing, in_place_of

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


MANUALLY = "Move that file away; mailroster then counts anew, and no user is locked."
UNLOCK = (
    "Unlock both, with `mailroster users unlock NAME` and `mailroster users unlock --source "
    "ADDRESS`; mailroster then counts anew."
)
NOBODY = "Nobody was let in, and nothing was counted."
NOT_THE_USER = "The user was not let in, and nothing was counted."


def damaged(table: str, who: str) -> bytes:
    empty: dict[str, object] = {"key": "00" * 16, "pairs": {}, "users": {}, "sources": {}}
    return orjson.dumps({**empty, table: {who: "x"}})


@pytest.mark.parametrize(
    ("content", "what", "untouched", "advice"),
    [
        (b"{", "The failed log-ons in {} cannot be read: the file is damaged.", NOBODY, MANUALLY),
        (
            None,
            "The failed log-ons in {} cannot be read: Is a directory.",
            NOBODY,
            "Check the owner, mode and kind of that file, and the disk.",
        ),
        *(
            (
                damaged(table, who),
                "A count of this user's or this source's failed log-ons in {} is damaged.",
                NOT_THE_USER,
                UNLOCK,
            )
            for table, who in (
                ("users", "anna"), ("sources", "192.0.2.1"), ("pairs", "anna/192.0.2.1"),
            )
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(
    lockout: Lockout, file: Path, content: bytes | None, what: str, untouched: str, advice: str
) -> None:
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    for use in (lockout.is_locked, lockout.failures):
        with pytest.raises(AttemptsUnreadable) as refused:
            use("anna", "192.0.2.1")
        told = refused.value
        assert (told.what, told.untouched, told.advice) == (what.format(file), untouched, advice)


@pytest.mark.parametrize(
    ("table", "who", "readable"),
    [("users", "anna", False), ("pairs", "anna/192.0.2.1", False), ("sources", "192.0.2.1", True)],
)
def test_all_of_a_user_is_told_or_nothing(
    lockout: Lockout, file: Path, table: str, who: str, readable: bool
) -> None:
    file.write_bytes(damaged(table, who))
    with nullcontext() if readable else pytest.raises(AttemptsUnreadable):
        assert lockout.of_user("anna") == {}
    assert lockout.of_user("bert") == {}
    assert lockout.locked_users() == 0


UNCOUNTED = (
    "Make room on the disk, or check the rights of the folder and of the files named .attempts."
)


@pytest.mark.parametrize(
    ("call", "number", "why", "advice"),
    [
        (
            "replace",
            errno.ENOSPC,
            "The failed log-ons in {} cannot be written: No space left on device.",
            UNCOUNTED,
        ),
        (
            "open",
            errno.EACCES,
            "The lock {}.lock cannot be opened: Permission denied.",
            "Check the folder's owner, mode and room.",
        ),
    ],
)
def test_a_failure_that_cannot_be_counted_is_said(
    lockout: Lockout, file: Path, call: str, number: int, why: str, advice: str
) -> None:
    fail_on_one_name(lockout, 1)
    before = file.read_bytes()
    with failing(os, call, number, lambda path, *_: file.name in str(path) and path != file):
        for source in ("192.0.2.1", "192.0.2.2"):  # with a failure that would be forgotten, or none
            assert lockout.settle("anna", source, right=True)
        with pytest.raises(AttemptsUnwritable) as refused:
            lockout.settle("anna", "192.0.2.1", right=False, password="other")
    assert refused.value.what == f"A failed log-on could not be counted. {why.format(file)}"
    assert refused.value.advice == advice
    assert refused.value.untouched.startswith("Until you correct this, mailroster accepts right")
    assert file.read_bytes() == before
    assert lockout.is_exempt("anna", "192.0.2.2")


def test_who_is_waited_for_counts_failed_log_ons(lockout: Lockout, file: Path) -> None:
    """The clock goes on by five seconds each time that it is asked."""
    says = "Failed log-ons are being counted by"
    held = writer_lock(file.with_name(f"{file.name}.lock"))
    with held, in_place_of(time, "monotonic", count(step=5).__next__):
        with pytest.raises(StoreBusy, match=says):
            lockout.unlock("anna")
        with pytest.raises(AttemptsUnwritable, match=f"could not be counted. {says}"):
            lockout.settle("anna", None, right=False, password="x")


def test_an_unlock_that_cannot_be_written_says_so_of_itself(lockout: Lockout, file: Path) -> None:
    fail_on_one_name(lockout, 1)
    before = file.read_bytes()
    full = failing(os, "replace", errno.ENOSPC, lambda path, *_: file.name in str(path))
    with full, pytest.raises(StoreFull) as refused:
        lockout.unlock("anna")
    assert refused.value.what.startswith("The failed log-ons in ")
    assert refused.value.untouched == "They are as they were."
    assert file.read_bytes() == before


@pytest.mark.parametrize("known", [True, False])
def test_where_nothing_can_be_written_the_locks_of_both_kinds_of_names_hold(
    lockout: Lockout, known: bool
) -> None:
    for number in range(5):
        lockout.settle("anna", "192.0.2.1", right=False, known=known, password=str(number))
    with failing(os, "open", errno.EACCES, lambda path, *_: str(path).endswith(".lock")):
        assert lockout.settle("anna", "192.0.2.1", right=True, known=not known)
        assert lockout.settle("anna", None, right=True, known=known)
        with pytest.raises(AttemptsUnwritable):
            lockout.settle("anna", "192.0.2.1", right=True, known=known)


def settle_right(lockout: Lockout) -> None:
    assert lockout.settle("bert", "192.0.2.9", right=True)


def settle_while_locked(lockout: Lockout) -> None:
    assert not lockout.settle("anna", "192.0.2.1", right=True)


def settle_the_same_again(lockout: Lockout) -> None:
    assert not lockout.settle("carla", "192.0.2.2", right=False, password="wrong")


def unlock_nobody(lockout: Lockout) -> None:
    assert lockout.unlock("bert") == lockout.unlock(source="192.0.2.9") == 0


@pytest.mark.parametrize(
    "use", [settle_right, settle_while_locked, settle_the_same_again, unlock_nobody]
)
@pytest.mark.parametrize("back", [False, True])
def test_what_changes_nothing_is_not_written(
    lockout: Lockout, clock: Clock, file: Path, use: Callable[[Lockout], None], back: bool
) -> None:
    """But counts of a clock that was set back are written as they count now."""
    fail_on_one_name(lockout, 5)
    lockout.settle("carla", "192.0.2.2", right=False, password="wrong")
    before = file.stat().st_ino
    clock.now -= 50 * back
    use(lockout)
    assert (file.stat().st_ino == before) is (not back or use is unlock_nobody)


def test_a_user_and_a_source_are_unlocked_apart(lockout: Lockout) -> None:
    for user, source in (("anna", "192.0.2.1"), ("anna", None), ("bert", None)):
        lockout.settle(user, source, right=False)
    assert lockout.unlock("anna", "192.0.2.1") == 2
    assert lockout.failures("bert", None).pair.failed == 1
    assert lockout.unlock() == 2  # this machine
    assert lockout.failures("bert", None).pair.failed == 0


def test_names_that_nobody_has_are_known_nowhere(lockout: Lockout) -> None:
    """So others' failures elsewhere lock such a name for every source."""
    assert lockout.settle("anna", "192.0.2.1", right=True, known=True)
    for known in (True, False):
        for number in range(100):
            lockout.settle("anna", f"198.51.100.{number}", right=False, known=known)
    assert not lockout.is_locked("anna", "192.0.2.1", known=True)
    assert lockout.is_locked("anna", "192.0.2.1", known=False)
    assert lockout.locked_users() == 1


def test_all_counts_are_taken_and_put_back(lockout: Lockout, tmp_path: Path) -> None:
    fail_on_one_name(lockout, 2)
    other = Lockout(tmp_path / "other.json", Clock())
    other.put(lockout.stored())
    assert other.failures("anna", "192.0.2.1") == lockout.failures("anna", "192.0.2.1")
    assert (tmp_path / "other.json.attempts").exists()
