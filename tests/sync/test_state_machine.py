"""Anything in any order: what holds whatever the directory and two administrators do."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from store.administrators import is_local_administrator
from store.errors import LastAdministrator, StoreConflict
from store.files.archives import folder_name
from store.interface import Batch, Edit, Snapshot
from store.models import INTEGRATED, FilterRule, Settings, User
from store.names import match_key
from sync.configure import leave_alone
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.errors import GuardBlocked, StalePlan
from sync.planning.folder_rights import moved_rights
from sync.planning.plan import Answers, Plan
from sync.runs.apply import Result, apply_plan, divide
from sync.runs.by_hand import pinned_users, release
from sync.runs.preview import preview
from sync.runs.record import shown_changes
from sync.runs.undo import undo_preview
from sync.workspace import Workspace, open_workspace
from tests.support.both_stores import content as store_content
from tests.support.postgres import Cluster
from tests.support.replay import comparable, replay

SPELLINGS = ["anna", "bert", "carla", "dora", "emil", "stra\u00dfe", "ANNA"]
NAMES = st.sampled_from(SPELLINGS)
PEOPLE = st.integers(0, 6)
ADMINISTRATORS = st.sampled_from([0, 1])
NAME_SETS = st.sets(NAMES, max_size=4)
RULES = st.lists(
    st.builds(
        FilterRule,
        action=st.sampled_from(["include", "exclude", "skip"]),
        field=st.just("user_name"),
        pattern=st.sampled_from(["*", "a*", "carla", "[de]*"]),
    ),
    max_size=2,
).map(tuple)


class Syncs(RuleBasedStateMachine):
    """`listed` is the directory; two administrators have sessions of their own on the store.

    It lists people by name; everybody has a distinguished name and an address of their own, until
    they are taken away or passed on; some have an id, which is always theirs. `mail` maps each
    message to the archive folder that it must be in.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.now = datetime(2026, 11, 30, 2, tzinfo=UTC)
        self.sessions = [self.open() for _ in range(2)]
        self.listed: dict[str, DirectoryUser] = {}
        self.invalid: list[InvalidRecord] = []
        self.mail: dict[str, str] = {}
        self.kept_plans: list[Plan] = []
        self.generation = 0

    def open(self) -> Workspace:
        return self.opened(f"{self._folder.name}/users.json")

    def opened(self, store: str) -> Workspace:
        key = Path(self._folder.name, "key")
        return open_workspace(store, key, clock=lambda: self.now)

    def teardown(self) -> None:
        for session in self.sessions:
            session.close()
        self._folder.cleanup()

    @property
    def workspace(self) -> Workspace:
        return self.sessions[0]

    @property
    def listing(self) -> Listing:
        return Listing(list(self.listed.values()), list(self.invalid), [])

    @initialize(names=st.lists(NAMES, min_size=3, unique_by=match_key))
    def first_sync(self, names: list[str]) -> None:
        self.write(
            0,
            Edit.create(User(user_name="root", privileges=["admin"], password_hash="$2b$x")),
            settings=Settings(auto_delete=True),
        )
        for number, name in enumerate(names):
            self.list_person(name, number, with_id=number % 2 == 0)
        self.synchronise(0, Answers(), set(), False, False)
        for name in names:
            self.deliver_mail(name)

    def write(self, administrator: int, *edits: Edit, settings: Settings | None = None) -> None:
        store = self.sessions[administrator].store
        before = store.snapshot()
        try:
            after = store.apply(Batch(edits, settings=settings))
        except (StoreConflict, LastAdministrator):
            return
        changed = bool(edits) or (settings is not None and settings != before.settings)
        self.generation += changed
        assert after.generation == self.generation

    # What happens in the directory

    @rule(name=NAMES, person=PEOPLE, with_id=st.booleans())
    def list_person(self, name: str, person: int, with_id: bool) -> None:
        self.listed[name] = DirectoryUser(
            name,
            f"CN={person}",
            f"P {person}",
            [f"{person}@x.org"],
            id=str(person) if with_id else None,
        )

    @rule(name=NAMES)
    def remove_person(self, name: str) -> None:
        self.listed.pop(name, None)

    @rule(name=NAMES, unknown=st.booleans())
    def forget_who_it_is(self, name: str, unknown: bool) -> None:
        if name in self.listed:
            dn = None if unknown else "CN=passed on"
            self.listed[name] = self.listed[name]._replace(distinguished_name=dn)

    @rule(names=st.permutations(SPELLINGS[:-1]))
    def pass_names_on(self, names: list[str]) -> None:
        people = list(self.listed.values())
        self.listed = {
            name: person._replace(user_name=name)
            for name, person in zip(names, people, strict=False)
        }

    @rule(old=NAMES, new=NAMES)
    def rename_person(self, old: str, new: str) -> None:
        if old in self.listed and new not in self.listed:
            self.listed[new] = self.listed.pop(old)._replace(user_name=new)

    @rule(one=NAMES, two=NAMES)
    def swap_addresses(self, one: str, two: str) -> None:
        if one in self.listed and two in self.listed:
            first, second = self.listed[one], self.listed[two]
            self.listed[one] = first._replace(email_addresses=second.email_addresses)
            self.listed[two] = second._replace(email_addresses=first.email_addresses)

    @rule(name=st.none() | st.sampled_from(["an*na", "../x"]))
    def break_a_record(self, name: str | None) -> None:
        self.invalid = [InvalidRecord(name, "bad", None, [])]

    @rule()
    def mend_the_records(self) -> None:
        self.invalid = []

    # What administrators do by hand

    @rule(administrator=ADMINISTRATORS, name=NAMES, admin=st.booleans())
    def add_local_user(self, administrator: int, name: str, admin: bool) -> None:
        privileges = ["admin"] if admin else ["login"]
        user = User(
            user_name=name,
            privileges=privileges,
            password_hash="$2b$y",
            folder_privileges={"anna": ["read"], match_key(name): ["read"]},
        )
        self.write(administrator, Edit.create(user))

    @rule(administrator=ADMINISTRATORS, name=NAMES | st.just("root"))
    def delete_user(self, administrator: int, name: str) -> None:
        if user := self.sessions[administrator].snapshot().find(name):
            self.write(administrator, Edit.delete(user))

    @rule(administrator=ADMINISTRATORS, name=NAMES, full_name=st.sampled_from(["X", "Y"]))
    def edit_user(self, administrator: int, name: str, full_name: str) -> None:
        if user := self.sessions[administrator].snapshot().find(name):
            self.write(administrator, Edit.update(user, replace(user, full_name=full_name)))

    @rule(
        administrator=ADMINISTRATORS,
        auto_delete=st.booleans(),
        days=st.sampled_from([0, 2, 2]),
        filters=RULES,
    )
    def change_settings(
        self, administrator: int, auto_delete: bool, days: int, filters: tuple[FilterRule, ...]
    ) -> None:
        settings = self.sessions[administrator].snapshot().settings
        changed = replace(
            settings, auto_delete=auto_delete, delete_after_days=days, filters=filters
        )
        self.write(administrator, settings=changed)

    @rule(hours=st.sampled_from([5, 24, 60]))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(name=NAMES)
    def skip_always(self, name: str) -> None:
        leave_alone(self.workspace, [name], "because")
        self.generation = self.workspace.snapshot().generation
        untouched = match_key(name)
        assert all(
            match_key(change.user_name) != untouched
            for change in preview(self.workspace, self.listing).changes
            if change.edit
        )

    @rule()
    def release_the_pinned(self) -> None:
        for user in pinned_users(self.workspace.snapshot()):
            release(self.workspace, user.user_name)
            self.generation += 1

    @rule(name=NAMES)
    def deliver_mail(self, name: str) -> None:
        workspace = self.workspace
        if user := workspace.snapshot().find(name):
            archives = workspace.archives(workspace.snapshot().settings)
            archives.create(user.user_name)
            message = f"message-{len(self.mail)}"
            (archives.path(user.user_name) / "new" / message).touch()
            self.mail[message] = folder_name(user.key)

    # Runs

    @rule(administrator=ADMINISTRATORS, then_undo=st.booleans())
    def synchronise_renaming_everybody(self, administrator: int, then_undo: bool) -> None:
        answers = Answers.of(rename=SPELLINGS)
        self.synchronise(administrator, answers, set(), hold=False, then_undo=then_undo)

    @rule(administrator=ADMINISTRATORS, then_undo=st.booleans())
    def synchronise_separating_everybody(self, administrator: int, then_undo: bool) -> None:
        answers = Answers.of(separate=SPELLINGS)
        self.synchronise(administrator, answers, set(), hold=False, then_undo=then_undo)

    @rule(
        administrator=ADMINISTRATORS,
        answers=st.builds(
            Answers.of,
            rename=NAME_SETS,
            separate=NAME_SETS,
            link=NAME_SETS,
            rename_from=st.lists(st.tuples(NAMES, NAMES), max_size=2),
            same=NAME_SETS,
            new=NAME_SETS,
            take_ids=st.booleans(),
        ),
        skip=NAME_SETS,
        hold=st.booleans(),
        then_undo=st.booleans(),
    )
    def synchronise(
        self, administrator: int, answers: Answers, skip: set[str], hold: bool, then_undo: bool
    ) -> None:
        workspace = self.sessions[administrator]
        plan = preview(workspace, self.listing, answers=answers)
        before = workspace.snapshot().users
        run = self.run(workspace, plan, skip, hold)
        if not plan.listed:
            return
        self.check_local_users(before, workspace.snapshot().users, answers)
        self.check_leavers(plan, before, workspace.snapshot(), run)
        self.check_nothing_is_left(workspace, plan, answers, skip, hold)
        if run and then_undo:
            undo = undo_preview(workspace, run)
            assert undo.counts["conflict"] == 0, undo.changes
            self.run(workspace, undo, set(), hold=False)
            after = workspace.snapshot().users
            assert content(after) == content(before)
            for key, row in after.items():
                assert row["pinned"] or row["absent_since"] == before[key]["absent_since"]

    @rule(administrator=ADMINISTRATORS)
    def keep_a_plan(self, administrator: int) -> None:
        self.kept_plans.append(preview(self.sessions[administrator], self.listing))

    @precondition(lambda self: self.kept_plans)
    @rule(administrator=ADMINISTRATORS)
    def apply_a_kept_plan(self, administrator: int) -> None:
        plan = self.kept_plans.pop(0)
        before = store_content(self.workspace)
        if plan.listed:
            try:
                self.run(self.sessions[administrator], plan, set(), hold=False)
            except StalePlan:
                assert store_content(self.workspace) == before

    @precondition(lambda self: self.workspace.snapshot().history.runs)
    @rule(administrator=ADMINISTRATORS, number=st.integers(0, 5))
    def undo(self, administrator: int, number: int) -> None:
        workspace = self.sessions[administrator]
        runs = workspace.snapshot().history.runs
        plan = undo_preview(workspace, runs[-1 - number % len(runs)].id)
        self.run(workspace, plan, set(), hold=False)

    def run(self, workspace: Workspace, plan: Plan, skip: set[str], hold: bool) -> str | None:
        """Apply with the exact number of deletions; return the run's id."""
        wanted, _ = divide(plan, skip, hold_deletes=hold)
        deletes = sum(change.is_counted for change in wanted)
        before = workspace.snapshot()
        if deletes:  # any other number is refused, and nothing is written
            try:
                apply_plan(workspace, plan, skip=skip, allow_deletes=deletes - 1, hold_deletes=hold)
            except GuardBlocked:
                assert workspace.snapshot() is before
            else:
                raise AssertionError("a wrong number opened the guard")
        try:
            result = apply_plan(
                workspace, plan, skip=skip, allow_deletes=deletes or None, hold_deletes=hold
            )
        except GuardBlocked:
            assert not plan.listed
            return None
        self.generation += bool(result.run)
        after = workspace.snapshot()
        if result.run:
            recorded = shown_changes(workspace.store.run(result.run).changes)
            assert replay(before.users, recorded) == comparable(after.users)
        renamed = {
            change.edit.key: change.edit.user.key
            for change in result.applied
            if change.action == "rename" and change.edit and change.edit.user
        }
        self.move_mail(plan, result, renamed)
        arrived = set(renamed.values())
        gone = before.users.keys() - after.users.keys() - (renamed.keys() - arrived)
        created = {match_key(c.user_name) for c in result.applied if c.action == "create"}
        deleted = {match_key(c.user_name) for c in result.applied if c.action == "delete"}
        assert len(deleted) == sum(change.action == "delete" for change in result.applied)
        assert sum(change.is_counted for change in result.applied) == deletes
        assert gone == deleted - arrived - created
        return result.run

    def move_mail(self, plan: Plan, result: Result, renamed: Mapping[str, str]) -> None:
        """Follow the folders of who is renamed, and of who makes place for somebody else."""
        moved = {folder_name(old): folder_name(new) for old, new in renamed.items()}
        for change in result.applied:
            if change.archive in ("aside", "back"):
                folder = folder_name(change.user_name)
                moved[folder] = f"{folder}=aside-{result.run}"
                moved[f"{folder}=aside-{plan.undoes}"] = folder
            elif change.candidates and change.action in ("return", "create"):
                moved.update(self.moved_along(change.candidates[0], change.user_name, result.run))
            elif change.candidates and change.action == "delete":
                moved.update(self.moved_along(change.user_name, change.candidates[0], result.run))
                folder = folder_name(change.user_name)
                moved[f"{folder}=aside-{plan.undoes}"] = folder
        self.mail = {message: moved.get(folder, folder) for message, folder in self.mail.items()}

    def moved_along(self, old: str, new: str, run: str | None) -> dict[str, str]:
        """Return where the folders of who comes or goes under another name are then."""
        folder, target = folder_name(old), folder_name(new)
        return {target: f"{target}=aside-{run}", folder: target}

    def check_local_users(
        self, before: Mapping[str, Any], after: Mapping[str, Any], answers: Answers
    ) -> None:
        for key, row in before.items():
            if row["authentication"] == INTEGRATED and key not in answers.link:
                kept = {**after[key]}
                if kept != row:  # a folder was renamed that the user has rights on
                    ignored = ("rev", "changed", "folder_privileges")
                    assert {n: v for n, v in kept.items() if n not in ignored} == {
                        n: v for n, v in row.items() if n not in ignored
                    }

    def check_leavers(
        self, plan: Plan, before: Mapping[str, Any], now: Snapshot, run: str | None
    ) -> None:
        """Nobody goes before the day that the mark gives, and whoever is back is not marked."""
        settings, today = plan.settings, self.now.date()
        marked = {key: row["absent_since"] for key, row in before.items() if row["absent_since"]}
        for change in plan.of("delete") if run and settings.delete_after_days else ():
            if "somebody else's" not in change.reason:
                since = marked[match_key(change.user_name)]
                assert today >= date.fromisoformat(since) + timedelta(settings.delete_after_days)
        for key, row in now.users.items():
            if since := row["absent_since"]:
                assert row["authentication"] != INTEGRATED
                assert not row["pinned"]
                assert since == marked.get(key, today.isoformat())

    def check_nothing_is_left(
        self, workspace: Workspace, plan: Plan, answers: Answers, skip: set[str], hold: bool
    ) -> None:
        again = preview(workspace, self.listing, answers=answers)
        left = {match_key(change.user_name) for change in again.changes if change.edit}
        _, skipped = divide(plan, skip, hold_deletes=hold)
        allowed = {match_key(change.user_name) for change in (*skipped, *plan.of("conflict"))}
        allowed |= {match_key(change.user_name) for change in plan.changes if change.left_out}
        assert left <= allowed, (again.changes, plan.changes)

    # What always holds

    @invariant()
    def an_administrator_with_a_password_remains(self) -> None:
        users = self.workspace.snapshot().users
        assert not users or any(map(is_local_administrator, users.values()))

    @invariant()
    def no_mail_is_lost_or_in_another_archive(self) -> None:
        workspace = self.workspace
        archives = workspace.archives(workspace.snapshot().settings)
        for message, folder in self.mail.items():
            assert (archives.root / folder / "new" / message).exists()

    @invariant()
    def every_session_sees_the_same_and_generations_count_writes(self) -> None:
        first, second = (session.snapshot() for session in self.sessions)
        assert first.users == second.users
        assert first.generation == second.generation == self.generation

    @invariant()
    def every_address_has_one_user(self) -> None:
        rows = self.workspace.snapshot().users.values()
        found = [address for row in rows for address in row["email_addresses"]]
        assert len(found) == len(set(found))

    @invariant()
    def every_run_in_the_history_can_be_read(self) -> None:
        for run in self.workspace.snapshot().history.runs:
            assert self.workspace.store.run(run.id).summary == run


def content(users: Mapping[str, Any]) -> dict[str, Any]:
    """The users without what every write changes, and without rights on nobody's folder."""
    ignored = ("rev", "changed", "pinned", "absent_since", "folder_privileges")
    return {
        key: {name: value for name, value in row.items() if name not in ignored}
        | {
            "rights": {
                folder: rights
                for folder, rights in moved_rights(row["folder_privileges"], {}).items()
                if folder in users
            }
        }
        for key, row in users.items()
    }


class SyncsInPostgres(Syncs):
    """The same on a store in PostgreSQL; each example has a database of its own."""

    cluster: ClassVar[Cluster]

    def __init__(self) -> None:
        self._database = self.cluster.new_database()
        super().__init__()

    def open(self) -> Workspace:
        workspace = self.opened(self._database)
        return replace(workspace, host_path=Path(self._folder.name, "postgresql"))

    def teardown(self) -> None:
        super().teardown()
        self.cluster.drop(self._database)


@pytest.mark.usefixtures("cluster_of_the_class")
class TestSyncsInPostgres(SyncsInPostgres.TestCase):  # type: ignore[misc]
    @pytest.fixture(scope="class")
    def cluster_of_the_class(self, postgres: Cluster) -> None:
        SyncsInPostgres.cluster = postgres


TestSyncsInPostgres.settings = hypothesis_settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestSyncs = Syncs.TestCase
TestSyncs.settings = hypothesis_settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
