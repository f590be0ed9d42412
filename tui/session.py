"""The session: the state of the store as the screens show it, who is logged on, what ends that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakSet

from textual import work
from textual.signal import Signal
from textual.worker import Worker

from store.errors import StoreError
from store.interface import Snapshot
from store.models import Settings, User
from sync.logon.still_administrator import administrator_problem
from sync.workspace import Workspace
from tui.modes import HOME, MODES
from tui.screens.base import BaseScreen
from tui.screens.dialogs import Message
from tui.texts.problems import told
from tui.theme import ThemedApp

if TYPE_CHECKING:
    from sync.directory.listing import Listing
    from tui.texts.context import Context

LOG_ON = "log_on"
_RETRY_SECONDS = 1.0
_WRITTEN_SECONDS = 0.05


class Session(ThemedApp):
    """What all screens share.

    `snapshot` is the store's state as the screens show it, `listing` the directory's answer that
    plans are made from, `last_listing` that or the answer to a later connection check. `context` is
    what the line at the top tells, `directory_answered` whether the directory did when this session
    last asked.
    """

    def __init__(
        self, workspace: Workspace, administrator: str | None, theme: str, plain_colours: bool
    ) -> None:
        super().__init__(theme, plain_colours)
        self.workspace = workspace
        self.administrator = administrator
        self._logged_on: User | None = None
        self._ending: Worker[None] | None = None
        self._listing: Listing | None = None
        self.last_listing: Listing | None = None
        self.snapshot = Snapshot("", 0, Settings(), {})
        self.context: Context | None = None
        self.directory_answered: bool | None = None
        self.open_screens: WeakSet[BaseScreen] = WeakSet()
        self.store_changed: Signal[Snapshot] = Signal(self, "store changed")

    def say(self, text: object, *, error: bool = False) -> None:
        """Show a short note."""
        raise NotImplementedError

    @work(exclusive=True, group="watch", exit_on_error=False)
    async def _watch(self) -> None:
        """Follow what others write to the store; tell once when it cannot be read."""
        last = ""
        while True:
            try:
                async for snapshot in self.workspace.store.watch():
                    self.take(snapshot)
                    last = ""
            except StoreError as error:
                if told(error) != last:
                    last = told(error)
                    self.say(last, error=True)
                await asyncio.sleep(_RETRY_SECONDS)

    @property
    def listing(self) -> Listing | None:
        """The answer of the last Test Settings; settings that were only tried made no plan."""
        return self._listing

    @listing.setter
    def listing(self, listing: Listing) -> None:
        self._listing = self.last_listing = listing

    def refresh_store(self) -> None:
        """Show what this session wrote."""
        self.take(self.workspace.snapshot())

    async def reload(self) -> None:
        """Show the store's state; unlike `refresh_store` it may wait for a write."""
        self.take(await asyncio.to_thread(self.workspace.snapshot))
        while self.workspace.notices:
            self.say(self.workspace.notices.pop(0), error=True)

    def take(self, snapshot: Snapshot) -> None:
        """Show this state of the store; log off an administrator who lost that privilege in it."""
        if snapshot is not self.snapshot:
            if _directory(snapshot) != _directory(self.snapshot):
                self.directory_answered = None  # that was another one
            self.snapshot = snapshot
            self.store_changed.publish(snapshot)
            self.look_around()
        is_ending = self._ending is not None and self._ending.is_running
        if self._administrator_problem() and not is_ending:
            self._ending = self._end_session()

    @work(exclusive=True, group="look around", exit_on_error=False)
    async def look_around(self) -> None:
        """Find out how the last syncs ended, and update the line at the top."""
        if self.administrator is None:
            return
        from tui.texts.context import context_of  # slow

        self.context = await asyncio.to_thread(
            context_of, self.workspace, self.snapshot, self.directory_answered
        )
        for screen in self.open_screens:
            screen.show_context()

    def enter(self, administrator: User) -> None:
        """Let this administrator in, until the store says otherwise."""
        self._logged_on = administrator
        self._is_named(administrator)
        self.refresh_store()
        self._watch()
        configured = self.snapshot.settings.directory_service != "none"
        self.switch_mode(HOME if configured else "connection")

    def open_quick_access(self, user: User) -> None:
        """Let a user without Administrator in, to Quick Access."""
        from tui.screens.quick_access import QuickAccessScreen

        self.workspace = replace(self.workspace, who=user.user_name)
        self.refresh_store()
        self._watch()
        self.push_screen(QuickAccessScreen(user))

    def wrote(self, users: Mapping[str, User]) -> None:
        """Take notice of users as this session left them, by the keys that they had before.

        So administrators who rename or switch themselves stay logged on. Call it before the writing
        screen's `is_writing` ends.
        """
        if self._logged_on and (user := users.get(self._logged_on.key)):
            self._logged_on = user
            self._is_named(user)

    def _is_named(self, administrator: User) -> None:
        """Let the history name this administrator from now on."""
        self.administrator = administrator.user_name
        self.workspace = replace(self.workspace, who=administrator.user_name)

    def _administrator_problem(self) -> str:
        return administrator_problem(self._logged_on, self.snapshot) if self._logged_on else ""

    @work(group="end session", exit_on_error=False)
    async def _end_session(self) -> None:
        """Log off an administrator who lost that privilege, once a running write has ended."""
        waited = False
        while any(screen.is_busy for screen in self.open_screens):
            waited = True
            await asyncio.sleep(_WRITTEN_SECONDS)
        if problem := self._administrator_problem():
            lost = sorted(filter(None, (screen.unsaved() for screen in self.open_screens)))
            reason = [problem, "Log on again, or ask an administrator."]
            if lost:
                reason.insert(1, f"Not saved: {', '.join(lost)}.")
            if waited:
                reason.insert(1, "Your last change was written whole, or not at all.")
            await self.log_off(" ".join(reason))

    async def log_off(self, reason: str) -> None:
        """Close whatever is open over the log-on, and say why."""
        self.administrator = self._logged_on = self._listing = self.last_listing = None
        self.context = self.directory_answered = None
        if self.current_mode in MODES:
            await self.switch_mode(LOG_ON)
            for mode, screen in MODES.items():
                await self.remove_mode(mode)
                self.add_mode(mode, screen)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.push_screen(Message("Logged off", reason))


def _directory(snapshot: Snapshot) -> tuple[str, str]:
    return snapshot.settings.directory_service, snapshot.settings.url
