"""The application: log-on, screens, the state they share, and a clean end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events, work
from textual.actions import ActionParseResult
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from store.administrators import needs_administrator
from store.errors import Problem, StoreError
from store.models import User
from store.text import printable
from sync.workspace import Workspace
from tui.actions import APP, ROWS, actions_of, bindings_for, refusal
from tui.collector import collect_seldom
from tui.crash import Crash
from tui.end_sign import EndSign
from tui.modes import HOME, MODES
from tui.preferences import Preferences
from tui.screens.base import BaseScreen
from tui.screens.dialogs import Confirm, Dialog, Help, Message
from tui.screens.logon import LogOnScreen
from tui.session import LOG_ON, Session
from tui.texts.plain import lines
from tui.texts.problems import told
from tui.type_ahead import TypeAhead, esc_and_key
from tui.widgets.note import Note

if TYPE_CHECKING:
    from store.interface import Store
    from sync.demo import Demo
    from sync.status.status import Status
    from tui.finding import Found
    from tui.widgets.table import Table

_WARM_UP_SECONDS = 1.0


class MailrosterApp(Session):
    """mailroster's screens on one workspace.

    With `administrator` that administrator is logged on already. `readonly` refuses every write,
    `plain_colours` uses the terminal's own sixteen, as is done where it has no more. `preferences`
    are a person's own theme and keys. `look` finds out whether everything is well, `status_of` if
    it is not given.
    """

    TITLE = "mailroster"
    ENABLE_COMMAND_PALETTE = False  # it has its own
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {**MODES, LOG_ON: LogOnScreen}
    BINDINGS = [
        *bindings_for(APP),
        Binding("ctrl+q", "quit", show=False, priority=True),
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
        look: Callable[[Workspace], Status] | None = None,
    ) -> None:
        self.preferences = preferences or Preferences()
        if readonly:
            workspace = replace(workspace, open_store=cache(partial(_read_only, workspace)))
        super().__init__(workspace, administrator, self.preferences.theme, plain_colours)
        self.readonly = readonly
        self.keys = self.preferences.keys
        self.set_keymap(self.keys)
        self.demo = demo
        self.look = look
        self.animation_level = "none"
        self._unsent = ExitStack()
        self._type_ahead = TypeAhead(self)
        self.end_sign = EndSign(0 if plain_colours else self.preferences.sign_after, self._send)

    def _send(self, sequence: str) -> None:
        """Send this to the terminal past the screen, if there is one."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    async def on_unmount(self) -> None:
        """Leave the terminal as it was."""
        self.end_sign.take_back()

    async def on_event(self, event: events.Event) -> None:
        """Handle the event, a key when the one before is done."""
        for key in (both := esc_and_key(event, self.keys.values())):
            await self.on_event(key)
        if not both and not self._type_ahead.holds(event):
            await super().on_event(event)

    def get_default_screen(self) -> Screen[Any]:
        """Return the first screen: the log-on, or an empty one under the demo's screens."""
        return LogOnScreen() if self.administrator is None else Screen()

    async def on_mount(self) -> None:
        """Open the store after the first frame; an empty screen is not worth sending."""
        if self.administrator is not None:
            self._unsent.enter_context(self.batch_update())
        self.call_after_refresh(self._start)

    @work(exit_on_error=False)
    async def _start(self) -> None:
        self.read_styles_of_screens()
        with self._unsent:
            await self._open_store()

    async def _open_store(self) -> None:
        self.workspace.store.on_wait = self._tell_wait
        try:
            self.snapshot = await asyncio.to_thread(self.workspace.snapshot)
        except StoreError as error:
            await self.push_screen(Message("The store cannot be used", lines(told(error))))
            return
        finally:
            collect_seldom()
            self.set_timer(_WARM_UP_SECONDS, self._warm_up)
        if self.administrator is not None:
            self.enter(self.snapshot.find(self.administrator) or User(user_name=self.administrator))
        elif needs_administrator(self.snapshot.users):
            from tui.screens.first_administrator import FirstAdministratorScreen

            await self.push_screen(FirstAdministratorScreen())
        if self.preferences.problems:
            text = lines(*self.preferences.problems, "mailroster uses the defaults instead.")
            await self.push_screen(Message("In tui.toml", text))

    @work(thread=True, exit_on_error=False)
    def _warm_up(self) -> None:
        """Import what the first log-on, fetch and save need."""
        import_module("sync.logon.login")
        import_module("store.validation")
        import_module("sync.directory.client")

    def go_home(self) -> None:
        """Back out of a screen to Synchronize, the top level."""
        if self.current_mode == HOME:
            self.say("You are at the top level. Press q to quit.")
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
        """Show, from a writing thread, which process a write waits for."""
        self.call_later(self.say, text)

    def _fatal_error(self) -> None:
        """End on an error of the program, without the values of variables: passwords are there."""
        self._exit_renderables.append(Text(told(Crash(sys.exception() or RuntimeError()))))
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
            if not _is_shown(reason, self.screen):
                self.say(reason, error=True)
            return True
        return await super().run_action(action, default_namespace, namespaces)

    async def do_on(self, mode: str, name: str) -> None:
        """Show the screen of this mode, and do its action of this name."""
        if await self.shows(mode):
            await self.run_action(name, self.screen)

    async def shows(self, mode: str) -> bool:
        """Switch to this mode, and tell whether its screen is on top; say so if it is not."""
        await self.switch_mode(mode)
        if len(self.screen_stack) == 1:
            return True
        label = next(action.label for action in actions_of(APP) if action.name == mode)
        self.say(f"Close what is open on {label} first.", error=True)
        return False

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
        if isinstance(screen, BaseScreen | Dialog) and not isinstance(screen, Help):
            rows = (ROWS,) if screen.query("Table") else ()
            self.push_screen(Help((*screen.scopes, *rows), screen))

    def on_table_copied(self, event: Table.Copied) -> None:
        """Say what was copied."""
        self.say(f"Copied: {event.text}")

    def action_command_palette(self) -> None:
        """Find an action, a user, a setting or a theme, and do it or go there."""
        if isinstance(self.screen, BaseScreen):
            from tui.screens.palette import Palette

            self.push_screen(Palette(self.screen), self._do_found)

    def _do_found(self, found: Found | None) -> None:
        if found is not None:
            self.run_worker(found.run(), exclusive=True, group="palette", exit_on_error=False)

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
                Confirm("Quit and lose unsaved changes?", f"Not saved: {', '.join(unsaved)}."),
                lambda sure: self.exit() if sure else None,
            )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show a known error of a worker; raise any other, as that is a fault of the program."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            if not isinstance(error, Problem):
                raise error or RuntimeError(event.worker.name)
            self.say(told(error), error=True)


def _read_only(workspace: Workspace) -> Store:
    from store.read_only import ReadOnlyStore

    return ReadOnlyStore(workspace.store)


def _is_shown(reason: str, screen: Screen[Any]) -> bool:
    """Tell whether a form or a dialog says so already, where what is entered is wrong."""
    return any(
        str(shown.content) == reason for shown in screen.query("#message, .problem").results(Static)
    )
