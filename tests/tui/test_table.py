"""The table, on its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from rich.color import Color as RichColor
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from tests.tui.contrast import contrast
from tests.tui.driver import Driver, screen_lines
from tui.colours import DARK, LIGHT, OF_CHANGES
from tui.theme import OWN
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.table import Column, Table

HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x[/]\u202egnp"


class TableApp(App[None]):
    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.rows = rows
        self.table: Table[str] = Table(
            [Column("Name", 1), Column("Length", width=8)], self.cells, lambda row: row
        )

    def compose(self) -> ComposeResult:
        yield FilteredTable(self.table)

    def on_mount(self) -> None:
        self.table.load(self.rows)
        self.table.focus()

    def on_table_moved(self) -> None:
        self.under_cursor = self.table.current

    def cells(self, row: str) -> tuple[str, Text]:
        self.asked.append(row)
        return row, Text(str(len(row)))


@asynccontextmanager
async def table_of(rows: Sequence[str]) -> AsyncIterator[tuple[Driver, Table[str]]]:
    app = TableApp(rows)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        yield Driver(app, pilot), app.table  # type: ignore[arg-type]


async def test_only_the_lines_in_sight_are_made() -> None:
    rows = [f"user{number}" for number in range(100_000)]
    async with table_of(rows) as (driver, table):
        asked = set(table.app.asked)  # type: ignore[attr-defined]
        assert asked >= set(rows[:22])
        assert len(asked) < 200
        assert table.position == "1 of 100 000"
        await driver.press("end")
        await driver.sees("user99999", "100 000 of 100 000")
        await driver.press("pageup")
        assert table.current == "user99977"
        await driver.press("home", "pagedown", "down")
        assert table.current == "user23"
        await driver.sees("user23", "Name", "24 of 100 000")


async def test_filter_finds_among_many_whatever_the_case() -> None:
    rows = [f"User{number}" for number in range(100_000)]
    async with table_of(rows) as (driver, table):
        table.app.query_one(FilteredTable).open_filter()
        await driver.type("USER9999")
        assert table.rows == ["User9999", *(f"User9999{digit}" for digit in range(10))]
        await driver.sees("1 of 11 (all: 100 000)")
        await driver.press("backspace", "enter")
        assert len(table.rows) == 111
        assert table.app.query_one(FilteredTable).close_filter()
        assert not table.app.query_one(FilteredTable).close_filter()
        assert len(table.rows) == 100_000


async def test_the_screen_hears_of_the_row_that_a_filter_brings_under_the_cursor() -> None:
    async with table_of(["anna", "bert"]) as (driver, table):
        await driver.press("down")
        assert table.app.under_cursor == "bert"  # type: ignore[attr-defined]
        table.app.query_one(FilteredTable).open_filter()
        for text, row in (("ann", "anna"), ("x", None)):
            await driver.type(text)
            assert table.app.under_cursor == row  # type: ignore[attr-defined]


async def test_cursor_and_marks_stay_with_their_rows() -> None:
    async with table_of(["anna", "bert", "carl"]) as (driver, table):
        await driver.press("down")
        table.toggle_mark()
        assert table.current == "carl"
        await driver.sees("3 of 3, 1 marked", "* bert")
        table.load(["zoe", "carl", "bert"])
        assert table.current == "carl"
        assert table.marked == ["bert"]
        table.filter("ber")
        assert table.current == "bert"
        table.filter("")
        assert table.current == "bert"
        table.load(["zoe"])
        assert table.current == "zoe"
        assert table.marked == []
        assert table.position == "1 of 1"


async def test_empty_table() -> None:
    async with table_of([]) as (driver, table):
        await driver.press("down", "pagedown", "end", "home", "up")
        table.toggle_mark()
        assert table.current is None
        assert table.position == "0 of 0"


async def test_widths_follow_the_size() -> None:
    long = "x" * 200
    async with table_of([long]) as (driver, _table):
        assert f"{'x' * 68}…" in driver.text
        await driver.pilot.resize_terminal(40, 10)
        await driver.pilot.pause()
        assert f" {'x' * 28}…" in driver.text
        assert "x" * 30 not in driver.text


async def test_shrinking_keeps_the_cursor_in_sight() -> None:
    async with table_of([f"user{number:02}" for number in range(50)]) as (driver, _table):
        await driver.press(*["down"] * 20)
        await driver.pilot.resize_terminal(80, 8)
        await driver.pilot.pause()
        await driver.sees("user20")


async def test_hostile_cells_are_shown_and_never_obeyed() -> None:
    async with table_of([HOSTILE, "y" * 10_000]) as (driver, _table):
        await driver.sees(r"\x1b]52;c;ZXZpbA==\x07[/][@click=app.quit]x[/]\u202egnp")
        assert not any(char in driver.text for char in "\x1b\x07\u202e")


async def test_inverse_filter_shows_lines_without_the_text() -> None:
    async with table_of(["anna", "bert", "hannah"]) as (driver, table):
        table.app.query_one(FilteredTable).open_filter()
        await driver.type("!ANN")
        assert table.rows == ["bert"]
        await driver.press("backspace", "backspace", "backspace")
        assert table.rows == ["anna", "bert", "hannah"]


async def test_the_cursor_stays_with_its_row_in_any_order() -> None:
    async with table_of(["carl", "Anna", "bert", "Xi"]) as (driver, table):
        await driver.press("down")
        table.sort_by_next()
        assert table.rows == ["Anna", "bert", "carl", "Xi"]
        assert table.current == "Anna"
        await driver.sees("Name ▲", "1 of 4")
        table.reverse_sort()
        await driver.sees("Name ▼", "4 of 4")
        table.filter("!x")
        assert table.rows == ["carl", "bert", "Anna"]
        table.load(["bert", "Anna", "dora"])
        assert table.rows == ["dora", "bert", "Anna"]
        assert table.current == "Anna"
        table.sort_by_next()
        await driver.sees("Leng… ▲")
        table.sort_by_next()
        assert not table.is_sorted
        assert table.rows == ["bert", "Anna", "dora"]


async def test_marking_all_that_pass_the_filter() -> None:
    async with table_of(["anna", "bert", "hannah"]) as (driver, table):
        table.filter("ann")
        table.toggle_all_marks()
        await driver.sees("1 of 2 (all: 3), 2 marked")
        table.filter("")
        assert table.marked == ["anna", "hannah"]
        table.toggle_all_marks()
        assert table.marked == ["anna", "bert", "hannah"]
        table.toggle_all_marks()
        assert not table.has_marks


def scrolled_down(table: Table) -> events.MouseScrollDown:
    """The wheel of the mouse over the table."""
    return events.MouseScrollDown(table, 5, 5, 0, 0, 0, False, False, False)


async def test_the_mouse_sets_the_cursor_sorts_and_scrolls() -> None:
    rows = [f"user{number:02}" for number in range(50)]
    async with table_of(rows) as (driver, table):
        await driver.pilot.click(Table, offset=(5, 4))
        assert table.current == "user03"
        await driver.pilot.click(Table, offset=(5, 0))
        await driver.pilot.click(Table, offset=(5, 0))
        assert table.rows == rows[::-1]
        table.post_message(scrolled_down(table))
        await driver.settle()
        assert table.scroll_offset.y > 0
        assert table.current == "user03"


async def test_the_first_letter_finds_the_texts_ready() -> None:
    async with table_of([f"user{number}" for number in range(5000)]) as (_driver, table):
        asked = table.app.asked  # type: ignore[attr-defined]
        table.app.query_one(FilteredTable).open_filter()
        await table.workers.wait_for_complete()
        asked.clear()
        table.filter("user49")
        assert len(table.rows) == 111
        assert len(asked) < 200


class StyledApp(TableApp):
    """A table whose cells have the styles that its rows name."""

    def cells(self, row: str) -> tuple[Text, str]:  # type: ignore[override]
        return Text("word", row), "plain"


@pytest.mark.parametrize("theme", OWN, ids=lambda theme: theme.name)
async def test_what_is_under_the_cursor_can_be_read(theme: Theme) -> None:
    """At least 4.5:1 for every word (WCAG 2.2, 1.4.3), whatever the colour of its cell.

    A theme of one's own choice may have less: Solarized has 3.7:1 with white on its blue.
    """
    styles = [*OF_CHANGES.values(), "dim strike", "italic yellow"]
    app = StyledApp(styles)
    app.register_theme(theme)
    app.theme = theme.name
    async with app.run_test(size=(40, 12)) as pilot:
        for line in range(1, len(styles) + 1):
            await pilot.pause()
            strips = screen_lines(app)
            seen = [segment for segment in strips[line] if segment.text.strip()]
            assert "word" in seen[0].text
            for segment in seen:
                style = segment.style or Style()
                shown = [colour and colour.triplet for colour in (style.color, style.bgcolor)]
                assert contrast(*shown) >= 4.5, segment
            await pilot.press("down")


@pytest.mark.parametrize("place", ["background", "surface"])
@pytest.mark.parametrize("name", [name for name in BUILTIN_THEMES if "ansi" not in name])
def test_every_colour_of_a_text_can_be_read_in_every_theme(name: str, place: str) -> None:
    """On rows and in dialogs; where the terminal's own colours are used they are its own."""
    theme = BUILTIN_THEMES[name]
    under = Color.parse(theme.to_color_system().generate()[place]).rgb
    colours = DARK if theme.dark else LIGHT
    known = ("red", "green", "yellow", "magenta", "cyan")
    assert {*OF_CHANGES.values()} <= {*known}
    shown = [RichColor.parse(word).get_truecolor(colours) for word in known]
    assert len(set(shown)) == len(known)
    for colour in shown:
        assert contrast(colour, ColorTriplet(*under)) >= 4.5


def test_the_usual_colours_could_not_be_read() -> None:
    """The control: with the framework's own, red on a dialog has 4.2:1 and is magenta's too."""
    usual = App[None]().ansi_theme_dark
    red, magenta = (RichColor.parse(word).get_truecolor(usual) for word in ("red", "magenta"))
    assert contrast(red, ColorTriplet(0x1E, 0x1E, 0x1E)) < 4.5
    assert red == magenta
