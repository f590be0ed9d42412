"""Who waits as long as a refusal took, and when nobody knows how long that is."""

from __future__ import annotations

import time

import pytest

from sync.logon.pace import Pace, wait_until


def test_nobody_knows_how_long_a_refusal_takes_before_the_first() -> None:
    assert Pace().of_the_last() is None


@pytest.mark.parametrize(("fresh_seconds", "is_known"), [(60, True), (0, False)])
def test_a_refusal_tells_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, fresh_seconds: int, is_known: bool
) -> None:
    monkeypatch.setattr("sync.logon.pace._FRESH_SECONDS", fresh_seconds)
    pace = Pace()
    pace.note(time.perf_counter() - 2)
    took = pace.of_the_last()
    assert (took is not None) is is_known
    assert took is None or took == pytest.approx(2, abs=0.5)


async def test_the_wait_ends_at_its_time_or_at_once() -> None:
    end = time.perf_counter() + 0.02
    await wait_until(end)
    assert time.perf_counter() >= end
    await wait_until(0.0)
