"""User: everything about one, and what is done to this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from store.errors import InvalidValue
from store.interface import Snapshot
from store.models import DIRECTORY_SERVICES, INTEGRATED, User
from store.names import check_user_name, match_key
from sync.users.by_hand import edit_user, set_password, set_privileges, unlock_user
from sync.users.rename import rename_user
from sync.users.several import delete_users
from tui.actions import bindings_for
from tui.screens.base import BEING_SAVED, BaseScreen
from tui.screens.dialogs import Entry, NewPassword
from tui.screens.user_dialogs import ChoosePrivileges, EditUser, FolderRights
from tui.widgets.plain import counted, grouped, lines
from tui.widgets.user_details import rights_of, rights_table, user_text
from tui.widgets.user_names import how_many, listed_names, names_of_several


class UserScreen(BaseScreen):
    """One user's fields, and the rights on archive folders as a table."""

    NAME = "users"
    SCOPES = ("user",)
    CSS_PATH = "user.tcss"
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user
        self._gone = False
        self._table = rights_table()

    def body(self) -> ComposeResult:
        """Build fields and table."""
        with VerticalScroll(id="fields"):
            yield Static(markup=False)
        yield self._table

    def on_mount(self) -> None:
        """Show the user."""
        self._show()
        self._table.focus()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Show the user as stored now; one who was deleted elsewhere stays in sight."""
        user = snapshot.find(self.user.user_name)
        self._gone = user is None
        self.user = user or self.user
        self._show()

    def on_table_moved(self) -> None:
        """Another folder is under the cursor."""
        self.refresh_bindings()

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if self.is_writing:
            return BEING_SAVED
        if self._gone:
            return f"{self.user.user_name} was deleted or renamed meanwhile."
        if name == "set_password" and self.user.authentication != INTEGRATED:
            return "The password is the directory's. Switch the authentication method first."
        if name == "rights" and self._table.current is None:
            return "There is no folder in this list; n adds one."
        return super().why_not(name)

    async def go_back(self) -> None:
        """Back to the users."""
        if self.is_writing:
            self.app.say(BEING_SAVED, error=True)
        else:
            self.dismiss()

    def unsaved(self) -> str:
        """Return what would be lost by leaving, or nothing."""
        return "the user" if self.is_writing else ""

    @work(exclusive=True, group="user", exit_on_error=False)
    async def action_edit(self) -> None:
        """Change full name, distinguished name and addresses."""
        details = await self.ask(EditUser(self.user))
        if details is not None:
            edited = User(user_name=self.user.user_name, **details._asdict())
            await self._write(lambda: edit_user(self.app.workspace, self.user, edited))
            self.app.say("Saved.")

    @work(exclusive=True, group="user", exit_on_error=False)
    async def action_rename(self) -> None:
        """Give another user name."""
        old = self.user.user_name
        text = "The archive folder and everybody's rights on it move along."
        if self.user.authentication == DIRECTORY_SERVICES:
            text += (
                " Rename this user in the directory too: it is asked for the password under the "
                "new name, and the next sync takes the old one for a new user."
            )
        new = await self.ask(Entry(f"Rename {old}", text, old, self._check_name))
        if new is not None and new != old:
            await self._write(
                lambda: rename_user(self.app.workspace, self.user, new, who=self.app.administrator)
            )
            self.app.say(f"{old} is {new} now.")

    @work(exclusive=True, group="user", exit_on_error=False)
    async def action_privileges(self) -> None:
        """Change the privileges."""
        title = f"Privileges of {self.user.user_name}"
        chosen = await self.ask(ChoosePrivileges(title, self.user.privileges))
        if chosen is not None:
            await self._write(lambda: set_privileges(self.app.workspace, self.user, chosen))
            self.app.say("Saved.")

    def action_rights(self) -> None:
        """Change the rights on the folder under the cursor."""
        if self._table.current is not None:
            self._ask_rights(*self._table.current)

    def action_add_rights(self) -> None:
        """Give rights on another folder."""
        self._ask_rights("", [])

    @work(exclusive=True, group="user", exit_on_error=False)
    async def _ask_rights(self, owner: str, rights: list[str]) -> None:
        answer = await self.ask(FolderRights(f"Rights of {self.user.user_name}", owner, rights))
        if answer is not None:
            folders = {answer.owner: answer.rights}
            await self._write(
                lambda: set_privileges(self.app.workspace, self.user, folders=folders)
            )
            self.app.say("Saved.")

    @work(exclusive=True, group="user", exit_on_error=False)
    async def action_set_password(self) -> None:
        """Set a local password."""
        name = self.user.user_name
        password = await self.ask(NewPassword(f"New password for {name}", name))
        if password is not None:
            await self._write(lambda: set_password(self.app.workspace, self.user, password))
            self.app.say(f"The password of {name} was changed.")

    @work(exclusive=True, group="user", exit_on_error=False)
    async def action_unlock(self) -> None:
        """Forget the user's failed log-ons."""
        there_were = await asyncio.to_thread(unlock_user, self.app.workspace, self.user)
        name = self.user.user_name
        self.app.say(f"{name} is unlocked." if there_were else f"{name} has no failed log-ons.")

    @work(exclusive=True, group="user", exit_on_error=False)
    async def action_delete(self) -> None:
        """Delete the user."""
        if await ask_deletion(self, [self.user]):
            kept = await self.write(lambda: delete_users(self.app.workspace, [self.user]))
            self.dismiss()
            self.app.say(f"Deleted: {self.user.user_name}. Archives kept: {len(kept)}.")

    async def _write(self, write: Callable[[], User]) -> None:
        def written() -> User:
            user = write()
            self.app.wrote({self.user.key: user})
            return user

        self.user = await self.write(written)
        self.follow_store(self.app.snapshot)

    def _check_name(self, name: str) -> Text:
        check_user_name(name)
        key = match_key(name)
        if key != self.user.key and key in self.app.snapshot.users:
            raise InvalidValue("There is a user of this name already.")
        return Text()

    def _show(self) -> None:
        self.query_one("#fields Static", Static).update(
            user_text(self.user, self.app.snapshot.history)
        )
        self._table.load(rights_of(self.user))


async def ask_deletion(screen: BaseScreen, users: Sequence[User]) -> bool:
    """Say what becomes of the users' archives, and ask."""
    archives = screen.app.workspace.archives(screen.app.snapshot.settings)

    def count() -> list[str]:
        numbers = ((user.user_name, archives.messages(user.user_name)) for user in users)
        return [f"{name}: {counted(number, 'message')}" for name, number in numbers if number]

    full = await asyncio.to_thread(count)
    whose = "The archive holds" if len(users) == 1 else "Their archives hold"
    fate = (
        (f"Archives that hold mail stay: {grouped(len(full))}", listed_names(full))
        if full
        else (f"{whose} no mail; what is empty is removed too.",)
    )
    text = lines(*names_of_several(users), *fate)
    return await screen.confirm(f"Delete {how_many(users)}?", text)
