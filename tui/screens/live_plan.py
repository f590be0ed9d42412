"""The live preview: asking the directory, and planning again whenever something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from rich.text import Text
from textual import work
from textual.worker import Worker, get_current_worker

from store.errors import InvalidValue, Problem
from store.interface import Snapshot
from store.models import Settings
from store.text import printable
from sync.configure import draft
from sync.directory.connect import fetch
from sync.directory.listing import Listing
from sync.errors import DirectoryError, StalePlan
from sync.planning.plan import Plan
from sync.runs.plan_file import outcome_differences
from sync.runs.preview import preview
from tui.screens.plan_screen import PlanScreen
from tui.screens.progress import telling_progress
from tui.screens.settings_form import SettingsForm
from tui.texts.plain import counted
from tui.texts.plans import Source, why_old

_PLANNED = ("options", "privileges")
_ASKED = ("connection",)
_POLL_SECONDS = 0.01


class LivePlan(PlanScreen):
    """A screen with a plan that follows the store, the settings entered and the answers given.

    Settings that are entered on other screens and not saved yet are in the plan, but the directory
    is asked as the saved ones say. `asking` is the worker that waits for the directory. `source`
    is when and where the plan's users were asked for, `not_renewed` when that failed since.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asking: Worker[object] | None = None
        self.source: Source | None = None
        self.not_renewed: datetime | None = None
        self._planning: Worker[None] | None = None
        self._wants_plan = False

    def on_screen_resume(self) -> None:
        """Plan again if settings were entered on another screen meanwhile."""
        plan = self.selection.plan
        if self.is_mounted and plan and plan.settings != self._settings():
            self.plan_again()

    async def make_plan(self) -> None:
        """Ask the directory and show what would change; Esc cancels the worker that does."""
        self.asking, self.failure = get_current_worker(), None
        self._wants_plan = self._is_planning
        self.workers.cancel_group(self, "preview")
        before = self.selection.plan
        try:
            with self.app.end_sign.of("Test Settings"):
                listing = await self._fetch("Asking the directory ... Esc cancels.")
            self.tell(Text(f"{counted(listing.listed, 'user')} listed. Comparing ... Esc cancels."))
            plan = await self._preview(listing)
            self._answered(listing)
            self.take_plan(plan)
        except Problem as error:
            self.not_renewed = self.app.workspace.clock()
            if isinstance(error, DirectoryError):
                self._told(answered=False)
            raise
        finally:
            self._asked()
        if before and before.changes == plan.changes:
            self.app.say("Asked again: the plan is the same as before.")

    def _answered(self, listing: Listing) -> None:
        """Make plans from this answer from now on."""
        self.app.listing = listing
        self._told(answered=True)
        self.source = Source(self.app.workspace.clock(), self.asks_now)
        self.not_renewed = None

    @property
    def asks_now(self) -> str:
        """The URL that the saved settings name, for people."""
        return printable(self.app.snapshot.settings.url, 60)

    @property
    def old(self) -> str:
        """Why the plan's users have to be asked for again before it is applied, or nothing."""
        return why_old(self.source, self.not_renewed, self.asks_now)

    def _told(self, *, answered: bool) -> None:
        """Let the line at the top say whether the directory answered."""
        self.app.directory_answered = answered
        self.app.look_around()

    async def _fetch(self, text: str) -> Listing:
        self.tell(Text(text))
        self.refresh_bindings()
        return await fetch(
            self.app.workspace, self.app.snapshot.settings, telling_progress(self.tell)
        )

    def _asked(self) -> None:
        self.asking = None
        self.show_counts()
        self.refresh_bindings()
        if self._wants_plan:
            self.plan_again()

    async def _preview(self, listing: Listing) -> Plan:
        answers, settings = self.selection.answers, self._settings()
        return await asyncio.to_thread(preview, self.app.workspace, listing, settings, answers)

    def plan_again(self) -> None:
        """Plan from the last answer: settings, users or the administrator's answers changed.

        While the directory is asked, that waits.
        """
        self._wants_plan = self.asking is not None
        if self.app.listing is not None and not self._wants_plan:
            self._planning = self._plan_last_answer(self.app.listing)

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _plan_last_answer(self, listing: Listing) -> None:
        self.take_plan(await self._preview(listing))

    def _forms(self, names: Collection[str] = _PLANNED) -> list[SettingsForm]:
        """Return the open screens of these names; by default those that shape the plan."""
        forms = [form for form in self.app.open_screens if isinstance(form, SettingsForm)]
        return [form for form in forms if form.NAME in names]

    def _settings(self) -> Settings:
        """Return the settings with what is entered on other screens and not saved yet."""
        settings = self.app.snapshot.settings
        for form in self._forms():
            with suppress(InvalidValue):
                settings = draft(settings, form.changes())
        return settings

    def follow_store(self, snapshot: Snapshot) -> None:
        """Plan again: settings or users changed."""
        self.plan_again()

    @property
    def _is_planning(self) -> bool:
        worker = self._planning
        return worker is not None and not (worker.is_finished or worker.is_cancelled)

    async def planned(self) -> None:
        """Wait until what is being planned is on the screen."""
        while self._is_planning:
            await asyncio.sleep(_POLL_SECONDS)

    async def check_answer(self, plan: Plan, wanted: Collection[str]) -> None:
        """Ask the directory again before users are deleted.

        Raises `StalePlan` if the plan would treat any of the `wanted` users in another way now.
        Other users that came or changed there meanwhile do not matter.
        """
        self.asking = get_current_worker()
        try:
            now = await self._fetch("Asking again before users are deleted ... Esc cancels.")
            found = await asyncio.to_thread(outcome_differences, self.app.workspace, plan, now)
        finally:
            self._asked()
        if stale := [found[name] for name in wanted if name in found]:
            self._answered(now)
            raise StalePlan(stale)

    def unsaved_sentence(self) -> str:
        """Return which unsaved settings are in the plan, or nothing."""
        plan, unsaved = self.selection.plan, self._unsaved_forms()
        if plan is None or plan.settings == self.app.snapshot.settings or not unsaved:
            return ""
        return f"This plan uses unsaved {unsaved}."

    def why_not_asked(self) -> str | None:
        """Return that Connection has to be saved first, if so: another server would be asked."""
        return _save_first(self._unsaved_forms(_ASKED))

    def why_not_saved(self) -> str | None:
        """Return that settings have to be saved first, if so."""
        return _save_first(self._unsaved_forms((*_ASKED, *_PLANNED)))

    def _unsaved_forms(self, names: Collection[str] = _PLANNED) -> str:
        return " and ".join(sorted(filter(None, (form.unsaved() for form in self._forms(names)))))


def _save_first(unsaved: str) -> str | None:
    return f"Save or discard the {unsaved} first." if unsaved else None
