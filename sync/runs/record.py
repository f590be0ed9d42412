"""What a run leaves in the history, and what of it may be shown."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from store.history import Run, RunChange, RunSummary
from store.interface import Edit, Snapshot
from store.models import UserRow
from store.ownership import user_name
from sync.planning.plan import ACTIONS, Change, FieldChange, FieldValue, Plan

_OF_THE_STORE = ("rev", "changed", "created")  # set by the store with every write
_HASH = "password_hash"
QUESTION = "question"  # a rename that was not answered
COUNTED = (*ACTIONS, QUESTION)


def operating_system_user() -> str:
    """Return the name of the operating system's user who runs this process."""
    return user_name(os.geteuid())


def run_of(
    plan: Plan,
    wanted: Sequence[Change],
    before: Snapshot,
    *,
    who: str,
    held: int = 0,
    confirmed: bool = False,
) -> Run:
    """Return the record of applying the `wanted` changes of `plan` to `before`.

    `held` is how many deletions were held back, `confirmed` whether the guard was opened.
    Conflicts and open questions of the plan are recorded too.
    """
    reported = [change for change in plan.changes if change.edit is None]
    listed = [*wanted, *reported]
    counts = Counter(QUESTION if change.asks == "rename" else change.action for change in listed)
    summary = RunSummary(
        id=plan.id,
        kind=plan.kind,
        who=who,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        counts={kind: counts[kind] for kind in COUNTED},
        listed=plan.listed,
        held=held,
        confirmed=confirmed,
        undoes=plan.undoes,
    )
    return Run(
        summary=summary,
        changes=[_record(change, before.users) for change in listed],
        filters=plan.settings.filters,
        guard=plan.guard,
        warnings=plan.warnings,
    )


def _record(change: Change, users: Mapping[str, UserRow]) -> RunChange:
    old, new = _values(change.edit, users) if change.edit else (None, None)
    return RunChange(
        action=change.action,
        user_name=change.user_name,
        reason=change.reason,
        archive=change.archive,
        old=old,
        new=new,
    )


def _values(
    edit: Edit, users: Mapping[str, UserRow]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the user before and after: whole, or the differing fields of one who stays."""
    old: dict[str, Any] | None = dict(users[edit.key]) if edit.rev else None
    new: dict[str, Any] | None = dict(edit.user.to_row()) if edit.user else None
    if old is None or new is None:
        return old, new
    names = [
        name
        for name, value in new.items()
        if name not in _OF_THE_STORE and old.get(name) != value and (value or old.get(name))
    ]
    return {name: old.get(name) for name in names}, {name: new[name] for name in names}


def shown_changes(changes: Iterable[RunChange]) -> list[dict[str, Any]]:
    """Return recorded changes without password hashes, which are kept but never shown."""
    return [
        {**change, "old": _without_hash(change["old"]), "new": _without_hash(change["new"])}
        for change in changes
    ]


def recorded_change(change: RunChange) -> Change:
    """Return a recorded change as a line of a plan, without what only the store needs."""
    (shown,) = shown_changes([change])
    old, new = shown["old"] or {}, shown["new"] or {}
    hidden = _OF_THE_STORE if old and new else (*_OF_THE_STORE, "user_name")
    values = {name: FieldChange(_text(old.get(name)), _text(new.get(name))) for name in old | new}
    return Change(
        action=change["action"],  # type: ignore[arg-type]
        user_name=change["user_name"],
        reason=change["reason"],
        fields={
            name: both
            for name, both in values.items()
            if both.old != both.new and name not in hidden
        },
        archive=change["archive"],  # type: ignore[arg-type]
        done=bool(old or new),
    )


def _text(value: Any) -> FieldValue:
    """Return a stored value as a plan's field shows it; nothing and no are both None."""
    if isinstance(value, dict):
        return [f"{folder}: {'+'.join(rights)}" for folder, rights in value.items()] or None
    if isinstance(value, list):
        return value or None
    return ("yes" if value is True else str(value)) if value else None


def _without_hash(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None or _HASH not in values:
        return values
    shown = {name: value for name, value in values.items() if name != _HASH}
    return {**shown, "has_password": values[_HASH] is not None}
