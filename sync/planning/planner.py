"""The planner: one store state and one directory answer in, a plan out. Nothing else is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from store.addresses import address_key
from store.files.archives import same_folder
from store.interface import Snapshot
from store.models import DIRECTORY_SERVICES, INTEGRATED, FilterRule, Settings, UserRow
from store.names import RESERVED_NAME, match_key
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.planning import changes
from sync.planning.clashes import last_administrators_as_conflicts
from sync.planning.deletions import Managed, find_deletions, managed_by, who_stays
from sync.planning.doubt import judged
from sync.planning.draft import Draft, names_of
from sync.planning.filters import as_listed, doubt_of, fields_of_skips, scope_of, skipped_by
from sync.planning.folder_rights import with_ended_rights
from sync.planning.guard import guard_blocks, past_of
from sync.planning.identity import (
    decided_by_ids,
    directory_of,
    identify,
    new_identity,
    with_ids_to_take_over,
)
from sync.planning.kept import (
    keep_who_is_in_doubt,
    keep_who_is_listed,
    keep_who_may_be_skipped,
    read_in_part,
)
from sync.planning.leavers import counted_by, day_of, give_time, no_longer_leaving
from sync.planning.left_out import Line, settled
from sync.planning.plan import Answers, Plan, in_order
from sync.planning.renames import rename_candidates, settle
from sync.planning.returns import Formers, newcomers, nobody, successors, suspensions
from sync.planning.unchanged import apart_from_unchanged

NO_ANSWERS = Answers()


def make_plan(
    snapshot: Snapshot,
    listing: Listing,
    keeps_archive: Callable[[str], bool],
    answers: Answers = NO_ANSWERS,
    now: datetime | None = None,
    formers: Formers = nobody,
) -> Plan:
    """Return what a sync would change in `snapshot` to follow `listing`.

    The rules are those of the snapshot's settings. `keeps_archive` tells for a user name whether
    the archive folder holds something, so that it outlives its user. `now` is the time from which
    the delete guard looks back, and whose day new leavers are marked with. `formers` tells who had
    a new name before.
    """
    now = now or datetime.now(UTC)
    users, settings = snapshot.users, snapshot.settings
    directory = directory_of(settings)
    is_managed = managed_by(settings.filters)
    is_settled = _settled(is_managed, settings.filters)
    rest, others = apart_from_unchanged(users, is_settled, listing, directory)
    others, ids_line = with_ids_to_take_over(users, others, directory, confirmed=answers.take_ids)
    unchanged = len(users) - len(rest)
    counts = counted_by(is_managed)
    managed = unchanged + sum(counts(key, row) for key, row in rest.items())
    draft = Draft(warnings=list(others.warnings))
    if ids_line is not None:
        draft.changes.append(ids_line)
    _sort_records(snapshot, others, draft, answers)
    asked = answers.link - draft.present.keys()
    if unknown := [key for key in asked if key in rest or key not in users]:
        draft.warnings.append(
            f"The directory does not list {changes.quoted(sorted(unknown))}: nothing to link."
        )
    if listing.listed:
        draft.deletes, kept = find_deletions(
            snapshot,
            others,
            rest,
            is_managed,
            draft.present,
            draft.scope,
            draft.left_alone | draft.unclear,
        )
        keep_who_is_listed(draft)
        keep_who_may_be_skipped(users, draft)
        draft.warnings += kept if settings.auto_delete else ()
    others_updates = {key: draft.updates.pop(key) for key in _others(draft)}
    in_part = read_in_part(users, others, draft, answers)
    renames = _settle_renames(users, draft, answers, keeps_archive, directory)
    if not settings.auto_delete and draft.deletes:
        draft.warnings.append(who_stays(users, draft.deletes))
        draft.deletes.clear()
    keep_who_is_in_doubt(users, others, draft, in_part, directory)
    marks = list(give_time(users, draft, settings, day_of(now)))
    draft.conflicts_about_folders(users)
    outside = draft.others_outside
    others_updates.update(_others_who_stay(users, draft))
    decided = _decide_about_names(
        users,
        draft,
        others_updates,
        renames,
        formers,
        settings,
        answers,
        lambda key, row: key not in outside and is_managed(key, row),
        now,
    )
    creation = partial(changes.creation, settings)
    update = partial(changes.update, directory=directory)
    written, left_out = settled(
        users,
        [
            *(Line.of(creation, record) for record in draft.creates.values()),
            *(Line.of_row(update, users[key], it) for key, it in draft.updates.items()),
            *_links(users, draft.links, directory),
            *renames,
            *decided,
            *map(Line, marks),
            *(
                Line(changes.deletion(users[key], reason, keeps_archive))
                for key, reason in draft.deletes.items()
            ),
        ],
        _rivals(others, draft),
    )
    draft.changes += written
    draft.changes += list(suspensions(users, draft))
    draft.changes += list(no_longer_leaving(rest, draft.changes, settings))
    draft.warnings += left_out
    counted = [change.edit.key for change in draft.changes if change.edit and change.is_counted]
    managed += sum(not counts(key, users[key]) for key in counted)
    return Plan(
        store_id=snapshot.store_id,
        generation=snapshot.generation,
        settings=settings,
        changes=in_order(with_ended_rights(users, draft.changes)),
        warnings=tuple(draft.warnings),
        listed=listing.listed,
        in_scope=unchanged + len(draft.scope),
        answers=answers,
        managed=managed,
        blocks=tuple(
            guard_blocks(
                settings,
                listed=listing.listed,
                managed=managed,
                deletes=len(counted),
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


def _sort_records(snapshot: Snapshot, listing: Listing, draft: Draft, answers: Answers) -> None:
    """Draft creates, updates, links and conflicts; note who is present, in scope or skipped."""
    users, rules = snapshot.users, snapshot.settings.filters
    directory = directory_of(snapshot.settings)
    is_skipped, in_scope, unfiltered = skipped_by(rules), scope_of(rules), not rules
    in_doubt, skip_fields = doubt_of(rules), fields_of_skips(rules)
    for bad in listing.invalid:
        if not (bad.user_name and is_skipped and is_skipped(_as_record(bad))):
            draft.conflict(
                bad.user_name or changes.NAMELESS,
                f"{bad.problem}; correct the record in the directory",
            )
    keys = [match_key(record.user_name) for record in listing.users]
    draft.present.update(zip(keys, listing.users, strict=True))
    repeated = _repeated(listing.users, keys)
    draft.identities = identify(users, listing, keys, directory)
    draft.identities.others.difference_update(repeated)
    for key, record in zip(keys, listing.users, strict=True):
        row = users.get(key)
        known = judged(record, users.get(draft.identities.moves.get(key, key)))
        if is_skipped and (is_skipped(known) or (row and is_skipped(as_listed(row)))):
            draft.left_alone.add(key)
            continue
        is_in = unfiltered or in_scope(known)
        may_be_skipped = bool(skip_fields.intersection(record.unreadable))
        if record.unreadable and (
            in_doubt(known) or ((may_be_skipped or not is_in) and in_doubt(record))
        ):
            draft.unclear.add(key)
            draft.conflict(record.user_name, _unclear(record))
            continue
        if not is_in:
            continue
        draft.scope.add(key)
        if key in repeated:
            draft.conflict(record.user_name, repeated[key](record.user_name))
        elif key == RESERVED_NAME:
            draft.conflict(
                record.user_name,
                f"“{RESERVED_NAME}” is reserved: a sync never creates, changes or deletes it; "
                "rename it in the directory or exclude it by a filter",
            )
        elif problem := draft.identities.conflicts.get(key):
            draft.conflict(record.user_name, problem)
        elif row is None:
            draft.creates[key] = record
        elif row["authentication"] == INTEGRATED and key in answers.link:
            draft.links[key] = record
        elif row["authentication"] == INTEGRATED:
            draft.changes.append(changes.local_namesake(row, record))
        elif (
            changes.differing(row, record)
            or new_identity(row, record, directory)
            or row.get("absent_since")
        ):
            draft.updates[key] = record


def _as_record(bad: InvalidRecord) -> DirectoryUser:
    return DirectoryUser(
        bad.user_name or "", bad.distinguished_name, None, list(bad.email_addresses)
    )


def _repeated(records: list[DirectoryUser], keys: list[str]) -> dict[str, Callable[[str], str]]:
    """Map each key that more than one record has to what tells for a spelling why it is skipped."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, record in zip(keys, records, strict=True):
        found[key].append(record.user_name)
    return {
        key: changes.name_listed_again(spellings)
        for key, spellings in found.items()
        if len(spellings) > 1
    }


def _others(draft: Draft) -> list[str]:
    """Return the users whose record is somebody unknown, and who do not come under another name."""
    moves, listed = draft.identities.moves, draft.creates.keys() | draft.updates.keys()
    stay = draft.identities.others - {old for new, old in moves.items() if new in listed}
    return [key for key in draft.updates if key in stay and key not in moves]


def _others_who_stay(users: Mapping[str, UserRow], draft: Draft) -> dict[str, DirectoryUser]:
    """Return what is known of users who stay out of scope while somebody else has their name.

    Of the record that is the id alone: what is out of scope changes nothing else.
    """
    moving = {*draft.identities.moves, *draft.identities.moves.values()}
    return {
        key: as_listed(users[key])._replace(id=draft.present[key].id)
        for key in draft.others_outside - draft.deletes.keys() - draft.leavers - moving
        if users[key]["authentication"] == DIRECTORY_SERVICES
    }


def _decide_about_names(
    users: Mapping[str, UserRow],
    draft: Draft,
    others_updates: Mapping[str, DirectoryUser],
    renames: Sequence[Line],
    formers: Formers,
    settings: Settings,
    answers: Answers,
    may_go: Managed,
    now: datetime,
) -> list[Line]:
    """Take names that somebody had before out of the draft; return the lines that write them."""
    leaving = {line.change.edit.key for line in renames if line.change.edit}
    time = now.isoformat(timespec="seconds")
    new = newcomers(users, draft.creates, formers, leaving, settings, answers, time)
    updates = {**draft.updates, **others_updates}
    listed = {old: draft.present.get(new or "") for old, new in draft.still_listed().items()}
    elsewhere = {key: record for key, record in listed.items() if record is not updates.get(key)}
    known = successors(users, updates, others_updates, elsewhere, may_go, settings, answers)
    for key in (*new.names, *known.names):
        draft.creates.pop(key, None)
        draft.updates.pop(key, None)
    draft.changes += (*new.asked, *known.asked)
    asked = new.in_question | known.in_question
    if unknown := (answers.same | answers.new) - asked:
        draft.warnings.append(f"No question asks who {changes.quoted(sorted(unknown))} is.")
    return [*new.writable, *known.writable]


def _unclear(record: DirectoryUser) -> str:
    unreadable = [name for name in record.unreadable if name in changes.FOLLOWED_FIELDS]
    fields = " and ".join(map(changes.field_label, unreadable))
    return (
        f"the {fields} of this record cannot be read in full, and a filter needs them, so "
        "mailroster decides nothing about this user; correct the record in the directory"
    )


def _rivals(listing: Listing, draft: Draft) -> dict[str, list[str]]:
    """Map addresses to the names for which they are listed, but whose changes may not claim them.

    A name whose change does claim one may be among them, as it is no rival of its own.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for bad in listing.invalid:
        for address in bad.email_addresses:
            found[address_key(address)].append(bad.user_name or changes.NAMELESS)
    taking = draft.creates.keys() | draft.updates.keys()
    deciding = draft.scope | draft.unclear
    for key, record in draft.present.items():
        if key in deciding and (key not in taking or "email_addresses" in record.unreadable):
            for address in record.email_addresses:
                found[address_key(address)].append(record.user_name)
    return found


def _links(
    users: Mapping[str, UserRow], links: Mapping[str, DirectoryUser], directory: str
) -> list[Line]:
    """Return the lines that hand local users to the directory, but for the last administrators."""
    link = partial(changes.link, directory=directory)
    lines = [Line.of_row(link, users[key], record) for key, record in links.items()]
    kept = last_administrators_as_conflicts(users, [line.change for line in lines])
    return [
        line if line.change is change else Line(change)
        for line, change in zip(lines, kept, strict=True)
    ]


def _settle_renames(
    users: Mapping[str, UserRow],
    draft: Draft,
    answers: Answers,
    keeps_archive: Callable[[str], bool],
    directory: str,
) -> list[Line]:
    """Take renames and open questions out of the draft and return the renames."""
    records_of = {**draft.creates, **draft.updates}
    blocked = draft.blocked_by_ids(users)
    found = rename_candidates(users, draft.creates, {**draft.updates, **blocked}, draft.deletes)
    for key in blocked:
        found.pop(key, None)
    candidates = decided_by_ids(found, users, records_of, directory)
    if unknown := (answers.rename.keys() | answers.separate) - candidates.keys():
        draft.warnings.append(f"No question is about renaming {changes.quoted(sorted(unknown))}.")
    by_id = {new: old for new, old in draft.identities.moves.items() if new in records_of}
    candidates.update((new, [old]) for new, old in by_id.items())
    moves = settle(candidates, replace(answers, rename={**answers.rename, **by_id}))
    draft.warnings += [
        f"{changes.quoted([new])} may be {changes.quoted(moves.open[new])}; say which of them it "
        f"is with --rename-from OLD NEW."
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
        elif owner := same_folder([record.user_name], names_of(users)).get(record.user_name):
            draft.conflict(
                record.user_name,
                f"{changes.quoted([users[old]['user_name']])} cannot be renamed to this: that "
                f"name would have the same archive folder as {changes.quoted([owner])}",
            )
        else:
            renames.append(
                Line.of_row(partial(changes.rename, directory=directory), users[old], record)
            )
    return renames
