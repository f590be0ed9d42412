"""Tabs, the line of keys and rows answer to the mouse."""

from __future__ import annotations

from collections.abc import Callable

from sync.workspace import Workspace
from tests.support.builders import managed
from tests.tui.driver import Driver, driving, screen_lines
from tui.widgets.keys import KeyLine
from tui.widgets.table import Table

ROOT = {"administrator": "root"}


async def click(admin: Driver, text: str, times: int = 1) -> None:
    """Click into the first such text on the screen."""
    lines = [strip.text for strip in screen_lines(admin.app)]
    y = next(y for y, line in enumerate(lines) if text in line)
    await admin.pilot.click(offset=(lines[y].index(text) + 1, y), times=times)
    await admin.settle()


async def test_a_tab_is_clicked(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.sees("F6 Users")
        await click(admin, "Users")
        await admin.sees("1 of 1")
        await click(admin, "F7")
        await admin.sees("No run changed anything yet.")


async def test_a_tab_needs_a_log_on(filled: Callable[..., Workspace]) -> None:
    async with driving(filled()) as admin:
        await admin.sees("Log on", "Help")
        await click(admin, "Help")
        await admin.sees("Everywhere")


async def test_the_line_of_keys_is_clicked(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(managed("anna")), **ROOT) as admin:
        await admin.press("f6", "down")
        await click(admin, " Delete ")
        await admin.sees("Delete anna?")
        await click(admin, " Cancel ")
        await admin.sees("2 of 2")
        await click(admin, " Filter ")
        await admin.sees("Enter To the lines")
        await admin.type("root")
        await click(admin, " To the lines ")
        await admin.sees("1 of 1", "a Authentication")
        await admin.press("escape", "end")
        await click(admin, " Password ")
        await admin.sees("The password of anna is the directory's.")


async def test_a_double_click_opens_a_row_and_one_click_goes_there(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(managed("anna"), managed("bert")), **ROOT) as admin:
        await admin.press("f6")
        await click(admin, "bert")
        await admin.sees("3 of 3")
        await click(admin, "anna", times=2)
        await admin.sees("User name: anna")


async def test_below_the_last_row_a_double_click_opens_nothing(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(managed("anna")), **ROOT) as admin:
        await admin.press("f6")
        table = admin.app.screen.query_one(Table)
        await admin.pilot.click(table, offset=(5, 10), times=2)
        await admin.settle()
        await admin.sees("2 of 2")


def key_line(admin: Driver) -> str:
    return " ".join(admin.app.screen.query_one(KeyLine).content.plain.split())  # type: ignore[union-attr]


async def test_the_line_of_keys_is_true_while_a_field_has_the_focus(
    filled: Callable[..., Workspace],
) -> None:
    """What a field takes as text is not a key there."""
    async with driving(filled(managed("anna")), **ROOT) as admin:
        await admin.press("f6")
        before = key_line(admin)
        assert "a Authentication" in before
        assert "q Quit" in before
        await admin.press("slash")
        assert key_line(admin) == "Enter To the lines F1 Help ^P Actions Esc Back ^Q Quit"
        await admin.press("enter")
        assert key_line(admin) == before
        await admin.press("f2")
        await admin.focus("#url")
        assert "^S Save" in key_line(admin)
        assert "^Q Quit" in key_line(admin)


async def test_enter_in_a_dialog_says_what_it_does_in_each_field(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f6", "p")
        assert key_line(admin) == "Enter Next Esc Cancel"
        await admin.press("enter")
        assert key_line(admin) == "Enter OK Esc Cancel"
