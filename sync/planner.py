"""The planner: one store state and one directory answer in, a plan out. Nothing else is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from store.interface import Edit, Snapshot
from store.models import DIRECTORY_SERVICES, INTEGRATED, User, UserRow
from store.names import RESERVED_NAME, match_key
from store.privileges import ADMIN
from store.text import printable
from sync.addresses import unresolved_addresses
from sync.filters import scope_of
from sync.guard import guard_sentences
from sync.listing import DirectoryUser, Listing
from sync.plan import ACTIONS, Change, FieldChange, Plan
from sync.renames import rename_candidates

FOLLOWED_FIELDS = ("user_name", "full_name", "distinguished_name", "email_addresses")
_FIELD_LABELS = {
    "user_name": "spelling of the user name",
    "full_name": "full name",
    "distinguished_name": "distinguished name",
    "email_addresses": "e-mail addresses",
}


@dataclass(slots=True)
class _Draft:
    """The plan while it is made; the dictionaries go by match key."""

    creates: dict[str, DirectoryUser] = field(default_factory=dict)
    updates: dict[str, DirectoryUser] = field(default_factory=dict)
    deletes: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def conflict(self, user_name: str, reason: str) -> None:
        self.changes.append(Change(action="conflict", user_name=user_name, reason=reason))


def make_plan(snapshot: Snapshot, listing: Listing, keeps_archive: Callable[[str], bool]) -> Plan:
    """Return what a sync would change in `snapshot` to follow `listing`.

    The rules are those of the snapshot's settings. `keeps_archive` tells for a user name whether
    the archive folder holds something, so that it outlives its user.
    """
    users, settings = snapshot.users, snapshot.settings
    draft = _Draft(warnings=list(listing.warnings))
    in_scope, present = _sort_records(snapshot, listing, draft)
    managed = [
        key
        for key, row in users.items()
        if row["authentication"] == DIRECTORY_SERVICES and not _is_protected(key, row)
    ]
    if settings.auto_delete and listing.listed:
        _find_deletes(snapshot, listing, draft, in_scope, present)
    for key, old_keys in rename_candidates(users, draft.creates, draft.deletes).items():
        draft.changes.append(_question(draft.creates.pop(key), [users[old] for old in old_keys]))
        for old in old_keys:
            draft.deletes.pop(old, None)
    for key, reason in unresolved_addresses(
        users, draft.creates, draft.updates, draft.deletes
    ).items():
        record = draft.creates.pop(key, None) or draft.updates.pop(key)
        draft.conflict(record.user_name, reason)
    draft.changes += [_create(snapshot, record) for record in draft.creates.values()]
    draft.changes += [_update(users[key], record) for key, record in draft.updates.items()]
    draft.changes += [
        _delete(users[key], reason, keeps_archive) for key, reason in draft.deletes.items()
    ]
    rank = {action: number for number, action in enumerate(ACTIONS)}
    draft.changes.sort(key=lambda change: (rank[change.action], match_key(change.user_name)))
    return Plan(
        store_id=snapshot.store_id,
        generation=snapshot.generation,
        settings=settings,
        changes=tuple(draft.changes),
        warnings=tuple(draft.warnings),
        listed=listing.listed,
        in_scope=len(in_scope),
        managed=len(managed),
        guard=tuple(
            guard_sentences(
                settings,
                listed=listing.listed,
                managed=len(managed),
                deletes=len(draft.deletes),
            )
        ),
    )


def _sort_records(snapshot: Snapshot, listing: Listing, draft: _Draft) -> tuple[set[str], set[str]]:
    """Draft creates, updates and conflicts; return the keys in scope and all keys present."""
    for bad in listing.invalid:
        draft.conflict(
            bad.user_name if bad.user_name else "(record without a user name)",
            f"{bad.problem}; correct the record in the directory",
        )
    keys = [match_key(record.user_name) for record in listing.users]
    present = set(keys)
    repeated = _spellings(listing.users, keys) if len(present) < len(keys) else {}
    unfiltered = not snapshot.settings.filters
    in_scope = scope_of(snapshot.settings.filters)
    scope: set[str] = set()
    for key, record in zip(keys, listing.users, strict=True):
        if not (unfiltered or in_scope(record)):
            continue
        scope.add(key)
        row = snapshot.users.get(key)
        if key in repeated:
            draft.conflict(
                record.user_name,
                f"the directory lists this name {len(repeated[key])} times "
                f"({_names(repeated[key])}); give each user a name of its own there",
            )
        elif key == RESERVED_NAME:
            draft.conflict(
                record.user_name,
                f"“{RESERVED_NAME}” is reserved: a sync never creates, changes or deletes it; "
                "rename it in the directory or exclude it by a filter",
            )
        elif row is None:
            draft.creates[key] = record
        elif row["authentication"] == INTEGRATED:
            draft.conflict(
                record.user_name,
                "a local user has this name; switch that user to Directory Services, rename one "
                "of the two, or exclude the name by a filter",
            )
        elif _differing(row, record):
            draft.updates[key] = record
    present.update(match_key(bad.user_name) for bad in listing.invalid if bad.user_name)
    return scope, present


def _spellings(records: list[DirectoryUser], keys: list[str]) -> dict[str, list[str]]:
    """Map each key that more than one record has to their spellings."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, record in zip(keys, records, strict=True):
        found[key].append(record.user_name)
    return {key: spellings for key, spellings in found.items() if len(spellings) > 1}


def _find_deletes(
    snapshot: Snapshot, listing: Listing, draft: _Draft, scope: set[str], present: set[str]
) -> None:
    """Draft the deletions: managed users that are absent from the directory or out of scope."""
    gone = [
        key
        for key, row in snapshot.users.items()
        if key not in scope and row["authentication"] == DIRECTORY_SERVICES
    ]
    bad_keys = {match_key(bad.user_name) for bad in listing.invalid if bad.user_name}
    doubted = _doubted(snapshot, listing, gone)
    for key in gone:
        row = snapshot.users[key]
        if key in bad_keys or key in doubted:
            continue
        reason = "out of the filters' scope" if key in present else "absent from the directory"
        if _is_protected(key, row):
            draft.warnings.append(
                f"“{printable(row['user_name'])}” is {reason}, but an administrator is never "
                "deleted by a sync."
            )
        else:
            draft.deletes[key] = reason


def _doubted(snapshot: Snapshot, listing: Listing, gone: list[str]) -> set[str]:
    """Return those of the keys that a record without a readable name may stand for.

    Such a record protects the users that share its distinguished name or an address; where it
    shares nothing with anyone, it may be anybody, so it protects all.
    """
    doubted: set[str] = set()
    for bad in listing.invalid:
        if bad.user_name:
            continue
        matching = {
            key
            for key in gone
            if (
                bad.distinguished_name
                and bad.distinguished_name == snapshot.users[key]["distinguished_name"]
            )
            or set(bad.email_addresses) & set(snapshot.users[key]["email_addresses"])
        }
        doubted |= matching or set(gone)
    return doubted


def _is_protected(key: str, row: UserRow) -> bool:
    return ADMIN in row["privileges"] or key == RESERVED_NAME


def _differing(row: UserRow, record: DirectoryUser) -> list[str]:
    if (
        record.user_name == row["user_name"]
        and record.full_name == row["full_name"]
        and record.distinguished_name == row["distinguished_name"]
        and record.email_addresses == row["email_addresses"]
    ):
        return []
    return [
        name
        for name in FOLLOWED_FIELDS
        if getattr(record, name) != row[name] and name not in record.unreadable  # type: ignore[literal-required]
    ]


def _create(snapshot: Snapshot, record: DirectoryUser) -> Change:
    user = User(
        user_name=record.user_name,
        full_name=record.full_name,
        distinguished_name=record.distinguished_name,
        email_addresses=record.email_addresses,
        authentication=DIRECTORY_SERVICES,
        privileges=list(snapshot.settings.default_privileges),
        folder_privileges={
            match_key(record.user_name): list(snapshot.settings.default_folder_privileges)
        },
    )
    return Change(
        action="create",
        user_name=user.user_name,
        reason="in the directory, unknown here",
        fields={
            name: FieldChange(None, getattr(user, name))
            for name in (*FOLLOWED_FIELDS[1:], "privileges")
            if getattr(user, name)
        },
        edit=Edit.create(user),
    )


def _update(row: UserRow, record: DirectoryUser) -> Change:
    names = _differing(row, record)
    before = User.from_row(row)
    changes = {name: getattr(record, name) for name in names}
    after = User.from_row({**row, **changes})  # type: ignore[typeddict-item]
    return Change(
        action="update",
        user_name=before.user_name,
        reason=f"{', '.join(_FIELD_LABELS[name] for name in names)} changed in the directory",
        fields={name: FieldChange(getattr(before, name), changes[name]) for name in names},
        edit=Edit.update(before, after),
    )


def _delete(row: UserRow, reason: str, keeps_archive: Callable[[str], bool]) -> Change:
    before = User.from_row(row)
    return Change(
        action="delete",
        user_name=before.user_name,
        reason=reason,
        fields={
            name: FieldChange(getattr(before, name), None)
            for name in FOLLOWED_FIELDS[1:]
            if getattr(before, name)
        },
        archive="kept" if keeps_archive(before.user_name) else "removed",
        edit=Edit.delete(before),
    )


def _question(record: DirectoryUser, candidates: list[UserRow]) -> Change:
    old = _names(row["user_name"] for row in candidates)
    return Change(
        action="rename",
        user_name=record.user_name,
        reason=f"shares a distinguished name or an address with {old}, who would be deleted; "
        "perhaps the same person, so neither is touched",
        fields={"user_name": FieldChange(candidates[0]["user_name"], record.user_name)},
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"“{printable(name, 60)}”" for name in names)
