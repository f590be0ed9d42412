"""Keys that are typed ahead wait for what the key before does: opens a dialog, moves the focus."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from textual.app import App

_LONGEST_SECONDS = 1.0  # a part of the screen that hangs must not keep Esc from another one
_ROUNDS = 2  # a key bubbles up to an action, whose messages go the same way once more

Typed = events.Key | events.Paste


def esc_and_key(event: events.Event, bound: Iterable[str]) -> tuple[events.Key, ...]:
    """Return Esc and the key after it where a terminal's parser took both for Alt with that key.

    Bytes that arrive together do not tell them apart. Nothing of ours has Alt, so it is Esc, unless
    the person's own keys, `bound`, have it.
    """
    if not isinstance(event, events.Key) or not event.key.startswith("alt+"):
        return ()
    if event.character is None or any(event.key in keys.split(",") for keys in bound):
        return ()
    return events.Key("escape", "\x1b"), events.Key(event.character, event.character)


class TypeAhead:
    """The keys of `app` that wait, in their order.

    A key is done when the field with the focus, whatever it is in, and the application have dealt
    with all that was sent to them, and the focus moves no more. Without this the next key would go
    to where the focus was: a password into the field for the user name, in clear.
    """

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._task: asyncio.Task[None] | None = None
        self._released: set[Typed] = set()
        self._is_text = False

    def holds(self, event: events.Event) -> bool:
        """Tell whether the application must not handle this event now; it is posted again."""
        if not isinstance(event, Typed) or event.is_forwarded:
            return False
        is_text = self._is_consumed(event)
        if event not in self._released and self._task is not None:
            is_more_text = is_text and self._is_text
            if self._waiting or self._released or not is_more_text:
                self._waiting.append(event)
                return True
        self._released.discard(event)
        self._is_text = is_text
        if self._task is None:
            self._task = asyncio.create_task(self._release())
        return False

    def _is_consumed(self, event: Typed) -> bool:
        """Tell whether the field with the focus takes the key as text, so that nothing moves."""
        focused = self._app.focused
        if focused is None or isinstance(event, events.Paste):
            return False
        return focused.check_consume_key(event.key, event.character)

    async def _release(self) -> None:
        """Post the waiting keys, each when the one before is done; of a text, all at once."""
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_done(), _LONGEST_SECONDS)
                if not self._waiting:
                    return
                event, is_text = None, True
                while self._waiting and is_text:
                    is_text = self._is_consumed(self._waiting[0])
                    if is_text or event is None:
                        event = self._waiting.popleft()
                        self._released.add(event)
                        self._app.post_message(event)
        finally:
            self._task = None

    async def _is_done(self) -> None:
        """Wait until nothing is left of the key before, and the focus is where it stays."""
        rounds, before = 0, None
        while rounds < _ROUNDS:
            nodes = list((self._app.focused or self._app.screen).ancestors_with_self)
            for node in nodes:
                passed = asyncio.Event()
                if node.call_later(passed.set):
                    await passed.wait()
            now = self._app.screen, self._app.focused
            rounds = rounds + 1 if now == before else 0
            before = now
