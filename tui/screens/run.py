"""Run: everything that it did."""

from __future__ import annotations

import asyncio
from functools import cache

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.widgets import Static
from typing_extensions import override

from store.errors import StoreError
from store.history import Run, RunChange, undone
from store.interface import Snapshot
from sync.planning.plan import Action, Change
from sync.runs.record import recorded_change
from sync.runs.report import past_run_record
from sync.runs.story import story_of
from tui.actions import bindings_for
from tui.screens.dialogs import Message
from tui.screens.report_dialog import ask_report
from tui.screens.table_screen import TableScreen
from tui.screens.undo import UndoScreen
from tui.texts.runs import heading_text
from tui.texts.story import story_text
from tui.widgets.change_details import ChangeDetails
from tui.widgets.changes import change_word
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.table import Cell, Column, Table


class RunScreen(TableScreen):
    """A run's changes as a table, and the one under the cursor with its old and new values."""

    NAME = "history"
    SCOPES = ("run", "table")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self._run: Run | None = None
        self._was_undone = False
        self.table: Table[RunChange] = Table(
            [
                Column("Action", width=12, word="action"),
                Column("User name", 2, word="name"),
                Column("Reason", 3, word="reason"),
            ],
            _cells,
            lambda change: f"{change['action']} {change['user_name']} {change['reason']}",
            name_in=1,
        )

    def body(self) -> ComposeResult:
        """Build the heading, the table and the details."""
        with VerticalScroll(id="heading", can_focus=True):
            yield Static(markup=False)
        with Container(classes="split"):
            yield self.list_of("Changes")
            yield ChangeDetails(self.app.workspace.messages)

    def on_mount(self) -> None:
        """Read the run."""
        self.table.load(())
        self.table.focus()
        self._load()

    @work(exclusive=True, group="load", exit_on_error=False)
    async def _load(self) -> None:
        store = self.app.workspace.store
        try:
            self._run = await asyncio.to_thread(store.run, self.run_id)
            self._was_undone = self.run_id in undone(await asyncio.to_thread(store.runs))
        except StoreError as error:
            self.leave()
            self.fail(error, "Details")
            return
        self.table.load(self._run.changes)
        self.follow_store(self.app.snapshot)
        self.refresh_bindings()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Tell if the run was undone meanwhile."""
        if self._run is not None:
            is_undone = self._was_undone or self.run_id in undone(snapshot.history.runs)
            self.query_one("#heading Static", Static).update(heading_text(self._run, is_undone))

    @override
    def why_not(self, name: str) -> str | None:
        if self._run is None and name in ("show_undo", "report", "story"):
            return "mailroster is reading the run. Wait a moment."
        if name == "story" and self.table.current is None:
            return "This list is empty."
        return super().why_not(name)

    async def go_back(self) -> None:
        """Leave the filter, or go back to the runs."""
        if not self.query_one(FilteredTable).close_filter():
            self.dismiss()

    def on_table_moved(self) -> None:
        """Show the change under the cursor in full."""
        change = self.table.current
        self.query_one(ChangeDetails).show(change and recorded_change(change), done=True)
        super().on_table_moved()

    def action_show_undo(self) -> None:
        """Show what an undo of this run would change."""
        if self._run is not None:
            self.app.push_screen(UndoScreen(self._run.summary))

    @work(exclusive=True, group="story", exit_on_error=False)
    async def action_story(self) -> None:
        """Show all that the history has of the user under the cursor."""
        if (change := self.table.current) is not None:
            name = (change["new"] or {}).get("user_name") or change["user_name"]
            story = await asyncio.to_thread(story_of, self.app.workspace.store, name)
            await self.ask(Message(f"History of {name}", story_text(story)))

    @work(exclusive=True, group="report", exit_on_error=False)
    async def action_report(self) -> None:
        """Write this run to a file."""
        if (run := self._run) is not None:
            await ask_report(self, f"run-{self.run_id}", lambda: past_run_record(run))


def _cells(change: RunChange) -> tuple[Cell, ...]:
    done = bool(change["old"] or change["new"])
    return _word(change["action"], done), change["user_name"], change["reason"]


@cache
def _word(action: Action, done: bool) -> Text:
    return change_word(Change(action=action, user_name="", reason="", done=done), done=True)
