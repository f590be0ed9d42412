"""What is asked before authentication methods are switched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from rich.text import Text

from store.errors import Problem
from store.models import (
    AUTHENTICATION_LABELS,
    DIRECTORY_SERVICES,
    INTEGRATED,
    Authentication,
    Settings,
    User,
)
from sync.runs.by_hand import other_method
from tui.screens.base import BaseScreen
from tui.screens.dialogs import NewPassword
from tui.screens.user_dialogs import ChooseMethod
from tui.texts.plain import counted, grouped, lines, plain
from tui.texts.problems import told
from tui.texts.users import how_many, listed_names, names_of_several

AskDirectory = Callable[[Sequence[User]], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class Switch:
    """What the administrator decided: these users get `method`, one of them `password`."""

    users: Sequence[User]
    method: Authentication
    password: str | None = None


async def ask_switch(
    screen: BaseScreen, chosen: Sequence[User], ask_directory: AskDirectory
) -> Switch | None:
    """Ask what is still open, show what the switch means, and return what was decided.

    `ask_directory` returns the keys of the names that the directory lists.
    """
    method = await _method(screen, chosen)
    if method is None:
        return None
    users = [user for user in chosen if user.authentication != method]
    password = None
    if method == DIRECTORY_SERVICES:
        settings = screen.app.snapshot.settings
        text = await _what_the_directory_knows(users, ask_directory, settings)
    else:
        without = [user for user in users if not user.password_hash]
        if len(without) == len(users) == 1:
            name = users[0].user_name
            password = await screen.ask(
                NewPassword(f"Switch {name} to Integrated: set a local password", name)
            )
            if password is None:
                return None
            without = []
        users = [user for user in users if user not in without]
        text = Text(f"From then on mailroster checks {_passwords(users)} stored here.")
        if without:
            text = lines(text, _without_password(without, "of them"))
        if not users:
            screen.app.say(_without_password(without, "users"), error=True)
            return None
    title = f"Switch {how_many(users)} to {AUTHENTICATION_LABELS[method]}?"
    if not await screen.confirm(title, lines(*names_of_several(users), text)):
        return None
    return Switch(users, method, password)


async def _method(screen: BaseScreen, users: Sequence[User]) -> Authentication | None:
    local = sum(user.authentication == INTEGRATED for user in users)
    if local in (0, len(users)):
        return other_method(users[0])
    return await screen.ask(ChooseMethod(local, len(users) - local))


async def _what_the_directory_knows(
    users: Sequence[User], ask_directory: AskDirectory, settings: Settings
) -> Text:
    means = Text(f"From then on the directory checks {_passwords(users)}.")
    try:
        known = await ask_directory(users)
    except Problem as error:
        return lines(means, plain("mailroster could not ask the directory:", "yellow"), told(error))
    unknown = [user.user_name for user in users if user.key not in known]
    going = [user for user in users if user.key not in known and not user.pinned]
    fate = []
    if going and settings.auto_delete:
        fate = [plain(_deletion(going, len(users), settings.delete_after_days), "red")]
    if not unknown:
        return lines(means, plain(f"The directory knows {how_many(users)}.", "green"))
    if len(users) == 1:
        not_known = f"The directory does NOT know {unknown[0]}. This user could not log on."
        return lines(means, plain(not_known, "red"), *fate)
    return lines(
        means,
        plain(
            f"The directory does NOT know {grouped(len(unknown))} of them; they could not log on:",
            "red",
        ),
        listed_names(unknown),
        *fate,
    )


def _deletion(users: Sequence[User], switched: int, days: int) -> str:
    """Return what a sync does with users whom the directory does not know, after so many days."""
    who = users[0].user_name if switched == 1 else f"{grouped(len(users))} of them"
    when = f"after {counted(days, 'day')} a sync" if days else "the next sync"
    return f"Automatic deletion is on: {when} DELETES {who}."


def _without_password(users: Sequence[User], of_whom: str) -> str:
    names = ", ".join(user.user_name for user in users[:5])
    more = ", ..." if len(users) > 5 else ""
    if len(users) == 1:
        return f"{names} has no local password and stays as it is. Switch this user alone."
    return (
        f"{grouped(len(users))} {of_whom} have no local password and stay as they are. Switch "
        f"these one at a time: {names}{more}"
    )


def _passwords(users: Sequence[User]) -> str:
    return "the password" if len(users) == 1 else "the passwords"
