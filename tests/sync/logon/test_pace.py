"""Who waits as long as a check took, and who has to make the check."""

from __future__ import annotations

import pytest

from sync.logon.pace import Pace


class Counted:
    """A check that counts how often it was made."""

    def __init__(self, *, right: bool) -> None:
        self.right, self.times = right, 0

    def __call__(self) -> bool:
        self.times += 1
        return self.right


@pytest.mark.parametrize(
    ("right", "fresh_seconds", "made"),
    [(False, 60, 0), (True, 60, 1), (False, 0, 1)],
    ids=["as-the-last", "a-right-one-tells-nothing", "too-long-ago"],
)
async def test_who_waits_makes_a_check_where_no_last_one_tells(
    monkeypatch: pytest.MonkeyPatch, right: bool, fresh_seconds: int, made: int
) -> None:
    monkeypatch.setattr("sync.logon.pace._FRESH_SECONDS", fresh_seconds)
    pace, waiting = Pace(), Counted(right=False)
    await pace.timed(Counted(right=right))
    assert not await pace.as_long_as(waiting)
    assert waiting.times == made


async def test_the_first_of_a_process_makes_the_check() -> None:
    pace, first, second = Pace(), Counted(right=False), Counted(right=False)
    await pace.as_long_as(first)
    await pace.as_long_as(second)
    assert (first.times, second.times) == (1, 0)
