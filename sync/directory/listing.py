"""The directory's answer to `list`, as far as it can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class DirectoryUser(NamedTuple):
    """One user as the directory lists it.

    `unreadable` names the optional fields that had the wrong type: they are left as they are
    here rather than emptied.
    """

    user_name: str
    distinguished_name: str | None
    full_name: str | None
    email_addresses: list[str]
    unreadable: tuple[str, ...] = ()


class InvalidRecord(NamedTuple):
    """A record that cannot become a user. It still counts as present: nobody is deleted on doubt.

    `user_name` is None where the record has none that can be read.
    """

    user_name: str | None
    problem: str
    distinguished_name: str | None
    email_addresses: list[str]


@dataclass(frozen=True, slots=True)
class Listing:
    """One whole answer. `listed` counts all its records."""

    users: list[DirectoryUser]
    invalid: list[InvalidRecord]
    warnings: list[str]

    @property
    def listed(self) -> int:
        """How many records the directory sent, bad ones included."""
        return len(self.users) + len(self.invalid)


class Progress(NamedTuple):
    """How far an answer has arrived; `total_bytes` is None if the server does not say."""

    received_bytes: int
    total_bytes: int | None
    users: int
