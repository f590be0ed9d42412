"""What the processes do that are killed: each job counts its steps in what it writes.

So whoever looks afterwards can tell from the store alone after which step it is, and that it is
not between two.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from store import (
    history,
    passwords,
    validation,  # noqa: F401 - loaded before processes are forked
)
from store.files.archive_mark import MARK
from store.files.archives import folder_name
from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, Settings, User
from store.tinydb import history_files, migrations
from store.tinydb import store as tinydb_store
from store.tinydb.backups import KEPT_NEWEST, list_backups
from store.tinydb.restore import read_backups, save_copy
from sync.directory.listing import DirectoryUser, Listing
from sync.planning.plan import Answers
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.restore import restore_backup
from sync.runs.undo import undo_preview
from sync.workspace import Workspace

_USERS = 20
_PEOPLE = 5
_MAIL = "1700000000.mail:2,S"
_NEXT_SCHEMA = migrations.SCHEMA + 1
_OLD_FILE = Path(__file__).parents[2] / "tests/store/schemas/1-before-the-history.json"


class Job:
    """One kind of work. It begins in a new folder after `refreshed` kills.

    `seconds` is how long a process is let live at most: a few steps.
    """

    name = ""
    refreshed = 20
    seconds = 0.12

    def prepare(self, workspace: Workspace) -> None:
        """Make the state after step 0."""
        root = User(user_name="root", privileges=["admin"], password_hash="$2b$04$" + "x" * 53)
        people = [
            User(user_name=f"person{number}", privileges=["login"]) for number in range(_PEOPLE)
        ]
        workspace.store.apply(Batch([Edit.create(root), *map(Edit.create, people)]))

    def step(self, workspace: Workspace, number: int) -> None:
        """Do step `number` (from 1), durably."""
        raise NotImplementedError

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Return after which step the store is; asserts that it is whole."""
        raise NotImplementedError

    def settled(self, workspace: Workspace, number: int) -> None:
        """Assert what holds only once the next step was done after a kill."""


class Syncs(Job):
    """Creates, updates, deletes and renames, in one plan each; a renamed user's mail moves."""

    name = "sync"
    seconds = 0.24

    def prepare(self, workspace: Workspace) -> None:
        """Switch deletions on, and do the first sync."""
        super().prepare(workspace)
        settings = Settings(auto_delete=True, guard_max_deletes=10_000)
        workspace.store.apply(Batch(settings=settings))
        self._sync(workspace, 0)
        archives = workspace.archives(workspace.snapshot().settings)
        (archives.path("mover0") / "cur" / _MAIL).write_text("mail")

    def step(self, workspace: Workspace, number: int) -> None:
        """Sync with the directory as it is at this step."""
        self._sync(workspace, number)

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Compare the users with the directory of one step, and read every run."""
        snapshot = workspace.snapshot()
        number = snapshot.history.folded_runs + snapshot.history.count - 1
        listed = self._directory(self._directory_of(number))
        expected = {record.user_name: record.full_name for record in listed}
        assert _managed(snapshot.users) == expected, "half a plan"
        for run in workspace.store.runs():
            workspace.store.run(run.id)
        return number

    def settled(self, workspace: Workspace, number: int) -> None:
        """Assert that the mail is with its user."""
        archives = workspace.archives(workspace.snapshot().settings)
        folder = archives.path(f"mover{self._directory_of(number)}")
        assert (folder / "cur" / _MAIL).exists(), "mail is lost"

    def _directory_of(self, number: int) -> int:
        """Return whose directory the users are as after step `number`."""
        return number

    def _directory(self, number: int) -> list[DirectoryUser]:
        places = [place for place in range(_USERS) if (place + number) % 5]
        return _records(number, places)

    def _sync(self, workspace: Workspace, number: int) -> None:
        listing = Listing(self._directory(number), [], [])
        renamed = [f"mover{number}"] if number else []
        plan = preview(workspace, listing, answers=Answers.of(rename=renamed))
        if back := [change.user_name for change in plan.changes if change.asks == "return"]:
            plan = preview(workspace, listing, answers=Answers.of(rename=renamed, same=back))
        apply_plan(workspace, plan, allow_deletes=plan.counts["delete"] if plan.guard else None)


class Undos(Syncs):
    """A sync, and the undo of it, in turn."""

    name = "undo"

    def step(self, workspace: Workspace, number: int) -> None:
        """Sync at odd steps, undo at even ones."""
        if number % 2:
            self._sync(workspace, 1)
            return
        plan = undo_preview(workspace, workspace.snapshot().history.runs[-1].id)
        apply_plan(workspace, plan, allow_deletes=plan.counts["delete"] if plan.guard else None)

    def _directory_of(self, number: int) -> int:
        return number % 2

    def _directory(self, number: int) -> list[DirectoryUser]:
        return _records(number, range(_USERS if number else _USERS // 2))


class Folds(Syncs):
    """Syncs in a history with little room and pages of two runs, which are folded in turn."""

    name = "history folding"

    def prepare(self, workspace: Workspace) -> None:
        """Let this process, and those forked from it, keep little; not even the last day's."""
        vars(history).update(PAGE=2, UNFOLDED=timedelta(days=-1))
        vars(history_files).update(PAGE=2, MIB=1 << 14)
        super().prepare(workspace)

    def settled(self, workspace: Workspace, number: int) -> None:
        """Assert that old runs went, and their records."""
        super().settled(workspace, number)
        kept = workspace.snapshot().history
        assert kept.size <= 1 << 20
        records = workspace.host_path.with_name("users.json.history")
        assert len(list(records.glob("page-*"))) == kept.pages[1] - kept.pages[0]


class Edits(Job):
    """One user after the other is edited by hand."""

    name = "user edit"

    def step(self, workspace: Workspace, number: int) -> None:
        """Write the step's number into one user's full name."""
        user = workspace.snapshot().find(f"person{number % _PEOPLE}")
        assert user
        by_hand.edit_user(workspace, user, replace(user, full_name=str(number)))

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Return the highest number; the others are those before it."""
        users = workspace.snapshot().users
        written = [int(users[f"person{place}"]["full_name"] or 0) for place in range(_PEOPLE)]
        number = max(written)
        last = range(max(1, number - _PEOPLE + 1), number + 1)
        assert sorted(filter(None, written)) == list(last), "an edit is lost"
        return number


class Passwords(Job):
    """One user's password is changed again and again."""

    name = "password"

    def step(self, workspace: Workspace, number: int) -> None:
        """Set the password of this step."""
        user = workspace.snapshot().find("person0")
        assert user
        by_hand.set_password(workspace, user, _password(number))

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Try the passwords of the steps that it may be."""
        stored = workspace.snapshot().users["person0"]["password_hash"]
        if stored is None:
            return 0
        for number in (at_least, at_least + 1):
            if passwords.verify_password(_password(number), stored):
                return number
        raise AssertionError("neither the acknowledged password nor the next one is right")


class Backups(Job):
    """A setting is changed, so that backups are linked and dropped."""

    name = "backups"

    def step(self, workspace: Workspace, number: int) -> None:
        """Write the step's number into a setting."""
        workspace.store.apply(Batch(settings=Settings(guard_max_deletes=1000 + number)))

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Return the number; every backup is whole, the newest the state before."""
        snapshot = workspace.snapshot()
        kept = [backup.state for backup in read_backups(workspace.host_path)]
        generations = [state.generation for state in kept if state]
        assert len(generations) == len(kept), "a backup is not whole"
        assert generations == sorted(generations, reverse=True)
        newest = (snapshot.generation - 1, snapshot.generation)
        assert not generations or generations[0] in newest, "the newest backup is missing"
        return max(0, snapshot.settings.guard_max_deletes - 1000)

    def settled(self, workspace: Workspace, number: int) -> None:
        """Assert that old backups went."""
        assert len(list_backups(workspace.host_path)) <= KEPT_NEWEST + 1


class Restores(Job):
    """The store returns to a copy that is one step further each time."""

    name = "restore"
    seconds = 0.2

    def prepare(self, workspace: Workspace) -> None:
        """Make the copy."""
        super().prepare(workspace)
        self._copy(workspace).parent.mkdir()
        save_copy(workspace.host_path, self._copy(workspace))

    def step(self, workspace: Workspace, number: int) -> None:
        """Write the step's number into the copy, and return to that."""
        copy = tinydb_store.TinyDBStore(self._copy(workspace))
        copy.apply(Batch(settings=Settings(guard_max_deletes=1000 + number)))
        copy.close()
        restore_backup(workspace, self._copy(workspace))

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Return the number; there is a store at every moment."""
        assert workspace.snapshot().users.keys() >= {"root"}
        return max(0, workspace.snapshot().settings.guard_max_deletes - 1000)

    def _copy(self, workspace: Workspace) -> Path:
        return workspace.host_path.parent / "copies" / "users.json"


class Migrations(Job):
    """The next version, which knows one schema more, meets a file of an older one."""

    name = "migration"
    refreshed = 1
    seconds = 0.12

    def prepare(self, workspace: Workspace) -> None:
        """Place the old file; this process and those forked from it are the next version."""
        shutil.copy(_OLD_FILE, workspace.host_path)
        workspace.host_path.chmod(0o600)
        migrations.STEPS = {**migrations.STEPS, _NEXT_SCHEMA - 1: dict}
        migrations.SCHEMA = _NEXT_SCHEMA
        vars(tinydb_store)["SCHEMA"] = _NEXT_SCHEMA

    def step(self, workspace: Workspace, number: int) -> None:
        """Write; the first step is the one that migrates."""
        workspace.store.apply(Batch(settings=Settings(guard_max_deletes=1000 + number)))

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Return the number; once migrated, the old file is among the backups."""
        number = max(0, workspace.snapshot().settings.guard_max_deletes - 1000)
        content = workspace.host_path.read_bytes()
        if not number:
            assert content == _OLD_FILE.read_bytes(), "half a migration"
            return 0
        assert orjson.loads(content)["meta"]["1"]["schema"] == _NEXT_SCHEMA
        kept = [path for path in list_backups(workspace.host_path) if ".schema" in path.name]
        assert kept, "there is no backup from before the migration"
        assert all(path.read_bytes() == _OLD_FILE.read_bytes() for path in kept)
        return number


class Renames(Job):
    """A user is renamed by hand; the mail moves along."""

    name = "rename"
    seconds = 0.2

    def prepare(self, workspace: Workspace) -> None:
        """Make a user with a message."""
        super().prepare(workspace)
        by_hand.add_user(workspace, User(user_name="name0"), _password(0))
        archives = workspace.archives(workspace.snapshot().settings)
        (archives.path("name0") / "cur" / _MAIL).write_text("mail")

    def step(self, workspace: Workspace, number: int) -> None:
        """Rename to the step's name."""
        user = workspace.snapshot().find(f"name{number - 1}")
        assert user
        by_hand.rename_user(workspace, user, f"name{number}")

    def steps_done(self, workspace: Workspace, at_least: int) -> int:
        """Return the number in the name; there is one user, whose rights go by that name."""
        users = workspace.snapshot().users
        (name,) = [key for key in users if key.startswith("name")]
        assert list(users[name]["folder_privileges"]) == [name], "the rights were left behind"
        return int(name.removeprefix("name"))

    def settled(self, workspace: Workspace, number: int) -> None:
        """Assert that the mail is with its user, in the one folder that there is."""
        archives = workspace.archives(workspace.snapshot().settings)
        assert (archives.path(f"name{number}") / "cur" / _MAIL).exists(), "mail is lost"
        folders = [path.name for path in archives.root.iterdir() if path.name != MARK]
        assert folders == [folder_name(f"name{number}")], "a folder of an old or new name is left"


# The last two change this process: it keeps less history, and becomes the next version.
JOBS = (Syncs, Edits, Passwords, Undos, Backups, Renames, Restores, Folds, Migrations)


def cheap_passwords() -> None:
    """Use bcrypt's lowest cost: it is the writes that are tried here."""
    passwords.COST = 4


def _password(number: int) -> str:
    return f"correct horse battery {number}"


def _records(number: int, places: Iterable[int]) -> list[DirectoryUser]:
    users = [
        DirectoryUser(f"user{place}", f"CN=user{place}", f"Step {number}", []) for place in places
    ]
    return [*users, DirectoryUser(f"mover{number}", "CN=mover", f"Step {number}", [])]


def _managed(users: Mapping[str, Any]) -> dict[str, Any]:
    return {
        row["user_name"]: row["full_name"]
        for row in users.values()
        if row["authentication"] == DIRECTORY_SERVICES
    }
