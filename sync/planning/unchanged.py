"""Users whom the directory lists as they are here, told apart before anything is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from store.models import UserRow
from store.names import match_key
from sync.directory.listing import Listing


def apart_from_unchanged(
    users: Mapping[str, UserRow], is_settled: Callable[[str, UserRow], bool], listing: Listing
) -> tuple[dict[str, UserRow], Listing]:
    """Return the users and the records without those who are listed as they are, and settled.

    What equals a row, which was checked when it was written, needs no check and no change.
    `is_settled` tells by key and row for whom there is nothing else to be done. A name that is
    listed twice leaves nobody out, as those records must be compared.
    """
    rest = dict(users)
    records, numbers = [], []
    for number, record in zip(listing.numbers, listing.records, strict=True):
        try:
            name = record["userName"]
            key = name.lower() if name.isascii() else match_key(name)
            row = rest[key]
            if (
                name == row["user_name"]
                and record.get("fullName") == row["full_name"]
                and record.get("distinguishedName") == row["distinguished_name"]
                and (
                    (addresses := record.get("emailAddresses")) == row["email_addresses"]
                    or (addresses is None and not row["email_addresses"])
                )
                and is_settled(key, row)
            ):
                del rest[key]
                continue
        except (LookupError, TypeError, AttributeError):
            pass  # a new name, one seen before, or a record that is no object or has no name
        records.append(record)
        numbers.append(number)
    if len(rest) == len(users):
        return rest, listing
    others = Listing.unread(records, numbers)
    keys = (match_key(user.user_name) for user in others.users)
    if any(key in users and key not in rest for key in keys):
        return dict(users), listing
    return rest, others
