"""Synchronize: Test Settings, what would change, Synchronize now, what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import copy
from datetime import datetime

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from typing_extensions import override

from store.interface import Snapshot
from sync.configure import leave_alone
from sync.directory.connect import check_configured
from sync.errors import GuardBlocked, StalePlan, SyncError
from sync.planning.changes import NAMELESS
from sync.planning.plan import IDS, Answers, Change
from sync.runs.plan_file import save_plan
from sync.status.notices import tell_aside
from tui.actions import bindings_for
from tui.screens.ask_file import ask_file
from tui.screens.dialogs import Message
from tui.screens.live_plan import LivePlan
from tui.screens.plan_screen import BEING_WRITTEN
from tui.screens.sync_questions import ask_answer, ask_reason
from tui.screens.sync_selection import question_of
from tui.texts.plain import counted, lines
from tui.texts.plans import (
    plan_text,
    result_text,
    saving_text,
)
from tui.texts.problems import told
from tui.texts.warnings import one_a_kind
from tui.widgets.change_details import ChangeDetails
from tui.widgets.status_view import StatusView

_TEST = "Test Settings (t) asks the directory and shows what would change."
_SET_UP = "Set up the directory service on Connection (F2), then run Test Settings (t)."


class SynchronizeScreen(LivePlan):
    """The plan as a table, its details, and the way to apply it.

    Without a result the table shows the plan; after a commit the result, until Esc or another test.
    """

    NAME = "synchronize"
    SCOPES = ("synchronize", "table", "demo")
    BINDINGS = bindings_for(*SCOPES)

    @property
    def report_name(self) -> str:
        """What the file of a report is called after."""
        return f"sync-{datetime.now():%Y-%m-%d-%H%M}"

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the actions that are offered."""
        return self.SCOPES if self.app.demo else self.SCOPES[:-1]

    def body(self) -> ComposeResult:
        """Build the plan, and the status that stands in its place until the first plan."""
        yield from super().body()
        yield StatusView(self.app.look)

    def on_mount(self) -> None:
        """Start in the table."""
        self.show()
        self.table.focus()
        self.plan_again()

    def on_screen_resume(self) -> None:
        """Look again whether everything is well, if that is shown."""
        if self.is_mounted:
            self._show_status()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Plan again, and tell what the settings say now, unless something is under way."""
        super().follow_store(snapshot)
        if self.asking is None and not self.is_writing:
            self.show_counts()

    def _show_status(self) -> None:
        """Show the status while there is neither a plan nor a result."""
        is_empty = self.selection.plan is None and self.result is None
        self.set_class(is_empty, "-empty")
        if is_empty:
            self.query_one(StatusView).look(self.app.workspace)
        elif self.focused is None or not self.focused.focusable:
            self.table.focus()

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        return "" if self.selection.answers == Answers() else "answers on Synchronize"

    # What cannot be done

    @override
    def why_not(self, name: str) -> str | None:
        if name in ("test", "synchronize", "save_plan"):
            return self._why_not_run(name)
        if name in ("skip", "skip_group", "skip_always", "answer", "mark"):
            return self._why_not_choose(name)
        if name == "warnings" and not (self.selection.plan and self.selection.plan.warnings):
            return "The plan has no warnings."
        if name in ("filter", "sort") and self.selection.plan is None and self.result is None:
            return "Run Test Settings (t) first; it makes the plan."
        return super().why_not(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the demo's action elsewhere."""
        if action == "switch_directory" and self.app.demo is None:
            return False
        return super().check_action(action, parameters)

    def _why_not_run(self, name: str) -> str | None:
        if self.is_writing:
            return BEING_WRITTEN
        if self.asking is not None:
            return "mailroster is asking the directory. Press Esc to cancel."
        try:
            check_configured(self.app.snapshot.settings)
        except SyncError as error:
            return told(error)
        if name in ("test", "synchronize") and (reason := self.why_not_asked()):
            return reason
        plan = self.selection.plan
        if name == "save_plan" and (plan is None or self.result is not None):
            return "Run Test Settings (t) first; it makes a plan to save."
        if name != "test" and plan is not None and self.result is None:
            if plan.guard and not plan.listed:
                return " ".join(plan.guard)
            if not self.selection.wanted:
                return "The plan has nothing to apply."
            return self.why_not_saved()
        return None

    def _is_refused(self, name: str) -> bool:
        """Say why the action cannot be done with the current plan, if so."""
        reason = self._why_not_run(name)
        if reason:
            self.app.say(reason, error=True)
        return bool(reason)

    def _why_not_choose(self, name: str) -> str | None:
        change = self.table.current
        if change is None:
            return "This list is empty."
        if self.is_writing:
            return BEING_WRITTEN
        if self.result is not None:
            return "These changes are applied. Run Test Settings (t) for a new plan."
        if name == "answer" and question_of(change, self.selection.answers) is None:
            return "This line asks no question."
        if name in ("skip", "skip_group"):
            return self.why_not_skip()
        if name == "skip_always":
            chosen = {item.user_name for item in self._chosen()}
            if NAMELESS in chosen:
                return "This record has no user name to skip it by."
            if IDS in chosen:
                return "This question is about many users. Press Enter to answer it."
            return self.why_not_saved()
        return None

    # Test Settings

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_test(self) -> None:
        """Ask the directory and show what would change."""
        await self._make_new_plan()

    async def _make_new_plan(self) -> None:
        self.result = None
        self.show()
        await self.make_plan()

    @override
    def show_plan(self) -> None:
        self.query_one(ChangeDetails).forget()
        super().show_plan()

    async def go_back(self) -> None:
        """Give up asking, leave the results, take marks away, or leave the filter."""
        if self.asking is not None:
            self.asking.cancel()
        elif self.is_writing:
            self.app.say(BEING_WRITTEN)
        elif self.result is not None:
            self.result = None
            self.show()
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
        """Mark the line under the cursor, or unmark it."""
        self.table.toggle_mark()

    @work(exclusive=True, group="answer", exit_on_error=False)
    async def action_skip_always(self) -> None:
        """Make a skip rule for each of the chosen users."""
        names = [change.user_name for change in self._chosen()]
        reason = await ask_reason(self, names)
        if reason is not None:
            await self.write(lambda: leave_alone(self.app.workspace, names, reason))
            self.table.clear_marks()
            self.app.say(f"Added {counted(len(names), 'skip rule')} to the filters on Options.")

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
            self.app.push_screen(Message("Warnings", lines(*one_a_kind(plan.warnings))))

    # Synchronize now

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_save_plan(self) -> None:
        """Save the plan as it would be applied now."""
        await self.planned()
        plan, listing = self.selection.plan_to_save(), self.app.listing
        if plan is None or listing is None or self._is_refused("save_plan"):
            return
        name = f"plan-{datetime.now():%Y-%m-%d-%H%M}.json"
        path = await ask_file(self, "Save the plan", saving_text(self.selection), name)
        if path is not None:
            await asyncio.to_thread(save_plan, self.app.workspace, path, plan, listing)
            self.app.say(f"Saved. To apply the plan, run mailroster sync --plan {path}.")

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_synchronize(self) -> None:
        """Confirm the numbers and apply the plan."""
        if self.selection.plan is None or self.result is not None or self.old:
            await self._make_new_plan()
        await self.planned()
        chosen = copy(self.selection)
        plan, wanted = chosen.plan, chosen.wanted
        if plan is None or self._is_refused("synchronize"):
            return
        deletes = sum(change.is_counted for change in wanted)
        answer = await self.ask_numbers("Synchronize now?", plan, chosen)
        if answer is None:
            return
        hold = answer == "hold"
        try:
            if not hold and any(change.locks_out for change in wanted):
                await self.check_answer(plan, [change.user_name for change in wanted])
            await self.apply(plan, chosen.skip, deletes, hold=hold)
        except (StalePlan, GuardBlocked):
            self.plan_again()
            raise
        finally:
            tell_aside(self.app.workspace)

    # What is shown

    def show_counts(self) -> None:
        """Show what was done or would be, in numbers."""
        selection = self.selection
        if self.result is not None:
            self.tell(result_text(self.result))
        elif selection.plan is not None:
            unsaved = self.unsaved_sentence()
            left_out, old = selection.left_out, self.old
            self.tell(plan_text(selection.plan, left_out, unsaved, self.source, old))
        elif self.asking is None:
            has_directory = self.app.snapshot.settings.directory_service != "none"
            self.tell(Text(_TEST if has_directory else _SET_UP, "bold"))
        self._show_status()
