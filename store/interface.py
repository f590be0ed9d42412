"""The narrow interface that sync and the screens see: any store behind it will do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from store.files.lock import WAIT_SECONDS
from store.history import History, Run, RunSummary
from store.models import Settings, User, UserRow
from store.names import match_key

if TYPE_CHECKING:
    from store.files.folder_work import FolderWork
    from store.lockout import Failures, Standing

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time of now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent state of the store. `users` maps `match_key` to the user's row.

    `folder_work` stands until it is done and the store is written again. `archive_marked` tells
    that the archive's root has, or had, this store's mark.
    """

    store_id: str
    generation: int
    settings: Settings
    users: Mapping[str, UserRow] = field(repr=False)  # their hashes are no business of a log
    history: History = field(default_factory=History)
    folder_work: tuple[FolderWork, ...] = ()
    archive_marked: bool = False

    def find(self, user_name: str) -> User | None:
        """Return the user of that name under the matching rule, or None."""
        row = self.users.get(match_key(user_name))
        return None if row is None else User.from_row(row)


@dataclass(frozen=True, slots=True)
class Edit:
    """One user's change within a batch.

    `key` and `rev` name the state that the edit was made from (`rev` 0: no such user, or one that
    leaves the name within the batch). `user` is the new content, None to delete; a `user` of
    another name is a rename. One that `keeps_rev` changes nothing that anybody decides by.
    """

    key: str
    rev: int
    user: User | None
    keeps_rev: bool = False

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

    def row_after(self, before: Mapping[str, UserRow], generation: int, now: str) -> UserRow | None:
        """Return the row to store, written as `generation` at `now`; None for a deletion.

        What the row of `before` holds beside what a user has stays.
        """
        if self.user is None:
            return None
        row = self.user.to_row()
        if self.rev:
            row = {**before[self.key], **row}
        if not self.keeps_rev:
            row["rev"], row["changed"] = generation, now
        row["created"] = row["created"] or now
        return row


@dataclass(frozen=True, slots=True)
class Batch:
    """Edits that are written together or not at all.

    `settings` replaces the settings. `based_on_settings` are the settings that the batch was made
    from: if the store has others by then, the batch is refused. `run` is recorded in the history
    together with the edits: both are there afterwards, or neither. `folder_work` stands in the
    store from then on; that of generations up to `work_done` is dropped. `store_id` is the id of a
    store that has none yet.
    """

    edits: Sequence[Edit] = ()
    settings: Settings | None = None
    based_on_settings: Settings | None = None
    run: Run | None = None
    folder_work: Sequence[FolderWork] = ()
    work_done: int = 0
    archive_marked: bool = False
    store_id: str = ""

    def settings_after(self, before: Snapshot) -> Settings:
        """Return the settings that the store has then."""
        return before.settings if self.settings is None else self.settings

    def is_to_be_written(self, before: Snapshot) -> bool:
        """Tell whether anything changes, a run stands alone, or there is no store yet."""
        stands_alone = self.run is not None and self.run.summary.final
        changes = self.edits or self.settings_after(before) != before.settings
        return bool(changes or stands_alone or not before.store_id)

    def work_after(self, before: Snapshot, generation: int) -> tuple[FolderWork, ...]:
        """Return the folder work that waits after the write of that generation."""
        left = [item for item in before.folder_work if item.generation > self.work_done]
        return (*left, *(replace(item, generation=generation) for item in self.folder_work))


class LogOnAttempts(Protocol):
    """The failed log-ons, which lock users and sources; see `store.lockout` for the rules."""

    def is_locked(self, user: str, source: str | None, *, known: bool = True) -> bool:
        """Tell whether this user (a `match_key`) is locked for this source now."""

    def failures(self, user: str, source: str | None) -> Standing:
        """Return the failures that still count."""

    def of_user(self, user: str) -> dict[str, Failures]:
        """Return the user's failures for each source."""

    def locked_users(self) -> int:
        """Return how many users are locked now, if only for one source."""

    def is_exempt(self, user: str, source: str | None) -> bool:
        """Tell whether the user got in from there, so that others' failures elsewhere lock not."""

    def settle(
        self,
        user: str,
        source: str | None,
        *,
        right: bool,
        known: bool = True,
        password: str | None = None,
    ) -> bool:
        """Count the outcome of a check; tell whether the log-on is accepted.

        `known` is False for a name that nobody has. `password` is the wrong one, so that its
        repetition is not counted. Raises a `StoreError` if a failure could not be counted.
        """

    def unlock(self, user: str | None = None, source: str | None = None) -> int:
        """Forget the failures of a user or a source; return how many there were."""


class Store(Protocol):
    """A user database. Readers take no lock; a writer holds it for one `apply` only.

    `on_wait` is told, in the writing thread, for whom a write waits if that takes long.
    """

    on_wait: Callable[[str], None] | None

    @property
    def attempts(self) -> LogOnAttempts:
        """The failed log-ons, counted for all sessions of this store."""

    @property
    def where(self) -> str:
        """Where the store is, for messages: printable, without secrets."""

    @property
    def short_name(self) -> str:
        """What tells it from others in a line with little room: printable, without secrets."""

    @property
    def generation(self) -> int:
        """The number of writes so far, as of the last snapshot."""

    def snapshot(self) -> Snapshot:
        """Return the current state; raises `StoreDamaged` and its kin."""

    def find(self, user_name: str) -> Snapshot:
        """Return the current state with the user of that name alone, or with nobody.

        A known name, an unknown one and another spelling take the same time. Raises what
        `snapshot` raises.
        """

    def find_for_log_on(self, user_name: str, source: str | None) -> tuple[Snapshot, bool]:
        """Return what `find` does, and whether that user is locked for that source now.

        Raises what `find` and `LogOnAttempts.is_locked` raise.
        """

    def apply(self, batch: Batch) -> Snapshot:
        """Write the batch durably in one write and return the new state.

        A batch that changes nothing writes nothing, and records no run but a final one. Raises
        `StoreConflict` if a user or the settings changed meanwhile, or a name would have two
        owners; `InvalidValue`, naming the holder, if an address would; `LastAdministrator`,
        `StoreBusy`, `StoreFull` or `StoreUnwritable`; then nothing was written and the old state
        stays current.
        """

    def runs(self) -> Sequence[RunSummary]:
        """Return all runs that are kept, oldest first; raises `StoreDamaged`."""

    def has_run(self, run_id: str) -> bool:
        """Tell whether there is a record of this run, also one from before a restore."""

    def run(self, run_id: str) -> Run:
        """Return a run in full.

        Raises `InvalidValue` for an id that nothing has, `StoreDamaged` for a lost record.
        """

    def record(self, run_id: str) -> bytes:
        """Return the stored bytes of a run's record, of which the next one has the digest.

        Raises `StoreDamaged` where it is lost.
        """

    def lock(
        self, name: str, busy: str, wait: float = WAIT_SECONDS
    ) -> AbstractContextManager[None]:
        """Hold the lock of that name against all other sessions of this store, on any host.

        It excludes sessions that take the same name, not writes. `busy` is what messages say of the
        holder, `wait` how many seconds it is waited for; `on_wait` is told of that. Raises
        `StoreBusy`, naming the holder, or `StoreUnwritable`.
        """

    def note(self, name: str) -> Mapping[str, Any]:
        """Return a small document that is kept with the store, empty if there is none.

        Raises `StoreDamaged`.
        """

    def keep_note(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace the document of that name, durably; the store itself is not written.

        Where there is no store yet, nothing is kept. Raises `StoreFull` or `StoreUnwritable`.
        """

    def watch(self) -> AsyncIterator[Snapshot]:
        """Yield the new state within a second of each change by someone else."""

    def close(self) -> None:
        """Let go of files; the store must not be used afterwards."""
