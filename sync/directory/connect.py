"""The one place that knows which client speaks to which type of directory service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from store.models import Settings
from store.secrets import directory_password
from sync.directory.listing import Listing, Progress
from sync.errors import NotConfigured
from sync.workspace import Workspace


class Directory(Protocol):
    """What the client of any type of directory service does; it only ever reads.

    Both methods raise a `DirectoryError` for everything that is not an answer.
    """

    async def list_users(self, progress: Callable[[Progress], None] | None = None) -> Listing:
        """Return all that the directory lists; `progress` is called as the answer arrives."""

    async def check_password(self, user_name: str, password: str) -> bool:
        """Return whether the directory accepts the password."""


async def connect(
    workspace: Workspace, settings: Settings, password: str | None = None
) -> Directory:
    """Return the client for the directory service that the settings name; nothing is sent yet.

    `password` is the service's own, in clear; None takes the one of the settings. Raises
    `NotConfigured` or, for the password, `StoreError`.
    """
    check_configured(settings)
    from sync.directory.client import DirectoryClient  # slow: httpx

    if password is None:
        password = await asyncio.to_thread(directory_password, settings, workspace.secrets)
    return DirectoryClient(settings, password)


async def fetch(
    workspace: Workspace,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
    password: str | None = None,
) -> Listing:
    """Ask the directory for its users under `settings`, which need not be saved.

    `password` is the service's own, in clear; None takes the one of the settings. Cancel the task
    to give up. Raises `NotConfigured`, `DirectoryError` or, for that password, `StoreError`.
    """
    directory = await connect(workspace, settings, password)
    return await directory.list_users(progress)


def check_configured(settings: Settings) -> None:
    """Raise `NotConfigured` if there is no directory to ask."""
    if settings.directory_service == "none" or not settings.url:
        raise NotConfigured(
            "No directory service is set up. Nothing was changed. Choose Application Integration "
            "and enter its URL on the Connection screen, or run `mailroster settings set "
            "directory_service=application_integration url=https://...`."
        )
