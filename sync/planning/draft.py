"""A plan while it is made: what is drafted so far, and whom the directory lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from store.files.archives import same_folder
from store.models import DIRECTORY_SERVICES, UserRow
from sync.directory.listing import DirectoryUser
from sync.planning import changes
from sync.planning.identity import Identities
from sync.planning.plan import Change


@dataclass(slots=True)
class Draft:
    """The plan while it is made; the dictionaries go by match key."""

    creates: dict[str, DirectoryUser] = field(default_factory=dict)
    updates: dict[str, DirectoryUser] = field(default_factory=dict)
    links: dict[str, DirectoryUser] = field(default_factory=dict)
    deletes: dict[str, str] = field(default_factory=dict)
    leavers: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    present: dict[str, DirectoryUser] = field(default_factory=dict)
    scope: set[str] = field(default_factory=set)
    left_alone: set[str] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)
    identities: Identities = field(default_factory=Identities)

    def conflict(self, user_name: str, reason: str) -> None:
        """Report that this record or user is left as it is."""
        self.changes.append(changes.conflict(user_name, reason))

    @property
    def others_outside(self) -> set[str]:
        """Users whose name is listed out of the filters' scope, with another person's id."""
        return self.identities.others - self.scope - self.left_alone - self.unclear

    def still_listed(self) -> dict[str, str | None]:
        """Map users to the key of the name that their id is listed with.

        None is a name that cannot be used; without names that are out of scope.
        """
        looked_at = self.scope | self.left_alone | self.unclear
        listed = self.identities.listed_as.items()
        return {old: new for old, new in listed if new is None or new in looked_at}

    def blocked_by_ids(self, users: Mapping[str, UserRow]) -> dict[str, DirectoryUser]:
        """Return the records of users of whom the listed ids decide nothing: who they are is open.

        So their own names may have gone to others, and they may have come under new ones.
        """
        return {
            key: self.present[key]
            for key in self.identities.conflicts.keys() & self.scope & users.keys()
            if users[key]["authentication"] == DIRECTORY_SERVICES
        }

    def conflicts_about_folders(self, users: Mapping[str, UserRow]) -> None:
        """Create nobody whose archive folder would be another user's."""
        new = {record.user_name: key for key, record in self.creates.items()}
        owners = same_folder(new, names_of(users))
        for name, owner in owners.items():
            del self.creates[new[name]]
            self.conflict(
                name,
                f"this name would have the same archive folder as {changes.quoted([owner])}; give "
                "the user another name in the directory",
            )


def names_of(users: Mapping[str, UserRow]) -> Iterator[str]:
    """Yield the names of the users as they are spelled here."""
    return (row["user_name"] for row in users.values())
