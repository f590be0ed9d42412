"""Users whom the directory lists as they are here, told apart before anything is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from store.models import UserRow, copied
from store.names import match_key
from sync.directory.listing import Listing, RecordFields


def apart_from_unchanged(
    users: Mapping[str, UserRow],
    is_settled: Callable[[str, UserRow], bool],
    listing: Listing,
    directory: str,
) -> tuple[dict[str, UserRow], Listing]:
    """Return the users and the records without those who are listed as they are, and settled.

    What equals a row, which was checked when it was written, needs no check and no change.
    `is_settled` tells by key and row for whom there is nothing else to be done. An id is the same
    if `directory` gave it. A name or an id that is listed twice leaves nobody out, as those records
    must be compared.
    """
    rest = copied(users)
    records, numbers = [], []
    user_name, distinguished_name, full_name, email_addresses, stable_id = RecordFields()
    for number, record in zip(listing.numbers, listing.records, strict=True):
        try:
            name = record[user_name]
            key = name.lower() if name.isascii() else match_key(name)
            row = rest[key]
            if (
                name == row["user_name"]
                and record.get(full_name) == row["full_name"]
                and record.get(distinguished_name) == row["distinguished_name"]
                and (
                    (addresses := record.get(email_addresses)) == row["email_addresses"]
                    or (addresses is None and not row["email_addresses"])
                )
                and (
                    (listed_id := record.get(stable_id)) is None
                    or (
                        listed_id == row["directory_id"]
                        and directory == row["directory"]
                        and row["other_id"] is None
                    )
                )
                and not row.get("absent_since")
                and is_settled(key, row)
            ):
                del rest[key]
                continue
        except (LookupError, TypeError, AttributeError):
            pass  # a new name, one seen before, or a record that is not an object or has no name
        records.append(record)
        numbers.append(number)
    if len(rest) == len(users):
        return rest, listing
    others = Listing.unread(records, numbers)
    keys = (match_key(user.user_name) for user in others.users)
    if any(key in users and key not in rest for key in keys) or _share_ids(users, rest, others):
        return dict(users), listing
    return rest, others


def _share_ids(users: Mapping[str, UserRow], rest: Mapping[str, UserRow], others: Listing) -> bool:
    """Tell whether a record has the id of a user who is listed as is under another name."""
    ids = {record.id for record in others.users} | {bad.id for bad in others.invalid}
    ids.discard(None)
    return bool(ids) and any(
        row.get("directory_id") in ids and key not in rest for key, row in users.items()
    )
