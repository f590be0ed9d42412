"""Applying a plan: archive folders, then one durable write, then what became empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from store.addresses import address_key
from store.errors import StoreConflict
from store.interface import Batch
from store.text import printable
from sync.errors import GuardBlocked, StalePlan
from sync.plan import Change, Plan
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Result:
    """What a sync did. `skipped` were left out by choice; conflicts and questions are in none."""

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
    wanted, skipped = divide(plan, skip, hold_deletes=hold_deletes)
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


def divide(
    plan: Plan, skip: Collection[str], *, hold_deletes: bool = False
) -> tuple[list[Change], list[Change]]:
    """Divide the plan's writable changes into those that would be applied and those left out.

    Skipping a change keeps its user's addresses, so whoever was to get one of them is skipped too.
    """
    writable = [change for change in plan.changes if change.edit is not None]
    skipped = [
        change
        for change in writable
        if change.user_name in skip or (hold_deletes and change.action == "delete")
    ]
    left_out = {change.user_name for change in skipped}
    wanted = [change for change in writable if change.user_name not in left_out]
    kept = _addresses(skipped, "old")
    while kept and (blocked := [change for change in wanted if _gains(change) & kept]):
        skipped += blocked
        wanted = [change for change in wanted if not _gains(change) & kept]
        kept = _addresses(blocked, "old")
    return wanted, skipped


def _gains(change: Change) -> set[str]:
    return _addresses([change], "new") - _addresses([change], "old")


def _addresses(changes: Iterable[Change], side: Literal["old", "new"]) -> set[str]:
    return {
        address_key(address)
        for change in changes
        if "email_addresses" in change.fields
        for address in getattr(change.fields["email_addresses"], side) or ()
    }


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
