"""The actions on users: on the list for the marked ones, on a user's page for that user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from time import monotonic
from typing import NamedTuple

from rich.text import Text
from textual import work
from textual.worker import Worker, get_current_worker
from typing_extensions import override

from store.errors import InvalidValue
from store.models import (
    AUTHENTICATION_LABELS,
    INTEGRATED,
    Authentication,
    Settings,
    User,
)
from store.names import check_user_name, match_key
from store.text import printable
from sync.directory.connect import fetch
from sync.directory.listing import Listing
from sync.runs.by_hand import (
    change_privileges,
    delete_users,
    edit_user,
    rename_user,
    set_password,
    switch_authentication,
    unlock_users,
)
from tui.actions import actions_of
from tui.screens.base import BEING_SAVED, BaseScreen
from tui.screens.dialogs import Entry, NewPassword
from tui.screens.switching import ask_switch
from tui.screens.user_dialogs import ChoosePrivileges, EditUser
from tui.texts.plain import counted, lines, plain
from tui.texts.user_fields import coming_back_text, rename_there_too
from tui.texts.users import how_many, listed_names, names_of_several, privileges_text

OF_USERS = frozenset(action.name for action in actions_of("user"))
_ANSWER_SECONDS = 60.0
_READING = ("explain", "story", "copy_address")


class _Answer(NamedTuple):
    """The names that the directory listed, under which settings, and when."""

    settings: Settings
    keys: Collection[str]
    at: float

    def serves(self, settings: Settings, users: Sequence[User]) -> bool:
        """Tell whether it is fresh enough and leaves nothing to ask about these users."""
        return (
            settings == self.settings
            and monotonic() - self.at < _ANSWER_SECONDS
            and all(user.key in self.keys for user in users)
        )


class UserActions(BaseScreen):
    """The actions of the scope `user`, each of them one run for all chosen users."""

    asking: Worker[object] | None = None
    _answer: _Answer | None = None

    @property
    def current(self) -> User | None:
        """The user under the cursor or of the page, even if others are marked."""
        raise NotImplementedError

    def chosen(self) -> list[User]:
        """Return the users that an action changes."""
        return [user for user in (self.current,) if user]

    def show_asking(self, text: str) -> None:
        """Show that the directory is being asked; an empty text ends that."""
        raise NotImplementedError

    def show_written(self, users: Sequence[User]) -> None:
        """Show these users as they are now; an empty list means that they were deleted."""
        raise NotImplementedError

    @override
    def why_not(self, name: str) -> str | None:
        if name not in OF_USERS:
            return super().why_not(name)
        user = self.current
        if user is None:
            return "This list is empty."
        if self.is_writing and name not in _READING:
            return BEING_SAVED
        if name == "set_password" and user.authentication != INTEGRATED:
            return (
                f"The password of {user.user_name} is the directory's. "
                "Switch the authentication method (a) first."
            )
        if name == "copy_address" and not user.email_addresses:
            return f"{user.user_name} has no e-mail address."
        return super().why_not(name)

    def action_copy_address(self) -> None:
        """Copy the primary address of the user."""
        if (user := self.current) and user.email_addresses:
            address = printable(user.email_addresses[0])
            self.app.copy_to_clipboard(address)
            self.app.say(f"Copied: {address}")

    # The authentication method

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_switch_authentication(self) -> None:
        """Give the chosen users the other method, after showing what that means."""
        switch = await ask_switch(self, self.chosen(), self._ask_directory)
        if switch is not None:
            await self.write_switch(switch.users, switch.method, switch.password)

    async def write_switch(
        self, users: Sequence[User], method: Authentication, password: str | None
    ) -> None:
        """Write that these users have the method."""
        await self.change(
            users,
            lambda: switch_authentication(self.app.workspace, users, method, password),
            f"Switched {how_many(users)} to {AUTHENTICATION_LABELS[method]}.",
        )

    async def _ask_directory(self, users: Sequence[User]) -> Collection[str]:
        """Return the keys of the names that the directory lists.

        The last answer serves for a minute where it knows all of `users`.
        """
        settings = self.app.snapshot.settings
        if self._answer is not None and self._answer.serves(settings, users):
            return self._answer.keys
        self.asking = get_current_worker()
        self.show_asking("Asking the directory ... Esc cancels.")
        try:
            listing = await fetch(self.app.workspace, settings)
            keys = await asyncio.to_thread(_keys, listing)
        finally:
            self.asking = None
            self.show_asking("")
        self._answer = _Answer(settings, keys, monotonic())
        return keys

    # One user or many

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_privileges(self) -> None:
        """Give and take privileges; of several users, after showing what that changes."""
        users = self.chosen()
        change = await self.ask(ChoosePrivileges(users))
        if change is None:
            return
        text = privileges_text(users, *change)
        if text is None:
            self.app.say("Nothing was changed: they have these privileges already.")
        elif len(users) == 1 or await self.confirm(
            f"Change the privileges of {how_many(users)}?", text
        ):
            await self.change(
                users,
                lambda: change_privileges(self.app.workspace, users, *change),
                f"Saved the privileges of {how_many(users)}.",
            )

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_unlock(self) -> None:
        """Clear the failed log-ons of the chosen users."""
        users = self.chosen()
        text = lines("This clears the failed log-ons of:", *names_of_several(users))
        if len(users) == 1 or await self.confirm(f"Unlock {how_many(users)}?", text):
            unlocked = await self.write(lambda: unlock_users(self.app.workspace, users))
            if not unlocked:
                has = "has" if len(users) == 1 else "have"
                self.app.say(f"{how_many(users)} {has} no failed log-ons.")
            else:
                names = [*unlocked]
                who = names[0] if len(names) == 1 else counted(len(names), "user")
                cleared = counted(sum(unlocked.values()), "failed log-on")
                self.app.say(f"Unlocked {who}; cleared {cleared}.")

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_delete(self) -> None:
        """Delete the chosen users, after saying what becomes of their archives."""
        users = self.chosen()
        if await self._ask_deletion(users):
            kept = await self.write(lambda: delete_users(self.app.workspace, users))
            self.show_written(())
            self.app.say(f"Deleted {how_many(users)}; kept {counted(len(kept), 'archive')}.")

    async def _ask_deletion(self, users: Sequence[User]) -> bool:
        """Say what becomes of the users' archives, and ask."""
        messages = self.app.workspace.messages

        def count() -> list[str]:
            numbers = ((user.user_name, messages(user.user_name)) for user in users)
            return [f"{name}: {counted(number, 'message')}" for name, number in numbers if number]

        full = await asyncio.to_thread(count)
        fate: list[str | Text]
        if full:
            stay = "that holds mail stays:" if len(full) == 1 else "that hold mail stay:"
            fate = [f"{counted(len(full), 'archive')} {stay}", listed_names(full)]
        elif len(users) == 1:
            fate = ["The archive holds no mail; an empty folder is removed too."]
        else:
            fate = ["Their archives hold no mail; empty folders are removed too."]
        if back := coming_back_text(users, self.app.snapshot.settings):
            fate.append(plain(back, "yellow"))
        text = lines(*names_of_several(users), *fate)
        return await self.confirm(f"Delete {how_many(users)}?", text)

    # One user alone

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_set_password(self) -> None:
        """Set a new local password."""
        if (user := self.current) is None:
            return
        name = user.user_name
        password = await self.ask(NewPassword(f"New password for {name}", name))
        if password is not None:
            await self.change(
                [user],
                lambda: [set_password(self.app.workspace, user, password)],
                f"Changed the password of {name}.",
            )

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_edit(self) -> None:
        """Change full name, distinguished name and addresses."""
        if (user := self.current) is None:
            return
        details = await self.ask(EditUser(user))
        if details is not None:
            edited = User(user_name=user.user_name, **details._asdict())
            await self.change(
                [user], lambda: [edit_user(self.app.workspace, user, edited)], "Saved."
            )

    @work(exclusive=True, group="users", exit_on_error=False)
    async def action_rename(self) -> None:
        """Change the user name."""
        if (user := self.current) is None:
            return
        old = user.user_name
        text = "The archive folder and everybody's rights on it move along."
        if advice := rename_there_too(user):
            text += f" {advice}"
        new = await self.ask(Entry(f"Rename {old}", text, old, partial(self._check_name, user)))
        if new is not None and new != old:
            await self.change(
                [user],
                lambda: [rename_user(self.app.workspace, user, new)],
                f"Renamed {old} to {new}.",
            )

    def _check_name(self, user: User, name: str) -> Text:
        check_user_name(name)
        key = match_key(name)
        if key != user.key and key in self.app.snapshot.users:
            raise InvalidValue(
                "Another user has this name already.", "Choose another name.", untouched=""
            )
        return Text()

    async def change(
        self, users: Sequence[User], write: Callable[[], Sequence[User]], done: str
    ) -> None:
        """Write, and show the users as they were written."""

        def written() -> Sequence[User]:
            after = write()
            self.app.wrote({old.key: new for old, new in zip(users, after, strict=True)})
            return after

        self.show_written(await self.write(written))
        self.app.say(done)


def _keys(listing: Listing) -> frozenset[str]:
    return frozenset(match_key(user.user_name) for user in listing.users)
