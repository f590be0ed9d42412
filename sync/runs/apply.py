"""Applying a plan: what of it is wanted, whether the guard lets it pass, whether it is fresh."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from store.addresses import address_key
from store.differences import differences
from store.errors import StoreConflict
from store.interface import Batch, Snapshot
from store.names import match_key
from store.text import printable, quantity
from sync.errors import AlreadyApplied, GuardBlocked, StalePlan
from sync.planning.clashes import Trait, clashes
from sync.planning.guard import Past, guard_blocks, past_of
from sync.planning.leavers import day_of, outdated_marks
from sync.planning.plan import Change, Plan
from sync.runs.commit import Draft, commit
from sync.runs.run_lock import run_lock
from sync.status.outcomes import sync_attempt
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did. `skipped` were left out by choice; conflicts and questions are in none.

    `run` is the run's id in the history, None where nothing was written. `settings` are the keys
    of those that it changed.
    """

    applied: tuple[Change, ...]
    skipped: tuple[Change, ...]
    generation: int
    run: str | None = None
    settings: tuple[str, ...] = ()


def apply_plan(
    workspace: Workspace,
    plan: Plan,
    *,
    skip: Collection[str] = (),
    allow_deletes: int | None = None,
    hold_deletes: bool = False,
) -> Result:
    """Write the plan's changes and its record, all in one write, and return what was done.

    `skip` names users whose change is left out; `hold_deletes` leaves out every deletion, and
    every other change that keeps somebody out.
    `allow_deletes` is the exact number of deletions that the administrator confirmed; it is what
    opens the delete guard. Raises `GuardBlocked`, `StalePlan`, `AlreadyApplied`, `InvalidValue`
    and the store's errors, as `commit` does; then no user was changed. Of a sync the outcome is
    kept, whatever it is.
    """
    choices = (skip, allow_deletes, hold_deletes)
    if plan.kind != "sync":
        return _applied(workspace, plan, *choices)
    with sync_attempt(workspace, plan) as attempt:
        result = _applied(workspace, plan, *choices)
        held = sum(change.locks_out for change in result.skipped)
        attempt.succeeded(result.run, result.applied, held)
    return result


def _applied(
    workspace: Workspace,
    plan: Plan,
    skip: Collection[str],
    allow_deletes: int | None,
    hold_deletes: bool,
) -> Result:
    wanted, skipped = divide(plan, skip, hold_deletes=hold_deletes)
    deletes = sum(change.is_counted for change in wanted)
    held = sum(change.locks_out for change in skipped)

    def draft(now: Snapshot) -> Draft | None:
        past = past_of(now.history, workspace.clock())
        confirmed = check_guard(plan, deletes, allow_deletes, past)
        if not (wanted or plan.settings_changes):
            return None
        check_fresh(workspace, plan, wanted, now)
        return Draft(plan, wanted, held, confirmed)

    with run_lock(workspace):
        try:
            done = commit(workspace, draft)
        except StoreConflict as conflict:
            raise StalePlan(conflict.differences) from None
    if done.run is None:
        return Result((), tuple(skipped), plan.generation)
    return Result(
        tuple(done.changes),
        tuple(skipped),
        done.after.generation,
        done.run,
        tuple(plan.settings_changes),
    )


def check_fresh(
    workspace: Workspace, plan: Plan, wanted: Sequence[Change], current: Snapshot
) -> None:
    """Raise `AlreadyApplied`, or `StalePlan` with every difference between `current` and then."""
    if workspace.store.has_run(plan.id):
        run = workspace.store.run(plan.id).summary
        raise AlreadyApplied(run.at, run.id)
    if current.store_id != plan.store_id:
        raise StalePlan([f"the plan belongs to another store than {workspace.store.where}"])
    if plan.generation < current.history.folded_generation:
        raise StalePlan(
            ["the plan is older than what the history still lists; it may have been applied"]
        )
    edits = [change.edit for change in wanted if change.edit]
    changed = differences(current, Batch(edits, based_on_settings=plan.settings))
    if not changed and plan.kind == "sync":
        changed = outdated_marks(wanted, plan.settings, day_of(workspace.clock()))
    if not changed and current.generation != plan.generation:
        changed = [
            f"“{printable(edits[place].key, 60)}”: {reason}"
            for place, reason in clashes(current.users, edits).items()
        ]
    if changed:
        raise StalePlan(changed)


def without(plan: Plan, skip: Collection[str]) -> Plan:
    """Return the plan without the changes that `skip` leaves out, as one that can be saved."""
    left_out = {change.user_name for change in divide(plan, skip)[1]}
    kept = [item for item in plan.changes if item.edit is None or item.user_name not in left_out]
    return replace(plan, changes=tuple(kept))


def divide(
    plan: Plan, skip: Collection[str], *, hold_deletes: bool = False
) -> tuple[list[Change], list[Change]]:
    """Divide the plan's writable changes into those that would be applied and those left out.

    Skipping a change keeps its user's name and addresses, so a change that needs one of them is
    skipped too. Changes that follow others go or stay with them.
    """
    following = [change for change in plan.changes if change.follows]
    writable = [change for change in plan.changes if change.edit and not change.follows]
    left_out = {
        change.user_name
        for change in writable
        if change.user_name in skip or (hold_deletes and change.locks_out)
    }
    skipped = [change for change in writable if change.user_name in left_out]
    wanted = [change for change in writable if change.user_name not in left_out]
    kept = _kept(skipped)
    while kept and (blocked := [change for change in wanted if _gains(change) & kept]):
        skipped += blocked
        wanted = [change for change in wanted if not _gains(change) & kept]
        kept = _kept(blocked)
    keys = {match_key(change.user_name) for change in wanted}
    for change in following:
        (skipped if keys.isdisjoint(change.follows) else wanted).append(change)
    return wanted, skipped


def _kept(changes: Iterable[Change]) -> set[Trait]:
    names = {(change.edit.key,) for change in changes if change.edit and change.edit.rev}
    return names | _addresses(changes, "old")


def _gains(change: Change) -> set[Trait]:
    gained: set[Trait] = _addresses([change], "new") - _addresses([change], "old")
    edit = change.edit
    if edit and edit.user and not (edit.rev and edit.user.key == edit.key):
        gained.add((edit.user.key,))
    return gained


def _addresses(changes: Iterable[Change], side: Literal["old", "new"]) -> set[Trait]:
    return {
        address_key(address)
        for change in changes
        if "email_addresses" in change.fields
        for address in getattr(change.fields["email_addresses"], side) or ()
    }


def check_guard(
    plan: Plan, deletes: int, allow_deletes: int | None, past: Past | None = None
) -> bool:
    """Raise `GuardBlocked` if these many deletions need a confirmation that was not given.

    Return whether it was needed, and given.
    A plan from an empty answer is refused whatever was confirmed: it would delete nobody anyway.
    With the `past` of now, deletions of other runs since the plan was made count too.
    """
    if plan.guard and not plan.listed:
        raise GuardBlocked(
            " ".join(plan.guard),
            "Find out why the directory lists nobody, and synchronize again when it does.",
        )
    if allow_deletes is not None and allow_deletes != deletes:
        raise GuardBlocked(
            f"{quantity(allow_deletes, 'deletion')} {'was' if allow_deletes == 1 else 'were'} "
            f"confirmed, but the plan has {deletes}.",
            "Look at the plan again and confirm the exact number.",
        )
    if not plan.guarded:
        return False
    sentences, since = plan.guard, ""
    if not sentences and past is not None:
        sentences = tuple(
            block.sentence
            for block in guard_blocks(
                plan.settings,
                listed=plan.listed,
                managed=plan.managed,
                deletes=deletes,
                past=replace(past, listed=None),
            )
        )
        since = (
            "Other runs have deleted users since this preview was made. Make a new preview; it "
            "shows what would change now, and asks for the number. "
        )
    if sentences and deletes and allow_deletes is None:
        confirm, hold = f"--allow-deletes {deletes}", "--hold-deletes"
        if plan.kind == "sync":
            confirm, hold = (f"`mailroster sync {option}`" for option in (confirm, hold))
        raise GuardBlocked(
            f"The delete guard stopped this {plan.kind}: {' '.join(sentences)}",
            f"{since}If you expect {quantity(deletes, 'deletion')}, confirm the exact number with "
            f"{confirm}. To apply everything else, hold deletions back with {hold}.",
        )
    return bool(sentences and deletes)
