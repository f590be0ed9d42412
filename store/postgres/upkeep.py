"""Check, backup, restore and copy of the user database in PostgreSQL.

The server has its own ways of backup; these here make and take the portable file of a TinyDB
store, which can be looked at anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from store.chain import digest
from store.check_users import state_problems
from store.errors import StoreDamaged, StoreError, StoreUnwritable, write_failure
from store.files.check_host import check_host
from store.files.ownership import make_folders
from store.history import Run
from store.interface import Snapshot
from store.lockout import Attempts
from store.postgres.rows import owners
from store.postgres.schema import migrations, script
from store.records import run_from
from store.text import printable, quantity
from store.tinydb.backups import STAMP
from store.tinydb.copy import with_all_runs, write_state
from store.tinydb.restore import read_whole
from store.upkeep import Backup, Finding, FolderWorkOf, Loss, Whole

if TYPE_CHECKING:
    from store.postgres.connection import Connection
    from store.postgres.store import PostgresStore


class PostgresUpkeep:
    """The `Upkeep` of that store; `host` is where this host's own things lie."""

    def __init__(self, store: PostgresStore, host: Path) -> None:
        self._store = store
        self._host = host

    @property
    def backups_are_in(self) -> str:
        """That there are none: the server's are not here."""
        return f"{self._store.where}, as the database's server has its own"

    @property
    def keeps_backups(self) -> bool:
        """That it does not: the server's are not here."""
        return False

    def check(self, key: Path) -> tuple[Snapshot | None, list[Finding]]:
        """Return the state and what is wrong with any row, and with this host's own files."""
        where, findings, state = self._store.where, [], None
        try:
            whole = self.whole()
        except StoreError as error:
            findings.append(Finding.of(where, error))
        else:
            state = whole.state
            findings += [Finding(where, problem) for problem in state_problems(state)]
            findings += [Finding(f"{where}, table runs", text) for text in _chain_problems(whole)]
            owned = self._store.database.run(_owned_addresses)
            if problem := _address_problem(state, owned):
                findings.append(Finding(f"{where}, table addresses", problem))
        findings += check_host(self._host, key, state)
        return state, findings

    def backups(self) -> Iterator[Backup]:
        """Yield none: the server's own are not seen from here."""
        yield from ()

    def newest_backup(self) -> datetime | None:
        """Return None: the server's own are not seen from here."""
        return None

    def backup_named(self, name: str) -> Path | None:
        """Return the copy at that path."""
        path = Path(name).absolute()
        return path if path.exists() else None

    def read(self, backup: Path, like: Snapshot | None = None) -> Snapshot:
        """Return the state in a copy."""
        return read_whole(backup, like)

    def loss(self, to: Snapshot) -> Loss:
        """Return what a return to the state `to` would change."""
        try:
            now = self._store.snapshot()
        except StoreDamaged as error:
            return Loss(problem=str(error), error=error.to_record())
        return Loss.between(now, to)

    def save_copy(self, copy: Path) -> Snapshot:
        """Write a checked copy of the store to the new file `copy`."""
        whole = self._store.whole()
        if not whole.state.store_id:
            raise StoreUnwritable(
                f"The user database {self._store.where} does not exist yet, so it cannot be "
                "copied.",
                "Give its path or address with --store or MAILROSTER_STORE.",
            )
        try:
            write_state(copy, with_all_runs(whole.state, (run for run, _ in whole.records)))
        except OSError as error:
            raise write_failure(
                error,
                f"The copy {printable(copy)} could not be written: {error.strerror}.",
                "Choose a new file in a folder with room.",
                untouched="The store is as it was.",
            ) from None
        return read_whole(copy)

    def set_aside(self) -> Path:
        """Keep the state of now in a file among this host's own."""
        aside = self._host.with_name(f"postgresql.{datetime.now(UTC).strftime(STAMP)}.aside")
        try:
            make_folders(aside.parent)
        except OSError as error:
            raise write_failure(
                error, f"The folder {printable(aside.parent)} cannot be made: {error.strerror}."
            ) from None
        self.save_copy(aside)
        return aside

    def replace_unreadable(self, backup: Path, run: Run, folder_work: FolderWorkOf) -> Path | None:
        """Fill an empty database from `backup`; damage is a matter for its server."""
        state = self.read(backup)
        records = [(summary, b"") for summary in state.history.runs]  # a copy has none
        state = replace(state, history=replace(state.history, pages=(0, 0), size=0))
        whole = Whole(state, records, Attempts(0.0), {})
        self._store.fill(whole, run, folder_work(()))
        return None

    def create(self) -> bool:
        """Make the tables; tell whether there were none."""
        return self._store.make_schema() == 0

    def create_script(self, first: int = 0) -> str:
        """Return the SQL that brings schema `first` up to date, for a role that may."""
        return script(first, migrations())

    def whole(self) -> Whole:
        """Return all of the store, of one moment."""
        return self._store.whole()

    def fill(self, whole: Whole) -> None:
        """Put all of another store into this one, which is empty."""
        self._store.fill(whole)


def _chain_problems(whole: Whole) -> Iterator[str]:
    """Yield what is wrong with the records: unreadable ones, or another newest one."""
    unreadable = 0
    for _, record in whole.records:
        try:
            run_from(record)
        except (ValueError, LookupError, TypeError):
            unreadable += 1
    if unreadable:
        yield (
            f"{quantity(unreadable, 'record')} of runs cannot be read. Bring them back from a "
            "backup of the database; the other runs are not affected."
        )
    if whole.records and whole.state.history.head not in ("", digest(whole.records[-1][1])):
        yield "The newest record is not the one that the store names. Somebody changed it."


def _owned_addresses(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT address, key FROM addresses").fetchall())


def _address_problem(state: Snapshot, owned: dict[str, str]) -> str:
    """Return how the owners of addresses differ from what the users have, or nothing."""
    wrong = owners(state.users).items() ^ owned.items()
    if not wrong:
        return ""
    (address, _), *_ = wrong
    return (
        f"The table of addresses does not match the users, “{printable(address, 60)}” among "
        "others: somebody changed the tables by hand. Set the addresses of that user again."
    )
