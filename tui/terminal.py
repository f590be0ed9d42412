"""Runs the screens in the terminal, and restores it however they end."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from textual import constants
from textual.drivers import linux_driver

from sync.workspace import Workspace
from tui.app import MailrosterApp
from tui.preferences import load_preferences, preferences_path

if TYPE_CHECKING:
    from sync.demo import Demo

_ESCAPE_SECONDS = 0.04  # how long a lone Esc may be the start of another key


class _SoonAfterInput(selectors.SelectSelector):
    """Waits for input, after some only as long as a lone Esc may be the start of another key.

    Textual looks each 0.1 s whether an Esc stood alone, which one would notice.
    """

    _had_input = False

    def select(self, timeout: float | None = None) -> Any:
        """Return what can be read, or nothing after the time."""
        found = super().select(constants.ESCAPE_DELAY if self._had_input else timeout)
        self._had_input = bool(found)
        return found


def run_app(
    workspace: Workspace,
    *,
    administrator: str | None = None,
    demo: Demo | None = None,
    readonly: bool = False,
    low_bandwidth: bool = False,
) -> int:
    """Run the screens and return the exit code; a signal ends them with the terminal restored."""
    app = MailrosterApp(
        workspace,
        administrator=administrator,
        demo=demo,
        readonly=readonly,
        plain_colours=low_bandwidth,
        preferences=load_preferences(preferences_path()),
    )

    if "ESCDELAY" not in os.environ:
        constants.ESCAPE_DELAY = _ESCAPE_SECONDS  # type: ignore[misc]
    linux_driver.selectors = SimpleNamespace(  # type: ignore[attr-defined,assignment]
        SelectSelector=_SoonAfterInput, EVENT_READ=selectors.EVENT_READ
    )

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, app.exit, None, 128 + number)
        await app.run_async(mouse=not low_bandwidth)

    asyncio.run(run())
    return app.return_code or 0
