"""The planner: one store state and one directory answer in, a plan out. Nothing else is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from store.interface import Snapshot
from store.models import INTEGRATED, FilterRule, UserRow
from store.names import RESERVED_NAME, match_key
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.planning import changes
from sync.planning.clashes import clashes_as_conflicts, last_administrators_as_conflicts
from sync.planning.deletions import Managed, find_deletions, managed_by
from sync.planning.filters import as_listed, scope_of, skipped_by
from sync.planning.guard import guard_sentences, past_of
from sync.planning.plan import Answers, Change, Plan, in_order
from sync.planning.renames import rename_candidates, settle
from sync.planning.unchanged import apart_from_unchanged

NO_ANSWERS = Answers()


@dataclass(slots=True)
class _Draft:
    """The plan while it is made; the dictionaries go by match key."""

    creates: dict[str, DirectoryUser] = field(default_factory=dict)
    updates: dict[str, DirectoryUser] = field(default_factory=dict)
    links: dict[str, DirectoryUser] = field(default_factory=dict)
    deletes: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    present: dict[str, DirectoryUser] = field(default_factory=dict)
    scope: set[str] = field(default_factory=set)
    left_alone: set[str] = field(default_factory=set)

    def conflict(self, user_name: str, reason: str) -> None:
        self.changes.append(changes.conflict(user_name, reason))


def make_plan(
    snapshot: Snapshot,
    listing: Listing,
    keeps_archive: Callable[[str], bool],
    answers: Answers = NO_ANSWERS,
    now: datetime | None = None,
) -> Plan:
    """Return what a sync would change in `snapshot` to follow `listing`.

    The rules are those of the snapshot's settings. `keeps_archive` tells for a user name whether
    the archive folder holds something, so that it outlives its user. `now` is the time from which
    the delete guard looks back.
    """
    users, settings = snapshot.users, snapshot.settings
    is_managed = managed_by(settings.filters)
    is_settled = _settled(is_managed, settings.filters)
    rest, others = apart_from_unchanged(users, is_settled, listing)
    unchanged = len(users) - len(rest)
    managed = unchanged + sum(is_managed(key, row) for key, row in rest.items())
    draft = _Draft(warnings=list(others.warnings))
    _sort_records(snapshot, others, draft, answers)
    asked = answers.link - draft.present.keys()
    if unknown := [key for key in asked if key in rest or key not in users]:
        draft.warnings.append(
            f"The directory does not list {changes.quoted(sorted(unknown))}: nothing to link."
        )
    if listing.listed:
        draft.deletes, kept = find_deletions(
            snapshot, others, rest, is_managed, draft.present, draft.scope, draft.left_alone
        )
        _keep_who_may_be_skipped(users, draft)
        draft.warnings += kept if settings.auto_delete else ()
    renames = _settle_renames(users, draft, answers, keeps_archive)
    if not settings.auto_delete:
        draft.deletes.clear()
    draft.changes += clashes_as_conflicts(
        users,
        [
            *(changes.creation(settings, record) for record in draft.creates.values()),
            *(changes.update(users[key], record) for key, record in draft.updates.items()),
            *last_administrators_as_conflicts(
                users, [changes.link(users[key], record) for key, record in draft.links.items()]
            ),
            *renames,
            *(
                changes.deletion(users[key], reason, keeps_archive)
                for key, reason in draft.deletes.items()
            ),
        ],
    )
    return Plan(
        store_id=snapshot.store_id,
        generation=snapshot.generation,
        settings=settings,
        changes=in_order(draft.changes),
        warnings=tuple(draft.warnings),
        listed=listing.listed,
        in_scope=unchanged + len(draft.scope),
        managed=managed,
        guard=tuple(
            guard_sentences(
                settings,
                listed=listing.listed,
                managed=managed,
                deletes=len(draft.deletes),
                past=past_of(snapshot.history, now),
            )
        ),
    )


def _settled(is_managed: Managed, rules: Sequence[FilterRule]) -> Managed:
    """Return the test for users of whom nothing is to be done when they are listed as they are."""
    if not rules:
        return is_managed
    in_scope = scope_of(rules)
    return lambda key, row: is_managed(key, row) and in_scope(as_listed(row))


def _sort_records(snapshot: Snapshot, listing: Listing, draft: _Draft, answers: Answers) -> None:
    """Draft creates, updates, links and conflicts; note who is present, in scope or skipped."""
    users, rules = snapshot.users, snapshot.settings.filters
    is_skipped, in_scope, unfiltered = skipped_by(rules), scope_of(rules), not rules
    for bad in listing.invalid:
        if not (bad.user_name and is_skipped and is_skipped(_as_record(bad))):
            draft.conflict(
                bad.user_name or changes.NAMELESS,
                f"{bad.problem}; correct the record in the directory",
            )
    keys = [match_key(record.user_name) for record in listing.users]
    draft.present.update(zip(keys, listing.users, strict=True))
    repeated = _spellings(listing.users, keys)
    for key, record in zip(keys, listing.users, strict=True):
        row = users.get(key)
        if is_skipped and (is_skipped(record) or (row and is_skipped(as_listed(row)))):
            draft.left_alone.add(key)
            continue
        if not (unfiltered or in_scope(record)):
            continue
        draft.scope.add(key)
        if key in repeated:
            draft.conflict(
                record.user_name,
                f"the directory lists this name {len(repeated[key])} times "
                f"({changes.quoted(repeated[key])}); give each user a name of its own there",
            )
        elif key == RESERVED_NAME:
            draft.conflict(
                record.user_name,
                f"“{RESERVED_NAME}” is reserved: a sync never creates, changes or deletes it; "
                "rename it in the directory or exclude it by a filter",
            )
        elif row is None:
            draft.creates[key] = record
        elif row["authentication"] == INTEGRATED and key in answers.link:
            draft.links[key] = record
        elif row["authentication"] == INTEGRATED:
            draft.changes.append(changes.local_namesake(row, record))
        elif changes.differing(row, record):
            draft.updates[key] = record


def _as_record(bad: InvalidRecord) -> DirectoryUser:
    return DirectoryUser(
        bad.user_name or "", bad.distinguished_name, None, list(bad.email_addresses)
    )


def _spellings(records: list[DirectoryUser], keys: list[str]) -> dict[str, list[str]]:
    """Map each key that more than one record has to their spellings."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, record in zip(keys, records, strict=True):
        found[key].append(record.user_name)
    return {key: spellings for key, spellings in found.items() if len(spellings) > 1}


def _keep_who_may_be_skipped(users: Mapping[str, UserRow], draft: _Draft) -> None:
    """Delete nobody who may be under a new name that a skip rule leaves alone."""
    unknown = {key: draft.present[key] for key in draft.left_alone if key not in users}
    for new, olds in rename_candidates(users, unknown, {}, draft.deletes).items():
        for old in olds:
            if draft.deletes.pop(old, None):
                draft.warnings.append(
                    f"{changes.quoted([users[old]['user_name']])} is not deleted: may be "
                    f"{changes.quoted([unknown[new].user_name])}, whom a skip rule leaves alone."
                )


def _settle_renames(
    users: Mapping[str, UserRow],
    draft: _Draft,
    answers: Answers,
    keeps_archive: Callable[[str], bool],
) -> list[Change]:
    """Take renames and open questions out of the draft and return the renames."""
    candidates = rename_candidates(users, draft.creates, draft.updates, draft.deletes)
    if unknown := (answers.rename.keys() | answers.separate) - candidates.keys():
        draft.warnings.append(f"No rename is in question for {changes.quoted(sorted(unknown))}.")
    moves = settle(candidates, answers)
    draft.warnings += [
        f"{changes.quoted([new])} may be {changes.quoted(moves.open[new])}: the answer “rename” "
        "has to say whom of them."
        for new in moves.open
        if new in answers.rename
    ]
    records = {}
    for new in (*moves.open, *moves.renames.values()):
        known = new in draft.updates
        records[new] = draft.updates.pop(new) if known else draft.creates.pop(new)
        if new in moves.open:
            rows = [users[old] for old in moves.open[new]]
            draft.changes.append(changes.question(records[new], rows, known))
    for old in moves.held:
        draft.deletes.pop(old, None)
        draft.updates.pop(old, None)
    renames = []
    for old, new in moves.renames.items():
        record = records[new]
        draft.deletes.pop(old, None)
        if old in draft.updates:
            draft.creates[old] = draft.updates.pop(old)  # the name went to somebody new
        if new not in users and keeps_archive(record.user_name):
            draft.conflict(
                record.user_name,
                f"{changes.quoted([users[old]['user_name']])} cannot be renamed to this: the "
                "archive folder of the new name holds mail already; move that folder away first",
            )
        else:
            renames.append(changes.rename(users[old], record))
    return renames
