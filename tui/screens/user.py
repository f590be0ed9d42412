"""User: everything about one user, the actions on it, and beside it its history or log-on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import Static
from textual.worker import get_current_worker
from typing_extensions import override

from store.interface import Snapshot
from store.models import User
from sync.logon.explain import explain
from sync.runs.by_hand import set_privileges
from sync.runs.story import story_of
from tui.actions import bindings_for
from tui.screens.base import BEING_SAVED
from tui.screens.user_actions import UserActions
from tui.screens.user_dialogs import FolderRights
from tui.texts.log_on import explanation_text
from tui.texts.story import story_text
from tui.texts.user_fields import rights_of
from tui.widgets.user_details import rights_table, user_text

_WIDE = 120  # columns
Beside = Literal["explain", "story"]


class UserScreen(UserActions):
    """One user's fields, and the rights on archive folders as a table.

    Beside them, or on a narrow screen in place of the table, is why the user can or cannot log on,
    or the user's history.
    """

    NAME = "users"
    SCOPES = ("user", "page")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, user: User, beside: Beside | None = None) -> None:
        super().__init__()
        self.user = user
        self._gone = False
        self._table = rights_table()
        self._opened_with = self._beside = beside

    def body(self) -> ComposeResult:
        """Build fields and table, and what is beside them."""
        with Container(id="page"):
            with Vertical(id="user"):
                with VerticalScroll(id="fields"):
                    yield Static(markup=False)
                yield self._table
            with VerticalScroll(id="beside"):
                yield Static(markup=False)

    def on_mount(self) -> None:
        """Show the user."""
        self._show()
        self._table.focus()
        if self._opened_with:
            self._open(self._opened_with)

    def on_resize(self, event: events.Resize) -> None:
        """Show the history where there is room for it."""
        if self._beside is None and event.size.width >= _WIDE:
            self._open("story")

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the user as stored now; a user that was deleted elsewhere stays in sight."""
        user = snapshot.find(self.user.user_name)
        self._gone = user is None
        self.user = user or self.user
        self._show()
        if self._beside == "story":
            self._read_story()

    def on_table_moved(self) -> None:
        """Another folder is under the cursor."""
        self.refresh_bindings()

    @property
    def current(self) -> User:
        """The user."""
        return self.user

    def show_asking(self, text: str) -> None:
        """Show that the directory is being asked."""
        if text:
            self.app.say(text)

    def show_written(self, users: Sequence[User]) -> None:
        """Show the user as written, or leave the page if the user was deleted."""
        if users:
            self.user = users[0]
            self.follow_store(self.app.snapshot)
        else:
            self.leave()

    @override
    def why_not(self, name: str) -> str | None:
        if self.is_writing:
            return BEING_SAVED
        if self._gone and name != "story":
            return f"Somebody else deleted or renamed {self.user.user_name}."
        if name == "rights" and self._table.current is None:
            return "This list is empty. Press n to give rights on a folder."
        return super().why_not(name)

    async def go_back(self) -> None:
        """Give up asking, close what was opened beside the user, or go back to the users."""
        if self.is_writing:
            self.app.say(BEING_SAVED, error=True)
        elif self.asking is not None:
            self.asking.cancel()
            self._show_beside(Text("Stopped asking the directory."))
        elif self._beside != self._opened_with and not self.has_class("-wide"):
            self._close()
        else:
            self.dismiss()

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        return "the user" if self.is_writing else ""

    # Beside the user

    def action_explain(self) -> None:
        """Show step by step why this user can or cannot log on, or hide it again."""
        self._open("explain")

    def action_story(self) -> None:
        """Show the history of this user, or hide it again."""
        self._open("story")

    def _open(self, beside: Beside) -> None:
        if self._beside == beside and self.has_class("-beside"):
            self._close()
            return
        self._beside = beside
        self.add_class("-beside")
        if not self.has_class("-wide"):
            self.query_one("#beside").focus()
        if beside == "story":
            self._read_story()
        else:
            self._explain()

    def _close(self) -> None:
        self._beside = None
        self.workers.cancel_group(self, "beside")
        self.remove_class("-beside")
        self._table.focus()

    @work(exclusive=True, group="beside", exit_on_error=False)
    async def _explain(self) -> None:
        self._show_beside(Text("Checking; for a user of the directory mailroster asks it ..."))
        self.asking = get_current_worker()
        try:
            steps = await explain(self.app.workspace, self.user.user_name)
        finally:
            self.asking = None
        self._show_beside(explanation_text(steps))

    @work(exclusive=True, group="beside", exit_on_error=False)
    async def _read_story(self) -> None:
        store, name = self.app.workspace.store, self.user.user_name
        self._show_beside(story_text(await asyncio.to_thread(story_of, store, name)))

    def _show_beside(self, text: Text) -> None:
        self.query_one("#beside Static", Static).update(text)

    # Rights on folders

    def action_rights(self) -> None:
        """Change the rights on the folder under the cursor."""
        if self._table.current is not None:
            self._ask_rights(*self._table.current)

    def action_add_rights(self) -> None:
        """Give rights on another folder."""
        self._ask_rights("", [])

    @work(exclusive=True, group="users", exit_on_error=False)
    async def _ask_rights(self, owner: str, rights: list[str]) -> None:
        user = self.user
        answer = await self.ask(FolderRights(f"Rights of {user.user_name}", owner, rights))
        if answer is not None:
            folders = {answer.owner: answer.rights}
            await self.change(
                [user],
                lambda: [set_privileges(self.app.workspace, user, folders=folders)],
                "Saved.",
            )

    def _show(self) -> None:
        self.query_one("#fields Static", Static).update(user_text(self.user, self.app.snapshot))
        self._table.load(rights_of(self.user))
