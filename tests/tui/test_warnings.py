"""Warnings of one kind are one line with a count."""

from __future__ import annotations

import pytest

from tui.texts.warnings import one_a_kind

PINNED = [f"“user{number}” is pinned." for number in range(33)]


@pytest.mark.parametrize(
    ("warnings", "lines"),
    [
        ([], []),
        (["One.", "Another."], ["One.", "Another."]),
        (["“a” stays.", "“b” stays."], ["“a” stays. 1 more like this: “b”."]),
        (["“a” stays.", "“b” goes."], ["“a” stays.", "“b” goes."]),
        (["Slow.", "Slow."], ["Slow. 1 more like this."]),
        (
            ["First.", *PINNED],
            [
                "First.",
                "“user0” is pinned. 32 more like this: "
                "“user1”, “user2”, “user3”, “user4”, “user5” and others.",
            ],
        ),
    ],
    ids=str,
)
def test_one_line_a_kind(warnings: list[str], lines: list[str]) -> None:
    assert one_a_kind(warnings) == lines
