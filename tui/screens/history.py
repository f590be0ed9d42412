"""History: what was done, when and by whom, and the way to take it back."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from store.history import RunSummary
from store.interface import Snapshot
from sync.runs.report import past_run_record
from tui.actions import bindings_for
from tui.screens.pinned import PinnedScreen
from tui.screens.report_dialog import ask_report
from tui.screens.run import RunScreen
from tui.screens.run_texts import folded_text, notes_text, signed_counts, when_text
from tui.screens.table_screen import TableScreen
from tui.screens.undo import UndoScreen
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.table import Cell, Column, Table


class HistoryScreen(TableScreen):
    """All runs that are kept, the newest first; the folded oldest as a line of counts."""

    NAME = "history"
    SCOPES = ("history", "table")
    CSS_PATH = "history.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self._undone: set[str] = set()
        self.table: Table[RunSummary] = Table(
            [
                Column("When (UTC)", width=17),
                Column("Who", 2),
                Column("Kind", width=7),
                Column("Changes", 4),
                Column("Notes", 3),
                Column("Gen.", width=7),
            ],
            self._cells,
            lambda run: run.id,
        )

    def body(self) -> ComposeResult:
        """Build the table over the line of folded runs."""
        yield FilteredTable(self.table)
        yield Static(markup=False, id="folded")

    def on_mount(self) -> None:
        """Fill the table."""
        self.follow_store(self.app.snapshot)
        self.table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the runs as they are now."""
        history = snapshot.history
        self._undone = history.undone
        self.table.load(history.runs[::-1])
        shown = self.query_one("#folded", Static)
        text = folded_text(history) or ("" if history.runs else "No run changed anything yet.")
        shown.update(text)
        shown.display = bool(text)

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name in ("details", "show_undo", "report") and self.table.current is None:
            return "There is no run in this list."
        return super().why_not(name)

    def action_details(self) -> None:
        """Show the run under the cursor in full."""
        if run := self.table.current:
            self.app.push_screen(RunScreen(run.id))

    def action_show_undo(self) -> None:
        """Show what would take the run under the cursor back."""
        if run := self.table.current:
            self.app.push_screen(UndoScreen(run))

    def action_pinned(self) -> None:
        """Show the users whom an undo brought back."""
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
            run.kind,
            signed_counts(run.counts),
            notes_text(run, run.id in self._undone),
            f"{run.generation:>6}",
        )
