"""What the screens have in common: lines of screens and keys, reasons, dialogs, errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from store.errors import Problem
from store.interface import Snapshot
from tui.actions import APP, READ_ONLY, actions_of, refusal
from tui.screens.dialogs import Confirm, Dialog, Message
from tui.texts.plain import lines, plain
from tui.texts.problems import told
from tui.widgets.context import ContextLine
from tui.widgets.fields import Field
from tui.widgets.keys import KeyLine, ScreenLine
from tui.widgets.note import Note

if TYPE_CHECKING:
    from tui.app import MailrosterApp

T = TypeVar("T")

BEING_SAVED = "This is being saved; wait a moment."


class BaseScreen(Screen[None]):
    """A screen: `NAME` is its mode, `SCOPES` are the scopes of its actions.

    Its workers may raise errors of store and sync: the screen shows them.
    """

    HORIZONTAL_BREAKPOINTS = [(100, "-roomy"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]
    NAME: ClassVar[str] = ""
    SCOPES: ClassVar[tuple[str, ...]] = ()

    is_writing = False
    _is_left = False

    @property
    def app(self) -> MailrosterApp:  # type: ignore[override]
        """The application."""
        return cast("MailrosterApp", super().app)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the actions that are offered."""
        return self.SCOPES

    def compose(self) -> ComposeResult:
        """Build the line of screens, the warning, the body and the line of keys."""
        if self.NAME:
            yield ContextLine()
            yield ScreenLine(self.NAME)
        yield Static(markup=False, id="warning")
        yield from self.body()
        yield Note()
        yield KeyLine(*self.scopes, APP)

    def body(self) -> ComposeResult:
        """Build what this screen shows."""
        yield from ()

    def on_mount(self) -> None:
        """Follow the store."""
        self.app.open_screens.add(self)
        self.app.store_changed.subscribe(self, self._store_changed)
        self.show_warning()
        self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Tell of syncs that others made meanwhile."""
        self.app.look_around()
        if self._is_left:
            self.leave()

    def show_context(self) -> None:
        """Say at the top where one is."""
        for line in self.query(ContextLine):
            line.tell()

    def on_screen_suspend(self) -> None:
        """Remove the note, which would be out of date on return."""
        self.hide_note()

    def hide_note(self) -> None:
        """Remove the note, as something newer is told."""
        for note in self.query(Note):
            note.hide()

    def on_unmount(self) -> None:
        """Take leave of the application."""
        self.app.open_screens.discard(self)

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now, None if it can."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        return None if refusal(self, action) else True

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        return ""

    def leave(self) -> None:
        """Close this screen; beneath another one or in another mode, when it is shown again.

        Whoever waited for something leaves this way: other keys were pressed meanwhile.
        """
        self._is_left = True
        self.app.open_screens.discard(self)
        if self.is_active:
            self.dismiss()

    async def go_back(self) -> None:
        """Back out by one level."""
        self.app.go_home()

    @property
    def is_busy(self) -> bool:
        """Whether this screen is writing to the store, whatever else it allows meanwhile."""
        return self.is_writing

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the store's new state."""

    def show_warning(self) -> None:
        """Show a warning as long as passwords are at risk on the way to the directory."""
        if self.app.snapshot.store_id:
            from sync.directory.types import insecurity  # slow, and not for the first frame

            self.set_warning(insecurity(self.app.snapshot.settings))
        else:
            self.set_warning("")

    def set_warning(self, risk: str) -> None:
        """Warn of this risk, or of none."""
        shown = self.query_one("#warning", Static)
        sentences = [f"WARNING: {risk}"] if risk else []
        if self.app.readonly:
            sentences.append(READ_ONLY)
        shown.update(lines(*sentences))
        shown.display = bool(sentences)

    async def ask(self, dialog: Dialog[T]) -> T | None:
        """Show the dialog over this screen, not another one, and return its answer.

        Only a worker may wait for it.
        """
        return await self.app.push_screen_wait(dialog, mode=self.NAME or None)

    async def confirm(self, title: str, text: Text | str) -> bool:
        """Ask a question that needs a yes."""
        answer = await self.ask(Confirm(title, text))
        return answer is True

    async def write(self, write: Callable[[], T]) -> T:
        """Write to the store beside the keyboard, then show the store's state.

        Meanwhile `is_writing`, so that the screen starts no other write, stays, and tells whether
        it was done.
        """
        try:
            with self.writing():
                return await asyncio.to_thread(write)
        finally:
            await self.app.reload()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be `is_writing` for so long."""
        self.is_writing = True
        self.refresh_bindings()
        try:
            yield
        finally:
            self.is_writing = False
            self.refresh_bindings()

    async def on_table_opened(self) -> None:
        """Do what Enter does."""
        for action in actions_of(*self.scopes):
            if "enter" in action.key.split(","):
                await self.app.run_action(action.name, self)
                break

    def fail(self, error: Problem, what: str = "") -> None:
        """Show the text of an error, and which action it ended."""
        self.app.push_screen(
            Message(f"Not done: {what}" if what else "Not done", self.text_of(error))
        )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show a known error of a worker; raise any other, as that is a fault of the program."""
        event.stop()
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            if not isinstance(error, Problem):
                raise cast("BaseException", error)
            self.fail(error, self._label_of(event.worker))
        self.refresh_bindings()

    def text_of(self, error: Problem) -> Text:
        """Return what is shown of an error."""
        return plain(told(error))

    def _label_of(self, worker: Worker[object]) -> str:
        """Return the label of the action that the worker carries out, nothing for other work."""
        labels = {f"action_{action.name}": action.label for action in actions_of(*self.scopes)}
        return labels.get(worker.name, "")

    def _store_changed(self, snapshot: Snapshot) -> None:
        self.show_warning()
        self.follow_store(snapshot)
        self.refresh_bindings()


class EntryScreen(BaseScreen):
    """Fields one below the other: Enter goes on to the next one, from the last one to `DONE`.

    So a password that is typed ahead goes where it belongs.
    """

    DONE: ClassVar[str] = ""

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on."""
        event.stop()
        if self.DONE and event.input is self.query(Field).last():
            await self.app.run_action(self.DONE, self)
        else:
            self.focus_next()
