"""Changing settings, with the directory's password encrypted on its way in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from store.interface import Batch
from store.models import Settings
from sync.planning.filters import skip_rule
from sync.workspace import Workspace


def draft(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return `settings` with `changes` (key to value; texts are converted), nothing written.

    Raises `InvalidValue`.
    """
    from store.validation import valid_settings

    return valid_settings(settings, changes)


def configure(
    workspace: Workspace,
    changes: dict[str, Any],
    *,
    password: str | None = None,
    based_on: Settings | None = None,
) -> Settings:
    """Write `changes` to the settings and return the new ones.

    `password` is the directory's password in clear, "" to forget it, None to leave it. With
    `based_on`, the write is refused (`StoreConflict`) if the settings are others by now.
    Raises `InvalidValue` and the store's errors; then nothing was written.
    """
    current = workspace.snapshot().settings
    settings = draft(based_on or current, {**changes, **_token(workspace, password)})
    batch = Batch(settings=settings, based_on_settings=based_on or current)
    return workspace.store.apply(batch).settings


def leave_alone(workspace: Workspace, user_names: Collection[str], reason: str) -> Settings:
    """Add a rule for each name that lets syncs leave that user alone; return the settings.

    The user is then neither created nor changed nor deleted by a sync. Raises `InvalidValue` and
    the store's errors.
    """
    current = workspace.snapshot().settings
    added = [skip_rule(name, reason) for name in user_names]
    new = [rule for rule in added if rule.pattern not in _skipped_names(current)]
    rules = [rule.to_stored() for rule in (*current.filters, *new)]
    return configure(workspace, {"filters": rules}, based_on=current)


def _skipped_names(settings: Settings) -> set[str]:
    rules = settings.filters
    return {rule.pattern for rule in rules if (rule.action, rule.field) == ("skip", "user_name")}


def _token(workspace: Workspace, password: str | None) -> dict[str, str]:
    if password is None:
        return {}
    return {"password": workspace.secrets.encrypt(password) if password else ""}
