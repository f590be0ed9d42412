"""Synchronize: Test Settings, what would change, Synchronize now, what was done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from store.interface import Snapshot
from sync.apply import Result, apply_plan, divide
from sync.errors import StalePlan, SyncError
from sync.listing import Progress
from sync.plan import Change, Plan
from sync.report import SIGNS
from sync.run import check_configured, fetch, preview
from tui.actions import bindings_for
from tui.screens.base import BaseScreen
from tui.screens.dialogs import TypedNumber
from tui.widgets.changes import COLOURS, change_text, counts_text
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.plain import lines, plain
from tui.widgets.table import Cell, Column, Table

_PROGRESS_SECONDS = 0.1


class SynchronizeScreen(BaseScreen):
    """The plan as a table, its details, and the way to apply it.

    Without a result the table shows the plan; after a commit the result, until Esc or another test.
    """

    NAME = "synchronize"
    SCOPES = ("synchronize", "demo")
    CSS_PATH = "synchronize.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self.result: Result | None = None
        self.skip: set[str] = set()
        self._wanted: list[Change] = []
        self._left_out: set[str] = set()
        self._asking: Worker[object] | None = None
        self._told = 0.0
        self._table: Table[Change] = Table(
            [
                Column("Action", width=12),
                Column("User name", 2),
                Column("Reason", 3),
                Column("", width=9),
            ],
            self._cells,
            lambda change: f"{change.action} {change.user_name} {change.reason}",
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the actions that are offered."""
        return self.SCOPES if self.app.demo else self.SCOPES[:1]

    def body(self) -> ComposeResult:
        """Build the counts, the guard's sentences, the table and the details."""
        yield Static(
            Text("Test Settings (t) asks the directory and shows what would change."),
            markup=False,
            id="counts",
        )
        yield Static(markup=False, id="guard")
        yield FilteredTable(self._table)
        with VerticalScroll(id="details", can_focus=True):
            yield Static(markup=False)

    def on_mount(self) -> None:
        """Start in the table."""
        self._show()
        self._table.focus()
        if self.app.listing is not None:
            self._preview()

    # What cannot be done

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name in ("test", "synchronize"):
            return self._why_not_run(name)
        if name == "skip":
            return self._why_not_skip()
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the demo's action elsewhere."""
        if action == "switch_directory" and self.app.demo is None:
            return False
        return super().check_action(action, parameters)

    def _why_not_run(self, name: str) -> str | None:
        if self._asking is not None:
            return "The directory is being asked; Esc gives up."
        try:
            check_configured(self.app.snapshot.settings)
        except SyncError as error:
            return str(error)
        if name == "synchronize" and self.plan is not None:
            if self.plan.guard and not self.plan.listed:
                return " ".join(self.plan.guard)
            if not self._wanted:
                return "There is nothing to apply."
        return None

    def _why_not_skip(self) -> str | None:
        change = self._table.current
        if change is None:
            return "There is no change to skip."
        if self.result is not None:
            return "This is done; Test Settings (t) shows what would change now."
        if change.edit is None:
            what = "conflict" if change.action == "conflict" else "question"
            return f"A {what} is not applied anyway: {change.reason}"
        return None

    # Test Settings

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_test(self) -> None:
        """Ask the directory and show what would change."""
        await self._make_plan()

    async def _make_plan(self) -> None:
        self.result, self._asking = None, get_current_worker()
        self._choose()
        self._show()
        self._tell(Text("Asking the directory ... Esc gives up."))
        self.refresh_bindings()
        workspace = self.app.workspace
        try:
            listing = await fetch(workspace, self.app.snapshot.settings, self._progress)
            self._tell(Text(f"{listing.listed} users listed. Comparing ..."))
            self.app.listing = listing
            self._take_plan(await asyncio.to_thread(preview, workspace, listing))
        finally:
            self._asking = None
            self._show_counts()
            self.refresh_bindings()

    def _progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._told < _PROGRESS_SECONDS:
            return
        self._told = now
        size = f"{progress.received_bytes:,} bytes"
        if progress.total_bytes:
            size = f"{progress.received_bytes:,} of {progress.total_bytes:,} bytes"
        self._tell(Text(f"Asking the directory: {progress.users} users, {size}. Esc gives up."))

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self) -> None:
        listing = self.app.listing
        if listing is not None:
            self._take_plan(await asyncio.to_thread(preview, self.app.workspace, listing))

    def _take_plan(self, plan: Plan) -> None:
        """Show the plan; skipped changes stay skipped."""
        self.plan = plan
        self.skip &= {change.user_name for change in plan.changes}
        if self.result is None:
            self._choose()
            self._show()
        self.refresh_bindings()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Plan again: settings or users changed."""
        if self._asking is None:
            self._preview()

    async def go_back(self) -> None:
        """Give up asking, leave the results, or the filter."""
        if self._asking is not None:
            self._asking.cancel()
        elif self.result is not None:
            self.result = None
            self._choose()
            self._show()
            self.refresh_bindings()
        else:
            await super().go_back()

    # Synchronize now

    @work(exclusive=True, group="run", exit_on_error=False)
    async def action_synchronize(self) -> None:
        """Confirm the numbers and apply the plan."""
        if self.plan is None or self.result is not None:
            await self._make_plan()
        plan = self.plan
        if plan is None or self._why_not_run("synchronize"):
            return
        deletes = sum(change.action == "delete" for change in self._wanted)
        hold = False
        if plan.guard and deletes:
            text = lines(*(plain(sentence, "red") for sentence in plan.guard), self._numbers())
            answer = await self.ask(TypedNumber("Synchronize now?", text, deletes))
            if answer is None:
                return
            hold = answer == "hold"
        elif not await self.confirm("Synchronize now?", self._numbers()):
            return
        try:
            result = await asyncio.to_thread(
                apply_plan,
                self.app.workspace,
                plan,
                skip=frozenset(self.skip),
                allow_deletes=deletes if plan.guard and not hold else None,
                hold_deletes=hold,
            )
        except StalePlan:
            self._preview()
            raise
        finally:
            self.app.refresh_store()
        self.result, self.skip = result, set()
        self._left_out = {change.user_name for change in result.skipped}
        self._show()

    def _choose(self) -> None:
        """Work out what would be applied; a skipped change may keep others out."""
        wanted, left_out = divide(self.plan, self.skip) if self.plan else ([], [])
        self._wanted = wanted
        self._left_out = {change.user_name for change in left_out}

    def _numbers(self) -> Text:
        wanted = self._wanted
        text = Text("This will:\n")
        text.append_text(counts_text(wanted))
        kept = sum(change.archive == "kept" for change in wanted)
        if any(change.action == "delete" for change in wanted):
            text.append(f"\nOf the deleted users {kept} keep an archive with mail.")
        if self._left_out:
            text.append(f"\nSkipped: {len(self._left_out)}.")
        for action, what in (("conflict", "Conflicts, left alone"), ("rename", "Renames, open")):
            if count := sum(change.action == action for change in self._plan_changes()):
                text.append(f"\n{what}: {count}.")
        return text

    def action_skip(self) -> None:
        """Leave the change under the cursor out, or take it in again."""
        change = self._table.current
        if change is not None:
            self.skip ^= {change.user_name}
            self._choose()
            self._table.refresh()
            self._show_counts()
            self._table.action_move(1)
            self.refresh_bindings()

    def action_filter(self) -> None:
        """Open the filter box."""
        self.query_one(FilteredTable).open_filter()

    def action_switch_directory(self) -> None:
        """Change the demo's directory and ask it again."""
        if self.app.demo is not None:
            self.app.say(self.app.demo.switch_directory())
            if self._asking is None:
                self.action_test()

    # What is shown

    def _show(self) -> None:
        if self.result is not None:
            reported = [change for change in self._plan_changes() if change.edit is None]
            self._table.load([*self.result.applied, *self.result.skipped, *reported])
        else:
            self._table.load(self._plan_changes())
        guard = self.query_one("#guard", Static)
        sentences = self.plan.guard if self.plan and self.result is None else ()
        guard.update(lines(*sentences))
        guard.display = bool(sentences)
        self._show_counts()
        self._show_details()

    def _plan_changes(self) -> Sequence[Change]:
        return self.plan.changes if self.plan else ()

    def _show_counts(self) -> None:
        if self.result is not None:
            text = Text("Done: ").append_text(counts_text(self.result.applied))
            if self.result.skipped:
                text.append(f"  skipped {len(self.result.skipped)}")
            self._tell(text)
        elif self.plan is not None:
            text = counts_text(self.plan.changes) if self.plan.changes else Text("No changes.")
            text.append(f"  {self.plan.in_scope}/{self.plan.listed} in scope", "dim")
            if self._left_out:
                text.append(f"  skipped {len(self._left_out)}")
            if self.plan.warnings:
                text.append(f"\n{len(self.plan.warnings)} warnings: ", "yellow")
                text.append_text(plain("; ".join(self.plan.warnings[:5]), limit=200))
            self._tell(text)
        elif self._asking is None:
            self._tell(Text("Test Settings (t) asks the directory, shows what would change."))

    def _tell(self, text: Text) -> None:
        self.query_one("#counts", Static).update(text)

    def _state(self, change: Change) -> str:
        if self.result is not None:
            if change.edit is None:
                return "not done"
            return "skipped" if change.user_name in self._left_out else "done"
        left_out = change.edit is not None and change.user_name in self._left_out
        return "skipped" if left_out else ""

    def _cells(self, change: Change) -> tuple[Cell, ...]:
        state = self._state(change)
        word = Text(f"{SIGNS[change.action]} {change.action}", COLOURS[change.action])
        if state == "skipped":
            word.stylize("dim strike")
        return word, change.user_name, change.reason, state

    def on_table_moved(self) -> None:
        """Show the details of the change under the cursor."""
        self._show_details()
        self.refresh_bindings()

    def _show_details(self) -> None:
        change = self._table.current
        text = Text() if change is None else change_text(change)
        if change and self._state(change) == "skipped" and change.user_name not in self.skip:
            text.append("Left out too, as it needs what a change left out keeps.", "yellow")
        self.query_one("#details Static", Static).update(text)
