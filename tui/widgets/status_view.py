"""Whether everything is well, in the place of a plan until the first one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from store.errors import Problem
from sync.workspace import Workspace
from tui.texts.plain import plain
from tui.texts.problems import told

if TYPE_CHECKING:
    from sync.status.status import Level, Status

_SETTLED_SECONDS = 0.05  # within which a screen that opens asks several times
_COLOURS: dict[Level, str] = {"well": "green", "look": "yellow", "act": "red"}


class StatusView(VerticalScroll, can_focus=False):
    """The status as `mailroster status` tells it, by `look` or else `status_of`."""

    def __init__(self, look: Callable[[Workspace], Status] | None) -> None:
        super().__init__()
        self._look = look
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        """Build the text."""
        yield self._text

    @work(exclusive=True)
    async def look(self, workspace: Workspace) -> None:
        """Look at store, archive and outcomes, and show what is found."""
        await asyncio.sleep(_SETTLED_SECONDS)
        from sync.status.status import status_of  # slow

        try:
            shown = _shown(await asyncio.to_thread(self._look or status_of, workspace))
        except Problem as error:
            shown = Group("", plain(told(error), "red"))
        self._text.update(shown)  # it may be gone from the screen by now


def _shown(status: Status) -> Group:
    from sync.status.status import level_of, troubles
    from tui.texts.status import SIGNS, VERDICTS, facts

    found = troubles(status)
    level = level_of(found)
    wrong, known = Grid.grid(padding=(0, 1)), Grid.grid(padding=(0, 2))
    wrong.add_column()
    wrong.add_column(overflow="fold")
    for trouble in found:
        colour = _COLOURS[trouble.level]
        wrong.add_row(Text(SIGNS[trouble.level], f"bold {colour}"), plain(told(trouble.problem)))
    known.add_column(style="dim", width=9)
    known.add_column(overflow="fold")
    for name, text in facts(status):
        known.add_row(name, plain(text))
    verdict = Text(VERDICTS[level], f"bold {_COLOURS[level]}")
    return Group("", verdict, *([wrong] if found else []), "", known)
