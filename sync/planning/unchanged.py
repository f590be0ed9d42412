"""Users whom the directory lists as they are here, told apart before anything is checked."""

from __future__ import annotations

from collections.abc import Mapping

from store.models import UserRow
from store.names import match_key
from sync.directory.listing import Listing
from sync.planning.deletions import Managed


def apart_from_unchanged(
    users: Mapping[str, UserRow], is_managed: Managed, listing: Listing
) -> tuple[dict[str, UserRow], Listing]:
    """Return by key the managed users who are listed as they are, and the other records.

    What equals a row, which was checked when it was written, needs no check and no change. A name
    that is listed twice leaves nobody unchanged, as those records must be compared.
    """
    unchanged: dict[str, UserRow] = {}
    records, numbers = [], []
    for number, record in zip(listing.numbers, listing.records, strict=True):
        try:
            name = record["userName"]
            key = name.lower() if name.isascii() else match_key(name)
            row = users[key]
            if (
                name == row["user_name"]
                and record.get("fullName") == row["full_name"]
                and record.get("distinguishedName") == row["distinguished_name"]
                and (
                    (addresses := record.get("emailAddresses")) == row["email_addresses"]
                    or (addresses is None and not row["email_addresses"])
                )
                and is_managed(key, row)
            ):
                unchanged[key] = row
                continue
        except (LookupError, TypeError, AttributeError):
            pass  # a new name, or a record that is no object or has no text for a name
        records.append(record)
        numbers.append(number)
    if not unchanged:
        return {}, listing
    others = Listing.unread(records, numbers)
    repeated = len(unchanged) + len(records) < listing.listed
    if repeated or any(match_key(user.user_name) in unchanged for user in others.users):
        return {}, listing
    return unchanged, others
