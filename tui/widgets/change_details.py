"""The pane that shows one change in full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rich.console import RenderableType
from rich.text import Text
from textual import work

from store.errors import StoreError
from sync.planning.plan import Change
from tui.texts.plain import plain
from tui.texts.problems import told
from tui.widgets.changes import archive_text, change_details
from tui.widgets.pane import Pane

_SETTLED_SECONDS = 0.1  # a row that stays under the cursor for so long is worth a look at the disk


class ChangeDetails(Pane):
    """The fields of a change, its reason, and what becomes of a deleted user's archive.

    `count` returns how many messages a user's archive holds; it is asked once the cursor rests.
    """

    def __init__(self, count: Callable[[str], int]) -> None:
        super().__init__()
        self._count = count
        self._messages: dict[str, int | StoreError] = {}
        self._shown: tuple[Change | None, bool, str] = (None, False, "")

    def forget(self) -> None:
        """Count messages again."""
        self._messages.clear()

    def show(self, change: Change | None, *, done: bool = False, note: str = "") -> None:
        """Show the change, as one that is done or to be done, with a note above its reason."""
        self._shown = change, done, note
        self.follow(self._details)

    def _details(self) -> RenderableType:
        change, done, note = self._shown
        if change is None:
            return ""
        notes = [Text(note, "yellow")] if note else []
        archive = None
        if change.archive:
            messages = self._messages.get(change.user_name)
            if isinstance(messages, StoreError):
                archive = plain(told(messages), "red")
            else:
                archive = archive_text(change, messages, done=done)
            if change.archive == "kept" and messages is None:
                self._count_messages(change.user_name)
        narrow = self.screen.has_class("-wide")
        return change_details(change, *notes, archive=archive, done=done, narrow=narrow)

    @work(exclusive=True)
    async def _count_messages(self, user_name: str) -> None:
        await asyncio.sleep(_SETTLED_SECONDS)
        try:
            self._messages[user_name] = await asyncio.to_thread(self._count, user_name)
        except StoreError as error:
            self._messages[user_name] = error
        change = self._shown[0]
        if change is not None and change.user_name == user_name:
            self.follow(self._details)
