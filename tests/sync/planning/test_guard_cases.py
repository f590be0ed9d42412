"""What the delete guard lets pass and what it stops, figure by figure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from store.history import History
from store.models import SETTING_KEYS, Settings
from sync.planning.guard import Past, guard_blocks, past_of

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
PERCENT, NUMBER = "guard_max_delete_percent", "guard_max_deletes"
SHRINK, PAGE, ALL, NONE = "guard_max_shrink_percent", "page limit", "All ", "no users at all"
WIDE = {"guard_max_deletes": 1000, "guard_max_delete_percent": 100}


def limits(**changes: int) -> Settings:
    return Settings(**{**WIDE, **changes})  # type: ignore[arg-type]


TEN_PERCENT = limits(guard_max_delete_percent=10)
ROWS: dict[str, tuple[Settings, tuple[int, int, int], Past, list[str]]] = {
    # limits, (listed, managed, deletes), what was before, the sentences
    "10 % is let pass": (TEN_PERCENT, (900, 1000, 100), Past(), []),
    "more is not": (TEN_PERCENT, (899, 1000, 101), Past(), [PERCENT]),
    "three are few": (TEN_PERCENT, (7, 10, 3), Past(), []),
    "four are not": (TEN_PERCENT, (6, 10, 4), Past(), [PERCENT]),
    "few is an option": (
        limits(guard_max_delete_percent=10, guard_small_deletes=4), (6, 10, 4), Past(), []
    ),
    "with those of the last day three are four": (TEN_PERCENT, (7, 9, 3), Past(None, 1), [PERCENT]),
    "those of the last day were managed, too": (TEN_PERCENT, (95, 95, 5), Past(None, 5), []),
    "the most": (limits(guard_max_deletes=25), (900, 1000, 25), Past(), []),
    "one more": (limits(guard_max_deletes=25), (900, 1000, 26), Past(), [NUMBER]),
    "the most, with those before": (
        limits(guard_max_deletes=25), (900, 1000, 20), Past(None, 5), []
    ),
    "one more, with those before": (
        limits(guard_max_deletes=25), (900, 1000, 20), Past(None, 6), [NUMBER]
    ),
    "less than a fifth fewer": (limits(), (801, 900, 1), Past(1000), []),
    "a fifth fewer": (limits(), (800, 900, 1), Past(1000), [SHRINK]),
    "half of nineteen": (limits(), (9, 30, 1), Past(19), []),
    "a fifth of twenty": (limits(), (16, 30, 1), Past(20), [SHRINK]),
    "as many as before": (limits(guard_max_shrink_percent=0), (100, 200, 1), Past(100), []),
    "one less, where nothing may shrink": (
        limits(guard_max_shrink_percent=0), (99, 200, 1), Past(100), [SHRINK]
    ),
    "a page": (limits(), (1000, 1015, 15), Past(1015), [PAGE]),
    "half a page": (limits(), (500, 1015, 15), Past(510), [PAGE]),
    "two pages": (limits(), (2000, 2015, 15), Past(2015), [PAGE]),
    "five": (limits(), (5000, 5015, 15), Past(5015), [PAGE]),
    "ten": (limits(), (10_000, 10_015, 15), Past(10_015), [PAGE]),
    "a page, as before": (limits(), (1000, 1015, 15), Past(1000), []),
    "a page, more than before": (limits(), (1000, 1015, 15), Past(990), []),
    "a page, for the first time": (limits(), (1000, 1015, 15), Past(), []),
    "no page": (limits(), (999, 1015, 15), Past(1015), []),
    "everybody": (limits(), (1, 2, 2), Past(), [ALL]),
    "the only one": (limits(), (1, 1, 1), Past(), ["The only managed user would"]),
    "everybody but one": (limits(), (1, 3, 2), Past(), []),
    "nobody is managed": (limits(), (5, 0, 0), Past(), []),
    "nobody is listed": (limits(), (0, 5, 0), Past(), [NONE]),
    "nobody is listed, and nobody here": (limits(), (0, 0, 0), Past(100, 5), [NONE]),
    "nobody goes": (limits(guard_max_shrink_percent=0), (1, 5, 0), Past(100, 5000), []),
    "one reason does not hide another": (
        limits(guard_max_deletes=2, guard_max_delete_percent=10),
        (500, 8, 8), Past(1000), [ALL, NUMBER, PERCENT, SHRINK, PAGE],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "figures", "past", "expected"), ROWS.values(), ids=ROWS.keys()
)
def test_what_needs_a_confirmation(
    settings: Settings, figures: tuple[int, int, int], past: Past, expected: list[str]
) -> None:
    listed, managed, deletes = figures
    blocks = guard_blocks(settings, listed=listed, managed=managed, deletes=deletes, past=past)
    found = [block.sentence for block in blocks]
    for block in blocks:  # a screen shows it without the setting's name, which is a fact of it
        name = f" ({block.setting})" if block.setting else ""
        assert block.sentence == f"{block.shown[:-1]}{name}."
        assert block.setting in ("", *SETTING_KEYS)
        assert bool(block.setting) is ("guard_" in block.sentence)
    assert [word in sentence for word, sentence in zip(expected, found, strict=True)] == [
        True for _ in expected
    ]


def test_without_a_past_the_figures_of_now_decide() -> None:
    assert guard_blocks(limits(), listed=9, managed=10, deletes=1) == []
    assert guard_blocks(limits(), listed=0, managed=10, deletes=1)


@pytest.mark.parametrize(
    ("age", "deleted"),
    [
        (timedelta(0), 7),
        (timedelta(hours=24) - timedelta(seconds=1), 7),
        (timedelta(hours=24), 0),
        (timedelta(hours=25), 0),
    ],
)
def test_what_is_a_day_old_does_not_count(age: timedelta, deleted: int) -> None:
    history = History(listed=9, deletions=(((NOW - age).isoformat(), 7),))
    assert past_of(history, NOW) == Past(9, deleted)


def test_without_a_time_it_is_the_last_day_from_now() -> None:
    ages = (timedelta(hours=23), timedelta(hours=25))
    deletions = tuple(((datetime.now(UTC) - age).isoformat(), 7) for age in ages)
    assert past_of(History(deletions=deletions)).deleted == 7
