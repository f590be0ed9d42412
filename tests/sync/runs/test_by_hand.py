"""What administrators do to users by hand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from store.administrators import needs_administrator
from store.errors import InvalidValue, LastAdministrator, StoreFull
from store.interface import Batch
from store.models import DIRECTORY_SERVICES, INTEGRATED, Settings, User
from store.passwords import verify_password
from sync.errors import DirectoryError, NotConfigured
from sync.runs import by_hand
from sync.runs.by_hand import delete_users
from sync.workspace import Workspace, open_workspace
from tests.support.builders import AUTO_DELETE, managed
from tests.support.directory import Directory
from tests.support.wrapped_store import with_store

Fill = Callable[..., Workspace]
PASSWORD = "correct horse battery"


class TestAdd:
    def test_a_hand_made_user_has_the_rights_of_one_and_an_archive(
        self, workspace: Workspace
    ) -> None:
        user = by_hand.add_user(workspace, User(user_name="Anna"), PASSWORD)
        assert user.privileges == ["login", "changePassword"]
        assert user.folder_privileges == {"anna": ["read", "write"]}
        assert user.authentication == INTEGRATED
        assert verify_password(PASSWORD, user.password_hash)
        assert (workspace.archives(Settings()).path("anna") / "cur").is_dir()

    def test_the_first_administrator(self, workspace: Workspace) -> None:
        assert needs_administrator(workspace.snapshot().users)
        by_hand.add_administrator(workspace, "admin", PASSWORD)
        assert not needs_administrator(workspace.snapshot().users)

    @pytest.mark.parametrize(
        ("user", "password", "says"),
        [
            (User(user_name="bert"), None, "needs a password"),
            (User(user_name="bert"), "short", "fewer than 15"),
            (User(user_name="be/rt"), PASSWORD, "contains “/”"),
            (User(user_name="ANNA"), PASSWORD, "The user “ANNA” exists already"),
            (User(user_name="b", email_addresses=["A@x.org"]), PASSWORD, "belongs to “anna”"),
            (User(user_name="b", privileges=["admin", "login"]), PASSWORD, "cannot be combined"),
        ],
    )
    def test_refused(self, fill: Fill, user: User, password: str | None, says: str) -> None:
        workspace = fill(User(user_name="anna", email_addresses=["a@X.org"]))
        content = workspace.host_path.read_bytes()
        with pytest.raises(InvalidValue, match=says):
            by_hand.add_user(workspace, user, password)
        assert workspace.host_path.read_bytes() == content
        assert not workspace.archives(AUTO_DELETE).root.exists()

    def test_an_administrator_of_the_directory_alone_is_not_enough(self, fill: Fill) -> None:
        workspace = fill(managed("boss", privileges=["admin"]))
        assert needs_administrator(workspace.snapshot().users)

    def test_two_at_once_never_get_the_same_address(self, workspace: Workspace) -> None:
        def add(name: str) -> bool:
            own = open_workspace(
                str(workspace.host_path), workspace.host_path.with_name("secret.key")
            )
            user = User(user_name=name, email_addresses=["one@x.org"])
            try:
                by_hand.add_user(own, user, PASSWORD)
            except InvalidValue:
                return False
            finally:
                own.close()
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(add, (f"user{number}" for number in range(8)))) == 1

    def test_what_others_might_see_of_a_former_user_they_do_not_see_of_a_new_one(
        self, fill: Fill
    ) -> None:
        deputy = managed("deputy", folder_privileges={"anna": ["read"], "bert": ["write"]})
        workspace = fill(managed("anna"), deputy)
        anna = workspace.snapshot().find("anna")
        assert anna
        delete_users(workspace, [anna])
        assert rights_of(workspace, "deputy") == {"anna": ["read"], "bert": ["write"]}
        by_hand.add_user(workspace, User(user_name="ANNA"), PASSWORD)
        assert rights_of(workspace, "deputy") == {"bert": ["write"]}
        assert rights_of(workspace, "anna") == {"anna": ["read", "write"]}


def rights_of(workspace: Workspace, name: str) -> dict[str, list[str]]:
    user = workspace.snapshot().find(name)
    assert user
    return user.folder_privileges


class TestDelete:
    def test_an_archive_with_mail_is_kept(self, workspace: Workspace) -> None:
        archives = workspace.archives(Settings())
        anna = by_hand.add_user(workspace, User(user_name="anna"), PASSWORD)
        bert = by_hand.add_user(workspace, User(user_name="bert"), PASSWORD)
        (archives.path("anna") / "new" / "1").touch()
        assert delete_users(workspace, [anna])
        assert not delete_users(workspace, [bert])
        assert archives.path("anna").exists()
        assert not archives.path("bert").exists()

    def test_the_last_administrator_stays(self, workspace: Workspace) -> None:
        root = by_hand.add_administrator(workspace, "root", PASSWORD)
        with pytest.raises(LastAdministrator):
            delete_users(workspace, [root])


class TestAuthentication:
    def test_several_at_once_in_one_write(self, fill: Fill) -> None:
        workspace = fill(User(user_name="anna", password_hash="x"), managed("bert"))
        found = [workspace.snapshot().find(name) for name in ("anna", "bert")]
        generation = workspace.snapshot().generation
        changed = by_hand.switch_authentication(
            workspace, [user for user in found if user], DIRECTORY_SERVICES
        )
        assert [user.authentication for user in changed] == [DIRECTORY_SERVICES] * 2
        assert changed[0].password_hash == "x"
        assert workspace.snapshot().generation == generation + 1

    def test_the_way_back_needs_a_password(self, fill: Fill) -> None:
        workspace = fill(managed("anna"))
        anna = workspace.snapshot().find("anna")
        assert anna
        with pytest.raises(InvalidValue, match="has no local password yet"):
            by_hand.switch_authentication(workspace, [anna], INTEGRATED)
        (changed,) = by_hand.switch_authentication(workspace, [anna], INTEGRATED, PASSWORD)
        assert verify_password(PASSWORD, changed.password_hash)

    def test_the_last_local_administrator_stays_local(self, workspace: Workspace) -> None:
        root = by_hand.add_administrator(workspace, "root", PASSWORD)
        with pytest.raises(LastAdministrator):
            by_hand.switch_authentication(workspace, [root], DIRECTORY_SERVICES)

    def test_a_directory_users_password_is_not_ours_to_set(self, fill: Fill) -> None:
        workspace = fill(managed("anna"))
        anna = workspace.snapshot().find("anna")
        assert anna
        with pytest.raises(InvalidValue, match="is the directory's"):
            by_hand.set_password(workspace, anna, PASSWORD)
        local = replace(anna, authentication=INTEGRATED)
        assert verify_password(
            PASSWORD, by_hand.set_password(workspace, local, PASSWORD).password_hash
        )


class TestUnknownToDirectory:
    async def test_names_are_compared_by_the_matching_rule(
        self, fill: Fill, directory: Directory
    ) -> None:
        directory.put("ANNA")
        workspace = fill(
            settings=Settings(directory_service="application_integration", url=directory.url)
        )
        anna, bert = User(user_name="anna"), User(user_name="bert")
        assert await by_hand.unknown_to_directory(workspace, [anna, bert]) == [bert]

    async def test_an_outage_is_no_answer(self, fill: Fill) -> None:
        with pytest.raises(NotConfigured):
            await by_hand.unknown_to_directory(fill(), [])
        down = Settings(directory_service="application_integration", url="http://127.0.0.1:9/")
        with pytest.raises(DirectoryError):
            await by_hand.unknown_to_directory(fill(settings=down), [])


class TestOfMany:
    def test_privileges_are_given_and_taken_in_one_run(self, fill: Fill) -> None:
        users = [User(user_name=f"user{n}", privileges=["login", "export"]) for n in range(40)]
        workspace = fill(*users, User(user_name="other", privileges=["login"]))
        before = workspace.snapshot()
        stored = [User.from_row(before.users[user.key]) for user in users]
        after = by_hand.change_privileges(workspace, stored, ["archive"], ["export"])
        assert [user.privileges for user in after] == [["login", "archive"]] * 40
        now = workspace.snapshot()
        (run,) = now.history.runs[len(before.history.runs) :]
        assert (run.kind, run.counts["update"], run.generation) == (
            "privileges",
            40,
            before.generation + 1,
        )
        assert now.users["other"] == before.users["other"]

    def test_without_an_administrator_left_nobody_is_changed(self, workspace: Workspace) -> None:
        root = by_hand.add_administrator(workspace, "root", PASSWORD)
        anna = by_hand.add_user(workspace, User(user_name="anna"), PASSWORD)
        before = workspace.snapshot().generation
        with pytest.raises(LastAdministrator):
            by_hand.change_privileges(workspace, [anna, root], ["login"], ["admin"])
        assert workspace.snapshot().generation == before

    def test_nothing_to_change_is_no_run(self, fill: Fill) -> None:
        workspace = fill(User(user_name="anna", privileges=["login"]))
        before = workspace.snapshot()
        anna = User.from_row(before.users["anna"])
        assert by_hand.change_privileges(workspace, [anna], ["login"], ["export"]) == [anna]
        assert by_hand.unlock_users(workspace, [anna]) == {}
        assert workspace.snapshot().generation == before.generation

    def test_those_who_had_failures_are_unlocked_in_one_run(self, fill: Fill) -> None:
        users = [User(user_name=name, privileges=["login"]) for name in ("anna", "bert", "carl")]
        workspace = fill(*users)
        for name in ("anna", "carl"):
            workspace.lockout.settle(name, "192.0.2.1", right=False)
        runs = len(workspace.snapshot().history.runs)
        unlocked = by_hand.unlock_users(workspace, users)
        assert unlocked == {"anna": 1, "carl": 1}
        (run,) = workspace.snapshot().history.runs[runs:]
        changes = workspace.store.run(run.id).changes
        assert [change["user_name"] for change in changes] == ["anna", "carl"]
        assert (run.kind, run.final) == ("unlock", True)

    def test_where_the_history_cannot_tell_they_are_unlocked_all_the_same(self, fill: Fill) -> None:
        anna = User(user_name="anna", privileges=["login"])
        workspace = fill(anna)

        def full(_batch: Batch) -> None:
            raise StoreFull("No room.", "Make room.")

        workspace.lockout.settle("anna", "192.0.2.1", right=False)
        with pytest.raises(StoreFull) as told:
            by_hand.unlock_users(with_store(workspace, apply=full), [anna])
        assert told.value.untouched.startswith("The failed log-ons are cleared; only")
        assert not workspace.lockout.unlock("anna")
