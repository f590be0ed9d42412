"""Asking again: what an unattended sync does while the directory cannot be reached."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from store.models import Settings
from sync.directory.connect import fetch
from sync.directory.listing import Listing
from sync.errors import ConnectionFailed, HostNotFound, ServerFailed, TimedOut
from sync.workspace import Workspace

FIRST_PAUSE = 1.0  # seconds; each pause is twice the one before
LONGEST_PAUSE = 15.0
_WORTH_IT = (ConnectionFailed, HostNotFound, ServerFailed, TimedOut)


async def fetch_patiently(
    workspace: Workspace,
    settings: Settings,
    tell: Callable[[str], None],
    pause: float = FIRST_PAUSE,
    longest: float = LONGEST_PAUSE,
) -> Listing:
    """Ask the directory for its users, again and again within `list_timeout` seconds in all.

    Only an unreachable or overloaded server (429, 5xx) is asked again, never one that refuses.
    `tell` gets a sentence before each pause; the first one is `pause` seconds, none more than
    `longest`. Raises like `fetch`, with the last failure.
    """
    deadline = time.monotonic() + settings.list_timeout
    while True:
        left = max(1, int(deadline - time.monotonic()))
        try:
            return await fetch(workspace, replace(settings, list_timeout=left))
        except _WORTH_IT as failure:
            if time.monotonic() + pause + 1 > deadline:
                raise
            tell(f"{failure.what} Asking again in {pause:g} s.")
        await asyncio.sleep(pause)
        pause = min(2 * pause, longest)
