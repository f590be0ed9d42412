"""Changing settings, with the directory's password encrypted on its way in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from store.errors import InvalidSetting, InvalidValue
from store.interface import Snapshot
from store.locations import NO_ARCHIVE, archive_root
from store.models import SECRET_SETTINGS, Settings
from store.text import printable
from sync.directory.types import added_settings, check_fields
from sync.planning.filters import skip_rule
from sync.planning.plan import plan_by_hand
from sync.runs.commit import Draft, commit
from sync.status.receivers import check_webhook
from sync.workspace import Workspace


def draft(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return `settings` with `changes` (key to value; texts are converted), nothing written.

    Raises `InvalidValue`.
    """
    from store.validation import valid_settings

    if pem := changes.get("pinned_certificate"):
        changes = {**changes, "pinned_certificate": _pin(pem)}
    drafted = valid_settings(settings, changes, added_settings())
    check_fields(drafted)
    return drafted


def configure(
    workspace: Workspace,
    changes: dict[str, Any],
    *,
    password: str | None = None,
    secrets: Mapping[str, str] | None = None,
    based_on: Settings | None = None,
) -> Settings:
    """Write `changes` to the settings and return the new ones.

    `password` is the directory's password in clear, "" to forget it, None to leave it; `secrets`
    are other settings that are kept as tokens, in clear. With `based_on`, the write is refused
    (`StoreConflict`) if the settings are others by now.
    Raises `InvalidValue` and the store's errors; then nothing was written.
    """
    in_clear = {**(secrets or {}), **({} if password is None else {"password": password})}
    if webhook := in_clear.get("notify_webhook"):
        check_webhook(webhook)
    if kept := SECRET_SETTINGS & changes.keys():
        raise InvalidSetting(min(kept), "is kept as a secret.", "Enter it by itself.")
    tokens = {key: value and workspace.secrets.encrypt(value) for key, value in in_clear.items()}

    def change(now: Snapshot) -> Draft | None:
        then = based_on or now.settings
        drafted = draft(then, {**changes, **tokens})
        if drafted.archive_root != then.archive_root:
            _check_archive_root(workspace, drafted)
        plan = plan_by_hand(now, "settings", (), drafted)
        plan = replace(plan, settings=then)
        return Draft(plan, ()) if plan.settings_changes else None

    return commit(workspace, change).after.settings


def _check_archive_root(workspace: Workspace, settings: Settings) -> None:
    """Raise `InvalidSetting` for a root that is not there: a slip, or a disk to be mounted."""
    root = archive_root(settings.archive_root, workspace.host_path)
    if settings.archive_root in ("", NO_ARCHIVE) or root is None:
        return
    if not root.is_dir():
        raise InvalidSetting(
            "archive_root",
            f"cannot be set: the folder {printable(root)} does not exist.",
            "Make the folder, or mount the archive, and set it then.",
        )


def _pin(pem: str) -> str:
    """Return the one certificate that gets pinned, without what stands beside it."""
    from sync.directory.certificate import first_certificate

    first = first_certificate(pem)
    if not first:
        raise InvalidValue(
            "The certificate to pin is not a PEM certificate.",
            "Give the server's certificate as text that begins with -----BEGIN CERTIFICATE-----.",
        )
    return first


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
