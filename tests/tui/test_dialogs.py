"""What every dialog does with a text that is longer than the terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.text import Text

from sync.workspace import Workspace
from tests.tui.driver import driving
from tui.screens.dialogs import TypedNumber


@pytest.mark.parametrize("count", [12, 16, 30])
async def test_a_long_text_scrolls_and_leaves_no_blank_lines(
    filled: Callable[..., Workspace], count: int
) -> None:
    text = Text("\n".join(f"line {number}" for number in range(1, count + 1)))
    async with driving(filled(), administrator="root") as admin:
        admin.app.push_screen(TypedNumber("Synchronize now?", text, 39))
        await admin.sees("Type 39 to delete 39 users")
        shown = admin.text.splitlines()
        keys = next(place for place, line in enumerate(shown) if "Hold deletions" in line)
        assert "╰──" in shown[keys + 1]
        await admin.press(*["down"] * 30)
        await admin.sees(f"line {count}")
