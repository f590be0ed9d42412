"""The narrow interface that sync and the screens see: any store behind it will do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from store.history import History, Run
from store.models import Settings, User, UserRow
from store.names import match_key


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent state of the store. `users` maps `match_key` to the user's row."""

    store_id: str
    generation: int
    settings: Settings
    users: Mapping[str, UserRow] = field(repr=False)  # their hashes are no business of a log
    history: History = field(default_factory=History)

    def find(self, user_name: str) -> User | None:
        """Return the user of that name under the matching rule, or None."""
        row = self.users.get(match_key(user_name))
        return None if row is None else User.from_row(row)


@dataclass(frozen=True, slots=True)
class Edit:
    """One user's change within a batch.

    `key` and `rev` name the state that the edit was made from (`rev` 0: no such user, or one that
    leaves the name within the batch). `user` is the new content, None to delete; a `user` of
    another name is a rename.
    """

    key: str
    rev: int
    user: User | None

    @classmethod
    def create(cls, user: User) -> Edit:
        """Add a user whose name must be unknown."""
        return cls(user.key, 0, user)

    @classmethod
    def update(cls, before: User, after: User) -> Edit:
        """Replace `before` by `after`."""
        return cls(before.key, before.rev, after)

    @classmethod
    def delete(cls, before: User) -> Edit:
        """Remove `before`."""
        return cls(before.key, before.rev, None)

    @classmethod
    def of_row(cls, row: UserRow, after: User | None) -> Edit:
        """Replace or remove the user in that row."""
        return cls(match_key(row["user_name"]), row["rev"], after)


@dataclass(frozen=True, slots=True)
class Batch:
    """Edits that are written together or not at all.

    `settings` replaces the settings. `based_on_settings` are the settings that the batch was made
    from: if the store has others by then, the batch is refused. `run` is recorded in the history
    together with the edits: both are there afterwards, or neither.
    """

    edits: Sequence[Edit] = ()
    settings: Settings | None = None
    based_on_settings: Settings | None = None
    run: Run | None = None


class Store(Protocol):
    """A user database. Readers take no lock; a writer holds it for one `apply` only.

    `on_wait` is told, in the writing thread, for whom a write waits if that takes long.
    """

    on_wait: Callable[[str], None] | None

    @property
    def generation(self) -> int:
        """The number of writes so far, as of the last snapshot."""

    def snapshot(self) -> Snapshot:
        """Return the current state; raises `StoreDamaged` and its kin."""

    def apply(self, batch: Batch) -> Snapshot:
        """Write the batch durably in one write and return the new state.

        A batch that changes nothing writes nothing, and records no run. Raises `StoreConflict`
        if a user or the settings changed meanwhile, `LastAdministrator`, `StoreBusy`, `StoreFull`
        or `StoreUnwritable`; then nothing was written and the old state stays current.
        """

    def run(self, run_id: str) -> Run:
        """Return a run of the snapshot's history in full.

        Raises `InvalidValue` for an id that it does not list, `StoreDamaged` for a lost record.
        """

    def watch(self) -> AsyncIterator[Snapshot]:
        """Yield the new state within a second of each change by someone else."""

    def close(self) -> None:
        """Let go of files; the store must not be used afterwards."""
