"""Applying a plan: archive folders, then one durable write, then what became empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from store.addresses import address_key
from store.archive_moves import ArchiveMoves
from store.archives import Archives
from store.differences import differences
from store.errors import StoreConflict, StoreUnwritable
from store.history import History
from store.interface import Batch, Snapshot
from store.text import printable
from sync.errors import AlreadyApplied, GuardBlocked, StalePlan
from sync.planning.clashes import clashes
from sync.planning.guard import guard_sentences, past_of
from sync.planning.plan import Change, Fate, Plan
from sync.runs.change_lock import change_lock
from sync.runs.moved_rights import with_moved_rights
from sync.runs.record import operating_system_user, run_of
from sync.runs.run_lock import run_lock
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did. `skipped` were left out by choice; conflicts and questions are in none.

    `run` is the run's id in the history, None where nothing was written.
    """

    applied: tuple[Change, ...]
    skipped: tuple[Change, ...]
    generation: int
    run: str | None = None


def apply_plan(
    workspace: Workspace,
    plan: Plan,
    *,
    skip: Collection[str] = (),
    allow_deletes: int | None = None,
    hold_deletes: bool = False,
    who: str | None = None,
) -> Result:
    """Write the plan's changes and its record, all in one write, and return what was done.

    `skip` names users whose change is left out; `hold_deletes` leaves out every deletion.
    `allow_deletes` is the exact number of deletions that the administrator confirmed; it is what
    opens the delete guard. `who` is the administrator, by default the operating system's user.
    Raises `GuardBlocked`, `StalePlan`, `AlreadyApplied`, `InvalidValue` and the store's errors;
    then no user was changed.
    """
    wanted, skipped = divide(plan, skip, hold_deletes=hold_deletes)
    deletes = sum(change.action == "delete" for change in wanted)
    archives = workspace.archives(plan.settings)
    moves = ArchiveMoves(archives)
    with run_lock(workspace), change_lock(workspace):
        before = workspace.snapshot()
        moves.finish(lambda run: before.history.find(run) is not None)
        confirmed = check_guard(plan, deletes, allow_deletes, before.history)
        if not wanted:
            return Result((), tuple(skipped), plan.generation)
        check_fresh(workspace, plan, wanted, before)
        edits = with_moved_rights(before.users, [item.edit for item in wanted if item.edit])
        run = run_of(
            plan,
            wanted,
            before,
            who=who or operating_system_user(),
            held=sum(change.action == "delete" for change in skipped),
            confirmed=confirmed,
        )
        moves.begin(plan.id, _renamed(wanted))
        made: list[str] = []
        try:
            for change in wanted:
                if change.action == "create" and archives.create(change.user_name):
                    made.append(change.user_name)
            batch = Batch(edits, based_on_settings=plan.settings, run=run)
            after = workspace.store.apply(batch)
            done = [_cleaned_up(change, archives) for change in wanted]
        except StoreConflict as conflict:
            raise StalePlan(conflict.differences) from None
        finally:
            known = workspace.store.snapshot().history
            if known.find(plan.id) is None:
                for name in made:
                    with suppress(StoreUnwritable):
                        archives.remove_if_empty(name)
            moves.finish(lambda run: known.find(run) is not None)
    return Result(tuple(done), tuple(skipped), after.generation, plan.id)


def check_fresh(
    workspace: Workspace, plan: Plan, wanted: Iterable[Change], current: Snapshot
) -> None:
    """Raise `AlreadyApplied`, or `StalePlan` with every difference between `current` and then."""
    if run := current.history.find(plan.id):
        raise AlreadyApplied(run.at, run.id)
    if current.store_id != plan.store_id:
        raise StalePlan([f"the plan belongs to another store than {printable(workspace.path)}"])
    edits = [change.edit for change in wanted if change.edit]
    changed = differences(current, Batch(edits, based_on_settings=plan.settings))
    if not changed and current.generation != plan.generation:
        changed = [
            f"“{printable(edits[place].key, 60)}”: {reason}"
            for place, reason in clashes(current.users, edits).items()
        ]
    if changed:
        raise StalePlan(changed)


def _renamed(wanted: Collection[Change]) -> list[tuple[str, str]]:
    """Return the old and the new names of the users whose archive folders move."""
    return [
        (change.edit.key, change.edit.user.user_name)
        for change in wanted
        if change.action == "rename" and change.edit and change.edit.user
    ]


def _cleaned_up(change: Change, archives: Archives) -> Change:
    """Remove the folder of a deleted user unless it holds something; tell so in the change.

    What cannot be looked into stays: by now the users are written, so this is no failure.
    """
    if change.action != "delete":
        return change
    try:
        gone = archives.remove_if_empty(change.user_name)
    except StoreUnwritable:
        gone = False
    found: Fate = "removed" if gone else "kept"
    return change if change.archive == found else replace(change, archive=found)


def without(plan: Plan, skip: Collection[str]) -> Plan:
    """Return the plan without the changes that `skip` leaves out, as one that can be saved."""
    left_out = {change.user_name for change in divide(plan, skip)[1]}
    kept = [item for item in plan.changes if item.edit is None or item.user_name not in left_out]
    return replace(plan, changes=tuple(kept))


def divide(
    plan: Plan, skip: Collection[str], *, hold_deletes: bool = False
) -> tuple[list[Change], list[Change]]:
    """Divide the plan's writable changes into those that would be applied and those left out.

    Skipping a change keeps its user's name and addresses, so whoever was to get one of them is
    skipped too.
    """
    writable = [change for change in plan.changes if change.edit is not None]
    skipped = [
        change
        for change in writable
        if change.user_name in skip or (hold_deletes and change.action == "delete")
    ]
    left_out = {change.user_name for change in skipped}
    wanted = [change for change in writable if change.user_name not in left_out]
    kept = _kept(skipped)
    while kept and (blocked := [change for change in wanted if _gains(change) & kept]):
        skipped += blocked
        wanted = [change for change in wanted if not _gains(change) & kept]
        kept = _kept(blocked)
    return wanted, skipped


Trait = str | tuple[str]  # an address, or the key of a name


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
    plan: Plan, deletes: int, allow_deletes: int | None, history: History | None = None
) -> bool:
    """Raise `GuardBlocked` if these many deletions need a confirmation that was not given.

    Return whether it was needed, and given.
    A plan from an empty answer is refused whatever was confirmed: it would delete nobody anyway.
    With the current `history`, deletions of other runs since the plan was made count too.
    """
    if plan.guard and not plan.listed:
        raise GuardBlocked(" ".join(plan.guard) + " Nothing was written.")
    if allow_deletes is not None and allow_deletes != deletes:
        raise GuardBlocked(
            f"{allow_deletes} deletions were confirmed, but the plan has {deletes}. Nothing was "
            "written. Look at the plan again and confirm the exact number."
        )
    sentences, since = plan.guard, ""
    if not sentences and history is not None:
        past = replace(past_of(history), listed=None)
        sentences = tuple(
            guard_sentences(
                plan.settings,
                listed=plan.listed,
                managed=plan.managed,
                deletes=deletes,
                past=past,
            )
        )
        since = (
            "Other runs have deleted users since this preview was made. Make a new preview; it "
            "shows what would change now, and asks for the number. "
        )
    if sentences and deletes and allow_deletes is None:
        raise GuardBlocked(
            f"The delete guard stopped this {plan.kind}: {' '.join(sentences)} "
            f"Nothing was written. {since}If these {deletes} deletions are right, confirm the "
            f"exact number (--allow-deletes {deletes}); to apply everything else, hold them back "
            "(--hold-deletes)."
        )
    return bool(sentences and deletes)
