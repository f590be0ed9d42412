"""Drives the screens by their keys alone, and reads what they show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip

from sync.workspace import Workspace
from tests.support.wrapped_store import Gate
from tui.app import MailrosterApp

PASSWORD = "a few unrelated words"
PATIENCE = 10.0
_STEP = 0.02
_ROUNDS = 3  # a key leads to an action, that to messages, these to a redraw
_CHARACTERS = {"space": " ", "slash": "/"}


def screen_lines(app: App[Any]) -> list[Strip]:
    """The lines of the terminal with their styles, for which Textual has no public way."""
    return list(app.screen._compositor.render_strips())


@dataclass
class Driver:
    """An administrator at the keyboard of an 80x24 terminal."""

    app: MailrosterApp
    pilot: Pilot[Any]

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(strip.text for strip in screen_lines(self.app))

    @property
    def words(self) -> str:
        """What the terminal shows, without line breaks and frames, and the notes over it."""
        notes = [str(toast.render()) for toast in self.app.screen.query("Toast")]
        return " ".join([*self.text.replace("│", " ").split(), *" ".join(notes).split()])

    async def press(self, *keys: str) -> None:
        """Press keys by their names."""
        for key in keys:
            character = key if len(key) == 1 else _CHARACTERS.get(key)
            self.app.post_message(events.Key(key, character))
            await self.settle()

    async def press_until_it_waits(self, key: str, gate: Gate) -> None:
        """Shut the gate, press the key, and wait until what it does waits there."""
        gate.shut()
        before = gate.waiting
        await self.press(key)
        while gate.waiting == before:
            await self.pilot.pause(_STEP)

    async def settle(self) -> None:
        """Wait until what was sent is dealt with and shown; `sees` waits for what takes longer.

        A worker that waits for somebody else is waited for no longer than the processor works.
        """
        await self._drain()
        if any(worker.is_running and worker.group != "watch" for worker in self.app.workers):
            await self.pilot.pause()
            await self._drain()

    async def _drain(self) -> None:
        """Let the event loop run until only timers, threads and the watch can wake it."""
        loop: Any = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
                while loop._ready:
                    await asyncio.sleep(0)
                self.app.screen._on_timer_update()

    async def type(self, text: str) -> None:
        """Enter a text where the focus is, in one go."""
        self.app.post_message(events.Paste(text))
        await self.settle()

    async def fill(self, *texts: str) -> None:
        """Type into one field after the other."""
        for text in texts:
            await self.type(text)
            await self.press("tab")

    async def sees(self, *texts: str) -> None:
        """Wait until all of this is on the screen."""
        waited = 0.0
        while any(text not in self.words for text in texts):
            missing = [text for text in texts if text not in self.words]
            assert waited < PATIENCE, f"{missing} not in\n{self.text}"
            await self.pilot.pause(_STEP)
            waited += _STEP

    async def focus(self, selector: str) -> None:
        """Press Tab until this has the focus."""
        wanted = self.app.screen.query_one(selector)
        for _ in range(40):
            if self.app.focused is wanted:
                return
            await self.press("tab")
        raise AssertionError(f"{selector} is not reached with Tab")


@asynccontextmanager
async def driving(workspace: Workspace, **arguments: Any) -> AsyncIterator[Driver]:
    """The screens on this workspace, at 80x24."""
    app = MailrosterApp(workspace, **arguments)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        yield Driver(app, pilot)


async def log_on(person: Driver, name: str, password: str) -> None:
    """Enter user name and password at the log-on."""
    await person.sees("User name", "Password")
    await person.focus("#user_name")
    await person.press("ctrl+u")
    await person.type(name)
    await person.press("enter")
    await person.type(password)
    await person.press("enter")
