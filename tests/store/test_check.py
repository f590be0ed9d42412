"""`store check` finds what no entry lets through, but somebody put into the file or beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from store.files.secrets import SecretBox
from store.interface import Batch, Edit
from store.models import Settings, User
from store.tinydb.backups import list_backups
from store.tinydb.check import check_store
from store.tinydb.store import TinyDBStore

HASH = "$2b$12$" + "a" * 53
ROOT = User(user_name="root", privileges=["admin"], password_hash=HASH)
ANNA = User(
    user_name="anna",
    privileges=["login"],
    email_addresses=["anna@example.com"],
    folder_privileges={"anna": ["read", "write"]},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "users.json"
    store = TinyDBStore(path)
    store.apply(Batch([Edit.create(ROOT), Edit.create(ANNA)], settings=Settings()))
    store.close()
    return path


def problems(path: Path, key: Path | None = None) -> list[str]:
    found = check_store(path, key or path.with_name("secret.key"))[1]
    return [finding.problem for finding in found]


def change(path: Path, table: str, **values: Any) -> None:
    """Edit the last document of a table, as another program would."""
    tables = orjson.loads(path.read_bytes())
    documents = tables[table]
    documents[max(documents, key=int)] |= values
    path.write_bytes(orjson.dumps(tables))


def test_the_control(path: Path) -> None:
    change(path, "_default", full_name="Anna")
    state, found = check_store(path, path.with_name("secret.key"))
    assert (bool(state), found) == (True, [])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"privileges": ["logon"]}, "“logon” is not a privilege"),
        (
            {"privileges": ["admin", "login"]},
            "a privilege that excludes others is combined with them",
        ),
        ({"privileges": []}, "no privilege is set"),
        ({"folder_privileges": {"anna": ["raed"]}}, "“raed” is not a right on a folder"),
        ({"user_name": "../../etc"}, "the user name starts with “.”"),
        ({"user_name": "a..b"}, "the user name contains “..”"),
        ({"user_name": "\ufeffanna"}, "an invisible format character, U+FEFF"),
        ({"email_addresses": ["anna"]}, "it is not of the form name@domain"),
        ({"password_hash": "geheim"}, "is not a bcrypt hash"),
        ({"password_hash": ""}, "is not a bcrypt hash"),
    ],
)
def test_a_user_who_cannot_be_right(path: Path, values: dict[str, Any], says: str) -> None:
    change(path, "_default", **values)
    (problem,) = problems(path)
    assert "1 user has a wrong value: " in problem
    assert says in problem
    assert "Correct “" in problem
    assert "geheim" not in problem


def test_many_of_a_kind_are_counted(path: Path) -> None:
    tables = orjson.loads(path.read_bytes())
    (_, anna) = tables["_default"].values()
    for number in range(3, 12):
        name = f"user{number}"
        tables["_default"][str(number)] = {**anna, "user_name": name, "privileges": ["logon"]}
    path.write_bytes(orjson.dumps(tables))
    (problem,) = problems(path)
    assert problem.startswith("9 users have a wrong value")
    assert problem.endswith(" and 4 more.")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"default_privileges": ["logon"]}, "default_privileges has a wrong value: “logon”"),
        ({"default_folder_privileges": ["raed"]}, "default_folder_privileges has a wrong value"),
    ],
)
def test_settings_that_cannot_be_right(path: Path, values: dict[str, Any], says: str) -> None:
    change(path, "settings", **values)
    (problem,) = problems(path)
    assert says in problem


@pytest.mark.parametrize(
    "values",
    [
        {"privileges": ["login"]},
        {"authentication": "directory_services"},
        {"password_hash": None},
    ],
)
def test_no_administrator_is_left(path: Path, values: dict[str, Any]) -> None:
    tables = orjson.loads(path.read_bytes())
    tables["_default"]["1"] |= values
    path.write_bytes(orjson.dumps(tables))
    (problem,) = problems(path)
    assert problem.startswith("No user is an administrator with a local password")


def test_a_backup_that_only_equals_the_store_is_checked_by_itself(path: Path) -> None:
    """Users who are alike in two states are checked once; in Python 2 and 2.0 are alike too."""
    store = TinyDBStore(path)
    for number in (1, 2):
        store.apply(Batch(settings=Settings(guard_max_deletes=number)))
    store.close()
    assert problems(path) == []
    backup = list_backups(path)[0]
    content = backup.read_bytes()
    assert content.count(b'"rev":1') == 2
    backup.unlink()
    backup.write_bytes(content.replace(b'"rev":1', b'"rev":1.0', 1))
    backup.chmod(0o600)
    (problem,) = problems(path)
    assert "has a wrong value in “rev”" in problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"rev":2', b'"rev":2.0'),
        (b'"rev":2', b'"rev":true'),
        (b'"rev":2,', b""),
        (b'"rev":2', b'"rev":2,"rev":2'),
        (b'"pinned":false', b'"pinned":0'),
        (b'"other_id":null', b'"other_id":false'),
        (b'"privileges":["login"]', b'"privileges":[null]'),
        (b'{"user_name"', b'["user_name"'),
        (b'"user_name":"user1', b'"user_name":"user2'),
        (b'"user_name"', b'"User_name"'),
    ],
)
@pytest.mark.parametrize("number", [100, 150, 199])  # users of several lines, whose ids are 2 more
def test_whatever_is_done_to_one_user_of_any_state_is_found(
    path: Path, number: int, old: bytes, new: bytes
) -> None:
    """All other users of that file, and all of the other files, are as they were."""
    store = TinyDBStore(path)
    users = [
        Edit.create(User(user_name=f"user{number}", privileges=["login"])) for number in range(300)
    ]
    for edits in (users, [], [], []):
        settings = Settings(guard_max_deletes=len(list_backups(path)) + 1)
        store.apply(Batch(edits, settings=settings))
    store.close()
    assert problems(path) == []
    for state in [path, *list_backups(path)[:3]]:
        content, times = state.read_bytes(), state.stat()
        at = content.index(b'{"user_name":"user%d"' % number)
        until = content.index(b"}", content.index(b'"other_id"', at)) + 1
        assert old in content[at:until]
        state.unlink()
        state.write_bytes(content[:at] + content[at:until].replace(old, new, 1) + content[until:])
        state.chmod(0o600)
        os.utime(state, ns=(times.st_atime_ns, times.st_mtime_ns))
        found = {finding.path for finding in check_store(path, path.with_name("secret.key"))[1]}
        assert found == {state}
        state.write_bytes(content)
        os.utime(state, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert problems(path) == []


def test_a_store_that_has_no_user_yet_needs_no_administrator(tmp_path: Path) -> None:
    """Before the first start of the screens the directory may be set up on the command line."""
    store = TinyDBStore(tmp_path / "new.json")
    assert problems(tmp_path / "new.json") == []
    store.apply(Batch(settings=Settings(auto_delete=True)))
    assert problems(tmp_path / "new.json") == []


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o640, 0o600])
def test_a_password_file_that_everybody_reads(path: Path, tmp_path: Path, mode: int) -> None:
    file = tmp_path / "password"
    file.write_text("geheim\n")
    file.chmod(mode)
    change(path, "settings", password_file=str(file))
    found = problems(path)
    assert (found != []) == bool(mode & 0o007)
    assert all(f"(mode {mode:04o})" in problem for problem in found)
    file.unlink()
    assert "cannot be looked at: No such file" in problems(path)[0]


def test_what_the_making_of_a_key_left(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "config" / "secret.key"
    SecretBox(key).encrypt("x")
    assert problems(path, key) == []
    (key.parent / ".secret.key.abc.tmp").touch()
    assert problems(path, key) == [
        "mailroster was interrupted while it made a key and left this file. Remove it."
    ]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("name", ["users.json.attempts", "config/secret.key"])
def test_what_has_no_end_is_not_read(
    path: Path, tmp_path: Path, make: Callable[[Path], None], name: str
) -> None:
    (tmp_path / "config").mkdir()
    make(tmp_path / name)
    change(path, "settings", password="gAAAA")
    assert len(problems(path, tmp_path / "config" / "secret.key")) == (1 if "key" in name else 2)


@pytest.mark.parametrize(
    ("content", "mode", "found"),
    [(b"{}", 0o600, 0), (b'{"last": ', 0o600, 1), (b"[]", 0o600, 1), (b"{}", 0o644, 1)],
)
def test_how_the_last_syncs_ended(path: Path, content: bytes, mode: int, found: int) -> None:
    note = path.with_name("users.json.outcome")
    note.write_bytes(content)
    note.chmod(mode)
    assert len(problems(path)) == found
