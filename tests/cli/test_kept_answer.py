"""`test --save-answer` and `test --answer`: the same plan again, without the directory."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from store.interface import utc_now
from sync.directory.kept_answer import load_answer, save_answer
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.directory.types.ldap.entries import EntryReader
from sync.directory.types.ldap.schema import PRESETS
from sync.errors import AnswerFileError
from tests.support.command_line import CommandLine
from tests.support.directory import Directory
from tests.support.replaced import failing, is_folder

PLAN = ("counts", "changes")


def plan(mailroster: CommandLine, *words: str) -> dict[str, Any]:
    done = mailroster("test", "--json", *words)
    return {name: done.json[name] for name in PLAN} | {"code": done.code}


def test_the_same_plan_without_the_directory(
    connected: CommandLine, directory: Directory, tmp_path: Path
) -> None:
    directory.put("anna", "bert", carla="a password that nobody guesses")
    file = tmp_path / "answer.json"
    asked = plan(connected, "--save-answer", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "assword" not in file.read_text()
    directory.stop()
    assert plan(connected, "--answer", str(file)) == asked
    assert asked["counts"]["create"] == 3
    assert connected("settings", "set", "filters=exclude user_name b*").code == 0
    assert plan(connected, "--answer", str(file))["counts"]["create"] == 2
    assert connected("test").code == 20  # the control


def test_a_bad_day_is_kept_too(
    connected: CommandLine, directory: Directory, tmp_path: Path
) -> None:
    assert connected("settings", "set", "auto_delete=true").code == 0
    directory.put(*(f"user{number}" for number in range(9)))
    assert connected("sync", "--yes").code == 0
    directory.put("user0")
    file = tmp_path / "answer.json"
    asked = plan(connected, "--save-answer", str(file))
    assert (asked["code"], asked["counts"]["delete"]) == (11, 8)
    assert plan(connected, "--answer", str(file)) == asked


def test_such_a_plan_cannot_be_applied(
    connected: CommandLine, directory: Directory, tmp_path: Path
) -> None:
    directory.put("anna")
    file, out = tmp_path / "answer.json", tmp_path / "plan"
    assert connected("test", "--save-answer", str(file)).code == 0
    done = connected("test", "--answer", str(file), "--out", str(out))
    assert (done.code, out.exists()) == (2, False)
    assert connected("sync", "--yes", "--plan", str(file)).code == 1
    assert connected.users() == {}


def test_no_file_is_written_over(
    connected: CommandLine, directory: Directory, tmp_path: Path
) -> None:
    directory.put("anna")
    file = tmp_path / "answer.json"
    file.write_text("mine")
    done = connected("test", "--json", "--save-answer", str(file))
    assert (done.code, done.json["error"]["kind"]) == (1, "answer_file")
    assert file.read_text() == "mine"


def test_one_that_cannot_be_made_durable_or_removed_again_is_said_to_be_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "answer"
    with (
        failing(os, "fsync", errno.EIO, is_folder),
        failing(os, "unlink", errno.EIO, lambda name, *_: str(name) == str(path)),
        pytest.raises(AnswerFileError) as told,
    ):
        save_answer(path, Listing([], [], []), utc_now())
    assert told.value.untouched.startswith("It is there")
    assert load_answer(path)
    with failing(os, "link", errno.EIO), pytest.raises(AnswerFileError, match="No answer was sav"):
        save_answer(tmp_path / "another", Listing([], [], []), utc_now())


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"mailroster_answer": 2, "at": "", "records": []}', None]
)
def test_a_file_that_is_none(mailroster: CommandLine, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "answer.json"
    if content is not None:
        file.write_text(content)
    done = mailroster("test", "--json", "--answer", str(file))
    assert (done.code, done.json["error"]["kind"]) == (1, "answer_file")


def test_users_that_were_read_already(tmp_path: Path) -> None:
    users = [
        DirectoryUser("anna", "CN=Anna", "Anna", ["a@example.com"], (), "17"),
        DirectoryUser("bert", None, None, ["b@example.com"], ("full_name", "email_addresses")),
    ]
    invalid = [InvalidRecord("b/", "it has a slash", "CN=B", ["c@example.com"], "18")]
    save_answer(tmp_path / "answer", Listing(users, invalid, []), utc_now())
    found, _ = load_answer(tmp_path / "answer")
    (anna, bert), (bad,) = found.users, found.invalid
    assert anna == users[0]
    assert set(bert.unreadable) == {"full_name", "email_addresses"}
    assert bert._replace(unreadable=users[1].unreadable) == users[1]
    assert bad._replace(problem="") == invalid[0]._replace(problem="")
    assert json.loads((tmp_path / "answer").read_bytes())["mailroster_answer"] == 1


def test_what_ldap_cannot_tell_is_kept_as_unknown(tmp_path: Path) -> None:
    latin_1 = "Müller".encode("latin-1")
    entries = [
        ("uid=anna,dc=x", {"uid": [b"anna"], "cn": [latin_1], "mail": [b"a@x.org", latin_1]}),
        ("uid=bert,dc=x", {"uid": [b"bert"], "entryUUID": [latin_1, b"7"]}),
        ("uid=M,dc=x", {"uid": [latin_1], "mail": [b"m@x.org"]}),
        ("cn=zoe,dc=x", {"cn": [b"Zoe"], "mail": [b"z@x.org"], "entryUUID": [b"8"]}),
    ]
    asked = EntryReader(PRESETS["generic"]).listing([entries])
    save_answer(tmp_path / "answer", asked, utc_now())
    found, _ = load_answer(tmp_path / "answer")
    assert (found.users, found.listed) == (asked.users, asked.listed)
    assert [user.unreadable for user in found.users] == [("full_name", "email_addresses"), ("id",)]
    kept, known = (
        sorted(str(bad._replace(problem="")) for bad in listing.invalid)
        for listing in (found, asked)
    )
    assert kept == known
    assert len(kept) == 2
