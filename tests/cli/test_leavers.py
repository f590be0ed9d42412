"""Leavers on the command line, against a real HTTP server: marked, shown, gone or back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from store.interface import Batch, Edit
from sync.workspace import open_workspace
from tests.support.command_line import CommandLine
from tests.support.scripted_directory import ScriptedDirectory, scripted_directory

PASSWORD = "open sesame, please"
NAMES = ("anna", "bert", "carl")


@pytest.fixture
def server() -> Iterator[ScriptedDirectory]:
    passwords = {"anna": PASSWORD}
    with scripted_directory(users=[], credentials=None, passwords=passwords) as running:
        yield running


@pytest.fixture
def synced(mailroster: CommandLine, server: ScriptedDirectory) -> CommandLine:
    """All three are here, and anna has just left."""
    mailroster.set_up(server.url, "auto_delete=true", "delete_after_days=7")
    list_(server, *NAMES)
    assert mailroster("sync", "--yes").code == 0
    list_(server, "bert", "carl")
    return mailroster


def list_(server: ScriptedDirectory, *names: str) -> None:
    server.users = [{"userName": name} for name in names]


def leaving_on(mailroster: CommandLine) -> str:
    """The day that follows from anna's mark, which was made just now."""
    marked = date.fromisoformat(mailroster.users()["anna"]["absent_since"])
    assert datetime.now(UTC).date() - marked <= timedelta(days=1)  # it may be midnight
    return (marked + timedelta(days=7)).isoformat()


def sync(mailroster: CommandLine, *words: str, code: int = 0) -> list[str]:
    done = mailroster("sync", "--yes", "--json", *words)
    assert done.code == code, done.out + done.err
    assert sum(done.json["counts"].values()) == len(done.json["changes"])
    return [f"{change['action']} {change['user_name']}" for change in done.json["changes"]]


def let_days_pass(mailroster: CommandLine, days: int) -> None:
    """Set the marks back by so many days, which is what the clock would make of them."""
    store = Path(mailroster.store)
    workspace = open_workspace(str(store))
    edits = []
    for name in workspace.snapshot().users:
        user = workspace.snapshot().find(name)
        if user and user.absent_since:
            marked = datetime.fromisoformat(user.absent_since) - timedelta(days=days)
            edits.append(Edit.update(user, replace(user, absent_since=marked.date().isoformat())))
    workspace.store.apply(Batch(edits))
    workspace.close()


def test_marked_shown_and_gone_on_the_day(synced: CommandLine, server: ScriptedDirectory) -> None:
    shown = synced("test").out
    assert "< leave    anna  (leaving on 2" in shown
    assert sync(synced) == ["leave anna"]
    assert sync(synced) == []
    day = leaving_on(synced)
    assert synced.users()["anna"]["leaving_on"] == day
    assert synced.users()["bert"]["leaving_on"] is None
    assert f"directory_services, leaving on {day}" in synced("users", "list").out
    assert synced("users", "show", "anna", "--json").json["leaving_on"] == day
    assert re.search(rf"Leaving on +{day}: not listed since", synced("users", "show", "anna").out)
    let_days_pass(synced, 6)
    assert sync(synced) == []
    let_days_pass(synced, 1)
    assert sync(synced) == ["delete anna"]
    story = synced("history", "list", "--user", "anna").out
    assert story.index("+ create") < story.index("< leave") < story.index("- delete")


def test_until_then_the_directory_decides_about_log_ons(
    synced: CommandLine, server: ScriptedDirectory
) -> None:
    assert sync(synced) == ["leave anna"]
    assert synced.log_on("anna", PASSWORD) == 0
    assert synced.log_on("anna", "wrong, all wrong") == 1
    server.passwords = {}
    assert synced.log_on("anna", PASSWORD) == 1
    server.passwords = {"anna": PASSWORD}
    let_days_pass(synced, 7)
    assert synced.log_on("anna", PASSWORD) == 0  # until a sync deletes her
    assert sync(synced) == ["delete anna"]
    assert synced.log_on("anna", PASSWORD) == 1


def test_back_in_time_everything_is_kept(synced: CommandLine, server: ScriptedDirectory) -> None:
    assert synced("users", "set-privileges", "anna", "login", "export").code == 0
    before = synced.users()["anna"]
    assert sync(synced) == ["leave anna"]
    let_days_pass(synced, 30)
    list_(server, *NAMES)
    assert sync(synced) == ["update anna"]
    after = synced.users()["anna"]
    ignored = {"rev", "changed"}
    assert {n: v for n, v in after.items() if n not in ignored} == {
        n: v for n, v in before.items() if n not in ignored
    }
    assert sync(synced) == []


def test_status_counts_leavers_in_every_form(synced: CommandLine) -> None:
    def told(day: str | None = None) -> tuple[Any, Any, float, bool]:
        users = synced("status", "--json").json["users"]
        families = text_string_to_metric_families(synced("status", "--openmetrics").out)
        numbers = {sample.name: sample.value for family in families for sample in family.samples}
        words = f"1 leaving, the next on {day}" in synced("status").out
        gauge = numbers["mailroster_users_leaving"]
        return users["leaving"], users["next_leaving_on"], gauge, words

    assert told() == (0, None, 0, False)
    sync(synced)
    day = leaving_on(synced)
    assert told(day) == (1, day, 1, True)


def test_an_outage_marks_nobody(synced: CommandLine, server: ScriptedDirectory) -> None:
    server.users = []
    assert synced("sync", "--yes").code in (11, 20)
    names = [f"u{number}" for number in range(20)]
    list_(server, *NAMES, *names)
    sync(synced)
    list_(server, *NAMES, *names[:10])
    done = synced("sync", "--yes")
    assert done.code == 11
    assert "10 deletions" in done.err
    assert sync(synced, "--hold-deletes") == []
    assert not any(user["absent_since"] for user in synced.users().values())
    sync(synced, "--allow-deletes", "10")
    assert sum(bool(user["absent_since"]) for user in synced.users().values()) == 10
    let_days_pass(synced, 7)
    assert synced("sync", "--yes", "--hold-deletes").code == 0
    assert sync(synced) == [f"delete {name}" for name in sorted(names[10:])]


def test_a_saved_plan_marks_once_and_asks_the_directory_before(
    synced: CommandLine, server: ScriptedDirectory, tmp_path: Path
) -> None:
    plan = str(tmp_path / "plan.json")
    assert synced("test", "--out", plan).code == 0
    list_(server, *NAMES)
    stale = synced("sync", "--plan", plan, "--yes")
    assert stale.code == 12
    assert "“anna”: leave then, no change now" in stale.err
    list_(server, "bert", "carl")
    assert sync(synced, "--plan", plan) == ["leave anna"]
    assert synced("sync", "--plan", plan, "--yes").code == 12
    assert synced("history", "undo", "last", "--yes").code == 0
    anna = synced.users()["anna"]
    assert (anna["absent_since"], anna["pinned"]) == (None, True)
    assert sync(synced) == []


def test_a_switch_tells_when_a_sync_would_delete(synced: CommandLine) -> None:
    added = synced("users", "add", "local", stdin="correct horse battery\n")
    assert added.code == 0, added.err
    told = synced("users", "set-auth", "local", "directory_services").err
    assert "a sync deletes after 7 days a user that the directory does not list" in told


@pytest.mark.parametrize("days", ["-1", "3651", "x"])
def test_what_is_no_number_of_days(mailroster: CommandLine, days: str) -> None:
    done = mailroster("settings", "set", f"delete_after_days={days}")
    assert done.code != 0
    assert "delete_after_days" in done.err
