"""The command palette over the registry of actions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.widgets import Input

from tui.actions import APP, Action, actions_of, reason_against, shown_key
from tui.screens.base import BaseScreen

if TYPE_CHECKING:
    from tui.app import MailrosterApp


class ActionProvider(Provider):
    """Offers the actions of the screen and of the application; greyed ones say why if chosen."""

    def _actions(self) -> Iterator[tuple[Action, str, str]]:
        screen = self.screen
        scopes = screen.scopes if isinstance(screen, BaseScreen) else ()
        for action in actions_of(*scopes, APP):
            if action.name != "command_palette":
                reason = reason_against(action, screen)
                help_text = f"not now: {reason}" if reason else action.tooltip
                yield action, f"{action.label} ({shown_key(action, self.app)})", help_text

    async def discover(self) -> Hits:
        """Yield all actions."""
        for action, name, help_text in self._actions():
            yield DiscoveryHit(name, partial(self._run, action), name, help_text)

    async def search(self, query: str) -> Hits:
        """Yield the actions that match."""
        matcher = self.matcher(query)
        for action, name, help_text in self._actions():
            score = max(matcher.match(action.label), matcher.match(action.tooltip) / 4)
            if score > 0:
                yield Hit(score, name, partial(self._run, action), name, help_text)

    async def _run(self, action: Action) -> None:
        app = cast("MailrosterApp", self.app)
        await app.run_action(action.name, app if action.scope == APP else self.screen)


class Palette(CommandPalette):
    """The palette without a blinking cursor."""

    def on_mount(self) -> None:
        """Stop the cursor."""
        self.query_one(Input).cursor_blink = False
