"""Undo: what would take a run back, and taking it back."""

from __future__ import annotations

import asyncio
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from store.errors import StoreError
from store.history import RunSummary
from store.interface import Snapshot
from sync.errors import GuardBlocked, SyncError
from sync.planning.plan import Change, Plan
from sync.runs.apply import Result, apply_plan
from sync.runs.report import past_run_record, run_record
from sync.runs.undo import undo_preview
from tui.actions import bindings_for
from tui.screens.dialogs import TypedNumber
from tui.screens.report_dialog import ask_report
from tui.screens.run_texts import when_text
from tui.screens.sync_selection import Selection
from tui.screens.sync_texts import confirmation_text
from tui.screens.table_screen import TableScreen
from tui.widgets.change_details import ChangeDetails
from tui.widgets.changes import change_word, counts_text
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.plain import grouped, lines, plain
from tui.widgets.table import Cell, Column, Table


class UndoScreen(TableScreen):
    """The plan that takes a run back, with the same delete guard and questions as a sync.

    After the undo it shows what was done.
    """

    NAME = "history"
    SCOPES = ("undo", "table")
    CSS_PATH = "undo.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, run: RunSummary) -> None:
        super().__init__()
        self.run_summary = run
        self.plan: Plan | None = None
        self.result: Result | None = None
        self._failure: StoreError | SyncError | None = None
        self._selection = Selection()
        self.table: Table[Change] = Table(
            [Column("Action", width=12), Column("User name", 2), Column("Reason", 3)],
            self._cells,
            lambda change: f"{change.action} {change.user_name} {change.reason}",
        )

    def body(self) -> ComposeResult:
        """Build what is undone, the counts, the guard's sentences, the table and the details."""
        yield Static(markup=False, id="counts")
        yield Static(markup=False, id="guard")
        yield FilteredTable(self.table)
        archives = self.app.workspace.archives(self.app.snapshot.settings)
        yield ChangeDetails(archives.messages)

    def on_mount(self) -> None:
        """Plan."""
        self.table.focus()
        self._show()
        self._preview()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Plan again: users changed; once it is done it stays as it was done."""
        if self.result is None:
            self._preview()

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self) -> None:
        try:
            plan = await asyncio.to_thread(undo_preview, self.app.workspace, self.run_summary.id)
        except StoreError as error:
            self.dismiss()
            self.fail(error)
            return
        if self.result is None:
            self.plan = plan
            self._selection.take(plan)
            self._show()
            self.refresh_bindings()

    # What cannot be done

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name in ("apply", "skip", "skip_group"):
            if self.result is not None:
                return "This is done; Esc goes back to the history."
            if self.plan is None:
                return "The plan is being made; wait a moment."
        if name == "apply" and not self._selection.wanted:
            return "There is nothing to take back."
        if name in ("skip", "skip_group"):
            return self._why_not_skip()
        if name == "report" and self.plan is None:
            return "There is nothing to report yet."
        return super().why_not(name)

    def _why_not_skip(self) -> str | None:
        change = self.table.current
        if change is None:
            return "There is no change to skip."
        return None if change.edit else f"A conflict is not applied anyway: {change.reason}"

    async def go_back(self) -> None:
        """Leave the filter, or go back."""
        if not self.query_one(FilteredTable).close_filter():
            self.dismiss()

    # What is done

    def action_skip(self) -> None:
        """Leave the change under the cursor out, or take it in again."""
        if change := self.table.current:
            self._selection.toggle({change.user_name})
            self._selected()
            self.table.action_move(1)

    def action_skip_group(self) -> None:
        """Leave all changes of the kind under the cursor out; if all are out, take them in."""
        if change := self.table.current:
            self._selection.toggle_group(change)
            self._selected()

    def _selected(self) -> None:
        self.table.refresh_cells()
        self._show_counts()
        self._show_details()
        self.refresh_bindings()

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_apply(self) -> None:
        """Confirm the numbers and take the run back."""
        plan, selection = self.plan, self._selection
        if plan is None:
            return
        skip, wanted = selection.skip, selection.wanted
        deletes = sum(change.action == "delete" for change in wanted)
        pinned = sum(change.action == "create" for change in wanted)
        text = confirmation_text(plan, wanted, skip, selection.left_out)
        if pinned:
            text = lines(text, f"Users who come back, and are pinned: {grouped(pinned)}.")
        hold = False
        if plan.guard and deletes:
            text = lines(*(plain(sentence, "red") for sentence in plan.guard), text)
            answer = await self.ask(TypedNumber("Undo now?", text, deletes))
            if answer is None:
                return
            hold = answer == "hold"
        elif not await self.confirm("Undo now?", text):
            return
        self._failure = None
        try:
            self.result = await asyncio.to_thread(
                apply_plan,
                self.app.workspace,
                plan,
                skip=skip,
                allow_deletes=deletes if plan.guard and not hold else None,
                hold_deletes=hold,
                who=self.app.administrator,
            )
        except (StoreError, SyncError) as error:
            self._failure = error
            self._preview()
            raise
        finally:
            await self.app.reload()
        self._show()

    @work(exclusive=True, group="report", exit_on_error=False)
    async def action_report(self) -> None:
        """Write what is shown to a file: the plan, what failed, or what was done."""
        await ask_report(self, f"undo-{self.run_summary.id}", self._record)

    def _record(self) -> dict[str, Any]:
        if self.result is not None and self.result.run:
            return past_run_record(self.app.workspace.store.run(self.result.run))
        error = self._failure
        status = "error" if error else "changes_pending"
        return run_record(
            "blocked" if isinstance(error, GuardBlocked) else status,
            None,
            self._selection.changes,
            {"kind": error.kind, "message": str(error)} if error else None,
        )

    # What is shown

    def _show(self) -> None:
        changes = self._selection.changes
        if self.result is not None:
            reported = [change for change in changes if change.edit is None]
            changes = [*self.result.applied, *self.result.skipped, *reported]
        self.table.load(changes)
        guard = self.query_one("#guard", Static)
        sentences = self.plan.guard if self.plan and self.result is None else ()
        guard.update(lines(*sentences))
        guard.display = bool(sentences)
        self._show_counts()
        self._show_details()

    def _show_counts(self) -> None:
        run = self.run_summary
        what = plain(f"Undo of the {run.kind} by {run.who} on {when_text(run.at)} UTC")
        if self.plan is None:
            text = lines(what, "The plan is being made ...")
        elif self.result is not None:
            text = lines(what, plain("Done: ").append_text(counts_text(self.result.applied)))
            if self.result.skipped:
                text.append(f"  skipped {grouped(len(self.result.skipped))}")
        else:
            text = lines(what, counts_text(self.plan.changes) or "There is nothing to take back.")
            if left_out := self._selection.left_out:
                text.append(f"  skipped {grouped(len(left_out))}")
        self.query_one("#counts", Static).update(text)

    def _is_left_out(self, change: Change) -> bool:
        if self.result is not None:
            return change in self.result.skipped
        return self._selection.is_left_out(change)

    def _cells(self, change: Change) -> tuple[Cell, ...]:
        done = self.result is not None
        word = change_word(change, done=done, skipped=self._is_left_out(change))
        return word, change.user_name, change.reason

    def on_table_moved(self) -> None:
        """Show the change under the cursor in full."""
        self._show_details()
        super().on_table_moved()

    def _show_details(self) -> None:
        self.query_one(ChangeDetails).show(self.table.current, done=self.result is not None)
