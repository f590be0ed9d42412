"""How a directory's entries become users: the first few, before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sync.directory.listing import DirectoryUser, Listing

_ENTRIES = 3


class Mapped(NamedTuple):
    """One value of a user, and the attribute that it came from."""

    label: str
    source: str
    value: str


def preview(listing: Listing, sources: Mapping[str, str]) -> list[list[Mapped]]:
    """Return the values of the first users; `sources` are the attributes by the user's field."""
    return [_values(user, sources) for user in listing.users[:_ENTRIES]]


def never_set(listing: Listing, sources: Mapping[str, str]) -> list[str]:
    """Return the attributes that are a field's source and that nobody has a readable value of."""
    return [
        source
        for field, source in sources.items()
        if listing.users and not any(getattr(user, field) for user in listing.users)
    ]


def _values(user: DirectoryUser, sources: Mapping[str, str]) -> list[Mapped]:
    held = {
        "distinguished_name": ("Entry", user.distinguished_name),
        "user_name": ("User name", user.user_name),
        "full_name": ("Full name", user.full_name),
        "email_addresses": ("Addresses", ", ".join(user.email_addresses)),
        "id": ("Id", user.id),
    }
    return [
        Mapped(label, sources.get(field, ""), _shown(field, value, user))
        for field, (label, value) in held.items()
    ]


def _shown(field: str, value: str | None, user: DirectoryUser) -> str:
    if field in user.unreadable:
        return f"{value} (not all can be read)" if value else "(cannot be read)"
    return value or "(none)"
