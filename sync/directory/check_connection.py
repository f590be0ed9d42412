"""Trying settings out before they are saved."""

from __future__ import annotations

import asyncio

from store.models import Settings
from store.secrets import directory_password
from sync.directory.listing import Listing
from sync.runs.run import check_configured
from sync.workspace import Workspace


async def check_connection(
    workspace: Workspace, settings: Settings, password: str | None
) -> Listing:
    """Ask the directory for its users under `settings`, which need not be saved.

    `password` is the directory's password in clear; None takes the one of `settings`. Raises
    `NotConfigured`, `DirectoryError` or, for the service's password, `StoreError`.
    """
    from sync.directory.client import DirectoryClient

    check_configured(settings)
    if password is None:
        password = await asyncio.to_thread(directory_password, settings, workspace.secrets)
    return await DirectoryClient(settings, password).list_users()
