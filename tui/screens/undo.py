"""Undo: what an undo of a run would change, and the undo itself."""

from __future__ import annotations

import asyncio
from copy import copy

from rich.text import Text
from textual import work
from typing_extensions import override

from store.errors import StoreError
from store.history import RunSummary
from store.interface import Snapshot
from store.text import printable
from sync.errors import GuardBlocked, StalePlan
from sync.runs.record import planned_settings
from sync.runs.report import setting_lines
from sync.runs.undo import undo_preview
from tui.actions import bindings_for
from tui.screens.plan_screen import BEING_WRITTEN, PlanScreen
from tui.texts.plain import counted, grouped, lines, plain
from tui.texts.plans import result_text
from tui.texts.runs import when_text
from tui.texts.warnings import one_a_kind
from tui.widgets.changes import counts_text
from tui.widgets.filtered_table import FilteredTable


class UndoScreen(PlanScreen):
    """The plan that undoes a run; after the undo, what it did."""

    NAME = "history"
    SCOPES = ("undo", "table")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, run: RunSummary) -> None:
        super().__init__()
        self.undone = run
        self._old_passwords = False

    @property
    def report_name(self) -> str:
        """What the file of a report is called after."""
        return f"undo-{self.undone.id}"

    def on_mount(self) -> None:
        """Plan."""
        self.table.focus()
        self.show()
        self._plan()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Plan again, as users changed; what was done stays as it was done."""
        if self.result is None and not self.is_writing:
            self._plan()

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _plan(self) -> None:
        try:
            plan = await asyncio.to_thread(
                undo_preview,
                self.app.workspace,
                self.undone.id,
                old_passwords=self._old_passwords,
            )
        except StoreError as error:
            if self.result is None:  # else the undo itself folded the run that it took back
                self.leave()
                self.fail(error, "Undo")
            return
        if self.result is None:
            self.take_plan(plan)

    @override
    def why_not(self, name: str) -> str | None:
        if name in ("apply", "skip", "skip_group", "old_passwords"):
            if self.is_writing:
                return BEING_WRITTEN
            if self.result is not None:
                return "The undo is done. Press Esc to go back to the history."
            if self.selection.plan is None:
                return "mailroster is making the plan. Wait a moment."
            if name == "old_passwords":
                return None
            if name != "apply":
                return self.why_not_skip()
            if not (self.selection.wanted or self.selection.plan.settings_changes):
                return "The plan has nothing to undo."
        return super().why_not(name)

    async def go_back(self) -> None:
        """Leave the filter, or go back."""
        if self.is_writing:
            self.app.say(BEING_WRITTEN)
        elif not self.query_one(FilteredTable).close_filter():
            self.dismiss()

    def action_old_passwords(self) -> None:
        """Restore older passwords too, or keep the newer ones."""
        self._old_passwords = not self._old_passwords
        self._plan()

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_apply(self) -> None:
        """Confirm the numbers and undo the run."""
        chosen = copy(self.selection)
        plan, wanted = chosen.plan, chosen.wanted
        if plan is None:
            return
        deletes = sum(change.is_counted for change in wanted)
        creates = sum(change.action == "create" for change in wanted)
        come = "comes back and is pinned" if creates == 1 else "come back and are pinned"
        pinned = [f"{counted(creates, 'user')} {come}."] if creates else []
        settings = map(printable, setting_lines(planned_settings(plan)))
        answer = await self.ask_numbers("Undo now?", plan, chosen, *pinned, *settings)
        if answer is None:
            return
        try:
            await self.apply(plan, chosen.skip, deletes, hold=answer == "hold")
        except (StalePlan, GuardBlocked):
            self._plan()
            raise

    def show_counts(self) -> None:
        """Show what is undone, and what that changes or changed in numbers."""
        run, plan = self.undone, self.selection.plan
        if self.result is not None:
            text = result_text(self.result)
        elif plan is None:
            text = Text("Making the plan ...")
        else:
            text = counts_text(plan.changes) if plan.changes else Text("No user changes.")
            if self._old_passwords:
                text.append("  with old passwords", "yellow")
            if left_out := self.selection.left_out:
                text.append(f"  skipped {grouped(len(left_out))}")
            for line in setting_lines(planned_settings(plan)):
                text.append("\n").append_text(plain(line, limit=300))
            if plan.warnings:
                text.append("\n").append_text(
                    plain(" ".join(one_a_kind(plan.warnings)), "yellow", limit=300)
                )
        what = f"Undo of the {run.kind} by {printable(run.who, 60)} on {when_text(run.at)} UTC"
        self.tell(lines(plain(what), text))
