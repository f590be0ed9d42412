"""Who stays although the plan had drafted a deletion: nobody is deleted on doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from store.models import DIRECTORY_SERVICES, UserRow
from store.names import match_key
from sync.directory.listing import DirectoryUser, Listing
from sync.planning import changes
from sync.planning.doubt import who_may_be_listed, who_may_be_renamed
from sync.planning.draft import Draft
from sync.planning.identity import known_id, told_apart
from sync.planning.plan import Answers
from sync.planning.renames import Candidates, rename_candidates

_SHOWN = 5  # names in a warning


def keep_who_is_listed(draft: Draft) -> None:
    """Delete nobody whose id is listed, be it with a name that nothing can be decided about."""
    for old in draft.still_listed():
        draft.deletes.pop(old, None)


def keep_who_may_be_skipped(users: Mapping[str, UserRow], draft: Draft) -> None:
    """Delete nobody who may be under a new name that a skip rule leaves alone."""
    unknown = {
        key: record
        for key, record in draft.present.items()
        if key in draft.left_alone and key not in users
    }
    for new, olds in rename_candidates(users, unknown, {}, draft.deletes).items():
        for old in olds:
            if draft.deletes.pop(old, None):
                draft.warnings.append(
                    f"{changes.quoted([users[old]['user_name']])} is not deleted: may be "
                    f"{changes.quoted([unknown[new].user_name])}, whom a skip rule leaves alone."
                )


def read_in_part(
    users: Mapping[str, UserRow], listing: Listing, draft: Draft, answers: Answers
) -> dict[str, DirectoryUser]:
    """Return the records of which a field is unknown, and of whom nothing says who they are.

    A record of a user here whom a skip rule leaves alone could be another one by its id alone.
    """
    decided = draft.identities.moves.keys() | answers.rename.keys() | answers.separate
    looked_at = draft.scope | draft.left_alone | draft.unclear
    found: dict[str, DirectoryUser] = {}
    for record in listing.users:
        unreadable = set(record.unreadable)
        if not unreadable or (key := match_key(record.user_name)) in decided:
            continue
        if key in draft.left_alone and key in users:
            unreadable &= {"id"}
        if key in looked_at and unreadable:
            if key in found:
                unreadable.update(found[key].unreadable)
            found[key] = record._replace(unreadable=tuple(unreadable))
    return found


def keep_who_is_in_doubt(
    users: Mapping[str, UserRow],
    listing: Listing,
    draft: Draft,
    in_part: Mapping[str, DirectoryUser],
    directory: str,
) -> None:
    """Delete nobody for whom a record may stand that cannot be read, or not in full.

    As where a question is asked, the user whose record it is stays as it is, too.
    """
    if not draft.deletes:
        return
    known = {
        known_id(users[old], directory)
        for old, new in draft.identities.listed_as.items()
        if new is None
    }
    kept = [
        (old, bad.user_name or changes.NAMELESS)
        for old, bad in who_may_be_listed(users, draft.deletes, listing.invalid, known).items()
    ]
    renamed = who_may_be_renamed(users, draft.deletes, in_part, directory)
    for key, olds in _candidates_of_unclear(users, draft, in_part).items():
        renamed.setdefault(key, set()).update(draft.deletes.keys() & olds)
    for key, several in told_apart(renamed, users, in_part, directory).items():
        draft.updates.pop(key, None)
        kept += [(old, in_part[key].user_name) for old in sorted(several)]
    by_record: dict[str, list[str]] = defaultdict(list)
    for old, name in kept:
        if draft.deletes.pop(old, None):
            by_record[name].append(users[old]["user_name"])
    for name, olds in by_record.items():
        shown = name if name == changes.NAMELESS else changes.quoted([name])
        draft.warnings.append(
            f"{changes.quoted(olds, _SHOWN)}: gone, but not deleted, because a record that "
            f"cannot be read in full may be the same person: {shown}. Correct it in the directory."
        )


def _candidates_of_unclear(
    users: Mapping[str, UserRow], draft: Draft, in_part: Mapping[str, DirectoryUser]
) -> Candidates:
    """Return whom would be asked about if the records of unknown scope were in scope."""
    unclear = {key: record for key, record in in_part.items() if key in draft.unclear}
    if not unclear:
        return {}
    new = {key: record for key, record in unclear.items() if key not in users}
    known = {
        key: record
        for key, record in unclear.items()
        if key in users and users[key]["authentication"] == DIRECTORY_SERVICES
    }
    found = rename_candidates(
        users, {**draft.creates, **new}, {**draft.updates, **known}, draft.deletes
    )
    return {key: olds for key, olds in found.items() if key in unclear}
