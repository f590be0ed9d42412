"""Synchronize: Test Settings, what would change, Synchronize now, what was done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from store.errors import InvalidValue
from store.interface import Snapshot
from store.models import Settings
from sync.configure import draft
from sync.directory.listing import Progress
from sync.errors import StalePlan, SyncError
from sync.planning.plan import Change, Plan
from sync.runs.apply import Result, apply_plan, divide
from sync.runs.run import check_configured, fetch, preview
from tui.actions import bindings_for
from tui.screens.dialogs import TypedNumber
from tui.screens.settings_form import SettingsForm
from tui.screens.sync_texts import confirmation_text, plan_text, progress_text
from tui.screens.table_screen import TableScreen
from tui.widgets.changes import archive_text, change_details, change_word, counts_text
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.plain import grouped, lines, plain
from tui.widgets.table import Cell, Column, Table

_PLANNED = ("options", "privileges")
_PROGRESS_SECONDS = 0.1
_SETTLED_SECONDS = 0.1  # a row that stays under the cursor for so long is worth a look at the disk


class SynchronizeScreen(TableScreen):
    """The plan as a table, its details, and the way to apply it.

    Without a result the table shows the plan; after a commit the result, until Esc or another test.
    What is entered on other screens and not saved yet is in the plan, which then cannot be applied.
    """

    NAME = "synchronize"
    SCOPES = ("synchronize", "table", "demo")
    CSS_PATH = "synchronize.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self.result: Result | None = None
        self.skip: set[str] = set()
        self._wanted: list[Change] = []
        self._left_out: set[str] = set()
        self._messages: dict[str, int] = {}
        self._asking: Worker[object] | None = None
        self._told = 0.0
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
        with VerticalScroll(id="details", can_focus=True):
            yield Static(markup=False)

    def on_mount(self) -> None:
        """Start in the table."""
        self._show()
        self.table.focus()
        self._preview()

    def on_screen_resume(self) -> None:
        """Plan again if settings were entered on another screen meanwhile."""
        if self.is_mounted and self.plan and self.plan.settings != self._settings():
            self._preview()

    # What cannot be done

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name in ("test", "synchronize"):
            return self._why_not_run(name)
        if name in ("skip", "skip_group"):
            return self._why_not_skip()
        return super().why_not(name)

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
            if unsaved := self._unsaved_sentence():
                return f"{unsaved} Save them or discard them first."
        return None

    def _why_not_skip(self) -> str | None:
        change = self.table.current
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
            self._tell(Text(f"{grouped(listing.listed)} users listed. Comparing ..."))
            self.app.listing = listing
            self._take_plan(await asyncio.to_thread(preview, workspace, listing, self._settings()))
        finally:
            self._asking = None
            self._show_counts()
            self.refresh_bindings()

    def _progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._told < _PROGRESS_SECONDS:
            return
        self._told = now
        self._tell(progress_text(progress))

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self) -> None:
        listing = self.app.listing
        if listing is not None:
            settings = self._settings()
            self._take_plan(await asyncio.to_thread(preview, self.app.workspace, listing, settings))

    def _forms(self) -> list[SettingsForm]:
        """Return the screens whose settings, saved or not, shape the plan."""
        forms = [form for form in self.app.open_screens if isinstance(form, SettingsForm)]
        return [form for form in forms if form.NAME in _PLANNED]

    def _settings(self) -> Settings:
        """Return the settings with what is entered on other screens and not saved yet."""
        settings = self.app.snapshot.settings
        for form in self._forms():
            with suppress(InvalidValue):
                settings = draft(settings, form.changes())
        return settings

    def _take_plan(self, plan: Plan) -> None:
        """Show the plan; skipped changes stay skipped."""
        self.plan = plan
        self.skip &= {change.user_name for change in plan.changes}
        self._messages.clear()
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
        numbers = confirmation_text(plan, self._wanted, self.skip, self._left_out)
        hold = False
        if plan.guard and deletes:
            text = lines(*(plain(sentence, "red") for sentence in plan.guard), numbers)
            answer = await self.ask(TypedNumber("Synchronize now?", text, deletes))
            if answer is None:
                return
            hold = answer == "hold"
        elif not await self.confirm("Synchronize now?", numbers):
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
            await self.app.reload()
        self.result, self.skip = result, set()
        self._left_out = {change.user_name for change in result.skipped}
        self._show()

    def _choose(self) -> None:
        """Work out what would be applied; a skipped change may keep others out."""
        wanted, left_out = divide(self.plan, self.skip) if self.plan else ([], [])
        self._wanted = wanted
        self._left_out = {change.user_name for change in left_out}

    def action_skip(self) -> None:
        """Leave the change under the cursor out, or take it in again."""
        change = self.table.current
        if change is not None:
            self._skip({change.user_name})
            self.table.action_move(1)

    def action_skip_group(self) -> None:
        """Leave all changes of the kind under the cursor out; if all are out, take them in."""
        change = self.table.current
        if change is not None and self.plan is not None:
            group = {
                other.user_name for other in self.plan.of(change.action) if other.edit is not None
            }
            self._skip(group if group <= self.skip else group - self.skip)

    def _skip(self, names: set[str]) -> None:
        self.skip ^= names
        self._choose()
        self.table.refresh_cells()
        self._show_counts()
        self._show_details()
        self.refresh_bindings()

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
            self.table.load([*self.result.applied, *self.result.skipped, *reported])
        else:
            self.table.load(self._plan_changes())
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
                text.append(f"  skipped {grouped(len(self.result.skipped))}")
            self._tell(text)
        elif self.plan is not None:
            self._tell(plan_text(self.plan, len(self._left_out), self._unsaved_sentence()))
        elif self._asking is None:
            self._tell(Text("Test Settings (t) asks the directory, shows what would change."))

    def _unsaved_sentence(self) -> str:
        if self.plan is None or self.plan.settings == self.app.snapshot.settings:
            return ""
        unsaved = sorted(filter(None, (form.unsaved() for form in self._forms())))
        return f"The plan is made with unsaved {' and '.join(unsaved)}."

    def _tell(self, text: Text) -> None:
        self.query_one("#counts", Static).update(text)

    def _is_skipped(self, change: Change) -> bool:
        return change.edit is not None and change.user_name in self._left_out

    def _cells(self, change: Change) -> tuple[Cell, ...]:
        skipped = bool(self._left_out) and self._is_skipped(change)
        word = change_word(change, done=self.result is not None, skipped=skipped)
        return word, change.user_name, change.reason

    def on_table_moved(self) -> None:
        """Show the details of the change under the cursor."""
        self._show_details()

    def _show_details(self) -> None:
        shown = self.query_one("#details Static", Static)
        change = self.table.current
        if change is None:
            shown.update()
            return
        notes = []
        if change.archive:
            messages = self._messages.get(change.user_name)
            notes.append(archive_text(change, messages, done=self.result is not None))
            if change.archive == "kept" and messages is None:
                self._count_messages(change)
        if self._is_skipped(change) and self.result is None and change.user_name not in self.skip:
            notes.append(Text("Left out too, as it needs what a change left out keeps.", "yellow"))
        shown.update(change_details(change, *notes))

    @work(exclusive=True, group="messages", exit_on_error=False)
    async def _count_messages(self, change: Change) -> None:
        """Count the messages of the archive in sight, once the cursor has come to rest."""
        await asyncio.sleep(_SETTLED_SECONDS)
        archives = self.app.workspace.archives(self.app.snapshot.settings)
        name = change.user_name
        self._messages[name] = await asyncio.to_thread(archives.messages, name)
        if self.table.current is change:
            self._show_details()
