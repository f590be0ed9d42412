"""The pane that tells of one run of the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rich.console import RenderableType
from rich.text import Text
from textual import work

from store.errors import StoreError
from store.history import Run, RunChange, RunSummary
from sync.runs.record import recorded_change
from tui.texts.plain import grouped, lines, plain
from tui.texts.problems import told
from tui.texts.runs import heading_text
from tui.widgets.changes import change_word
from tui.widgets.pane import Pane

_SETTLED_SECONDS = 0.1  # a run that stays under the cursor for so long is read
_MOST_CHANGES = 100


class RunDetails(Pane):
    """What a run was, and its first changes. `read` returns a run by its id."""

    def __init__(self, read: Callable[[str], Run]) -> None:
        super().__init__()
        self._read = read
        self._summary: RunSummary | None = None
        self._undone = False
        self._run: Run | StoreError | None = None

    def show(self, summary: RunSummary | None, *, undone: bool) -> None:
        """Show the run, as one that was undone or not."""
        if summary is None or self._summary is None or summary.id != self._summary.id:
            self._run = None
        self._summary, self._undone = summary, undone
        self.follow(self._details)

    def _details(self) -> RenderableType:
        summary, run = self._summary, self._run
        if summary is None:
            return ""
        if isinstance(run, StoreError):
            return plain(told(run), "red")
        if run is None:
            self._load(summary.id)
            run = Run(summary=summary, changes=())
        more = len(run.changes) - _MOST_CHANGES
        return lines(
            heading_text(run, self._undone),
            "",
            *map(_line, run.changes[:_MOST_CHANGES]),
            *([f"and {grouped(more)} more"] if more > 0 else []),
        )

    @work(exclusive=True)
    async def _load(self, run_id: str) -> None:
        await asyncio.sleep(_SETTLED_SECONDS)
        try:
            run: Run | StoreError = await asyncio.to_thread(self._read, run_id)
        except StoreError as error:
            run = error
        if self._summary is not None and self._summary.id == run_id:
            self._run = run
            self.follow(self._details)


def _line(change: RunChange) -> Text:
    word = change_word(recorded_change(change), done=True)
    return word.append_text(plain(f" {change['user_name']}", limit=100))
