"""How wide columns are, and how cells are made to fit."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from tui.widgets.columns import Column, around, fit, sample_of, share, wanted_widths

NAME, REASON, SIGN = Column("Name", 1), Column("Reason", 3), Column("", width=4)


def test_a_column_that_needs_little_leaves_the_rest_to_the_others() -> None:
    assert share([NAME, REASON, SIGN], [6, 90, 4], 80) == [6, 70, 4]


def test_who_needs_much_shares_by_weight() -> None:
    assert share([NAME, REASON], [90, 90], 80) == [20, 60]


def test_spare_room_is_shared_and_all_of_it_is_used() -> None:
    assert share([NAME, REASON], [10, 10], 81) == [20, 61]


def test_no_room_at_all_is_no_error() -> None:
    assert share([NAME, REASON], [10, 10], 0) == [2, 2]


def test_columns_go_by_rank_before_all_are_cut_short() -> None:
    columns = [NAME, Column("Privileges", rank=1), Column("Changed", width=11, rank=2)]
    assert share(columns, [40, 40, 11], 46) == [23, 23, 0]
    assert share(columns, [40, 40, 11], 30) == [30, 0, 0]
    assert share(columns, [40, 40, 11], 5) == [5, 0, 0]


def test_widths_come_from_titles_and_contents() -> None:
    rows = [["anna", "x"], [Text("\u4e2d\u6587\u540d"), "a reason"], ["bel\x07", "y" * 500]]
    assert wanted_widths([NAME, REASON], rows) == [8, 161]


def test_the_first_rows_and_some_of_all_decide() -> None:
    assert sample_of(0) == []
    assert sample_of(3) == [0, 1, 2]
    sample = sample_of(100_000)
    assert sample[:40] == list(range(40))
    assert len(sample) < 150
    assert sample[-1] > 99_000


def test_cells_fit_whatever_they_hold() -> None:
    assert fit("anna", 6) == "anna  "
    assert fit("hannah", 6) == "hann… "
    for text in ("\u4e2d\u6587\u4e2d\u6587\u4e2d\u6587", "\x1b[31mred", "a\u0301" * 20, ""):
        for width in range(2, 12):
            assert cell_len(fit(text, width)) == width
            assert "\x1b" not in fit(text, width)


def test_what_is_wanted_is_brought_into_the_column() -> None:
    assert around("anna@example.com", "anna", 30) == ("anna@example.com", 0)
    assert around("anna@example.com", "bert", 30) == ("anna@example.com", -1)
    assert around("STRASSE Straße", "strasse", 30) == ("STRASSE Straße", -1)
    assert around("Mu\u0308ller", "m\u00fcl", 30) == ("M\u00fcller", 0)
    for width in range(4, 30):
        text, place = around("CN=Anna,OU=Vertrieb,DC=example", "rie", width)
        assert text[place : place + 3] == "rie"
        assert place + 3 <= max(width - 1, 4)
