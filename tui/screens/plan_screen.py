"""What screens with a plan have in common: skipping, confirming, applying, result and report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static
from typing_extensions import override

from store.errors import Problem
from sync.errors import ReportError, StalePlan
from sync.planning.plan import Change, Plan
from sync.runs.apply import Result, apply_plan
from sync.runs.report import failed_record, past_run_record, run_record
from tui.screens.dialogs import TypedNumber
from tui.screens.report_dialog import ask_report
from tui.screens.sync_selection import Selection
from tui.screens.table_screen import TableScreen
from tui.texts.plain import lines
from tui.texts.plans import MOST_NAMES, confirmation_text, guard_text, stale_text
from tui.widgets.change_details import ChangeDetails
from tui.widgets.changes import change_word
from tui.widgets.table import Cell, Column, Table

BEING_WRITTEN = "The changes are being written; wait a moment."


class PlanScreen(TableScreen):
    """The plan as a table, with the details of the change under the cursor.

    Without a `result` the table shows the plan; with a `result`, what was done. `failure` is the
    last error.
    """

    def __init__(self) -> None:
        super().__init__()
        self.selection = Selection()
        self.result: Result | None = None
        self.failure: Problem | None = None
        self._reported: Sequence[Change] = ()
        self._held: frozenset[str] = frozenset()
        self.table: Table[Change] = Table(
            [
                Column("Action", width=12, word="action"),
                Column("User name", 2, word="name"),
                Column("Reason", 3, word="reason"),
            ],
            self._cells,
            lambda change: f"{change.action} {change.user_name} {change.reason}",
            name_in=1,
        )

    @property
    def report_name(self) -> str:
        """What the file of a report is called after."""
        raise NotImplementedError

    def show_counts(self) -> None:
        """Show what the plan holds, or what was done, in numbers."""
        raise NotImplementedError

    def body(self) -> ComposeResult:
        """Build the counts, the guard's sentences, the table and the details."""
        yield Static(markup=False, id="counts")
        yield Static(markup=False, id="guard")
        with Container(classes="split"):
            yield self.list_of("Plan")
            yield ChangeDetails(self._messages)

    @override
    def why_not(self, name: str) -> str | None:
        if name == "report" and self.selection.plan is None and self.failure is None:
            return "This screen has nothing to report yet."
        return super().why_not(name)

    def fail(self, error: Problem, what: str = "") -> None:
        """Show the text of an error, and keep it for a report."""
        if not isinstance(error, ReportError):
            self.failure = error
        super().fail(error, what)

    def text_of(self, error: Problem) -> Text:
        """Return what is shown of an error; of a stale plan each difference on its line."""
        return stale_text(error) if isinstance(error, StalePlan) else super().text_of(error)

    @work(exclusive=True, group="report", exit_on_error=False)
    async def action_report(self) -> None:
        """Write what is shown to a file: the plan, what failed, or what was done."""
        await ask_report(self, self.report_name, self._record)

    def _record(self) -> dict[str, Any]:
        result, failure, changes = self.result, self.failure, self.selection.changes
        if result is not None and result.run:
            return past_run_record(self.app.workspace.store.run(result.run))
        if failure is not None:
            return failed_record(failure, changes)
        pending = any(change.edit for change in changes)
        return run_record("changes_pending" if pending else "no_changes", None, changes)

    def why_not_skip(self) -> str | None:
        """Return why the change under the cursor cannot be skipped or included again."""
        change = self.table.current
        if change is None:
            return "This list is empty."
        if change.edit is None:
            what = "Conflicts" if change.action == "conflict" else "Open questions"
            return f"{what} are never applied. This line leaves nothing to skip."
        return None

    def action_skip(self) -> None:
        """Skip the change under the cursor, or include it again."""
        change = self.table.current
        if change is not None:
            self.selection.toggle({change.user_name})
            self._show_skipped()
            self.table.action_move(1)

    def action_skip_group(self) -> None:
        """Skip all changes of the kind under the cursor; if all are skipped, include them again."""
        change = self.table.current
        if change is not None:
            self.selection.toggle_group(change)
            self._show_skipped()

    async def ask_numbers(
        self, title: str, plan: Plan, selection: Selection, *more: str
    ) -> str | None:
        """Ask for a yes, or, if the guard stops the plan, for the number of deletions.

        `selection` is a copy: keys change the screen's own while messages are counted.

        The answer is `all`, `hold` for everything but the deletions, or None.
        """
        wanted = selection.wanted
        deletes = sum(change.is_counted for change in wanted)
        kept = [
            change.user_name
            for change in wanted
            if change.action == "delete" and change.archive == "kept"
        ][:MOST_NAMES]
        messages = {name: await asyncio.to_thread(self._messages, name) for name in kept}
        numbers = lines(confirmation_text(selection, messages), *more)
        if plan.guard and deletes:
            reasons = guard_text(plan.blocks)
            for reason in reasons:
                reason.stylize("red")
            text = lines(*reasons, numbers)
            marks = any(change.is_counted and change.action != "delete" for change in wanted)
            verb = "delete or mark" if marks else "delete"
            return await self.ask(TypedNumber(title, text, deletes, verb))
        return "all" if await self.confirm(title, numbers) else None

    async def apply(self, plan: Plan, skip: frozenset[str], deletes: int, *, hold: bool) -> None:
        """Apply the plan as it was confirmed and show what was done; raises like `apply_plan`."""
        self.failure = None
        self.tell(Text("Writing ..."))
        try:
            with self.writing(), self.app.end_sign.of("writing"):
                result = await asyncio.to_thread(
                    apply_plan,
                    self.app.workspace,
                    plan,
                    skip=skip,
                    allow_deletes=deletes if plan.guard and not hold else None,
                    hold_deletes=hold,
                )
                edits = [change.edit for change in result.applied if change.edit]
                self.app.wrote({edit.key: edit.user for edit in edits if edit.user})
                self.selection.applied()
            self.result = result
            self._held = frozenset(change.user_name for change in result.skipped)
            self._reported = [change for change in plan.changes if change.edit is None]
        finally:
            self.show()
            await self.app.reload()
            self.app.look_around()  # the outcome is noted after the write

    def take_plan(self, plan: Plan) -> None:
        """Let this be the plan; skipped changes stay skipped."""
        self.selection.take(plan)
        self.show_plan()
        self.refresh_bindings()

    def show_plan(self) -> None:
        """Show the plan, unless a result is shown or awaited: the cursor stays with its row."""
        if self.result is None and not self.is_writing:
            self.show()

    def show(self) -> None:
        """Show the plan, or the result if there is one."""
        plan, result = self.selection.plan, self.result
        if result is not None:
            self.table.load([*result.applied, *result.skipped, *self._reported])
        else:
            self.table.load(self.selection.changes)
        guard = self.query_one("#guard", Static)
        blocks = plan.blocks if plan and result is None else ()
        guard.update(lines(*guard_text(blocks)))
        guard.display = bool(blocks)
        self.show_counts()
        self._show_details()

    def tell(self, text: Text) -> None:
        """Show this in the place of the numbers."""
        self.query_one("#counts", Static).update(text)

    def on_table_moved(self) -> None:
        """Show the details of the change under the cursor."""
        self._show_details()
        self.refresh_bindings()

    def _messages(self, user_name: str) -> int:
        return self.app.workspace.messages(user_name)

    def _show_skipped(self) -> None:
        self.table.refresh_cells()
        self.show_counts()
        self._show_details()
        self.refresh_bindings()

    def _is_skipped(self, change: Change) -> bool:
        if self.result is not None:
            return change.edit is not None and change.user_name in self._held
        return self.selection.is_left_out(change)

    def _cells(self, change: Change) -> tuple[Cell, ...]:
        word = change_word(change, done=self.result is not None, skipped=self._is_skipped(change))
        return word, change.user_name, change.reason

    def _show_details(self) -> None:
        change, done = self.table.current, self.result is not None
        note = ""
        if change and done and self._is_skipped(change):
            change, done, note = replace(change, archive=None), False, "Left out: not applied."
        elif change and not done and self.selection.is_left_out(change):
            note = (
                "Skipped by you."
                if change.user_name in self.selection.skip
                else "Left out too, because it depends on a skipped change."
            )
        elif change and not done and change.asks:
            note = "Press Enter to answer."
        self.query_one(ChangeDetails).show(change, done=done, note=note)
