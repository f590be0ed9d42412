"""`mailroster users edit|rename|set-privileges|unlock` and `login --explain`."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.interface import Batch, Edit
from store.models import User
from store.passwords import hash_password
from sync.runs.by_hand import add_administrator
from sync.workspace import Workspace
from tests.support.command_line import CommandLine
from tests.support.directory import Directory

PASSWORD = "correct horse battery"


@pytest.fixture
def anna(mailroster: CommandLine, workspace: Workspace) -> CommandLine:
    """The command line on a store with the users anna, bert and off, who may not log on."""
    cheap = hash_password(PASSWORD, "")
    users = [
        User(
            user_name=name,
            email_addresses=[f"{name[0]}@x.org"],
            privileges=["none"] if name == "off" else ["login"],
            folder_privileges={name: ["read", "write"]},
            password_hash=cheap,
        )
        for name in ("anna", "bert", "off")
    ]
    after = workspace.store.apply(Batch([Edit.create(user) for user in users]))
    for user in users:
        workspace.archives(after.settings).create(user.user_name)
    return mailroster


def lock(workspace: Workspace, source: str | None = None) -> None:
    for _ in range(5):
        workspace.lockout.settle("anna", source, right=False)


def test_a_store_without_users_says_so_beside_the_empty_list(
    mailroster: CommandLine, workspace: Workspace
) -> None:
    done = mailroster("users", "list")
    assert (done.code, done.out) == (0, "")
    assert f"{workspace.host_path} has no users." in done.err
    assert "--store" in done.err
    add_administrator(workspace, "root", PASSWORD)
    done = mailroster("users", "list")
    assert done.out.splitlines()[1].startswith("root ")
    assert done.err == ""


def test_adding_a_name_whose_archive_is_still_there_says_so(anna: CommandLine) -> None:
    (anna.archive / "anna" / "cur" / "1:2,S").write_text("mail")
    assert "kept the archive" in anna("users", "delete", "anna", "--yes").err
    again = anna("users", "add", "anna", stdin=PASSWORD)
    assert "holds 1 message from before" in again.err
    assert "from before" not in anna("users", "add", "new", stdin=PASSWORD).err


def test_a_deleted_user_of_the_directory_may_come_back(
    connected: CommandLine, anna: CommandLine, directory: Directory
) -> None:
    directory.put("dora", "eva", "fred")
    connected("sync", "--yes")
    back = "If the directory still lists dora, the next sync brings this user back, unless a filter"
    assert back in connected("users", "delete", "dora", "--yes").err
    assert "next sync" not in connected("users", "delete", "anna", "--yes").err
    connected("settings", "set", "filters=skip user_name eva")
    assert "next sync" not in connected("users", "delete", "eva", "--yes").err
    connected("settings", "set", "directory_service=none")
    assert "next sync" not in connected("users", "delete", "fred", "--yes").err


def test_several_users_are_switched_in_one_write(
    connected: CommandLine, anna: CommandLine, directory: Directory, workspace: Workspace
) -> None:
    directory.put("anna")
    method = "directory_services"
    generation = workspace.snapshot().generation
    done = anna("users", "set-auth", "anna", "bert", method)
    assert done.code == 1
    assert "does not know “bert”" in done.err
    assert workspace.snapshot().generation == generation
    directory.put("anna", "bert")
    done = anna("users", "set-auth", "anna", "BERT", "Anna", method, "--json")
    assert [user["authentication"] for user in done.json] == [method] * 2
    assert "The directory knows “anna”, “bert”." in done.err
    assert workspace.snapshot().generation == generation + 1
    done = anna("users", "set-auth", "anna", "integrated", "--json")
    assert done.json["authentication"] == "integrated"


class TestEdit:
    def test_fields_and_addresses_in_their_order(self, anna: CommandLine) -> None:
        done = anna(
            "users", "edit", "ANNA", "--full-name", "Anna B", "--dn", "CN=Anna", "--json",
            "--address", "2@x.org", "--address", "a@x.org", "--address", "2@X.org",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert done.json["full_name"] == "Anna B"
        assert done.json["distinguished_name"] == "CN=Anna"
        assert done.json["email_addresses"] == ["2@x.org", "a@x.org"]
        done = anna("users", "edit", "anna", "--full-name", "", "--address", "", "--json")
        assert (done.json["full_name"], done.json["email_addresses"]) == (None, [])
        assert done.json["distinguished_name"] == "CN=Anna"
        assert done.json["has_password"] is True

    def test_refusals_change_nothing(self, anna: CommandLine, tmp_path: Path) -> None:
        content = (tmp_path / "users.json").read_bytes()
        for arguments, code, says in [
            (("--address", "A@X.org"), 1, "belongs to “anna”"),
            (("--address", "nonsense"), 1, "is not an e-mail address"),
            ((), 2, "You named nothing to change."),
        ]:
            done = anna("users", "edit", "bert", *arguments)
            assert (done.code, says in done.err) == (code, True), done.err
        assert (tmp_path / "users.json").read_bytes() == content

    def test_a_directory_users_fields_follow_the_directory(
        self, connected: CommandLine, directory: Directory
    ) -> None:
        directory.put("dora")
        connected("sync", "--yes")
        assert (
            "The next sync replaces" in connected("users", "edit", "dora", "--full-name", "D").err
        )


def test_rename(anna: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "archive" / "anna" / "new" / "1").touch()
    assert anna("users", "set-privileges", "bert", "--folder", "anna=read").code == 0
    done = anna("users", "rename", "anna", "Carla", "--json")
    assert (done.code, done.json["user_name"]) == (0, "Carla")
    assert "Renamed anna to Carla." in done.err
    assert (tmp_path / "archive" / "carla" / "new" / "1").exists()
    rights = anna("users", "show", "bert", "--json").json["folder_privileges"]
    assert rights == {"bert": ["read", "write"], "carla": ["read"]}
    refused = anna("users", "rename", "carla", "BERT", "--json")
    assert (refused.code, refused.json["error"]["kind"]) == (1, "invalid_value")
    assert anna("users", "rename", "Carla", "CARLA").code == 0


def test_a_renamed_directory_user_has_to_be_renamed_there_too(
    connected: CommandLine, directory: Directory
) -> None:
    directory.put("dora")
    connected("sync", "--yes")
    assert connected("users", "rename", "dora", "Dora").err == "Renamed dora to Dora.\n"
    done = connected("users", "rename", "dora", "dora.new")
    assert (done.code, "Rename this user in the directory too" in done.err) == (0, True)
    assert "the next sync takes the old name for a new user" in done.err


def test_one_whom_the_directory_knows_by_an_id_would_be_renamed_back(
    connected: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "directory.json").write_text('[{"userName": "dora", "id": "7"}]')
    connected("sync", "--yes")
    done = connected("users", "rename", "dora", "dora.new")
    assert "the next sync gives this user the old name back" in done.err
    connected("sync", "--yes")
    assert connected("users", "show", "dora", "--json").json["user_name"] == "dora"


class TestSetPrivileges:
    def test_what_was_given_is_named(self, anna: CommandLine) -> None:
        folder = ("--folder", "anna=read")
        right = "bert now has the rights read on the archive folder of anna.\n"
        assert anna("users", "set-privileges", "bert", *folder).err == right
        done = anna("users", "set-privileges", "bert", "export", *folder)
        assert done.err == f"bert now has the privileges export. {right}"
        done = anna("users", "set-privileges", "bert", "--folder", "anna=")
        assert done.err == "bert now has no rights on the archive folder of anna.\n"

    def test_privileges_and_folders(self, anna: CommandLine) -> None:
        done = anna(
            "users", "set-privileges", "anna", "export", "login", "--json",
            "--folder", "bert=delete,read", "--folder", "anna=none",
        )  # fmt: skip
        assert done.json["privileges"] == ["login", "export"]
        assert done.json["folder_privileges"] == {"anna": ["none"], "bert": ["read", "delete"]}
        assert "has no effect without the privilege delete" in done.err
        done = anna("users", "set-privileges", "anna", "--folder", "bert=", "--json")
        assert done.json["folder_privileges"] == {"anna": ["none"]}
        assert done.json["privileges"] == ["login", "export"]
        done = anna("users", "set-privileges", "anna", "login", "delete")
        assert "no effect without delete on a folder" in done.err

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("admin", "login"), "“admin” cannot be combined"),
            (("none", "login"), "“none” cannot be combined"),
            (("--folder", "anna=none,read"), "“none” cannot be combined"),
            (("--folder", "anna=own"), "“own” is not a folder privilege"),
            (("--folder", "nobody=read"), "either a user nor an archive folder"),
            (("--folder", "read"), "is not OWNER=RIGHTS"),
            (("fly",), "is not one of"),
            ((), "Name privileges"),
        ],
    )
    def test_refusals_change_nothing(
        self, anna: CommandLine, tmp_path: Path, arguments: tuple[str, ...], says: str
    ) -> None:
        content = (tmp_path / "users.json").read_bytes()
        done = anna("users", "set-privileges", "anna", *arguments)
        assert done.code in (1, 2)
        assert says in done.err
        assert (tmp_path / "users.json").read_bytes() == content

    def test_the_archive_of_someone_who_left_can_be_given_to_others(
        self, anna: CommandLine, tmp_path: Path
    ) -> None:
        (tmp_path / "archive" / "bert" / "cur" / "1").touch()
        anna("users", "delete", "bert", "--yes")
        assert anna("users", "set-privileges", "anna", "--folder", "bert=read").code == 0

    def test_two_administrators_demoting_each_other_leave_one(
        self, mailroster: CommandLine, workspace: Workspace
    ) -> None:
        for name in ("adam", "eve"):
            add_administrator(workspace, name, PASSWORD)
        with ThreadPoolExecutor(2) as pool:
            codes = pool.map(
                lambda name: mailroster("users", "set-privileges", name, "login").code,
                ["adam", "eve"],
            )
        assert sorted(codes) == [0, 1]
        found = mailroster("users", "list", "--json").json
        assert sorted(user["privileges"][0] for user in found) == ["admin", "login"]


class TestLockout:
    def test_a_locked_user_is_refused_like_any_other_until_unlocked(
        self, anna: CommandLine, workspace: Workspace
    ) -> None:
        wrong = anna("login", "anna", "--json", stdin="wrong")
        assert wrong.code == 1
        lock(workspace)
        assert anna("login", "anna", "--json", stdin=PASSWORD) == wrong
        assert anna("users", "unlock", "anna", "--json").json == {
            "unlocked": "anna",
            "had_failures": True,
        }
        assert anna("login", "anna", stdin=PASSWORD).code == 0
        assert "no failed log-ons" in anna("users", "unlock", "anna").err

    def test_a_source_too(self, anna: CommandLine) -> None:
        anna("login", "anna", "--source", "192.0.2.1", stdin="wrong")
        done = anna("users", "unlock", "--source", "192.0.2.1", "--json")
        assert done.json["had_failures"] is True
        assert anna("users", "unlock").code == 2
        assert anna("login", "anna", "--source", "nonsense", stdin="x").code == 2


def test_the_list_has_titles_and_columns_of_a_bounded_width(anna: CommandLine) -> None:
    anna("users", "edit", "bert", "--full-name", "x" * 100_000)
    anna("users", "edit", "anna", "--full-name", "y" * 60)
    title, *users = anna("users", "list").out.splitlines()
    assert title.split()[:4] == ["user", "name", "full", "name"]
    assert len(users) == len(anna.users())
    assert max(map(len, (title, *users))) < 200
    shown = {line.split()[0]: line for line in users}
    assert "x" * 59 + "…" in shown["bert"]
    assert "y" * 60 in shown["anna"]
    assert title.index("authentication") == shown["anna"].index("integrated")


@pytest.mark.parametrize(
    "words",
    [
        ["users", "edit", "anna", "--full-name", "a\udcff"],
        ["users", "edit", "anna", "--dn", "a\udcff"],
        ["users", "set-privileges", "anna", "--folder", "a\udcff=read"],
        ["users", "rename", "anna", "a\udcff"],
        ["settings", "set", "ca_file=/a\udcff"],
        ["settings", "set", "filters=skip user_name a\udcff"],
        ["settings", "set", "max_users=100000000000000000000"],
    ],
)
def test_bytes_that_are_no_utf_8_are_refused(anna: CommandLine, words: list[str]) -> None:
    before = anna.store.read_bytes()
    done = anna(*words)
    assert done.code == 1
    assert "fault of mailroster" not in done.err
    assert "Nothing was" in done.err
    assert anna.store.read_bytes() == before


def test_an_accepted_log_on_says_so_on_a_terminal_alone(anna: CommandLine) -> None:
    read, write = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tui.cli", "--store", anna.store_argument, "login", "anna"],
        stdin=write, stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as login:  # fmt: skip
        assert login.stderr
        assert login.stderr.read(len("Password: ")) == b"Password: "
        os.write(read, f"{PASSWORD}\n".encode())
        out, err = login.communicate(timeout=60)
    for end in (read, write):
        os.close(end)
    assert (login.returncode, out) == (0, b"")
    assert err.endswith(b"Accepted.\n")
    assert anna("login", "anna", stdin=PASSWORD).err == ""


class TestExplain:
    def test_who_can(self, anna: CommandLine) -> None:
        done = anna("login", "--explain", "ANNA")
        assert done.code == 0, done.out
        assert "is the user “anna”" in done.out
        assert (
            done.out.splitlines()[-1]
            == "Nothing that was looked at keeps this user from logging on."
        )
        assert anna("login", "--explain", "anna", stdin=PASSWORD).code == 0

    def test_who_cannot_and_why(self, anna: CommandLine) -> None:
        for name, stdin, says in [
            ("off", "", "NO   The privileges include neither “Log on” nor “Administrator”: None."),
            ("nobody", "", "NO   The user “nobody” does not exist."),
            ("anna", "wrong", "NO   The password is wrong"),
        ]:
            done = anna("login", "--explain", name, stdin=stdin)
            assert (done.code, says in done.out) == (1, True), done.out

    def test_of_an_address_the_user_is_named(self, anna: CommandLine) -> None:
        anna("users", "edit", "anna", "--address", "anna@example.com", "--address", "a@x.org")
        done = anna("login", "--explain", "A@x.org")
        assert done.code == 1
        assert (
            "The user “A@x.org” does not exist. It is an e-mail address of “anna”; a log-on needs "
            "the user name."
        ) in done.out
        assert "address of" not in anna("login", "--explain", "nobody@x.org").out

    def test_it_counts_as_no_attempt(self, anna: CommandLine, tmp_path: Path) -> None:
        anna("login", "--explain", "anna", stdin="wrong")
        assert not (tmp_path / "users.json.attempts").exists()

    def test_a_lock_is_told(self, anna: CommandLine, workspace: Workspace) -> None:
        lock(workspace, "192.0.2.1")
        done = anna("login", "--explain", "anna", "--source", "192.0.2.1", "--json")
        assert (done.code, done.json["can_log_on"]) == (1, False)
        texts = [step["text"] for step in done.json["steps"]]
        assert any("locked for another 15 min, after 5 failures" in text for text in texts)
        assert any("192.0.2.1 is not locked: 5 of 100" in text for text in texts)
        done = anna("login", "--explain", "anna")
        assert (done.code, "yes  The user, from 192.0.2.1, is locked" in done.out) == (0, True)
        assert "From elsewhere this changes nothing." in done.out
        assert anna("login", "--explain", "anna", "--source", "192.0.2.2").code == 0
        assert anna("login", "anna", "--source", "192.0.2.2", stdin=PASSWORD).code == 0

    def test_a_directory_user(self, connected: CommandLine, directory: Directory) -> None:
        directory.put("bert", dora="right")
        connected("sync", "--yes")
        done = connected("login", "--explain", "dora")
        assert (done.code, "lists “dora”" in done.out) == (0, True)
        assert " ?   The password was not checked. Only a log-on shows" in done.out
        assert "Nothing that was looked at keeps this user from logging on." in done.out
        record = connected("login", "--explain", "dora", "--json").json
        assert (record["can_log_on"], record["exit_code"]) == (True, 0)
        assert {tuple(step) for step in record["steps"]} == {("ok", "text", "error")}
        done = connected("login", "--explain", "dora", stdin="right")
        assert ("password is right" in done.out, "was not checked" in done.out) == (True, False)
        assert "does not accept" in connected("login", "--explain", "dora", stdin="x").out
        directory.put("bert")
        assert "does not list “dora”" in connected("login", "--explain", "dora").out
        directory.stop()
        done = connected("login", "--explain", "dora", "--json")
        assert (done.code, done.json["can_log_on"]) == (111, None)

    def test_without_a_local_password_or_with_a_damaged_one(
        self, anna: CommandLine, workspace: Workspace
    ) -> None:
        hashes = {"none": None, "damaged": "$2b$nonsense"}
        users = [
            User(user_name=name, privileges=["login"], password_hash=password_hash)
            for name, password_hash in hashes.items()
        ]
        workspace.store.apply(Batch([Edit.create(user) for user in users]))
        for stdin in ("", PASSWORD):
            done = anna("login", "--explain", "none", stdin=stdin)
            assert (done.code, "has no local password" in done.out) == (1, True), done.out
            done = anna("login", "--explain", "damaged", stdin=stdin)
            assert (done.code, "is the user “damaged”" in done.out) == (111, True), done.out
            assert "has a local password" not in done.out
            assert "nonsense" not in done.out

    def test_damage(self, anna: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "users.json.attempts").write_text("{")
        assert anna("login", "anna", stdin=PASSWORD).code == 111
        done = anna("login", "--explain", "anna")
        assert (done.code, "the file is damaged" in done.out) == (111, True)
        (tmp_path / "users.json").write_text("{")
        done = anna("login", "--explain", "anna")
        assert (done.code, "is not valid JSON" in done.out) == (111, True)


def test_privileges_of_several_are_changed_in_one_run(anna: CommandLine) -> None:
    runs = len(anna("history", "list", "--json").json["runs"])
    changed = anna(
        *("users", "change-privileges", "anna", "BERT", "anna", "off"),
        *("--give", "archive", "--give", "export", "--take", "login", "--json"),
    ).json
    assert [(user["user_name"], user["privileges"]) for user in changed] == [
        ("anna", ["archive", "export"]),
        ("bert", ["archive", "export"]),
        ("off", ["archive", "export"]),
    ]
    assert len(anna("history", "list", "--json").json["runs"]) == runs + 1
    done = anna("users", "change-privileges", "anna", "--give", "none")
    assert "anna now has the privileges none." in done.err


def test_changing_privileges_needs_a_privilege_and_users(anna: CommandLine) -> None:
    done = anna("users", "change-privileges", "anna")
    assert (done.code, "Name privileges with --give, --take or both." in done.err) == (2, True)
    done = anna("users", "change-privileges", "anna", "nobody", "--give", "archive")
    assert (done.code, "The user “nobody” does not exist." in done.err) == (1, True)
    done = anna("users", "change-privileges", "anna", "--give", "admin", "--give", "login")
    assert (done.code, "cannot be combined" in done.err) == (1, True)
