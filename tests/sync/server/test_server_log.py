"""The servers' log cannot be filled by asking the same again and again."""

from __future__ import annotations

import pytest

from sync.server.server_log import FIRST, MOST, SECONDS, SummedLog


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("times", [1, FIRST, FIRST + 1, 83_000])
def test_what_repeats_is_summed_up(times: int) -> None:
    lines: list[str] = []
    clock = Clock()
    log = SummedLog(lines.append, clock)
    for _ in range(times):
        log("busy")
    log("another")
    written = [*["busy"] * min(times, FIRST), "another"]
    assert lines == written
    clock.now = SECONDS
    log.tick()
    if times > FIRST:
        written.append(f"{times - FIRST} more within 60 s: busy")
    assert lines == written
    log("busy")
    log.close()
    assert lines == [*written, "busy"]


def test_the_end_writes_the_sums() -> None:
    lines: list[str] = []
    log = SummedLog(lines.append)
    for _ in range(FIRST + 2):
        log("busy")
    log.close()
    assert lines[FIRST:] == ["2 more within 60 s: busy"]


def test_lines_that_all_differ_are_bounded_too() -> None:
    lines: list[str] = []
    log = SummedLog(lines.append, Clock())
    for number in range(MOST + 97):
        log(f"refused from {number}")
    log.close()
    assert lines == [
        *(f"refused from {number}" for number in range(MOST)),
        *["other lines"] * FIRST,
        "92 more within 60 s: other lines",
    ]
