"""Saved plans, answers, skips, history, reports and unattended runs on the command line."""

from __future__ import annotations

import csv
import hmac
import json
import os
import stat
import subprocess
import threading
import time
from pathlib import Path

import orjson
import pytest

from store.interface import Batch, Edit
from store.models import Settings, User
from sync.errors import ReportError
from sync.runs.change_lock import change_lock
from sync.runs.report_file import write_report
from sync.runs.run_lock import run_lock
from sync.workspace import Workspace, open_workspace
from tests.store.contract import run_record
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.hostile_server import hostile_server, response
from tests.support.programs import require

PASSWORD = "correct horse battery"


@pytest.fixture
def synchronised(connected: CommandLine, directory: Directory) -> CommandLine:
    """A store with three users of the directory, and automatic deletion."""
    connected("settings", "set", "auto_delete=true", "guard_max_delete_percent=100")
    directory.put("anna", "bert", "carla")
    assert connected("sync", "--yes").code == 0
    return connected


def last_run(mailroster: CommandLine) -> str:
    return str(mailroster("history", "list", "--json").json["runs"][-1]["id"])


class TestPlan:
    def test_saved_shown_and_applied_once(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        plan = str(tmp_path / "plan.json")
        directory.put("anna", "bert", "dora")
        shown = synchronised("test", "--out", plan)
        assert shown.code == 0
        assert stat.S_IMODE(os.stat(plan).st_mode) == 0o600
        directory.put("anna", "bert", "dora")
        done = synchronised("sync", "--plan", plan, "--yes")
        assert done.code == 0, done.err
        assert done.out == shown.out
        assert set(synchronised.users()) == {"anna", "bert", "dora"}
        again = synchronised("sync", "--plan", plan, "--yes", "--json")
        assert (again.code, again.json["error"]["kind"]) == (12, "already_applied")

    @pytest.mark.parametrize("key", [b"", b"x"])
    def test_a_plan_that_was_forged_with_a_broken_key_is_refused(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path, key: bytes
    ) -> None:
        plan = tmp_path / "plan.json"
        directory.put("anna", "bert", "carla", "dora")
        assert synchronised("test", "--out", str(plan)).code == 0
        whole = orjson.loads(plan.read_bytes())
        (created,) = whole["plan"]["changes"]
        created["edit"]["user"]["privileges"] = ["admin"]
        forged = hmac.new(key, orjson.dumps(whole["plan"]), "sha256").hexdigest()
        plan.write_bytes(orjson.dumps({**whole, "signature": forged}))
        before = synchronised.store.read_bytes()
        own = Path(os.environ["XDG_CONFIG_HOME"]) / "mailroster" / "secret.key"
        done = synchronised("sync", "--plan", str(plan), "--yes")
        assert (done.code, "made with another key" in done.err) == (1, True), done.err
        own.write_bytes(key)
        for words in (("sync", "--plan", str(plan), "--yes"), ("test", "--out", f"{plan}.2")):
            done = synchronised(*words)
            assert (done.code, "is empty or damaged" in done.err) == (1, True), done.err
        assert synchronised("store", "check").code == 22
        assert synchronised.store.read_bytes() == before

    def test_with_deletions_the_directory_is_asked_again(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        plan = str(tmp_path / "plan.json")
        directory.put("anna", "bert")
        synchronised("test", "--out", plan)
        directory.put("anna", "bert", "carla")
        before = synchronised.store.read_bytes()
        done = synchronised("sync", "--plan", plan, "--yes")
        assert done.code == 12
        assert "“carla”: delete then, no change now" in done.err
        assert synchronised.store.read_bytes() == before
        assert synchronised("sync", "--plan", plan, "--yes", "--hold-deletes").code == 0

    def test_a_blocked_plan_is_saved_and_opened_by_its_number(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        plan = str(tmp_path / "plan.json")
        directory.put("dora")
        assert synchronised("test", "--out", plan).code == 11
        assert synchronised("sync", "--plan", plan, "--yes").code == 11
        assert synchronised("sync", "--plan", plan, "--yes", "--allow-deletes", "2").code == 11
        assert synchronised("sync", "--plan", plan, "--yes", "--allow-deletes", "3").code == 0
        assert set(synchronised.users()) == {"dora"}

    def test_a_stale_and_a_damaged_plan(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        plan = tmp_path / "plan.json"
        directory.put("anna", "bert", "carla", "dora")
        synchronised("test", "--out", str(plan))
        synchronised("settings", "set", "default_privileges=export")
        stale = synchronised("sync", "--plan", str(plan), "--yes", "--json")
        assert stale.code == 12
        assert "the setting default_privileges was changed" in stale.json["error"]["message"]
        plan.write_text("x")
        damaged = synchronised("sync", "--plan", str(plan), "--yes", "--json")
        assert (damaged.code, damaged.json["error"]["kind"]) == (1, "plan_file")
        assert synchronised("sync", "--plan", str(plan), "--rename", "x").code == 2

    def test_what_is_skipped_is_not_in_the_plan(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        plan = str(tmp_path / "plan.json")
        directory.put("anna", "bert", "dora")
        shown = synchronised("test", "--out", plan, "--skip", "CARLA")
        assert "carla" not in shown.out
        assert synchronised("sync", "--plan", plan, "--yes").code == 0
        assert set(synchronised.users()) == {"anna", "bert", "carla", "dora"}

    def test_the_undo_of_a_run_is_saved_and_applied(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        plan = str(tmp_path / "plan.json")
        directory.put("anna", "bert", "dora")
        assert synchronised("sync", "--yes").code == 0
        saved = synchronised("history", "undo", "last", "--out", plan, "--skip", "dora", "--json")
        assert (saved.code, saved.json["status"]) == (0, "changes_pending")
        assert set(synchronised.users()) == {"anna", "bert", "dora"}
        directory.stop()
        assert synchronised("sync", "--plan", plan, "--yes").code == 0
        assert set(synchronised.users()) == {"anna", "bert", "carla", "dora"}
        assert synchronised("sync", "--plan", plan, "--yes").code == 12


class TestAnswers:
    @pytest.fixture(autouse=True)
    def moved(self, synchronised: CommandLine, directory: Directory, tmp_path: Path) -> None:
        """Let `anna` be listed as `anna.kurz`."""
        directory.put("bert", "carla")
        file = tmp_path / "directory.json"
        users = json.loads(file.read_text())
        users.append({"userName": "anna.kurz", "emailAddresses": ["anna@example.com"]})
        file.write_text(json.dumps(users))

    def test_a_rename_is_asked_and_answered(self, synchronised: CommandLine) -> None:
        asked = synchronised("sync", "--yes")
        assert asked.code == 13
        assert "? rename   anna.kurz" in asked.out
        assert "anna" in synchronised.users()
        answered = synchronised("test", "--rename", "anna.kurz")
        assert "> rename   anna.kurz" in answered.out
        assert synchronised("sync", "--yes", "--rename", "ANNA.KURZ").code == 0
        assert set(synchronised.users()) == {"anna.kurz", "bert", "carla"}
        assert synchronised("history", "undo", "last", "--yes").code == 0
        assert set(synchronised.users()) == {"anna", "bert", "carla"}

    def test_of_several_candidates_one_has_to_be_named(
        self, synchronised: CommandLine, tmp_path: Path
    ) -> None:
        file = tmp_path / "directory.json"
        users = [user for user in json.loads(file.read_text()) if user["userName"] != "bert"]
        users[-1]["emailAddresses"].append("bert@example.com")
        file.write_text(json.dumps(users))
        open_still = synchronised("test", "--rename", "anna.kurz")
        assert "? rename   anna.kurz" in open_still.out
        assert "      Answer with `mailroster sync --rename anna.kurz` for the " in open_still.out
        assert "may be “anna”, “bert”; say which of them it is with --rename-from" in open_still.err
        shown = synchronised("test", "--rename-from", "bert", "anna.kurz")
        assert "> rename   anna.kurz  (“bert” under a new name" in shown.out
        assert "- delete   anna " in shown.out

    def test_separate(self, synchronised: CommandLine) -> None:
        shown = synchronised("test", "--separate", "anna.kurz", "--json").json
        assert shown["counts"] == {
            "create": 1,
            "update": 0,
            "delete": 1,
            "conflict": 0,
            "rename": 0,
            "return": 0,
            "leave": 0,
        }


class TestLink:
    def test_a_conflict_is_linked(self, synchronised: CommandLine, directory: Directory) -> None:
        synchronised("users", "add", "dora", stdin=PASSWORD)
        directory.put("anna", "bert", "carla", "dora")
        conflict = synchronised("sync", "--yes")
        assert conflict.code == 13
        assert "link the two" in conflict.out
        assert synchronised("sync", "--yes", "--link", "dora").code == 0
        assert synchronised.users()["dora"]["authentication"] == "directory_services"


class TestSkip:
    def test_once(self, synchronised: CommandLine, directory: Directory) -> None:
        directory.put("anna", "bert", "dora", "emil")
        unknown = synchronised("sync", "--yes", "--skip", "nobody")
        assert unknown.code == 1
        assert "no change for “nobody”" in unknown.err
        assert synchronised("sync", "--yes", "--skip", "CARLA", "--skip", "dora").code == 0
        assert set(synchronised.users()) == {"anna", "bert", "carla", "emil"}

    def test_always_means_left_alone_in_every_way(
        self, synchronised: CommandLine, directory: Directory
    ) -> None:
        directory.put("anna", "carla", "dora", "emil")
        words = [word for name in ("Bert", "dora", "anna") for word in ("--skip-always", name)]
        done = synchronised("sync", "--yes", *words, "--reason", "on leave, see ticket 7")
        assert done.code == 0, done.err
        assert set(synchronised.users()) == {"anna", "bert", "carla", "emil"}
        directory.put("carla", "emil")
        assert "delete" not in synchronised("test").out
        rules = synchronised("settings", "show", "--json").json["filters"]
        assert rules[0] == {
            "action": "skip",
            "field": "user_name",
            "pattern": "bert",
            "reason": "on leave, see ticket 7",
        }
        assert "skip user_name bert # on leave" in synchronised("settings", "show").out
        assert synchronised("settings", "set", "filters=skip user_name bert # x").code == 0
        assert "- delete   anna" in synchronised("test").out

    def test_a_reason_needs_its_option(self, synchronised: CommandLine) -> None:
        assert synchronised("sync", "--reason", "x").code == 2


class TestHistory:
    def test_list_show_undo_release(self, synchronised: CommandLine, directory: Directory) -> None:
        directory.put("anna", "bert", "dora")
        synchronised("sync", "--yes")
        run = last_run(synchronised)
        listed = synchronised("history", "list")
        assert run in listed.out
        assert "1 create, 1 delete" in listed.out
        shown = synchronised("history", "show", run)
        assert "- delete   carla  (absent from the directory)" in shown.out
        assert "full name: Carla -> (none)" in shown.out
        record = synchronised("history", "show", "last", "--json").json
        assert record["id"] == run
        assert record["changes"][1]["old"]["email_addresses"] == ["carla@example.com"]
        assert "password_hash" not in json.dumps(record)

        assert synchronised("history", "undo", run).code == 2  # nobody to ask
        undone = synchronised("history", "undo", run, "--yes", "--json")
        assert (undone.code, undone.json["status"]) == (0, "applied")
        users = synchronised.users()
        assert set(users) == {"anna", "bert", "carla"}
        assert users["carla"]["pinned"]
        assert f"undo of {run}" in synchronised("history", "list").out
        assert synchronised("history", "pinned", "--json").json == ["carla"]
        assert "pinned" in synchronised("test").err
        assert synchronised("history", "release", "carla", "anna").code == 1
        assert synchronised("history", "pinned").out == "carla\n"
        assert synchronised("history", "release", "carla").code == 0
        assert "- delete   carla" in synchronised("test").out

    def test_a_sync_without_changes_leaves_no_trace(self, synchronised: CommandLine) -> None:
        before = synchronised.store.read_bytes()
        assert synchronised("sync", "--yes").code == 0
        assert synchronised.store.read_bytes() == before

    def test_an_undo_passes_the_guard_and_can_hold_deletions_back(
        self, synchronised: CommandLine
    ) -> None:
        blocked = synchronised("history", "undo", "last", "--yes")
        assert blocked.code == 11
        assert "The delete guard stopped this undo: All 3 managed users" in blocked.err
        assert "--hold-deletes" in blocked.err
        held = synchronised("history", "undo", "last", "--yes", "--hold-deletes")
        assert (held.code, set(synchronised.users())) == (0, {"anna", "bert", "carla"})
        both = synchronised("history", "undo", "last", "--hold-deletes", "--allow-deletes", "3")
        assert both.code == 2
        assert synchronised("history", "undo", "last", "--yes", "--allow-deletes", "3").code == 0
        assert synchronised.users() == {}

    def test_what_only_the_store_needs_is_not_listed(
        self, synchronised: CommandLine, directory: Directory
    ) -> None:
        directory.put("anna", "bert")
        synchronised("sync", "--yes")
        runs = synchronised("history", "list", "--json").json["runs"]
        syncs = [run for run in runs if run["kind"] == "sync"]
        assert len(syncs) == 2
        for run in syncs:
            shown = synchronised("history", "show", run["id"]).out
            assert not [word for word in ("rev:", "created:", "changed:", "hash") if word in shown]
            assert "rights on folders:" in shown

    def test_a_report_of_any_run(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        directory.put("anna", "bert")
        synchronised("sync", "--yes")
        as_json, as_csv = tmp_path / "r.json", tmp_path / "r.csv"
        for file in (as_json, as_csv):
            done = synchronised("history", "show", "last", "--report", str(file))
            assert done.code == 0, done.err
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        record = json.loads(as_json.read_text())
        assert record["run"]["id"] == last_run(synchronised)
        assert (record["status"], record["counts"]["delete"]) == ("applied", 1)
        assert record["changes"][0]["fields"]["full_name"] == {"old": "Carla", "new": None}
        rows = list(csv.DictReader(as_csv.read_text().splitlines()))
        assert "run " + record["run"]["id"] in rows[0]["reason"]
        assert {row["field"] for row in rows[1:]} >= {"full_name", "email_addresses"}
        assert "password_hash" not in as_json.read_text() + as_csv.read_text()

    def test_the_warnings_of_a_run(self, synchronised: CommandLine, directory: Directory) -> None:
        directory.put("anna", "bert", "carla", "dora")
        assert synchronised("sync", "--yes", "--link", "emil").code == 0
        warning = "warning: The directory does not list “emil”: nothing to link.\n"
        assert warning in synchronised("history", "show", "last").out

    def test_runs_that_were_folded_are_counted(
        self, mailroster: CommandLine, workspace: Workspace
    ) -> None:
        """A large run goes from a small history with the first one a day later."""
        workspace.store.apply(Batch(settings=Settings(history_max_mib=1)))
        first = run_record("r1", "2026-01-01T00:00:00+00:00", 9999)
        second = run_record("r2", "2026-01-03T00:00:00+00:00")
        workspace.store.apply(Batch([Edit.create(User(user_name="anna"))], run=first))
        assert "folded" not in mailroster("history", "list").out
        workspace.store.apply(Batch([Edit.create(User(user_name="bert"))], run=second))
        folded, kept = mailroster("history", "list").out.splitlines()
        assert folded == "1 older run, kept as counts only: 9999 create."
        assert kept.startswith("r2 ")

    def test_an_empty_history_and_an_unknown_run(self, mailroster: CommandLine) -> None:
        assert mailroster("history", "list").out == "No run changed anything yet.\n"
        assert mailroster("history", "list", "--json").json == {
            "runs": [],
            "folded": {"runs": 0, "counts": {}},
        }
        assert mailroster("history", "show", "x").code == 1
        assert mailroster("history", "undo", "last", "--yes").code == 1


class TestReport:
    def test_json_and_csv(
        self, synchronised: CommandLine, directory: Directory, tmp_path: Path
    ) -> None:
        directory.put("anna", "bert", "=cmd", "a\x1b]0;x")
        as_json, as_csv = tmp_path / "r.json", tmp_path / "r.CSV"
        shown = synchronised("test", "--json", "--report", str(as_json))
        assert json.loads(as_json.read_text()) == shown.json
        assert stat.S_IMODE(as_json.stat().st_mode) == 0o600
        assert synchronised("sync", "--yes", "--report", str(as_csv)).code == 13
        rows = list(csv.DictReader(as_csv.read_text().splitlines()))
        assert rows[0]["status"] == "applied"
        assert {row["user_name"] for row in rows[1:]} == {"'=cmd", "carla", "a\\x1b]0;x"}
        assert "\x1b" not in as_csv.read_text()

    def test_of_a_failed_run(self, synchronised: CommandLine, tmp_path: Path) -> None:
        synchronised("settings", "set", "url=http://127.0.0.1:9/")
        for name in ("r.json", "r.csv"):
            assert synchronised("sync", "--yes", "--report", str(tmp_path / name)).code == 20
        assert json.loads((tmp_path / "r.json").read_text())["error"]["kind"] == "connection_failed"
        assert "refused the connection" in (tmp_path / "r.csv").read_text()

    def test_a_file_that_may_not_be_replaced_stays(self, tmp_path: Path) -> None:
        report = tmp_path / "r.json"
        write_report(report, {"run": 1}, replacing=False)
        with pytest.raises(ReportError, match="already"):
            write_report(report, {"run": 2}, replacing=False)
        assert json.loads(report.read_text()) == {"run": 1}
        write_report(report, {"run": 2})
        assert json.loads(report.read_text()) == {"run": 2}

    def test_that_cannot_be_written(self, synchronised: CommandLine, tmp_path: Path) -> None:
        wrong = synchronised("sync", "--yes", "--report", str(tmp_path / "r.txt"), "--json")
        assert (wrong.code, wrong.json["error"]["kind"]) == (1, "report")
        lost = synchronised("sync", "--yes", "--report", str(tmp_path / "no" / "r.csv"))
        assert lost.code == 1
        assert "The run itself is not affected" in lost.err


class TestUnattended:
    def test_a_second_run_is_told_who_holds_the_lock(
        self, synchronised: CommandLine, tmp_path: Path
    ) -> None:
        workspace = open_workspace(str(synchronised.store), tmp_path / "key")
        with run_lock(workspace):
            done = synchronised("sync", "--yes", "--json")
            assert synchronised("test").code == 0
        workspace.close()
        assert (done.code, done.json["error"]["kind"]) == (21, "store_busy")
        assert f"Another sync is running, process {os.getpid()}" in done.err
        assert synchronised("sync", "--yes").code == 0

    def test_users_are_changed_by_hand_while_a_run_waits_for_the_directory(
        self, synchronised: CommandLine, tmp_path: Path
    ) -> None:
        workspace = open_workspace(str(synchronised.store), tmp_path / "key")
        with run_lock(workspace):
            assert synchronised("users", "edit", "carla", "--full-name", "By hand").code == 0
        workspace.close()
        assert synchronised.users()["carla"]["full_name"] == "By hand"

    def test_a_run_waits_for_a_change_by_hand(
        self, synchronised: CommandLine, tmp_path: Path
    ) -> None:
        assert synchronised("users", "edit", "carla", "--full-name", "By hand").code == 0
        workspace = open_workspace(str(synchronised.store), tmp_path / "key")
        changing = change_lock(workspace)
        changing.__enter__()
        release = threading.Timer(2, changing.__exit__, (None, None, None))
        release.start()
        started = time.monotonic()
        done = synchronised("sync", "--yes")
        release.join()
        workspace.close()
        assert (done.code, "Applied 1 change" in done.err) == (0, True)
        assert time.monotonic() - started > 1.5

    def test_it_asks_again_until_the_directory_answers(self, mailroster: CommandLine) -> None:
        bodies = [response(b"", "503 Busy"), response(b"[]")]
        with hostile_server(lambda peer: peer.send(bodies.pop(0))) as server:
            mailroster.set_up(server.url)
            done = mailroster("sync", "--yes", "--retry")
        assert "listed no users at all" in done.err
        assert "Asking again in 1 s." in done.err

    def test_a_folder_that_cannot_be_made_is_told(self, mailroster: CommandLine) -> None:
        mailroster.store = Path("/proc/nowhere/users.json")
        done = mailroster("history", "undo", "x", "--yes", "--json")
        assert (done.code, done.json["error"]["kind"]) == (1, "store_unwritable")
        assert "/proc/nowhere cannot be reached or made" in done.err

    @pytest.mark.parametrize("folder", ["o'neil", "a b", 'a"b', "a%b$c", "a\\b;c", "ü"])
    def test_the_units_with_any_path(
        self, mailroster: CommandLine, tmp_path: Path, folder: str
    ) -> None:
        require("systemd-analyze", "systemd")
        (tmp_path / folder).mkdir()
        mailroster.store = tmp_path / folder / "users.json"
        text = mailroster("systemd-units", "--user", "mail").out
        unit = tmp_path / "mailroster-sync.service"
        unit.write_text(text.split("# /etc/systemd/system/")[1].partition("\n")[2])
        checked = subprocess.run(
            ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
        )
        assert "mailroster-sync.service:" not in checked.stderr, checked.stderr

    def test_the_units(self, mailroster: CommandLine, tmp_path: Path) -> None:
        text = mailroster("systemd-units", "--user", "mail", "--on-calendar", "*-*-* 02:30").out
        assert f"--store {mailroster.store} sync --yes --retry" in text
        assert "OnCalendar=*-*-* 02:30" in text
        require("systemd-analyze", "systemd")
        units = []
        for part in text.split("# /etc/systemd/system/")[1:]:
            name, _, content = part.partition("\n")
            unit = tmp_path / name
            unit.write_text(content)
            units.append(str(unit))
        assert len(units) == 4
        checked = subprocess.run(
            ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
        )
        assert "mailroster" not in checked.stderr, checked.stderr

    @pytest.mark.parametrize(
        "words",
        [
            ("--user", "mail\nExecStartPre=/bin/false"),
            ("--user", "mail\n"),
            ("--user", ""),
            ("--user", "-x"),
            ("--user", "a b"),
            ("--user", "root"),
            ("--user", "0"),
            ("--user", "nobody-has-this-name"),
            ("--user", "424242"),
            ("--on-calendar", ""),
            ("--on-calendar", "hourly\nUnit=x"),
            ("--on-calendar", "%n"),
            ("--on-calendar", "--help"),
            ("--on-calendar", "every now and then"),
            ("--on-calendar", "*-13-* 02:30"),
            ("--on-calendar", "*-02-31"),
        ],
    )
    def test_units_that_systemd_would_refuse(
        self, mailroster: CommandLine, words: tuple[str, str]
    ) -> None:
        require("systemd-analyze", "systemd")
        done = mailroster("systemd-units", "--user", "mail", *words)
        assert (done.code, done.out) == (2, "")
        assert "Nothing was printed." in " ".join(done.err.split())

    @pytest.mark.parametrize("calendar", ["daily", "Mon..Fri 06:00 Europe/Berlin", "*:0/15"])
    def test_times_that_systemd_knows(self, mailroster: CommandLine, calendar: str) -> None:
        done = mailroster("systemd-units", "--on-calendar", calendar, "--user", "mail")
        assert done.code == 0, done.err
        assert f"OnCalendar={calendar}\n" in done.out
