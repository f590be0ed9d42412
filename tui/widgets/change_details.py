"""The pane that shows one change in full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from sync.planning.plan import Change
from tui.widgets.changes import archive_text, change_details

_SETTLED_SECONDS = 0.1  # a row that stays under the cursor for so long is worth a look at the disk


class ChangeDetails(VerticalScroll, can_focus=True):
    """The fields of a change, its reason, and what becomes of a deleted user's archive.

    `count` returns how many messages a user's archive holds; it is asked once the cursor rests.
    """

    DEFAULT_CSS = """
    ChangeDetails {
        height: 25%; min-height: 7; padding: 0 1; border-top: solid $primary;
        scrollbar-size-vertical: 1;
    }
    ChangeDetails:focus { border-top: solid $accent; }
    """

    def __init__(self, count: Callable[[str], int], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._count = count
        self._messages: dict[str, int] = {}
        self._shown: tuple[Change | None, bool, str] = (None, False, "")

    def compose(self) -> ComposeResult:
        """Build the text."""
        yield Static(markup=False)

    def forget(self) -> None:
        """Count messages again."""
        self._messages.clear()

    def show(self, change: Change | None, *, done: bool = False, note: str = "") -> None:
        """Show the change, as one that is done or to be done, with a note below it."""
        self._shown = change, done, note
        shown = self.query_one(Static)
        if change is None:
            shown.update()
            return
        notes = [Text(note, "yellow")] if note else []
        if change.archive:
            messages = self._messages.get(change.user_name)
            notes.insert(0, archive_text(change, messages, done=done))
            if change.archive == "kept" and messages is None:
                self._count_messages(change.user_name)
        shown.update(change_details(change, *notes, done=done))

    @work(exclusive=True, exit_on_error=False)
    async def _count_messages(self, user_name: str) -> None:
        await asyncio.sleep(_SETTLED_SECONDS)
        self._messages[user_name] = await asyncio.to_thread(self._count, user_name)
        change, done, note = self._shown
        if change is not None and change.user_name == user_name:
            self.show(change, done=done, note=note)
