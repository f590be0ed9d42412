"""Several users in one write."""

from __future__ import annotations

import pytest

from store.errors import LastAdministrator, StoreConflict
from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, INTEGRATED, User
from sync.users.by_hand import add_administrator, switch_authentication
from sync.users.several import delete_users, take_back_switch
from sync.workspace import Workspace
from tests.support.builders import managed

PASSWORD = "a few unrelated words"


def filled(workspace: Workspace) -> list[User]:
    add_administrator(workspace, "root", PASSWORD)
    users = [managed("anna"), managed("bert")]
    after = workspace.store.apply(Batch([Edit.create(user) for user in users]))
    return [User.from_row(after.users[user.key]) for user in users]


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
    after = switch_authentication(workspace, before, INTEGRATED, PASSWORD)
    restored = take_back_switch(workspace, before, after)
    assert [user.authentication for user in restored] == [DIRECTORY_SERVICES] * 2
    assert [user.password_hash for user in restored] == [None, None]


def test_what_others_wrote_since_is_not_taken_back(workspace: Workspace) -> None:
    before = filled(workspace)
    after = switch_authentication(workspace, before, INTEGRATED, PASSWORD)
    switch_authentication(workspace, after[:1], DIRECTORY_SERVICES)
    with pytest.raises(StoreConflict):
        take_back_switch(workspace, before, after)
    bert = workspace.snapshot().find("bert")
    assert bert
    assert bert.authentication == INTEGRATED
