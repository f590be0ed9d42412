"""A command that is written wrongly: exit code 2, and JSON where JSON was asked for."""

from __future__ import annotations

import pytest

from store.errors import InvalidValue
from store.lockout import source_key
from tests.support.command_line import CommandLine


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("test --bogus --json", "No such option '--bogus'"),
        ("test --json --bogus", "No such option '--bogus'"),
        ("users add --json", "Missing argument 'NAME'."),
        ("sync --json --reason x", "--reason needs --skip-always."),
        ("sync --json --yes --plan p.json --skip anna", "A saved plan is applied as it is."),
        ("history undo last --json --allow-deletes -1", "Invalid value for '--allow-deletes'"),
        ("login --json", "Missing argument 'NAME'."),
    ],
)
def test_wrong_usage(mailroster: CommandLine, words: str, what: str) -> None:
    (*command,) = words.split()
    done = mailroster(*command)
    assert done.code == 2
    assert what in " ".join(done.err.split())
    assert (done.json["status"], done.json["exit_code"]) == ("error", 2)
    error = done.json["error"]
    assert error["kind"] == "usage"
    assert error["what"].startswith(what)
    assert error["untouched"] == "Nothing was changed."
    assert error["advice"]
    assert not mailroster.store.exists()


def test_an_option_that_breaks_a_rule_keeps_the_parts_of_its_problem(
    mailroster: CommandLine,
) -> None:
    done = mailroster("login", "anna", "--source", "bad", "--json", stdin="a password")
    assert (done.code, done.json["error"]["kind"]) == (2, "usage")
    with pytest.raises(InvalidValue) as refused:
        source_key("bad")
    parts = {"message": str(refused.value), **vars(refused.value)}
    assert parts.items() <= done.json["error"].items()
    assert parts["message"] in " ".join(done.err.split())


@pytest.mark.parametrize(
    "words", ["test --bogus", "users bogus --json", "bogus --json", "directory-server --json x"]
)
def test_without_json_only_the_talk(mailroster: CommandLine, words: str) -> None:
    done = mailroster(*words.split())
    assert (done.code, done.out) == (2, "")
    assert "Usage: mailroster" in done.err


def test_directory_server_needs_a_file_to_serve(mailroster: CommandLine) -> None:
    done = mailroster("directory-server")
    assert (done.code, done.out) == (2, "")
    assert "directory-server needs a FILE." in done.err
    assert "[FILE]" in done.err


def test_pin_and_release_say_in_json_who_is_pinned(mailroster: CommandLine) -> None:
    for name in ("anna", "bert"):
        assert mailroster("users", "add", name, stdin="correct horse battery").code == 0
    for command, pinned in (("pin", True), ("release", False)):
        done = mailroster("history", command, "anna", "bert", "--json")
        assert done.json == [{"user_name": name, "pinned": pinned} for name in ("anna", "bert")]
    done = mailroster("history", "release", "anna", "--json")
    assert (done.code, done.json["error"]["kind"]) == (1, "invalid_value")
    assert mailroster("history", "pin", "anna").out == ""


def test_an_archive_root_that_is_not_there_is_no_root(mailroster: CommandLine) -> None:
    root = mailroster.store.with_name("mail")
    done = mailroster("settings", "set", f"archive_root={root}", "--json")
    assert done.code == 1
    assert f"archive_root cannot be set: the folder {root} does not exist. Nothing was" in done.err
    assert not root.exists()
    root.mkdir()
    assert mailroster("settings", "set", f"archive_root={root}").code == 0
    assert (root / ".mailroster-archive").exists()
    root.rename(root.with_name("away"))
    assert mailroster("settings", "set", "guard_max_deletes=1").code == 0  # of another setting
