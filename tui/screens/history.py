"""History: what was done, when and by whom, and the way to undo it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static
from typing_extensions import override

from store.history import RunSummary, undone
from store.interface import Snapshot
from sync.runs.report import past_run_record
from tui.actions import bindings_for
from tui.screens.pinned import PinnedScreen
from tui.screens.report_dialog import ask_report
from tui.screens.run import RunScreen
from tui.screens.table_screen import TableScreen
from tui.screens.undo import UndoScreen
from tui.texts.runs import SHORT_KINDS, changes_text, folded_text, notes_text, when_text
from tui.widgets.run_details import RunDetails
from tui.widgets.table import Cell, Column, Table


class HistoryScreen(TableScreen):
    """All runs that are kept, the newest first; the folded oldest as a line of counts."""

    NAME = "history"
    SCOPES = ("history", "table")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self._undone: set[str] = set()
        self.table: Table[RunSummary] = Table(
            [
                Column("When (UTC)", width=17, word="when"),
                Column("Who", 2, word="who", rank=2),
                Column("Kind", width=10, word="kind"),
                Column("Changes", 4, word="changes"),
                Column("Notes", 3, word="notes", rank=1),
                Column("Generation", width=11, rank=3),
            ],
            self._cells,
            lambda run: run.id,
        )

    def body(self) -> ComposeResult:
        """Build the table over the line of folded runs."""
        with Container(classes="split"):
            yield self.list_of("Runs")
            yield RunDetails(self.app.workspace.store.run)
        yield Static(markup=False, id="folded")

    def on_mount(self) -> None:
        """Fill the table."""
        self.follow_store(self.app.snapshot)
        self.table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the runs as they are now."""
        history = snapshot.history
        if history.pages[0] == history.pages[1]:
            self._show_runs(history.runs)
        else:
            self._load_all()
        shown = self.query_one("#folded", Static)
        text = folded_text(history) or ("" if history.runs else "No run changed anything yet.")
        shown.update(text)
        shown.display = bool(text)

    @work(exclusive=True, group="runs", exit_on_error=False)
    async def _load_all(self) -> None:
        """Show all runs, of which the snapshot has but the newest."""
        self._show_runs(await asyncio.to_thread(self.app.workspace.store.runs))

    def _show_runs(self, runs: Sequence[RunSummary]) -> None:
        self._undone = undone(runs)
        self.table.load(runs[::-1])

    @override
    def why_not(self, name: str) -> str | None:
        if name in ("details", "show_undo", "report") and self.table.current is None:
            return "This list is empty."
        return super().why_not(name)

    def on_table_moved(self) -> None:
        """Tell of the run under the cursor beside the list."""
        run = self.table.current
        self.query_one(RunDetails).show(run, undone=run is not None and run.id in self._undone)

    def action_details(self) -> None:
        """Show the run under the cursor in full."""
        if run := self.table.current:
            self.app.push_screen(RunScreen(run.id))

    def action_show_undo(self) -> None:
        """Show what an undo of the run under the cursor would change."""
        if run := self.table.current:
            self.app.push_screen(UndoScreen(run))

    def action_pinned(self) -> None:
        """Show the pinned users."""
        self.app.push_screen(PinnedScreen())

    @work(exclusive=True, group="report", exit_on_error=False)
    async def action_report(self) -> None:
        """Write the run under the cursor to a file."""
        if run := self.table.current:
            store = self.app.workspace.store
            await ask_report(self, f"run-{run.id}", lambda: past_run_record(store.run(run.id)))

    def _cells(self, run: RunSummary) -> tuple[Cell, ...]:
        return (
            when_text(run.at),
            run.who,
            SHORT_KINDS.get(run.kind, run.kind),
            changes_text(run),
            notes_text(run, run.id in self._undone),
            f"{run.generation:>10}",
        )
