"""`mailroster status`: words, JSON and OpenMetrics, and an exit code for each level."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from store.interface import Batch, Edit
from store.models import Settings
from sync.workspace import Workspace
from tests.support.builders import managed
from tests.support.certificates import self_signed
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.spoiled import spoil

PASSWORD = "correct horse battery"


def metrics(mailroster: CommandLine) -> dict[str, Any]:
    """What the parser of the field reads: samples by name and labels."""
    done = mailroster("status", "--openmetrics")
    lines = [line.rpartition(" ")[0] for line in done.out.splitlines() if line[:1] != "#"]
    assert sorted(lines) == sorted(set(lines))  # node_exporter takes no sample twice
    return {
        "".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(done.out)
        for sample in family.samples
    }


def kinds(mailroster: CommandLine, code: int) -> list[str]:
    """What is not well, in every form, after the exit code was looked at."""
    done = mailroster("status", "--json")
    assert (done.code, done.json["exit_code"]) == (code, code)
    found = [trouble["kind"] for trouble in done.json["troubles"]]
    words = mailroster("status")
    assert words.code == code
    assert len(words.out.splitlines()) <= 24
    assert not re.search("generation|chain|piece", words.out)
    for trouble in done.json["troubles"]:
        assert trouble["what"] in words.out
        assert trouble["advice"]
    numbers = metrics(mailroster)
    assert numbers["mailroster_status"] == code
    assert {f"mailroster_trouble{kind}" for kind in found} <= numbers.keys()
    return found


def test_a_store_that_does_not_exist(mailroster: CommandLine) -> None:
    """A path that is mistyped must not look well; the control is the store once it is made."""
    assert kinds(mailroster, 2) == ["store"]
    assert f"The user database {mailroster.store} does not exist." in mailroster("status").out
    assert not mailroster.store.exists()
    assert mailroster("settings", "set", "auto_delete=on").code == 0
    assert kinds(mailroster, 0) == []


def test_after_a_sync(connected: CommandLine, directory: Directory) -> None:
    directory.put("anna", "bert")
    assert connected("sync", "--yes").code == 0
    assert kinds(connected, 0) == []
    found = connected("status", "--json").json
    assert found["sync"]["succeeded"]["counts"]["create"] == 2
    assert found["directory"]["last_answer"]["listed"] == 2
    assert found["users"] == {
        "total": 2,
        "integrated": 0,
        "directory_services": 2,
        "pinned": 0,
        "suspended": 0,
        "leaving": 0,
        "next_leaving_on": None,
        "locked": 0,
    }
    assert len(found["history"]["head"]) == 64
    assert found["store"]["newest_backup"]
    numbers = metrics(connected)
    assert numbers["mailroster_directory_users"] == 2
    assert numbers["mailroster_usersdirectory_services"] == 2
    assert numbers["mailroster_sync_success_timestamp_seconds"] > 1.7e9


def test_a_failed_sync_and_one_that_is_well_again(
    connected: CommandLine, directory: Directory
) -> None:
    directory.put("anna")
    url = directory.url
    connected.set_up("http://127.0.0.1:9/")
    assert connected("sync", "--yes").code == 20
    assert kinds(connected, 2) == ["sync_failed"]
    assert "mailroster_sync_failing_since_timestamp_seconds" in metrics(connected)
    connected.set_up(url)
    assert kinds(connected, 2) == ["sync_failed"]  # until a sync succeeds
    assert connected("sync", "--yes").code == 0
    assert kinds(connected, 0) == []
    assert connected("status", "--json").json["sync"]["failed"]
    assert "127.0.0.1:9 refused the connection" in connected("status").out  # why, also afterwards


def test_a_guard_stop(connected: CommandLine, directory: Directory) -> None:
    assert connected("settings", "set", "auto_delete=true").code == 0
    directory.put(*(f"user{number}" for number in range(9)))
    assert connected("sync", "--yes").code == 0
    directory.put("user0")
    assert connected("sync", "--yes").code == 11
    assert kinds(connected, 2) == ["guard_stop"]


def test_conflicts(connected: CommandLine, directory: Directory) -> None:
    assert connected("users", "add", "anna", stdin=PASSWORD).code == 0
    directory.put("anna", "bert")
    assert connected("sync", "--yes").code == 13
    assert kinds(connected, 1) == ["conflicts"]
    assert connected("status", "--json").json["waiting"]["user_names"] == ["anna"]


def test_a_damaged_store(mailroster: CommandLine) -> None:
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    mailroster.store.write_text("{}")
    assert kinds(mailroster, 2) == ["store"]
    numbers = metrics(mailroster)
    assert numbers["mailroster_store_whole"] == 0
    unknown = ("archive", "folder", "users", "history")
    told_of = [name.removeprefix("mailroster_") for name in numbers]
    assert [name for name in told_of if name.startswith(unknown)] == ["users_locked"]
    lines = mailroster("status").out.splitlines()
    names = [line.split()[0] for line in lines[lines.index("") + 1 :] if line[:1] != " "]
    assert names == ["Store", "Directory", "Last", "Waiting"]
    assert "generation" not in lines[lines.index("") + 1]


def test_a_database_that_is_away_is_told_of_once(tmp_path: Path) -> None:
    class Away(CommandLine):
        store_argument = "postgresql://nobody@127.0.0.1:9/none"

    mailroster = Away(tmp_path)
    assert kinds(mailroster, 2) == ["store"]
    assert not [name for name in metrics(mailroster) if "users" in name or "sync" in name]
    assert "Last sync" not in mailroster("status").out


def test_a_host_without_an_archive(
    mailroster: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    assert metrics(mailroster)["mailroster_archive_mounted"] == 1  # the control
    monkeypatch.setenv("MAILROSTER_ARCHIVE_ROOT", "none")
    assert "mailroster_archive_mounted" not in metrics(mailroster)


def test_an_archive_that_is_not_mounted(mailroster: CommandLine, tmp_path: Path) -> None:
    root = tmp_path / "mail"
    root.mkdir()
    assert mailroster("settings", "set", f"archive_root={root}").code == 0
    assert kinds(mailroster, 0) == []  # the control
    root.rename(tmp_path / "elsewhere")
    assert kinds(mailroster, 2) == ["archive"]
    assert metrics(mailroster)["mailroster_archive_mounted"] == 0


def test_a_host_without_the_key_of_the_directorys_password(
    mailroster: CommandLine, tmp_path: Path
) -> None:
    done = mailroster("settings", "set", "password", stdin="secret")
    assert done.code == 0, done.err
    assert kinds(mailroster, 0) == []
    (tmp_path / "config/mailroster/secret.key").rename(tmp_path / "another host's")
    assert kinds(mailroster, 2) == ["key"]
    assert "is missing" in mailroster("status").out
    assert "its key" in mailroster("store", "check").out
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "password").chmod(0o600)
    assert mailroster("settings", "set", f"password_file={tmp_path / 'password'}").code == 0
    assert kinds(mailroster, 0) == []  # the stored one is no longer used
    assert "its key" not in mailroster("store", "check").out


def test_a_pin_that_ends_soon(workspace: Workspace, mailroster: CommandLine) -> None:
    pem = self_signed(mailroster.store.parent).certificate.read_text()
    workspace.store.apply(Batch(settings=Settings(pinned_certificate=pem)))
    assert kinds(mailroster, 1) == ["pin"]
    workspace.store.apply(Batch(settings=Settings(pinned_certificate="no certificate")))
    assert kinds(mailroster, 2) == ["pin"]


def test_a_backup_of_a_day_to_come(workspace: Workspace, mailroster: CommandLine) -> None:
    """A clock was wrong once; the control is the store before that."""
    for number in (1, 2):
        workspace.store.apply(Batch(settings=Settings(guard_max_deletes=number)))
    assert kinds(mailroster, 0) == []
    (backups,) = mailroster.store.parent.glob("*.backups")
    newest = max(backups.iterdir())
    newest.rename(newest.with_name("20900505T100001.000000Z.json"))
    assert kinds(mailroster, 1) == ["backup"]
    assert "a day that is still to come" in mailroster("status").out


def test_two_receivers_that_did_not_get_a_notice(
    connected: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sendmail").write_text("#!/bin/sh\nexit 75\n")
    (tmp_path / "sendmail").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    connected("settings", "set", "notify_mail=a@example.com", "url=http://127.0.0.1:9/")
    connected("settings", "set", "notify_webhook", stdin="http://127.0.0.1:9/notices\n")
    assert connected("sync", "--yes").code == 20
    assert kinds(connected, 2) == ["sync_failed", "notices", "notices"]
    note = connected.store.with_name("users.json.notices")
    for damaged in (
        '{"mail": {"problem": {}, "told": 1}}',
        '{"mail": {"problem": 1}}',
        '{"mail": 1}',
    ):
        note.write_text(damaged)
        assert kinds(connected, 2) == ["sync_failed"]
        assert connected("sync", "--yes").code == 20
        assert kinds(connected, 2) == ["sync_failed", "notices", "notices"]


def test_backups_that_went_away(mailroster: CommandLine) -> None:
    for name in ("anna", "bert"):
        assert mailroster("users", "add", name, stdin=PASSWORD).code == 0
    assert kinds(mailroster, 0) == []
    shutil.rmtree(mailroster.store.with_name("users.json.backups"))
    assert kinds(mailroster, 1) == ["backup"]


def test_locked_and_pinned_users(mailroster: CommandLine) -> None:
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    for number in range(5):
        assert mailroster.log_on("anna", f"wrong {number}") == 1
        assert mailroster.log_on("nobody", f"wrong {number}") == 1
    assert mailroster("history", "pin", "anna").code in (0, 1)
    assert mailroster("status", "--json").json["users"]["locked"] == 1
    assert kinds(mailroster, 0) == []


def test_wrong_usage(mailroster: CommandLine) -> None:
    assert mailroster("status", "--json", "--openmetrics").code == 2


def test_nothing_slow_is_loaded(mailroster: CommandLine) -> None:
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    lines = (
        "import sys\n"
        "from tui.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", lines, "--store", str(mailroster.store), "status"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = done.stdout.splitlines()[-1]
    for name in ("textual", "httpx", "pydantic", "cryptography", "bcrypt"):
        assert f"'{name}'" not in loaded


def test_only_the_first_one_after_a_change_reads_all_users(
    workspace: Workspace, mailroster: CommandLine
) -> None:
    others = [Edit.create(managed(f"user{number}")) for number in range(1000)]
    workspace.store.apply(Batch(others))
    assert mailroster("status").code == 0
    spoil(mailroster.store, "user550")
    found = mailroster("status", "--json")
    assert (found.code, found.json["users"]["total"]) == (0, 1000), found.out
    assert mailroster("users", "list").code == 22  # the control: this one reads them all


@pytest.mark.parametrize("note", ["figures", "outcome"])
def test_what_is_noted_is_damaged(mailroster: CommandLine, note: str) -> None:
    assert mailroster("users", "add", "anna", stdin=PASSWORD).code == 0
    mailroster.store.with_name(f"users.json.{note}").write_text("{")
    assert kinds(mailroster, 0 if note == "figures" else 2) == ["outcomes"] * (note == "outcome")


def test_the_end_of_the_chain_and_the_first_wrong_record(mailroster: CommandLine) -> None:
    for name in ("anna", "bert", "carla"):
        assert mailroster("users", "add", name, stdin=PASSWORD).code == 0
    head = mailroster("status", "--json").json["history"]["head"]
    whole = mailroster("history", "verify", "--head", head)
    assert (whole.code, head in whole.out) == (0, True)
    second = mailroster("history", "list", "--json").json["runs"][1]["id"]
    record = mailroster.store.with_name("users.json.history") / f"{second}.json"
    record.write_bytes(record.read_bytes().replace(b'"bert"', b'"bart"'))
    found = mailroster("history", "verify", "--json")
    assert (found.code, found.json["wrong"]) == (22, second)
    assert second in mailroster("history", "verify").out
