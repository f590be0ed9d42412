"""Several users in one write."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, cast

import pytest

from store.errors import LastAdministrator, StoreConflict
from store.interface import Batch, Edit, Snapshot, Store
from store.models import DIRECTORY_SERVICES, INTEGRATED, User
from sync.runs.by_hand import (
    add_administrator,
    add_user,
    delete_users,
    switch_authentication,
)
from sync.runs.undo import take_back
from sync.workspace import Workspace, open_workspace
from tests.support.archived_mail import archives_of
from tests.support.builders import managed, stored

PASSWORD = "a few unrelated words"


def filled(workspace: Workspace) -> list[User]:
    add_administrator(workspace, "root", PASSWORD)
    users = [managed("anna"), managed("bert")]
    after = workspace.store.apply(Batch([Edit.create(user) for user in users]))
    return [User.from_row(after.users[user.key]) for user in users]


def last_run(workspace: Workspace) -> str:
    return workspace.snapshot().history.runs[-1].id


class AddedMeanwhile:
    """A store; once a write is done, another process adds a user before anything else happens."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._store = workspace.store
        other = open_workspace(
            str(workspace.host_path), workspace.host_path.with_name("secret.key")
        )
        self.adding = threading.Thread(
            target=add_user, args=(other, User(user_name=name), PASSWORD)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def apply(self, batch: Batch) -> Snapshot:
        after = self._store.apply(batch)
        self.adding.start()
        self.adding.join(1)  # it waits for the lock; without one it would be done by then
        return after


def test_a_name_that_comes_back_between_write_and_clean_up_keeps_its_folder(
    workspace: Workspace,
) -> None:
    anna, _ = filled(workspace)
    folder = archives_of(workspace).path("anna")
    archives_of(workspace).create("anna")
    store = AddedMeanwhile(workspace, "anna")
    delete_users(replace(workspace, open_store=lambda: cast("Store", store)), [anna])
    store.adding.join()
    assert stored(workspace, "anna").authentication == INTEGRATED
    assert (folder / "new").is_dir()


def test_deleting_is_one_write_and_keeps_mail(workspace: Workspace) -> None:
    anna, bert = filled(workspace)
    archives = workspace.archives(workspace.snapshot().settings)
    for user in (anna, bert):
        archives.create(user.user_name)
    (archives.path("anna") / "new" / "1").write_text("mail")
    generation = workspace.snapshot().generation
    assert delete_users(workspace, [anna, bert]) == [anna]
    assert workspace.snapshot().generation == generation + 1
    assert set(workspace.snapshot().users) == {"root"}
    assert archives.path("anna").exists()
    assert not archives.path("bert").exists()


def test_all_or_nobody_is_deleted(workspace: Workspace) -> None:
    anna, _bert = filled(workspace)
    root = workspace.snapshot().find("root")
    assert root
    with pytest.raises(LastAdministrator):
        delete_users(workspace, [anna, root])
    assert set(workspace.snapshot().users) == {"root", "anna", "bert"}


def test_a_switch_is_taken_back_with_the_password_of_before(workspace: Workspace) -> None:
    before = filled(workspace)
    switch_authentication(workspace, before, INTEGRATED, PASSWORD)
    restored = take_back(workspace, last_run(workspace))
    assert [user.authentication for user in restored] == [DIRECTORY_SERVICES] * 2
    assert [user.password_hash for user in restored] == [None, None]


def test_what_others_wrote_since_is_not_taken_back(workspace: Workspace) -> None:
    before = filled(workspace)
    after = switch_authentication(workspace, before, INTEGRATED, PASSWORD)
    switch = last_run(workspace)
    switch_authentication(workspace, after[:1], DIRECTORY_SERVICES)
    with pytest.raises(StoreConflict):
        take_back(workspace, switch)
    bert = workspace.snapshot().find("bert")
    assert bert
    assert bert.authentication == INTEGRATED
