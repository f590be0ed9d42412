"""Applying a plan: archive folders, then one durable write, then what became empty."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from store.errors import StoreConflict
from store.interface import Batch
from store.text import printable
from sync.errors import GuardBlocked, StalePlan
from sync.plan import Change, Plan
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Result:
    """What a sync did. `skipped` were left out by choice; conflicts and questions are in neither."""

    applied: tuple[Change, ...]
    skipped: tuple[Change, ...]
    generation: int


def apply_plan(
    workspace: Workspace,
    plan: Plan,
    *,
    skip: Collection[str] = (),
    allow_deletes: int | None = None,
    hold_deletes: bool = False,
) -> Result:
    """Write the plan's changes, all in one write, and return what was done.

    `skip` names users whose change is left out; `hold_deletes` leaves out every deletion.
    `allow_deletes` is the exact number of deletions that the administrator confirmed; it is what
    opens the delete guard. Raises `GuardBlocked`, `StalePlan` and the store's errors; then no
    user was changed.
    """
    wanted: list[Change] = []
    skipped: list[Change] = []
    for change in plan.changes:
        if change.edit is not None:
            left_out = change.user_name in skip or (hold_deletes and change.action == "delete")
            (skipped if left_out else wanted).append(change)
    deletes = sum(change.action == "delete" for change in wanted)
    check_guard(plan, deletes, allow_deletes)
    archives = workspace.archives(plan.settings)
    for change in wanted:
        if change.action == "create":
            archives.create(change.user_name)
    edits = [change.edit for change in wanted if change.edit is not None]
    if not edits:
        return Result((), tuple(skipped), plan.generation)
    if workspace.snapshot().store_id != plan.store_id:
        raise StalePlan([f"the plan belongs to another store than {printable(workspace.path)}"])
    try:
        after = workspace.store.apply(Batch(edits, based_on_settings=plan.settings))
    except StoreConflict as conflict:
        raise StalePlan(conflict.differences) from None
    done = []
    for change in wanted:
        if change.action == "delete":
            gone = archives.remove_if_empty(change.user_name)
            change = replace(change, archive="removed" if gone else "kept")
        done.append(change)
    return Result(tuple(done), tuple(skipped), after.generation)


def check_guard(plan: Plan, deletes: int, allow_deletes: int | None) -> None:
    """Raise `GuardBlocked` if these many deletions need a confirmation that was not given.

    A plan from an empty answer is refused whatever was confirmed: it would delete nobody anyway.
    """
    if plan.guard and not plan.listed:
        raise GuardBlocked(" ".join(plan.guard) + " Nothing was written.")
    if allow_deletes is not None and allow_deletes != deletes:
        raise GuardBlocked(
            f"{allow_deletes} deletions were confirmed, but the plan has {deletes}. Nothing was "
            "written. Look at the plan again and confirm the exact number."
        )
    if plan.guard and deletes and allow_deletes is None:
        raise GuardBlocked(
            "The delete guard stopped this sync: " + " ".join(plan.guard) + " Nothing was written. "
            f"If these {deletes} deletions are right, confirm the exact number "
            f"(--allow-deletes {deletes}); to apply everything else, hold them back "
            "(--hold-deletes)."
        )
