"""What holds for every plan, whatever the store and the directory look like."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from store.interface import Batch, Edit
from store.models import INTEGRATED, Settings, User
from store.names import is_reserved
from store.tinydb.store import TinyDBStore
from sync.directory.listing import Listing
from sync.planning.identity import directory_of, known_id
from sync.planning.plan import Change, Plan
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.report import run_record
from sync.workspace import Workspace, open_workspace
from tests.support import strategies

MAIL = "cur/1.host:2,S"


@contextmanager
def store_with(users: list[User], settings: Settings) -> Iterator[Workspace]:
    """A store with these users; two may have one address, as before that was refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "users.json")
        store = TinyDBStore(path)
        edits = [Edit.create(replace(user, email_addresses=[])) for user in users]
        store.apply(Batch(edits, settings=settings))
        store.close()
        tables = orjson.loads(path.read_bytes())
        addresses = {user.user_name: user.email_addresses for user in users}
        for row in tables["_default"].values():
            row["email_addresses"] = addresses[row["user_name"]]
        path.write_bytes(orjson.dumps(tables))
        workspace = open_workspace(str(path), path.with_name("secret.key"))
        for user in users:
            workspace.archives(settings).create(user.user_name)
        yield workspace
        workspace.close()


def apply_all(workspace: Workspace, plan: Plan) -> None:
    """Apply with the number of deletions confirmed, unless the directory answered nothing."""
    if plan.listed:
        deletes = sum(change.locks_out for change in plan.changes)
        apply_plan(workspace, plan, allow_deletes=deletes)


@contextmanager
def keeping_an_id(workspace: Workspace) -> Iterator[None]:
    """Leave out the runs that delete the last user with an id.

    From then on the directory's ids are new here, and count once they are confirmed.
    """
    had = _some_id(workspace)
    yield
    assume(not had or _some_id(workspace))


def _some_id(workspace: Workspace) -> bool:
    snapshot = workspace.snapshot()
    directory = directory_of(snapshot.settings)
    return any(known_id(row, directory) for row in snapshot.users.values())


cases = given(
    users=strategies.stored_users, settings=strategies.settings, listing=strategies.listings
)


@cases
def test_after_an_applied_plan_there_is_nothing_to_do(
    users: list[User], settings: Settings, listing: Listing
) -> None:
    with store_with(users, settings) as workspace:
        first = preview(workspace, listing)
        with keeping_an_id(workspace):
            apply_all(workspace, first)
        again = preview(workspace, listing)
        assert [change for change in again.changes if change.edit] == []


@cases
def test_a_preview_leaves_the_file_byte_identical(
    users: list[User], settings: Settings, listing: Listing
) -> None:
    with store_with(users, settings) as workspace:
        before = workspace.host_path.read_bytes()
        inode = workspace.host_path.stat().st_ino
        preview(workspace, listing)
        assert workspace.host_path.read_bytes() == before
        assert workspace.host_path.stat().st_ino == inode


@cases
def test_a_plan_without_changes_writes_nothing(
    users: list[User], settings: Settings, listing: Listing
) -> None:
    with store_with(users, settings) as workspace:
        with keeping_an_id(workspace):
            apply_all(workspace, preview(workspace, listing))
        generation = workspace.snapshot().generation
        apply_all(workspace, preview(workspace, listing))
        assert workspace.snapshot().generation == generation


@cases
def test_local_users_and_reserved_names_are_never_touched(
    users: list[User], settings: Settings, listing: Listing
) -> None:
    with store_with(users, settings) as workspace:
        before = workspace.snapshot().users
        apply_all(workspace, preview(workspace, listing))
        after = workspace.snapshot().users
        for key, row in before.items():
            if row["authentication"] == INTEGRATED or is_reserved(row["user_name"]):
                assert after[key] == row
        assert all(key in before for key in after if is_reserved(key))


@cases
def test_administrators_stay_and_rights_are_never_changed(
    users: list[User], settings: Settings, listing: Listing
) -> None:
    with store_with(users, settings) as workspace:
        before = workspace.snapshot().users
        plan = preview(workspace, listing)
        apply_all(workspace, plan)
        after = workspace.snapshot().users
        names = new_names(plan.changes) if plan.listed else {}
        for key, row in before.items():
            now = names.get(key, key)
            if "admin" in row["privileges"]:
                assert now in after
            if now in after:
                for name in ("privileges", "authentication", "password_hash"):
                    assert after[now][name] == row[name]
                assert after[now]["folder_privileges"] == {
                    names.get(folder, folder): rights
                    for folder, rights in row["folder_privileges"].items()
                }


def new_names(changes: Iterable[Change]) -> dict[str, str]:
    """The new key of each user who has another name, as the ids say."""
    return {
        change.edit.key: change.edit.user.key
        for change in changes
        if change.action == "rename" and change.edit and change.edit.user
    }


def renamed_in(plan: Plan) -> set[str]:
    """The keys that users lose to their new names, as their ids say."""
    return set(new_names(plan.changes))


@cases
def test_only_the_switch_deletes(users: list[User], settings: Settings, listing: Listing) -> None:
    with store_with(users, settings) as workspace:
        plan = preview(workspace, listing)
        if not settings.auto_delete or not listing.listed:
            assert plan.counts["delete"] == 0
        before = set(workspace.snapshot().users)
        apply_all(workspace, plan)
        gone = before - set(workspace.snapshot().users) - renamed_in(plan)
        assert len(gone) == (plan.counts["delete"] if listing.listed else 0)


@cases
def test_nobody_newly_gets_an_address_that_another_user_has(
    users: list[User], settings: Settings, listing: Listing
) -> None:
    def owners(workspace: Workspace) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for key, row in workspace.snapshot().users.items():
            for address in row["email_addresses"]:
                found.setdefault(address.casefold(), set()).add(key)
        return found

    with store_with(users, settings) as workspace:
        plan = preview(workspace, listing)
        names = new_names(plan.changes)
        before = {
            address: {names.get(key, key) for key in keys}
            for address, keys in owners(workspace).items()
        }
        apply_all(workspace, plan)
        for address, keys in owners(workspace).items():
            if keys - before.get(address, set()):
                assert len(keys) == 1


@given(
    users=strategies.stored_users,
    settings=strategies.settings,
    listing=strategies.listings,
    held=st.data(),
)
def test_skipped_changes_never_double_an_address(
    users: list[User], settings: Settings, listing: Listing, held: st.DataObject
) -> None:
    with store_with(users, settings) as workspace:
        plan = preview(workspace, listing)
        writable = [change.user_name for change in plan.changes if change.edit]
        skip = held.draw(st.sets(st.sampled_from(writable))) if writable else set()
        if plan.listed:
            before = workspace.snapshot().users
            done = apply_plan(workspace, plan, skip=skip, hold_deletes=True)
            after = workspace.snapshot().users
            assert before.keys() - renamed_in(plan) <= after.keys()
            names = new_names(done.applied)
            owned = {names.get(key, key): row["email_addresses"] for key, row in before.items()}
            for key, row in after.items():
                for address in set(row["email_addresses"]) - set(owned.get(key, [])):
                    assert not any(
                        address in other["email_addresses"]
                        for other_key, other in after.items()
                        if other_key != key
                    )


@given(
    users=strategies.stored_users,
    settings=strategies.settings,
    listing=strategies.listings,
    with_mail=st.sets(st.integers(0, 9)),
)
def test_an_archive_with_mail_is_never_removed(
    users: list[User], settings: Settings, listing: Listing, with_mail: set[int]
) -> None:
    with store_with(users, settings) as workspace:
        archives = workspace.archives(settings)
        keys = [users[n].key for n in with_mail if n < len(users)]
        for key in keys:
            (archives.path(key) / MAIL).write_text(f"Subject: {key}")
        plan = preview(workspace, listing)
        apply_all(workspace, plan)
        names = new_names(plan.changes) if plan.listed else {}
        for key in keys:
            mail = archives.path(names.get(key, key)) / MAIL
            assert mail.read_text() == f"Subject: {key}"
        for change in plan.of("delete") if plan.listed else []:
            folder = archives.path(change.user_name)
            assert folder.exists() == (change.archive == "kept")


@cases
@hypothesis_settings(max_examples=50)
def test_no_plan_shows_a_secret(users: list[User], settings: Settings, listing: Listing) -> None:
    with store_with(users, settings) as workspace:
        plan = preview(workspace, listing)
        shown = json.dumps(run_record("x", 0, plan.changes)) + repr(plan)
        assert "SECRETHASH" not in shown
