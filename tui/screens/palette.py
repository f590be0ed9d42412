"""The palette: actions of all screens, users, settings and themes, found while typing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from rich.text import Text
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input
from typing_extensions import override

from store.models import User
from tui.actions import APP, ROWS, Action, actions_of, bindings_for, reason_against, shown_key
from tui.finding import Found, UserNames, ranked
from tui.modes import SCOPES_OF
from tui.screens.base import BaseScreen
from tui.screens.dialogs import Dialog, Message
from tui.setting_places import SettingPlace, setting_places
from tui.texts.plain import lines, plain
from tui.widgets.fields import Field
from tui.widgets.table import Cell, Column, Table

_TITLES = {action.name: action.label for action in actions_of(APP)}


class Palette(Dialog[Found]):
    """Everything that can be done or gone to from `screen`, by its name."""

    SCOPES = ("palette", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, screen: BaseScreen) -> None:
        super().__init__("Find an action, a user, a setting or a theme")
        self._over = screen
        self._app = screen.app
        self._entries: list[Found] = []
        self._names = UserNames(screen.app.snapshot)
        self._table: Table[Found] = Table(
            [Column("Name", 4), Column("Where", 2), Column("What it does", 4)],
            _cells,
            lambda found: f"{found.where}\n{found.label}",
        )
        self._table.can_focus = False

    def fields(self) -> Iterator[Widget]:
        """Yield the field and what was found."""
        yield Field(placeholder="a part of a name or of an address")
        yield self._table

    def on_mount(self) -> None:
        """Show what there is on this screen and everywhere."""
        self._entries = [*self._of_screen(), *self._of_others()]
        self._table.load(list(self._of_screen()))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what is found, the best match under the cursor."""
        event.stop()
        query = event.value.strip()
        self._table.load(self._found(query) if query else list(self._of_screen()))
        self._table.action_first()
        self.refresh_bindings()

    def on_table_moved(self) -> None:
        """Tell in full what is under the cursor."""
        found = self._table.current
        self.show_problem(_told(found) if found else plain("Nothing with that name was found."))

    def on_table_opened(self) -> None:
        """Do what is double-clicked."""
        self.action_accept()

    @override
    def why_not(self, name: str) -> str | None:
        if name == "accept" and self._table.current is None:
            return "Nothing with that name was found."
        return None

    def action_accept(self) -> None:
        """Do what is under the cursor."""
        self.dismiss(self._table.current)

    def action_scroll_text(self, lines_down: int) -> None:
        """Go to another line, while the focus is in the field."""
        self._table.action_move(lines_down)

    def _found(self, query: str) -> list[Found]:
        is_logged_on = self._app.administrator is not None
        users = map(self._of_user, self._names.find(query)) if is_logged_on else ()
        return ranked([*self._entries, *users], query)

    # Actions

    def _of_screen(self) -> Iterator[Found]:
        """Yield the actions of the screen, of its list, and of the application."""
        screen = self._over
        owners: list[tuple[DOMNode, tuple[str, ...]]] = [(screen, screen.scopes)]
        owners += [(table, (ROWS,)) for table in screen.query(Table).results()]
        for owner, scopes in (*owners, (self._app, (APP,))):
            for action in actions_of(*scopes):
                if action.name != "command_palette":
                    reason = reason_against(action, screen) or ""
                    yield self._of_action(action, partial(self._run, action, owner), reason)

    def _of_others(self) -> Iterator[Found]:
        """Yield what is done on other screens, and what is set where."""
        if self._app.administrator is None:
            return
        for mode, scopes in SCOPES_OF.items():
            if not set(scopes) <= set(self._over.scopes):
                for action in actions_of(*scopes):
                    if action.scope != "table":
                        yield self._of_action(
                            action, partial(self._app.do_on, mode, action.name), mode=mode
                        )
        for place in setting_places():
            help_text = f"Go to the setting {place.key}."
            yield Found(
                place.label,
                _TITLES.get(place.mode, "Command line"),
                help_text,
                partial(self._go_to, place),
                also=place.key,
            )
        for theme in sorted(self._app.available_themes):
            yield Found(f"Theme: {theme}", "", "Use it now.", partial(self._use, theme), also=theme)

    def _of_action(
        self, action: Action, run: Callable[[], Awaitable[object]], reason: str = "", mode: str = ""
    ) -> Found:
        key = shown_key(action, self._app)
        where = f"{_TITLES[mode]}, {key}" if mode else key
        return Found(action.label, where, action.tooltip, run, reason)

    async def _run(self, action: Action, owner: DOMNode) -> None:
        await self._app.run_action(action.name, owner)

    # Users, settings, themes

    def _of_user(self, key: str) -> Found:
        user = User.from_row(self._app.snapshot.users[key])
        also = " ".join((user.full_name or "", *user.email_addresses))
        return Found(user.user_name, "User", also, partial(self._show_user, user), also=also)

    async def _show_user(self, user: User) -> None:
        from tui.screens.user import UserScreen

        await self._app.switch_mode("users")
        await self._app.push_screen(UserScreen(user))

    async def _go_to(self, place: SettingPlace) -> None:
        if not place.mode:
            command = f"mailroster settings set {place.key}=VALUE"
            text = lines("Set this on the command line:", command)
            self._app.push_screen(Message(place.label, text))
            return
        if await self._app.shows(place.mode):
            self._app.call_later(self._focus, self._app.screen, place)

    def _focus(self, screen: Screen[Any], place: SettingPlace) -> None:
        nodes = screen.query_one(f"#{place.key}").walk_children(Widget, with_self=True)
        field = next((node for node in nodes if node.focusable), None)
        if field is None or not all(node.display for node in field.ancestors_with_self):
            self._app.say("The chosen directory service does not have this setting.", error=True)
        else:
            field.focus()

    async def _use(self, theme: str) -> None:
        if self._app.native_ansi_color:
            self._app.say("This session uses the terminal's own colours.", error=True)
        else:
            self._app.theme = theme
            self._app.say(f'To keep this theme, write theme = "{theme}" in tui.toml.')


def _cells(found: Found) -> tuple[Cell, ...]:
    style = "dim" if found.reason else ""
    label, where = plain(found.label, style), plain(found.where, style)
    return label, where, _told(found)


def _told(found: Found) -> Text:
    if found.reason:
        return plain(f"not now: {found.reason}", "dim")
    return plain(found.help)
