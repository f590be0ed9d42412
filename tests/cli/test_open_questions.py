"""Who waits for an answer: `login --explain` says so; ids and names of the deleted ask for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.scripted_directory import ScriptedDirectory, scripted_directory

PASSWORD = "open sesame, please"
RENAME = "`mailroster sync --rename anna.berg` for the same person, `--separate anna.berg` for"
RETURN = "`mailroster sync --same jsmith` for the same person, `--new jsmith` for somebody else"
JOHN = {"fullName": "John", "distinguishedName": "CN=John", "emailAddresses": ["j@x.org"]}
JANE = {"fullName": "Jane", "distinguishedName": "CN=Jane", "emailAddresses": ["k@x.org"]}


@pytest.fixture
def server() -> Iterator[ScriptedDirectory]:
    with scripted_directory(users=[], credentials=None, passwords={"jsmith": PASSWORD}) as running:
        yield running


@pytest.fixture
def site(mailroster: CommandLine, server: ScriptedDirectory) -> CommandLine:
    mailroster.set_up(server.url, "auto_delete=true", "guard_max_delete_percent=100")
    return mailroster


def user(name: str, stable_id: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"userName": name, "id": stable_id, **fields}


def synced(site: CommandLine, *words: str, code: int = 0) -> list[str]:
    done = site("sync", "--yes", "--json", *words)
    assert done.code == code, done.out + done.err
    return [f"{change['action']} {change['user_name']}" for change in done.json["changes"]]


class TestExplain:
    @pytest.mark.parametrize("recorded", [False, True])
    def test_a_rename_that_is_a_question(
        self, site: CommandLine, server: ScriptedDirectory, recorded: bool
    ) -> None:
        server.users = [user("anna", emailAddresses=["a@x.org"]), user("bert")]
        synced(site)
        server.users = [user("anna.berg", emailAddresses=["a@x.org"]), user("bert")]
        server.users += [user("carla")] * recorded
        synced(site, code=13)
        for name in ("anna", "ANNA.berg"):
            done = site("login", "--explain", name)
            assert done.code == 1
            assert f"Answer with {RENAME}" in done.out
            assert ("at least since the sync of 20" in done.out) is recorded
            assert "This user cannot log on." in done.out
        assert "question" not in site("login", "--explain", "bert").out
        wrong = site("login", "--explain", "anna", stdin="a wrong password\n")
        assert RENAME in wrong.out
        assert synced(site, "--rename", "anna.berg") == ["rename anna.berg"]
        assert "question" not in site("login", "--explain", "anna.berg").out

    def test_a_name_that_a_deleted_user_had(
        self, site: CommandLine, server: ScriptedDirectory
    ) -> None:
        server.users = [user("bert"), user("jsmith", **JOHN)]
        synced(site)
        server.users = [user("bert")]
        synced(site)
        server.users = [user("bert"), user("jsmith", **JANE)]
        synced(site, code=13)
        done = site("login", "--explain", "jsmith")
        assert (done.code, RETURN in done.out) == (1, True)
        assert "The user “jsmith” does not exist" in done.out

    def test_everything_but_the_name_changed(
        self, site: CommandLine, server: ScriptedDirectory
    ) -> None:
        server.users = [user("jsmith", **JOHN)]
        synced(site)
        server.users = [user("jsmith", **JANE)]
        done = site("login", "--explain", "jsmith")
        assert (done.code, RETURN in done.out) == (0, True)
        right = site("login", "--explain", "jsmith", stdin=PASSWORD)
        assert (right.code, "The password is right" in right.out) == (0, True)

    def test_others_whom_a_sync_leaves_out_or_would_make(
        self, site: CommandLine, server: ScriptedDirectory
    ) -> None:
        server.users = [user("x/y"), user("dora"), user("dora"), user("emil")]
        for name, words in {
            "x/y": "A sync leaves “x/y” alone: the user name contains “/”",
            "dora": "A sync leaves “dora” alone: the directory lists this name 2 times",
            "emil": "The directory lists “emil”, and the next sync makes this user.",
            "fred": "The user “fred” does not exist.",
        }.items():
            done = site("login", "--explain", name)
            assert (done.code, words in done.out) == (1, True), done.out
        done = site("login", "--explain", "emil", stdin=PASSWORD)
        assert done.code == 1
        assert " ?   The password was not checked, because mailroster sends" in done.out
        assert "yes  The directory lists “emil”, and the next sync makes" in done.out
        server.list_status = 503
        done = site("login", "--explain", "emil")
        assert (done.code, "cannot tell what a sync would ask" in done.out) == (1, True)
        site("settings", "set", "directory_service=none")
        assert "cannot tell what" not in site("login", "--explain", "emil").out


class TestADeletedUserUnderANewName:
    @pytest.fixture
    def left(self, site: CommandLine, server: ScriptedDirectory) -> CommandLine:
        """Jo was here with an id, left mail behind, and is listed as jo.new now."""
        server.users = [user("jo", "1"), user("bert", "2")]
        synced(site)
        (site.archive / "jo" / "new" / "1").write_text("Jo's mail")
        assert site("users", "set-privileges", "jo", "login", "export").code == 0
        assert site("users", "set-privileges", "bert", "--folder", "jo=read").code == 0
        server.users = [user("bert", "2")]
        assert synced(site) == ["delete jo"]
        server.users = [user("bert", "2"), user("jo.new", "1")]
        return site

    def test_it_is_a_question(self, left: CommandLine) -> None:
        assert synced(left, code=13) == ["return jo.new"]
        assert "“jo” was deleted, and this name is listed with" in left("test").out
        assert set(left.users()) == {"bert"}

    def test_the_same_person_has_the_privileges_and_the_mail(self, left: CommandLine) -> None:
        assert synced(left, "--same", "jo.new") == ["return jo.new"]
        assert left.users()["jo.new"]["privileges"] == ["login", "export"]
        assert (left.archive / "jo.new" / "new" / "1").read_text() == "Jo's mail"
        assert left.users()["bert"]["folder_privileges"]["jo.new"] == ["read"]
        assert not (left.archive / "jo").exists()
        assert synced(left) == []

    def test_somebody_new_has_neither(self, left: CommandLine) -> None:
        assert synced(left, "--new", "jo.new") == ["create jo.new"]
        assert left.users()["jo.new"]["privileges"] == ["login"]
        assert not list((left.archive / "jo.new" / "new").iterdir())
        assert (left.archive / "jo" / "new" / "1").exists()

    def test_mail_under_a_name_that_is_taken_stays_there(
        self, left: CommandLine, server: ScriptedDirectory
    ) -> None:
        server.users = [*server.users, user("jo", "3")]
        assert synced(left, "--same", "jo.new", "--same", "jo") == ["return jo", "return jo.new"]
        assert (left.archive / "jo" / "new" / "1").exists()
        assert not list((left.archive / "jo.new" / "new").iterdir())

    def test_the_control_another_id_is_somebody_new(
        self, left: CommandLine, server: ScriptedDirectory
    ) -> None:
        server.users = [user("bert", "2"), user("jo.new", "3")]
        assert synced(left) == ["create jo.new"]


class TestAnotherIdOutOfScope:
    @pytest.fixture
    def moved(self, site: CommandLine, server: ScriptedDirectory) -> CommandLine:
        """The name is somebody's in a part of the company that the filters leave out."""
        server.users = [user("jsmith", "1", distinguishedName="OU=A"), user("bert", "2")]
        synced(site)
        done = site("settings", "set", "filters=exclude distinguished_name OU=B")
        assert done.code == 0
        server.users = [user("jsmith", "9", distinguishedName="OU=B"), user("bert", "2")]
        return site

    def test_nobody_logs_on_as_who_stays(self, moved: CommandLine) -> None:
        assert moved("settings", "set", "auto_delete=false").code == 0
        assert moved.log_on("jsmith", PASSWORD) == 0
        assert synced(moved, code=13) == ["update jsmith", "return jsmith"]
        assert moved.log_on("jsmith", PASSWORD) == 1
        assert synced(moved, "--new", "jsmith", code=13) == ["conflict jsmith"]
        assert synced(moved, "--same", "jsmith") == ["update jsmith"]
        found = moved.users()["jsmith"]
        assert (found["directory_id"], found["distinguished_name"]) == ("9", "OU=A")
        assert moved.log_on("jsmith", PASSWORD) == 0
        assert synced(moved) == []

    def test_who_is_deleted_is_no_question(self, moved: CommandLine) -> None:
        assert synced(moved) == ["delete jsmith"]

    def test_a_pinned_user_stays_and_is_asked_about(self, moved: CommandLine) -> None:
        assert moved("history", "pin", "jsmith").code == 0
        assert synced(moved, code=13) == ["update jsmith", "return jsmith"]
