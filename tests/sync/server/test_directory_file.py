"""The directory's file: what it may look like, and what is said about one that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.errors import InvalidValue
from sync.server.directory_file import (
    Directory,
    DirectoryFile,
    DirectoryFileInvalid,
    hash_directory_password,
    read_file,
)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("d.csv", "", "line 1: the column userName is missing"),
        ("d.csv", "fullName\nAnna\n", "line 1: the column userName is missing"),
        ("d.csv", "userName,userName\na,b\n", "line 1: the column userName appears twice"),
        ("d.csv", "userName,User Name\na,b\n", "line 1: the column userName appears twice"),
        ("d.csv", 'userName\na\n"b\n', "line 3: unexpected end of data"),
        ("d.json", "[", "line 1, column"),
        ("d.json", '[{"userName": "a"},\n {"userName": NaN}]', "line 2, column 15"),
        ("d.json", '[{"userName": "a"}', "line 1, column 19"),
        ("d.json", '{"userName": "a"}', "it is not an array of objects"),
        ("d.json", '[{"login": "a"}]', "its objects: the column userName is missing"),
        ("d.json", '[{"ID": "a", "id": 1, "userName": "a"}]', "its objects: the column id appears"),
        ("d.csv", "\nsep=;\r\n#TYPE x\nfullName\n", "line 4: the column userName is missing"),
        ("d.csv", "\n\nuserName,userName\n", "line 3: the column userName appears twice"),
    ],
)
def test_a_file_that_is_no_table_of_users_is_refused(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DirectoryFileInvalid) as refused:
        DirectoryFile(path)
    assert problem in str(refused.value)
    assert str(path) in str(refused.value)
    assert "The next request" not in str(refused.value)  # at the start there is none
    assert refused.value.kind == "directory_file"


@pytest.mark.parametrize(
    ("text", "listed", "note"),
    [
        ("userName\na\n\nb,c\n", ["a", None], "line 4: 2 cells, but the header has 1."),
        ("userName,fullName\na\n", [None], "line 2: 1 cell, but the header has 2."),
        ("userName,fullName\n  ,Anna\n", [None], "line 2: userName is empty."),
        ("userName,passwordHash\na,secret\n", ["a"], "line 2: passwordHash is not a bcrypt hash"),
        (
            "userName,fullName\nanna,1\nANNA,2\n",
            ["anna", "ANNA"],
            "line 3: the user name appears already in line 2.",
        ),
        ("userName\nanna\nanna\n", ["anna"], "line 3: the user name appears already in line 2."),
        (
            "id,userName\n7,anna\n7,bert\n",
            ["anna", "bert"],
            "line 3: the id appears already in line 2.",
        ),
        ("userName,Phone\na,1\n", ["a"], "Columns left out: Phone."),
        ('[{"userName": "a", "id": 7}]', ["a"], "record 1: id is not a text."),
        ('["a"]', [None], "record 1: it is not an object."),
        ('[{"userName": "a"}, {"fullName": "b"}]', ["a", None], "record 2: userName is empty."),
        ('[{"userName": 7}]', [7], "record 1: userName is not a text."),
        ('[{"userName": "a", "mail": []}]', ["a"], "Columns left out: mail."),
        ('[{"userName": "a", "fullName": ["x"]}]', ["a"], "record 1: fullName is not a text."),
        (
            '[{"userName": "a", "emailAddresses": [1]}]',
            ["a"],
            "record 1: emailAddresses is not an array of texts.",
        ),
    ],
)
def test_a_bad_row_is_told_and_stays_a_record(
    tmp_path: Path, text: str, listed: list[str | None], note: str
) -> None:
    """So that nobody seems to have left; what is listed of it is unknown to the other side."""
    path = tmp_path / "d.csv"
    path.write_text(text)
    content = read_file(path)
    assert [user.record.get("userName") for user in content.users] == listed
    assert [told for told in content.notes if told.startswith(note)], content.notes
    assert "secret" not in str(content.notes)
    json.loads(Directory(content.users).listing)


def test_a_sound_file_needs_no_note(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("userName,fullName,emailAddresses,id\nanna,Anna,a@x.org,7\n")
    assert read_file(path).notes == []


def test_many_problems_are_summed_up(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("userName,passwordHash\n" + "".join(f"u{n},x\n" for n in range(100)))
    notes = read_file(path).notes
    assert (len(notes), notes[-1]) == (11, "90 more problems like these.")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DirectoryFileInvalid, match="No such file"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(DirectoryFileInvalid, match="Is a directory"):
        read_file(tmp_path)


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
    assert read_file(plain) == read_file(marked) == read_file(other)
    assert [user.user_name for user in read_file(plain).users] == ["jörg", "bob+shop"]


def test_directory_passwords_have_no_policy_but_bcrypts_limit() -> None:
    assert hash_directory_password("x", cost=4).startswith("$2b$04$")
    for password in ("", "ü" * 37):
        with pytest.raises(InvalidValue):
            hash_directory_password(password)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.csv", "id,userName\n4711,anna\n,bert\n"),
        ("d.json", '[{"userName": "anna", "id": "4711"}, {"userName": "bert"}]'),
    ],
)
def test_ids_are_listed_where_there_are_any(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    listed = json.loads(Directory(read_file(path).users).listing)
    assert [user.get("id", "none") for user in listed] == ["4711", "none"]
