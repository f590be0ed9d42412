"""The application: log-on, screens, the state they share, and a clean end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from rich.text import Text
from textual import work
from textual.actions import ActionParseResult
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.reactive import Reactive
from textual.screen import Screen
from textual.signal import Signal
from textual.worker import Worker, WorkerState

from store.administrators import needs_administrator
from store.errors import StoreError
from store.interface import Snapshot
from store.models import Settings, User
from store.read_only import ReadOnlyStore
from store.text import printable
from sync.logon.still_administrator import administrator_problem
from sync.workspace import Workspace
from tui.actions import APP, bindings_for, refusal
from tui.colours import DARK, LIGHT
from tui.crash import crash_report
from tui.modes import HOME, MODES
from tui.palette import ActionProvider, Palette
from tui.preferences import Preferences, load_preferences, preferences_path
from tui.screens.base import BaseScreen
from tui.screens.dialogs import Confirm, Dialog, Help, Message
from tui.screens.logon import LogOnScreen
from tui.widgets.note import Note
from tui.widgets.plain import lines

if TYPE_CHECKING:
    from sync.demo import Demo
    from sync.directory.listing import Listing

_LOG_ON = "log_on"
PLAIN_THEME = "ansi-dark"
_RETRY_SECONDS = 1.0
_WARM_UP_SECONDS = 1.0
_WRITTEN_SECONDS = 0.05


class MailrosterApp(App[None]):
    """mailroster's screens on one workspace.

    With `administrator` that administrator is logged on already. `readonly` refuses every write,
    `plain_colours` uses the terminal's own sixteen. `keys` are those that replace the registry's,
    by action id. `snapshot` is the store's state as the screens show it, `listing` the directory's
    answer that plans are made from, `last_listing` that or the answer to a later connection check.
    """

    TITLE = "mailroster"
    # The default screen is mounted without its own style sheet being read.
    CSS_PATH = ["app.tcss", "screens/logon.tcss"]
    COMMANDS = {ActionProvider}
    ansi_theme_dark = Reactive(DARK, init=False)
    ansi_theme_light = Reactive(LIGHT, init=False)
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {**MODES, _LOG_ON: LogOnScreen}
    BINDINGS = [
        *bindings_for(APP),
        Binding("ctrl+q", "quit", show=False, priority=True),
        # At once, or what is typed ahead on a slow line goes into the field before: a password.
        Binding("tab", "focus_next", show=False, priority=True),
        Binding("shift+tab", "focus_previous", show=False, priority=True),
    ]

    def __init__(
        self,
        workspace: Workspace,
        *,
        administrator: str | None = None,
        demo: Demo | None = None,
        readonly: bool = False,
        plain_colours: bool = False,
        preferences: Preferences | None = None,
    ) -> None:
        plain_colours = plain_colours or "NO_COLOR" in os.environ
        super().__init__(ansi_color=plain_colours or None)
        if readonly:
            workspace = replace(workspace, store=ReadOnlyStore(workspace.store))
        workspace.store.on_wait = self._tell_wait
        self.workspace = workspace
        self.readonly = readonly
        self.preferences = preferences or Preferences()
        self.keys = self.preferences.keys
        self.set_keymap(self.keys)
        if plain_colours:
            self.theme = PLAIN_THEME
        elif self.preferences.theme:
            self.theme = self.preferences.theme
        self.administrator = administrator
        self._logged_on: User | None = None
        self._ending: Worker[None] | None = None
        self.demo = demo
        self._listing: Listing | None = None
        self.last_listing: Listing | None = None
        self.snapshot = Snapshot("", 0, Settings(), {})
        self.open_screens: WeakSet[BaseScreen] = WeakSet()
        self.store_changed: Signal[Snapshot] = Signal(self, "store changed")
        self.animation_level = "none"

    def get_default_screen(self) -> Screen[Any]:
        """Return the first screen: the log-on, or nothing much under the demo's screens."""
        return LogOnScreen() if self.administrator is None else Screen()

    async def on_mount(self) -> None:
        """Open the store after the first frame."""
        self.call_after_refresh(self._start)

    @work(exit_on_error=False)
    async def _start(self) -> None:
        try:
            self.snapshot = await asyncio.to_thread(self.workspace.snapshot)
        except StoreError as error:
            await self.push_screen(Message("The store cannot be used", lines(str(error))))
            return
        finally:
            gc.freeze()  # what was loaded so far stays, so no collection need ever look at it
            gc.enable()
            self.set_timer(_WARM_UP_SECONDS, self._warm_up)
        if self.administrator is not None:
            self.enter(self.snapshot.find(self.administrator) or User(user_name=self.administrator))
        elif needs_administrator(self.snapshot.users):
            from tui.screens.first_administrator import FirstAdministratorScreen

            await self.push_screen(FirstAdministratorScreen())
        if self.preferences.problems:
            text = lines(*self.preferences.problems, "The defaults are used instead.")
            await self.push_screen(Message("In tui.toml", text))

    @work(exclusive=True, group="watch", exit_on_error=False)
    async def _watch(self) -> None:
        """Follow what others write to the store; tell once when it cannot be read."""
        told = ""
        while True:
            try:
                async for snapshot in self.workspace.store.watch():
                    self._take(snapshot)
                    told = ""
            except StoreError as error:
                if str(error) != told:
                    told = str(error)
                    self.say(error, error=True)
                await asyncio.sleep(_RETRY_SECONDS)

    @work(thread=True, exit_on_error=False)
    def _warm_up(self) -> None:
        """Import what the first fetch and the first save need."""
        import_module("store.validation")
        import_module("sync.directory.client")

    @property
    def listing(self) -> Listing | None:
        """The answer of the last Test Settings; settings that were only tried made no plan."""
        return self._listing

    @listing.setter
    def listing(self, listing: Listing) -> None:
        self._listing = self.last_listing = listing

    def refresh_store(self) -> None:
        """Show what this session wrote."""
        self._take(self.workspace.snapshot())

    async def reload(self) -> None:
        """Show the store's state; unlike `refresh_store` it may wait for a write."""
        self._take(await asyncio.to_thread(self.workspace.snapshot))

    def _take(self, snapshot: Snapshot) -> None:
        if snapshot is not self.snapshot:
            self.snapshot = snapshot
            self.store_changed.publish(snapshot)
        is_ending = self._ending is not None and self._ending.is_running
        if self._administrator_problem() and not is_ending:
            self._ending = self._end_session()

    def enter(self, administrator: User) -> None:
        """Let this administrator in, until the store says otherwise."""
        self.administrator = administrator.user_name
        self._logged_on = administrator
        self.refresh_store()
        self._watch()
        configured = self.snapshot.settings.directory_service != "none"
        self.switch_mode(HOME if configured else "connection")

    def open_quick_access(self, user: User) -> None:
        """Let a user in who is no administrator."""
        from tui.screens.quick_access import QuickAccessScreen

        self.refresh_store()
        self._watch()
        self.push_screen(QuickAccessScreen(user))

    def wrote(self, users: Mapping[str, User]) -> None:
        """Take notice of users as this session left them, by the keys that they had before.

        So whoever renames or switches the own entry stays logged on. To be called before the
        writing screen's `is_writing` ends.
        """
        if self._logged_on and (user := users.get(self._logged_on.key)):
            self._logged_on = user
            self.administrator = user.user_name

    def _administrator_problem(self) -> str:
        return administrator_problem(self._logged_on, self.snapshot) if self._logged_on else ""

    @work(group="end session", exit_on_error=False)
    async def _end_session(self) -> None:
        """Log an administrator off who is none any more, once what is being written is written."""
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
                reason.insert(1, "What was being written was written whole, or not at all.")
            await self.log_off(" ".join(reason))

    async def log_off(self, reason: str) -> None:
        """Close whatever is open over the log-on, and say why."""
        self.administrator = self._logged_on = self._listing = self.last_listing = None
        if self.current_mode in MODES:
            await self.switch_mode(_LOG_ON)
            for mode, screen in MODES.items():
                await self.remove_mode(mode)
                self.add_mode(mode, screen)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.push_screen(Message("Logged off", reason))

    def go_home(self) -> None:
        """Back out of a screen to Synchronize, where there is nothing more to back out of."""
        if self.current_mode == HOME:
            self.say("There is nothing to back out of; q leaves mailroster.")
        else:
            self.switch_mode(HOME)

    def say(self, text: object, *, error: bool = False) -> None:
        """Show a short note."""
        shown = printable(text, 500)
        for note in self.screen.query(Note):
            note.show(shown, error=error)
            return
        self.notify(shown, severity="error" if error else "information", markup=False)

    def _tell_wait(self, text: str) -> None:
        """Show, from a writing thread, for whom a write waits."""
        self.call_later(self.say, text)

    def _fatal_error(self) -> None:
        """End on an error of the program, without the values of variables: passwords are there."""
        self._exit_renderables.append(Text(crash_report(sys.exception() or RuntimeError())))
        self._close_messages_no_wait()

    # Actions

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scope of the global actions."""
        return (APP,)

    def why_not(self, name: str) -> str | None:
        """Return why a global action cannot be done now."""
        if name in MODES and self.administrator is None:
            return "Log on as an administrator first."
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        return None if refusal(self, action) else True

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run the action, or say why it cannot be done now."""
        node = self if default_namespace is None else default_namespace
        if (
            isinstance(action, str)
            and isinstance(node, BaseScreen | Dialog | MailrosterApp)
            and (reason := refusal(node, action))
        ):
            self.say(reason, error=True)
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def action_connection(self) -> None:
        """Show Connection."""
        self.switch_mode("connection")

    def action_options(self) -> None:
        """Show Options."""
        self.switch_mode("options")

    def action_privileges(self) -> None:
        """Show Default privileges."""
        self.switch_mode("privileges")

    def action_synchronize(self) -> None:
        """Show Synchronize."""
        self.switch_mode("synchronize")

    def action_users(self) -> None:
        """Show Users."""
        self.switch_mode("users")

    def action_history(self) -> None:
        """Show History."""
        self.switch_mode("history")

    def action_help(self) -> None:
        """Show every key of this screen."""
        screen = self.screen
        if isinstance(screen, BaseScreen):
            self.push_screen(Help(screen.scopes, screen))

    def action_command_palette(self) -> None:
        """Open the command palette."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    async def action_back(self) -> None:
        """Back out by one level."""
        if isinstance(self.screen, BaseScreen):
            await self.screen.go_back()

    async def action_quit(self) -> None:
        """Leave; ask first if something is unsaved."""
        unsaved = sorted(filter(None, (screen.unsaved() for screen in self.open_screens)))
        if not unsaved:
            self.exit()
        elif not isinstance(self.screen, Confirm):
            self.push_screen(
                Confirm("Quit and lose what is not saved?", f"Not saved: {', '.join(unsaved)}."),
                lambda sure: self.exit() if sure else None,
            )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what made a worker fail; only known errors are no fault of the program."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            if not isinstance(error, StoreError):
                raise error or RuntimeError(event.worker.name)
            self.say(error, error=True)


def run_app(
    workspace: Workspace,
    *,
    administrator: str | None = None,
    demo: Demo | None = None,
    readonly: bool = False,
    low_bandwidth: bool = False,
) -> int:
    """Run the screens and return the exit code; a signal ends them with the terminal restored."""
    app = MailrosterApp(
        workspace,
        administrator=administrator,
        demo=demo,
        readonly=readonly,
        plain_colours=low_bandwidth,
        preferences=load_preferences(preferences_path()),
    )

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, app.exit, None, 128 + number)
        await app.run_async(mouse=not low_bandwidth)

    asyncio.run(run())
    return app.return_code or 0
