"""Ids and names from before, from the directory's answer over HTTP to the log-on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.scripted_directory import ScriptedDirectory, scripted_directory

PASSWORD = "open sesame, please"


@pytest.fixture
def server() -> Iterator[ScriptedDirectory]:
    """A directory that lists nobody yet."""
    with scripted_directory(users=[], credentials=None, passwords={"anna": PASSWORD}) as running:
        yield running


@pytest.fixture
def connected(mailroster: CommandLine, server: ScriptedDirectory) -> CommandLine:
    mailroster.set_up(server.url, "auto_delete=true", "guard_max_delete_percent=100")
    return mailroster


def user(name: str, stable_id: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"userName": name, "id": stable_id, **fields}


def synced(mailroster: CommandLine, *words: str, code: int = 0) -> dict[str, Any]:
    done = mailroster("sync", "--yes", "--json", *words)
    assert done.code == code, done.out + done.err
    return done.json  # type: ignore[no-any-return]


def actions(record: dict[str, Any]) -> list[str]:
    return [f"{change['action']} {change['user_name']}" for change in record["changes"]]


def test_a_person_keeps_the_id_over_a_change_of_the_name(
    connected: CommandLine, server: ScriptedDirectory
) -> None:
    server.users = [user("anna", "4711"), user("bert", "4712")]
    synced(connected)
    shown = connected("users", "show", "anna")
    assert "4711" in shown.out
    assert f"4711 (Application Integration {server.url})" in shown.out
    assert "Privileges          Log on\n" in shown.out
    assert not re.search(r"\b(rev|other.id|application_integration)\b", shown.out)
    server.users = [user("anna.berg", "4711"), user("bert", "4712")]
    assert actions(synced(connected)) == ["rename anna.berg"]
    assert connected.users()["anna.berg"]["directory_id"] == "4711"
    assert actions(synced(connected)) == []


def test_log_ons_under_another_id_are_refused_until_it_is_answered(
    connected: CommandLine, server: ScriptedDirectory
) -> None:
    server.users = [user("anna", "1"), user("bert", "2")]
    synced(connected)
    assert connected.log_on("anna", PASSWORD) == 0
    server.users = [user("anna", "9"), user("bert", "2")]
    record = synced(connected, code=13)
    assert actions(record) == ["update anna", "return anna"]
    assert (record["counts"]["return"], record["counts"]["update"]) == (1, 1)
    assert connected.log_on("anna", PASSWORD) == 1
    why = connected("login", "anna", "--explain")
    assert "lists the name under the id 9, but the user has the id 1" in why.out + why.err
    assert actions(synced(connected, code=13)) == ["return anna"]
    assert actions(synced(connected, "--same", "anna")) == ["update anna"]
    assert connected.log_on("anna", PASSWORD) == 0
    assert connected.users()["anna"]["directory_id"] == "9"


def test_the_guard_stops_many_other_ids(connected: CommandLine, server: ScriptedDirectory) -> None:
    names = [f"u{number}" for number in range(30)]
    server.users = [user(name, f"a-{name}") for name in names]
    synced(connected)
    server.users = [user(name, f"b-{name}") for name in names]
    assert synced(connected, code=11)["status"] == "blocked"
    assert all(found["other_id"] is None for found in connected.users().values())
    assert synced(connected, "--hold-deletes", code=13)["status"] == "no_changes"
    assert synced(connected, "--allow-deletes", "30", code=13)["status"] == "applied"
    assert {found["other_id"] for found in connected.users().values()} == {f"b-{n}" for n in names}


def test_ids_are_taken_over_once_and_as_one_confirmed_change(
    connected: CommandLine, server: ScriptedDirectory
) -> None:
    server.users = [user("anna"), user("bert")]
    synced(connected)
    server.users = [user("anna", "1"), user("bert", "2")]
    record = synced(connected, code=13)
    assert actions(record) == ["update (ids of the directory)"]
    assert all(found["directory_id"] is None for found in connected.users().values())
    record = synced(connected, "--take-ids")
    assert {found["directory_id"] for found in connected.users().values()} == {"1", "2"}
    assert actions(synced(connected)) == []
    run = connected("history", "list", "--json").json["runs"][-1]["id"]
    assert connected("history", "undo", run, "--yes").code == 0
    assert all(found["directory_id"] is None for found in connected.users().values())


class TestReturn:
    john = user("jsmith", fullName="John", distinguishedName="CN=John", emailAddresses=["j@x.org"])
    jane = user("jsmith", fullName="Jane", distinguishedName="CN=Jane", emailAddresses=["k@x.org"])

    @pytest.fixture
    def left(self, connected: CommandLine, server: ScriptedDirectory) -> CommandLine:
        """John was here, and left his mail behind."""
        server.users = [user("bert"), self.john]
        synced(connected)
        assert connected("users", "set-privileges", "jsmith", "login", "export").code == 0
        connected_archive(connected, "jsmith").joinpath("new", "1").write_text("John's mail")
        server.users = [user("bert")]
        assert actions(synced(connected)) == ["delete jsmith"]
        return connected

    def test_jane_does_not_read_johns_mail(
        self, left: CommandLine, server: ScriptedDirectory, tmp_path: Path
    ) -> None:
        server.users = [user("bert"), self.jane]
        assert actions(synced(left, code=13)) == ["return jsmith"]
        assert left("test", "--exit-code").code in (0, 13)
        assert set(left.users()) == {"bert"}
        plan = str(tmp_path / "plan.json")
        assert left("test", "--new", "jsmith", "--out", plan).code == 0
        assert actions(synced(left, "--plan", plan)) == ["create jsmith"]
        assert left.users()["jsmith"]["privileges"] == ["login"]
        assert not any(connected_archive(left, "jsmith").joinpath("new").iterdir())
        assert actions(synced(left)) == []

    def test_john_comes_back(self, left: CommandLine, server: ScriptedDirectory) -> None:
        server.users = [user("bert"), self.john]
        record = synced(left)
        assert (actions(record), record["counts"]["return"]) == (["return jsmith"], 1)
        assert left.users()["jsmith"]["privileges"] == ["login", "export"]
        shown = left("history", "show", record_run(left))
        assert "+ return   jsmith" in shown.out

    def test_the_answers_exclude_a_saved_plan(self, left: CommandLine) -> None:
        done = left("sync", "--plan", "x.json", "--same", "jsmith")
        assert done.code == 2
        assert "Give answers" in done.err


def record_run(mailroster: CommandLine) -> str:
    return str(mailroster("history", "list", "--json").json["runs"][-1]["id"])


def connected_archive(mailroster: CommandLine, name: str) -> Path:
    return mailroster.archive / name
