"""Synchronize: Test Settings, what would change, Synchronize now, what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from sync.configure import leave_alone
from sync.errors import StalePlan, SyncError
from sync.planning.changes import NAMELESS
from sync.planning.plan import Answers, Change, Plan
from sync.runs.apply import Result, apply_plan
from sync.runs.plan_file import save_plan
from sync.runs.run import check_configured
from tui.actions import bindings_for
from tui.screens.dialogs import Message, TypedNumber
from tui.screens.live_plan import LivePlan
from tui.screens.sync_questions import ask_answer, ask_file, ask_reason
from tui.screens.sync_selection import question_of
from tui.screens.sync_texts import (
    MOST_NAMES,
    confirmation_text,
    plan_text,
    result_text,
    saving_text,
)
from tui.widgets.change_details import ChangeDetails
from tui.widgets.changes import change_word
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.plain import lines, plain
from tui.widgets.table import Cell, Column, Table

_BEING_WRITTEN = "The changes are being written; wait a moment."


class SynchronizeScreen(LivePlan):
    """The plan as a table, its details, and the way to apply it.

    Without a result the table shows the plan; after a commit the result, until Esc or another test.
    """

    NAME = "synchronize"
    SCOPES = ("synchronize", "table", "demo")
    CSS_PATH = "synchronize.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self.result: Result | None = None
        self._reported: Sequence[Change] = ()
        self._held: frozenset[str] = frozenset()
        self._writing = False
        self.table: Table[Change] = Table(
            [Column("Action", width=12), Column("User name", 2), Column("Reason", 3)],
            self._cells,
            lambda change: f"{change.action} {change.user_name} {change.reason}",
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the actions that are offered."""
        return self.SCOPES if self.app.demo else self.SCOPES[:-1]

    def body(self) -> ComposeResult:
        """Build the counts, the guard's sentences, the table and the details."""
        yield Static(markup=False, id="counts")
        yield Static(markup=False, id="guard")
        yield FilteredTable(self.table)
        yield ChangeDetails(self._messages)

    def on_mount(self) -> None:
        """Start in the table."""
        self._show()
        self.table.focus()
        self.plan_again()

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        return "" if self.selection.answers == Answers() else "answers on Synchronize"

    # What cannot be done

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name in ("test", "synchronize", "save_plan"):
            return self._why_not_run(name)
        if name in ("skip", "skip_group", "skip_always", "answer", "mark"):
            return self._why_not_choose(name)
        if name == "warnings" and not (self.selection.plan and self.selection.plan.warnings):
            return "There are no warnings."
        return super().why_not(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the demo's action elsewhere."""
        if action == "switch_directory" and self.app.demo is None:
            return False
        return super().check_action(action, parameters)

    def _why_not_run(self, name: str) -> str | None:
        if self._writing:
            return _BEING_WRITTEN
        if self.asking is not None:
            return "The directory is being asked; Esc gives up."
        try:
            check_configured(self.app.snapshot.settings)
        except SyncError as error:
            return str(error)
        plan = self.selection.plan
        if name == "save_plan" and (plan is None or self.result is not None):
            return "There is no plan to save; Test Settings (t) makes one."
        if name != "test" and plan is not None and self.result is None:
            if plan.guard and not plan.listed:
                return " ".join(plan.guard)
            if not self.selection.wanted:
                return "There is nothing to apply."
            return self.why_not_saved()
        return None

    def _is_refused(self, name: str) -> bool:
        """Say why the action cannot be done with the plan that there is by now, if so."""
        reason = self._why_not_run(name)
        if reason:
            self.app.say(reason, error=True)
        return bool(reason)

    def _why_not_choose(self, name: str) -> str | None:
        change = self.table.current
        if change is None:
            return "There is no change in this list."
        if self._writing:
            return _BEING_WRITTEN
        if self.result is not None:
            return "This is done; Test Settings (t) shows what would change now."
        if name == "answer" and question_of(change, self.selection.answers) is None:
            return "Nothing is asked here: it is neither a rename nor a local user to link."
        if name in ("skip", "skip_group") and change.edit is None:
            what = "conflict" if change.action == "conflict" else "question"
            return f"A {what} is not applied anyway: {change.reason}"
        if name == "skip_always":
            if any(item.user_name == NAMELESS for item in self._chosen()):
                return "A record without a user name cannot be skipped by its name."
            return self.why_not_saved()
        return None

    # Test Settings

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_test(self) -> None:
        """Ask the directory and show what would change."""
        await self._make_new_plan()

    async def _make_new_plan(self) -> None:
        self.result = None
        self._show()
        await self.make_plan()

    def show_plan(self) -> None:
        """Show the plan, unless a result is shown."""
        self.query_one(ChangeDetails).forget()
        if self.result is None:
            self._show()

    async def go_back(self) -> None:
        """Give up asking, leave the results, take marks away, or leave the filter."""
        if self.asking is not None:
            self.asking.cancel()
        elif self._writing:
            self.app.say(_BEING_WRITTEN)
        elif self.result is not None:
            self.result = None
            self._show()
            self.refresh_bindings()
        elif self.table.has_marks:
            self.table.clear_marks()
        else:
            await super().go_back()

    # Decisions about single changes

    def _chosen(self) -> Sequence[Change]:
        """Return the marked changes, or the one under the cursor."""
        current = self.table.current
        return self.table.marked or ([] if current is None else [current])

    @work(exclusive=True, group="answer", exit_on_error=False)
    async def action_answer(self) -> None:
        """Answer the question under the cursor, or that of all marked or shown lines."""
        change = self.table.current
        if change is not None:
            among = self.table.marked or self.table.rows
            answers = await ask_answer(self, change, among, self.selection.answers)
            if answers is not None:
                self.selection.answers = answers
                self.table.clear_marks()
                self.plan_again()

    def action_mark(self) -> None:
        """Mark the line under the cursor, or take the mark away."""
        self.table.toggle_mark()

    def action_skip(self) -> None:
        """Leave the change under the cursor out, or take it in again."""
        change = self.table.current
        if change is not None:
            self.selection.toggle({change.user_name})
            self._show_skipped()
            self.table.action_move(1)

    def action_skip_group(self) -> None:
        """Leave all changes of the kind under the cursor out; if all are out, take them in."""
        change = self.table.current
        if change is not None:
            self.selection.toggle_group(change)
            self._show_skipped()

    @work(exclusive=True, group="answer", exit_on_error=False)
    async def action_skip_always(self) -> None:
        """Make a skip rule for each of the chosen users."""
        names = [change.user_name for change in self._chosen()]
        reason = await ask_reason(self, names)
        if reason is not None:
            await asyncio.to_thread(leave_alone, self.app.workspace, names, reason)
            self.table.clear_marks()
            await self.app.reload()
            self.app.say("Left alone from now on; the filters on Options say so.")

    def action_switch_directory(self) -> None:
        """Change the demo's directory and ask it again."""
        if self.app.demo is not None:
            self.app.say(self.app.demo.switch_directory())
            if self._why_not_run("test") is None:
                self.action_test()

    def action_warnings(self) -> None:
        """Show all warnings."""
        plan = self.selection.plan
        if plan is not None:
            self.app.push_screen(Message("Warnings", lines(*plan.warnings)))

    # Synchronize now

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_save_plan(self) -> None:
        """Save the plan as it would be applied now."""
        await self.planned()
        plan, listing = self.selection.plan_to_save(), self.app.listing
        if plan is None or listing is None or self._is_refused("save_plan"):
            return
        name = f"plan-{datetime.now():%Y-%m-%d-%H%M}.json"
        path = await ask_file(self, saving_text(self.selection), name)
        if path is not None:
            await asyncio.to_thread(save_plan, self.app.workspace, path, plan, listing)
            self.app.say(f"Saved. mailroster sync --plan {path} applies it.")

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_synchronize(self) -> None:
        """Confirm the numbers and apply the plan."""
        if self.selection.plan is None or self.result is not None:
            await self._make_new_plan()
        await self.planned()
        plan, skip = self.selection.plan, self.selection.skip
        if plan is None or self._is_refused("synchronize"):
            return
        wanted = [change.user_name for change in self.selection.wanted]
        deletes = [change for change in self.selection.wanted if change.action == "delete"]
        answer = await self._ask_numbers(plan, deletes)
        if answer is None:
            return
        hold = answer == "hold"
        try:
            if deletes and not hold:
                await self.check_answer(plan, wanted)
            self._writing = True
            self.tell(Text("Writing ..."))
            self.refresh_bindings()
            result = await asyncio.to_thread(
                apply_plan,
                self.app.workspace,
                plan,
                skip=skip,
                allow_deletes=len(deletes) if plan.guard and not hold else None,
                hold_deletes=hold,
                who=self.app.administrator,
            )
            self.selection.applied()
        except StalePlan:
            self.plan_again()
            raise
        finally:
            self._writing = False
            self.show_counts()
            await self.app.reload()
        self.result = result
        self._held = frozenset(change.user_name for change in result.skipped)
        self._reported = [change for change in plan.changes if change.edit is None]
        self._show()

    async def _ask_numbers(self, plan: Plan, deletes: Sequence[Change]) -> str | None:
        """Ask for a yes, or where the guard stops the plan for the number of deletions."""
        kept = [change.user_name for change in deletes[:MOST_NAMES] if change.archive == "kept"]
        messages = {name: await asyncio.to_thread(self._messages, name) for name in kept}
        numbers = confirmation_text(self.selection, messages)
        if plan.guard and deletes:
            text = lines(*(plain(sentence, "red") for sentence in plan.guard), numbers)
            return await self.ask(TypedNumber("Synchronize now?", text, len(deletes)))
        return "all" if await self.confirm("Synchronize now?", numbers) else None

    # What is shown

    def _messages(self, user_name: str) -> int:
        return self.app.workspace.archives(self.app.snapshot.settings).messages(user_name)

    def _show(self) -> None:
        plan, result = self.selection.plan, self.result
        if result is not None:
            self.table.load([*result.applied, *result.skipped, *self._reported])
        else:
            self.table.load(self.selection.changes)
        guard = self.query_one("#guard", Static)
        sentences = plan.guard if plan and result is None else ()
        guard.update(lines(*sentences))
        guard.display = bool(sentences)
        self.show_counts()
        self._show_details()

    def _show_skipped(self) -> None:
        self.table.refresh_cells()
        self.show_counts()
        self._show_details()
        self.refresh_bindings()

    def show_counts(self) -> None:
        """Show what was done or would be, in numbers."""
        selection = self.selection
        if self.result is not None:
            self.tell(result_text(self.result))
        elif selection.plan is not None:
            unsaved = self.unsaved_sentence()
            self.tell(plan_text(selection.plan, len(selection.left_out), unsaved))
        elif self.asking is None:
            self.tell(Text("Test Settings (t) asks the directory, shows what would change."))

    def tell(self, text: Text) -> None:
        """Show this in the place of the numbers."""
        self.query_one("#counts", Static).update(text)

    def _is_skipped(self, change: Change) -> bool:
        if self.result is not None:
            return change.edit is not None and change.user_name in self._held
        return self.selection.is_left_out(change)

    def _cells(self, change: Change) -> tuple[Cell, ...]:
        word = change_word(change, done=self.result is not None, skipped=self._is_skipped(change))
        return word, change.user_name, change.reason

    def on_table_moved(self) -> None:
        """Show the details of the change under the cursor."""
        self._show_details()
        self.refresh_bindings()

    def _show_details(self) -> None:
        change, done = self.table.current, self.result is not None
        note = ""
        if change and not done and self.selection.is_left_out(change):
            note = (
                "Skipped by you."
                if change.user_name in self.selection.skip
                else "Left out too, as it needs what a change left out keeps."
            )
        self.query_one(ChangeDetails).show(change, done=done, note=note)
