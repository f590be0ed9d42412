"""The directory's file: what it may look like, and what is said about one that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.errors import InvalidValue
from sync.server.directory_file import DirectoryFileInvalid, hash_directory_password, read_users


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("d.csv", "", "line 1: there is no column userName"),
        ("d.csv", "fullName\nAnna\n", "line 1: there is no column userName"),
        ("d.csv", "userName,mail\na,b\n", "line 1: “mail” is no column"),
        ("d.csv", "userName;fullName\na;b\n", "line 1: “userName;fullName” is no column"),
        ("d.csv", "userName,userName\na,b\n", "line 1: the column userName is there twice"),
        ("d.csv", "userName\na\n\nb,c\n", "line 4: 2 cells, but the header has 1"),
        ("d.csv", 'userName\na\n"b\n', "line 3: unexpected end of data"),
        ("d.csv", "userName,fullName\n  ,Anna\n", "line 2: userName is empty"),
        ("d.csv", "userName,passwordHash\na,secret\n", "line 2: passwordHash is no bcrypt hash"),
        ("d.csv", "userName\nanna\nANNA\n", "line 3: “ANNA” is there already, in line 2"),
        ("d.json", "", "line 1, column 1"),
        ("d.json", '[{"userName": "a"},\n {"userName": NaN}]', "line 2, column 15"),
        ("d.json", '[{"userName": "a"}', "line 1, column 19"),
        ("d.json", '{"userName": "a"}', "it is not an array of objects"),
        ("d.json", '["a"]', "record 1: it is not an object"),
        ("d.json", '[{"userName": "a"}, {"fullName": "b"}]', "record 2: userName is empty"),
        ("d.json", '[{"userName": 7}]', "record 1: userName is not a text"),
        ("d.json", '[{"userName": "a", "mail": []}]', "record 1: “mail” is no field"),
        ("d.json", '[{"userName": "a", "fullName": []}]', "record 1: fullName is not a text"),
        (
            "d.json",
            '[{"userName": "a", "emailAddresses": "a@example.com"}]',
            "record 1: emailAddresses is not an array of texts",
        ),
        ("d.json", '[{"userName": "a", "emailAddresses": [1]}]', "emailAddresses is not an array"),
        ("d.txt", "userName\na\n", "its name ends neither in .csv nor in .json"),
        ("d.csv", "userName\n\x1b[31m\n\x1b[31m\n", r"“\x1b[31m” is there already"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DirectoryFileInvalid) as refused:
        read_users(path)
    assert problem in str(refused.value)
    assert str(path) in str(refused.value)
    assert "secret" not in str(refused.value)
    assert refused.value.kind == "directory_file"


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(b"userName\nJ\xf6rg\n")
    with pytest.raises(DirectoryFileInvalid, match=r"it is not UTF-8 \(byte 10\)"):
        read_users(path)
    with pytest.raises(DirectoryFileInvalid, match="No such file"):
        read_users(tmp_path / "none.csv")
    path.unlink()
    path.mkdir()
    with pytest.raises(DirectoryFileInvalid, match="Is a directory"):
        read_users(path)


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    stored = hash_directory_password("x", cost=4)
    text = (
        "fullName,userName,emailAddresses,passwordHash\n"
        f'"Jörg ""Joe"" Abel", jörg ,a@example.com; b@example.com,{stored}\n'
        ",bob+shop,,\n"
    )
    plain, marked, other = (tmp_path / name for name in ("a.csv", "B.CSV", "c.json"))
    plain.write_text(text)
    marked.write_text("\ufeff" + text.replace("\n", "\r\n"))
    records = [
        {
            "userName": "jörg",
            "fullName": 'Jörg "Joe" Abel',
            "distinguishedName": None,
            "emailAddresses": ["a@example.com", "b@example.com"],
            "passwordHash": stored,
        },
        {"userName": "bob+shop", "emailAddresses": None},
    ]
    other.write_text("\ufeff" + json.dumps(records))
    assert read_users(plain) == read_users(marked) == read_users(other)
    assert [user.user_name for user in read_users(plain)] == ["jörg", "bob+shop"]


def test_directory_passwords_have_no_policy_but_bcrypts_limit() -> None:
    assert hash_directory_password("x", cost=4).startswith("$2b$04$")
    for password in ("", "ü" * 37):
        with pytest.raises(InvalidValue):
            hash_directory_password(password)
