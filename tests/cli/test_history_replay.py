"""`history show --json` is complete: it turns the users before a run into those after it."""

from __future__ import annotations

import json
from pathlib import Path

from store.names import match_key
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.replay import Users, comparable, replay


def users_of(mailroster: CommandLine) -> Users:
    return comparable({match_key(name): row for name, row in mailroster.users().items()})


def test_every_run_can_be_replayed(
    connected: CommandLine, directory: Directory, tmp_path: Path
) -> None:
    """Users come, change, get another name and go; then all of it is taken back."""
    states: list[tuple[Users, Users]] = []

    def run(*words: str, stdin: str = "") -> None:
        before = users_of(connected)
        done = connected(*words, stdin=stdin)
        assert done.code in (0, 13), done.err
        states.append((before, users_of(connected)))

    connected("settings", "set", "auto_delete=true", "guard_max_delete_percent=100")
    run("users", "add", "local", stdin="correct horse battery")
    directory.put("anna", "bert", "carla")
    run("sync", "--yes")
    run("users", "set-privileges", "local", "--folder", "anna=read,write")
    directory.put("bert", "local", "new")
    file = tmp_path / "directory.json"
    listed = json.loads(file.read_text())
    listed[0]["fullName"] = "Bert the Second"
    listed.append({"userName": "anna.kurz", "emailAddresses": ["anna@example.com"]})
    file.write_text(json.dumps(listed))
    run("sync", "--yes", "--rename", "anna.kurz", "--link", "local")
    run("history", "undo", "last", "--yes")

    runs = connected("history", "list", "--json").json["runs"][-len(states) :]
    records = [connected("history", "show", kept["id"], "--json").json for kept in runs]
    actions = {change["action"] for record in records for change in record["changes"]}
    assert actions == {"create", "update", "delete", "rename"}
    assert "anna.kurz" in states[3][1]["local"]["folder_privileges"]
    for (before, after), record in zip(states, records, strict=True):
        assert before != after
        assert replay(before, record["changes"]) == after
