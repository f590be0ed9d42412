"""The commands on a store in PostgreSQL, and what they say where it is not as it should be."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from store.postgres.schema import migrations, script
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.hosts import Host
from tests.support.postgres import Cluster, run_sql, running_cluster

PASSWORD = "correct horse battery"
SECRET = "a-secret-of-the-database"


@pytest.fixture
def mailroster(tmp_path: Path, database: str) -> Host:
    return Host(tmp_path / "one", database)


def add_two(mailroster: CommandLine) -> None:
    """Add bert, and anna, who is an administrator."""
    for words in (["anna", "--privilege", "admin"], ["bert"]):
        done = mailroster("users", "add", *words, stdin=PASSWORD)
        assert done.code == 0, done.err


@pytest.fixture
def filled(mailroster: Host) -> Host:
    add_two(mailroster)
    assert mailroster("users", "edit", "anna", "--full-name", "Anna A.").code == 0
    return mailroster


class TestCommands:
    @pytest.mark.parametrize(
        "words",
        [
            ["users", "list"],
            ["users", "show", "anna"],
            ["history", "list"],
            ["settings", "show"],
            ["store", "check"],
            ["store", "create"],
            ["store", "restore", "--list"],
            ["systemd-units", "--user", "nobody"],
        ],
        ids=" ".join,
    )
    def test_each(self, filled: Host, words: list[str]) -> None:
        done = filled(*words)
        assert done.code == 0, done.err

    def test_no_text_speaks_of_files(self, filled: Host) -> None:
        done = filled("store", "check")
        assert f"{done.out.split(' is whole: ')[0]} is whole: generation" in done.out
        assert "file" not in done.out
        done = filled("store", "restore", "--list")
        assert "This store keeps no backups; its database's server does." in done.out

    def test_the_mail_server_is_given_the_address(self, filled: Host) -> None:
        if os.geteuid() == 0:
            shutil.chown(filled.archive, "nobody")
        done = filled("dovecot-config", "--version", "2.3")
        assert done.code == 0, done.err
        assert f"--store {filled.url} checkpassword" in done.out

    def test_first_use_makes_the_tables_and_rows_can_be_queried(self, filled: Host) -> None:
        assert run_sql(filled.url, "SELECT user_name, authentication FROM users ORDER BY 1") == [
            ("anna", "integrated"),
            ("bert", "integrated"),
        ]

    def test_a_sync_and_its_undo(self, filled: Host, directory: Directory) -> None:
        directory.put("carla", "dora")
        filled.set_up(directory.url)
        done = filled("sync", "--yes", "--json")
        assert (done.code, done.json["counts"]["create"]) == (0, 2), done.err
        assert (filled.archive / "carla").is_dir()
        run = filled("history", "list", "--json").json["runs"][-1]["id"]
        assert filled("history", "undo", run, "--yes", "--allow-deletes", "2").code == 0
        assert set(filled.users()) == {"anna", "bert"}

    def test_log_on(self, filled: Host) -> None:
        assert [filled.log_on("ANNA", text) for text in (PASSWORD, "wrong")] == [0, 1]
        for number in range(5):
            filled.log_on("anna", f"wrong {number}")
        assert filled.log_on("anna", PASSWORD) == 1
        assert filled("users", "unlock", "anna").code == 0
        assert filled.log_on("anna", PASSWORD) == 0

    def test_names_that_no_database_can_hold_are_refused_like_others(self, filled: Host) -> None:
        assert filled.log_on(os.fsdecode(b"\xff"), "x") == 1
        assert filled("users", "show", os.fsdecode(b"\xff")).code == 1

    def test_status_says_which_server_answers(self, filled: Host, tmp_path: Path) -> None:
        server, _, name = filled.url.partition("@")[2].partition("/")
        host, port = server.split(":")
        several = f"postgresql://postgres@{host}:1,{server}/{name}"
        services = tmp_path / "services"
        services.write_text(f"[mr]\nhost={host}\nport={port}\nuser=postgres\ndbname={name}\n")
        for place, (url, more) in enumerate(
            ((several, {}), ("postgresql:///?service=mr", {"PGSERVICEFILE": str(services)}))
        ):
            status = Host(tmp_path / f"other{place}", url, **more)("status", "--json").json
            assert status["store"]["where"] == f"{url} (now {server})"
        assert filled("status", "--json").json["store"]["where"] == filled.url  # which tells

    def test_status_says_that_each_host_has_folders_of_its_own(
        self, mailroster: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MAILROSTER_ARCHIVE_ROOT", raising=False)
        alone = Host(tmp_path / "alone", mailroster.url, MAILROSTER_ARCHIVE_ROOT="")
        add_two(alone)
        done = alone("status", "--json")
        assert [(done.code, item["kind"]) for item in done.json["troubles"]] == [
            (1, "archive_root")
        ]
        shared = tmp_path / "mail"
        shared.mkdir()
        assert alone("settings", "set", f"archive_root={shared}").code == 0
        assert alone("status").code == 0

    def test_by_a_variable_and_a_service(self, filled: Host, tmp_path: Path) -> None:
        host, port = filled.url.partition("@")[2].partition("/")[0].split(":")
        name = filled.url.rpartition("/")[2]
        services = tmp_path / "services"
        services.write_text(f"[mr]\nhost={host}\nport={port}\nuser=postgres\ndbname={name}\n")
        other = Host(tmp_path / "two", "postgresql:///?service=mr", PGSERVICEFILE=str(services))
        assert set(other.users()) == {"anna", "bert"}


class TestTrouble:
    def test_without_the_extra(self, tmp_path: Path) -> None:
        (tmp_path / "psycopg.py").write_text("raise ImportError('it is not here')")
        host = Host(tmp_path / "one", "postgresql://127.0.0.1/x", PYTHONPATH=str(tmp_path))
        done = host("users", "list", "--json")
        assert done.code == 1
        assert "pip install -c constraints.txt '.[postgresql]'" in done.err
        assert done.json["error"]["kind"] == "store"
        assert host.log_on("anna", "x") == 111

    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://anna:{SECRET}@127.0.0.1/x",
            f"postgresql://127.0.0.1/x?password={SECRET}",
            f"postgresql://127.0.0.1:port{SECRET}/x",
            f"postgresql://[127.0.0.1/{SECRET}",
            f"postgresql://127.0.0.1/x?no_such_thing={SECRET}",
            f"postgresql://127.0.0.1/%{SECRET}",
        ],
    )
    def test_secrets_in_an_address_are_never_echoed(self, tmp_path: Path, url: str) -> None:
        done = Host(tmp_path / "one", url)("users", "list", "--json")
        assert done.code in (1, 21)
        assert SECRET not in done.out + done.err

    def test_a_role_that_may_not_make_tables(
        self, postgres: Cluster, database: str, tmp_path: Path
    ) -> None:
        role = f"writer_{database.rpartition('/')[2]}"
        postgres.sql(f"CREATE ROLE {role} LOGIN")
        host = Host(tmp_path / "one", database.replace("postgres@", f"{role}@"))
        done = host("users", "add", "anna", stdin=PASSWORD)
        assert done.code == 1
        assert "mailroster store create --sql" in done.err
        sql = host("store", "create", "--sql")
        assert sql.code == 0
        run_sql(database, sql.out)
        assert "may not do this" in host("users", "list").err
        run_sql(
            database,
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        )
        done = host("users", "add", "anna", stdin=PASSWORD)
        assert done.code == 0, done.err

    def test_a_role_that_may_not_change_older_tables(
        self, postgres: Cluster, database: str, tmp_path: Path
    ) -> None:
        role = f"writer_{database.rpartition('/')[2]}"
        postgres.sql(f"CREATE ROLE {role} LOGIN")
        run_sql(database, script(0, migrations()[:1]))
        grant = f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
        run_sql(database, grant)
        host = Host(tmp_path / "one", database.replace("postgres@", f"{role}@"))
        done = host("users", "add", "anna", stdin=PASSWORD)
        assert "mailroster store create --sql --from 1` prints" in done.err
        run_sql(database, host("store", "create", "--sql", "--from", "1").out)
        run_sql(database, grant)
        done = host("users", "add", "anna", stdin=PASSWORD)
        assert done.code == 0, done.err

    def test_tables_of_somebody_else(self, database: str, tmp_path: Path) -> None:
        run_sql(database, "CREATE TABLE users (id integer)")
        done = Host(tmp_path / "one", database)("users", "add", "anna", stdin=PASSWORD)
        assert (done.code, "with the names of mailroster's" in done.err) == (1, True)

    def test_a_newer_schema_is_refused(self, filled: Host) -> None:
        run_sql(filled.url, "UPDATE store SET schema = 99")
        for words in (["users", "list"], ["users", "delete", "bert", "--yes"]):
            done = filled(*words)
            assert (done.code, "newer mailroster" in done.err) == (22, True)
        assert filled.log_on("anna", PASSWORD) == 111

    def test_a_row_that_is_refused_shows_nothing_of_it(self, filled: Host) -> None:
        run_sql(
            filled.url,
            "ALTER TABLE users ADD CONSTRAINT odd CHECK (length(full_name) < 3) NOT VALID",
        )
        done = filled("users", "edit", "bert", "--full-name", "Bert B.", "--json")
        assert (done.code, "odd" in done.err) == (22, True)
        assert "$2b$" not in done.out + done.err

    def test_a_database_that_is_away(self, tmp_path: Path) -> None:
        with running_cluster() as cluster:
            host = Host(tmp_path / "one", cluster.new_database())
            assert host("users", "add", "anna", stdin=PASSWORD).code == 0
            cluster.stop()
            done = host("users", "list", "--json")
            assert (done.code, done.json["error"]["kind"]) == (21, "store_unreachable")
            assert host.log_on("anna", PASSWORD) == 111
            cluster.start()
            assert host.log_on("anna", PASSWORD) == 0


class TestCopies:
    @pytest.fixture
    def in_a_file(self, tmp_path: Path) -> CommandLine:
        mailroster = CommandLine(tmp_path)
        add_two(mailroster)
        assert mailroster("settings", "set", "history_max_mib=7").code == 0
        for _ in range(3):
            mailroster.log_on("bert", "wrong")
        mailroster.log_on("anna", PASSWORD)
        return mailroster

    def test_from_a_file_and_back(
        self, in_a_file: CommandLine, mailroster: Host, tmp_path: Path
    ) -> None:
        done = in_a_file("store", "copy", mailroster.url, "--json")
        assert done.code == 0, done.err
        assert done.json["store"]["users"] == 2
        assert mailroster.log_on("anna", PASSWORD) == 0
        there = mailroster("history", "list", "--json").json["runs"]
        assert there == in_a_file("history", "list", "--json").json["runs"]
        for run in there:
            shown = ["history", "show", run["id"], "--json"]
            assert mailroster(*shown).json == in_a_file(*shown).json
        back = tmp_path / "back" / "users.json"
        done = mailroster("store", "copy", str(back))
        assert done.code == 0, done.err
        again = CommandLine(back.parent)
        assert again("store", "check").code == 0
        assert again.users() == in_a_file.users()
        first, last = (json.loads(file.read_bytes()) for file in (in_a_file.store, back))
        assert first["meta"]["1"]["store_id"] != last["meta"]["1"]["store_id"]
        assert first["_default"] == last["_default"]
        attempts = [Path(f"{file}.attempts").read_bytes() for file in (in_a_file.store, back)]
        assert json.loads(attempts[0]) == json.loads(attempts[1])

    @pytest.mark.parametrize("is_set", [True, False])
    def test_the_copy_gets_the_archive_by_the_commands_that_are_printed(
        self, in_a_file: CommandLine, mailroster: Host, tmp_path: Path, is_set: bool
    ) -> None:
        """Where archive_root is set both look at one place, else each beside what is its own."""
        root = tmp_path / "archive"
        if is_set:
            assert in_a_file("settings", "set", f"archive_root={root}").code == 0
        (root / "anna" / "new" / "mail").write_text("hello")
        done = in_a_file("store", "copy", mailroster.url, "--json")
        commands = done.json["archive_commands"]
        assert "  " + "\n  ".join(commands) in done.err
        assert [command.split()[0] for command in commands] == ["rm", "mailroster"]
        if is_set:
            refused = mailroster("users", "rename", "anna", "anne")  # the control
            assert (refused.code, "belongs to another store" in refused.err) == (23, True)
        remove, take = map(shlex.split, commands)
        subprocess.run(remove, check=True)
        assert take[:3] == ["mailroster", "--store", mailroster.url]
        mailroster(*take[3:])
        assert mailroster("users", "rename", "anna", "anne").code == 0
        assert (root / "anne" / "new" / "mail").read_text() == "hello"

    def test_without_an_archive_nothing_is_to_be_run(
        self, in_a_file: CommandLine, mailroster: Host
    ) -> None:
        assert in_a_file("settings", "set", "archive_root=none").code == 0
        done = in_a_file("store", "copy", mailroster.url, "--json")
        assert (done.json["archive_commands"], "archive" in done.err) == ([], False)

    def test_never_onto_a_store_that_is_there(self, in_a_file: CommandLine, filled: Host) -> None:
        done = in_a_file("store", "copy", filled.url)
        assert (done.code, "already" in done.err) == (1, True)
        done = filled("store", "copy", str(in_a_file.store))
        assert (done.code, "already" in done.err) == (1, True)
        assert filled.users()["anna"]["full_name"] == "Anna A."

    def test_a_backup_is_the_file_of_a_store_and_can_be_restored_into_either(
        self, filled: Host, tmp_path: Path, postgres: Cluster
    ) -> None:
        copy = tmp_path / "users-copy.json"
        done = filled("store", "backup", str(copy))
        assert (done.code, copy.stat().st_mode & 0o777) == (0, 0o600), done.err
        in_a_file = CommandLine(tmp_path / "new")
        assert in_a_file("store", "restore", str(copy), "--yes").code == 0
        assert in_a_file.users() == filled.users()
        assert filled("users", "delete", "bert", "--yes").code == 0
        done = filled("store", "restore", str(copy), "--yes")
        assert done.code == 0, done.err
        assert set(filled.users()) == {"anna", "bert"}
        url = postgres.new_database()
        empty = Host(tmp_path / "three", url)
        done = empty("store", "restore", str(copy), "--yes")
        assert done.code == 0, done.err
        assert empty.users().keys() == {"anna", "bert"}
        assert empty("history", "list", "--json").json["runs"][-1]["kind"] == "restore"
        postgres.drop(url)

    def test_tables_that_were_changed_by_hand_are_noticed(self, filled: Host) -> None:
        run_sql(filled.url, "UPDATE runs SET record = 'x' WHERE generation = 3")
        run_sql(filled.url, "INSERT INTO addresses VALUES ('x@example.com', 'anna')")
        done = filled("store", "check")
        assert done.code == 22
        for told in ("cannot be read", "The newest record is not", "The table of addresses"):
            assert told in done.out


Make = Callable[[str], Host]


class TestHosts:
    @pytest.fixture
    def host(self, tmp_path: Path, database: str) -> Make:
        def make(name: str, **environment: str) -> Host:
            return Host(tmp_path / name, database, **environment)

        return make  # type: ignore[return-value]

    def test_a_host_without_the_key_goes_on_with_everything_else(
        self, host: Make, directory: Directory
    ) -> None:
        one, two = host("one"), host("two")
        directory.put("carla")
        one.set_up(directory.url, "requires_authentication=true", "user_name=svc")
        assert one("settings", "set", "password", stdin=SECRET).code == 0
        assert one("sync", "--yes").code == 0
        done = two("sync", "--yes")
        assert done.code == 1
        assert "password_file" in done.err
        assert str(two.key) in done.err
        assert two("users", "add", "bert", stdin=PASSWORD).code == 0
        two.key.parent.mkdir(parents=True, exist_ok=True)
        two.key.write_bytes(one.key.read_bytes())
        two.key.chmod(0o600)
        assert two("sync", "--yes").code == 0

    def test_folders_follow_on_the_host_that_has_the_archive(self, host: Make) -> None:
        one = host("one")
        two = Host(one.home.with_name("two"), one.url, MAILROSTER_ARCHIVE_ROOT="none")
        assert one("users", "add", "anna", stdin=PASSWORD).code == 0
        (one.archive / "anna" / "new" / "mail").write_text("hello")
        assert two("users", "rename", "anna", "anne").code == 0
        assert (one.archive / "anna").exists()
        assert one.log_on("anne", PASSWORD) == 0
        assert (one.archive / "anne" / "new" / "mail").read_text() == "hello"
        assert not (one.archive / "anna").exists()
        assert not (two.home / "data" / "mailroster" / "archive").exists()
