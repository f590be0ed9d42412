"""Reaching the directory service that the settings name, whatever its type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

from store.errors import Problem
from store.files.secrets import directory_password
from store.models import Settings
from store.text import printable, quantity
from sync.directory.listing import Listing, Progress
from sync.directory.types import TYPES, type_of
from sync.directory.types.directory_type import Directory, DirectoryType
from sync.errors import NotConfigured, WrongShape
from sync.workspace import Workspace


async def connect(
    workspace: Workspace, settings: Settings, password: str | None = None
) -> Directory:
    """Return the client for the directory service that the settings name; nothing is sent yet.

    `password` is the service's own, in clear; None takes the one of the settings. Raises
    `NotConfigured` or, for the password, `StoreError`.
    """
    kind = check_configured(settings)
    if password is None and _has_secret(kind):
        password = await asyncio.to_thread(directory_password, settings, workspace.secrets)
    return kind.open(settings, password or "")


async def fetch(
    workspace: Workspace,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
    password: str | None = None,
) -> Listing:
    """Ask the directory for its users under `settings`, which need not be saved.

    `password` is the service's own, in clear; None takes the one of the settings. How far the
    answer is goes to `progress`, by default to the workspace's. Cancel the task to give up. Raises
    `NotConfigured`, `DirectoryError` (also where none of the records can be used) or, for that
    password, `StoreError`.
    """
    directory = await connect(workspace, settings, password)
    what = "Users received"
    listing = await directory.list_users(
        progress or (lambda so_far: workspace.on_progress(what, so_far.users, None))
    )
    workspace.on_progress(what, listing.listed, listing.listed)
    if listing.listed and not listing.has_users:
        where = printable(check_configured(settings).where(settings), 200)
        raise WrongShape(
            f"{where} lists {quantity(listing.listed, 'record')} without a single usable user "
            "name, so this is not a list of users.",
            "Check the URL, and the fields in that server's answer; `mailroster directory-check` "
            "names them.",
        )
    return listing


@lru_cache(maxsize=1)
def rehearse(settings: Settings) -> None:
    """Do once what a process's first question costs it, but ask nothing.

    What is wrong with the settings is left to be told to those who ask. The service's own
    password is not fetched: its command may be slow.
    """
    with suppress(Problem):
        kind = check_configured(settings)
        if settings.password and _has_secret(kind):
            import cryptography.fernet  # noqa: F401 - decrypts it
        kind.get_ready(settings)


def check_configured(settings: Settings) -> DirectoryType:
    """Return the type of the directory to ask; raises `NotConfigured` if there is none."""
    kind = type_of(settings)
    for field in kind.fields if kind else ():
        if not field.is_sound(settings):
            raise NotConfigured(
                f"The setting {field.key} has a wrong value in the store.",
                f"Set it again with `mailroster settings set {field.key}=...`.",
            )
    if kind and kind.where(settings):
        return kind
    labels = [kind.label] if kind else [each.label for each in TYPES.values()]
    names = [kind.name] if kind else [*TYPES]
    raise NotConfigured(
        "No directory service is set up.",
        f"Choose {' or '.join(labels)} on the Connection screen and enter where it is, or run "
        f"`mailroster settings set directory_service={'|'.join(names)} url=...`.",
    )


def _has_secret(kind: DirectoryType) -> bool:
    return any(field.kind == "secret" for field in kind.fields)
