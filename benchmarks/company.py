"""A company to measure with: a store, and a directory in which one user in a hundred changed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from store.interface import Batch, Edit
from store.models import DIRECTORY_SERVICES, Settings, User
from store.privileges import ADMIN
from sync.workspace import open_workspace

STORE, ANSWER, DATABASE, KEY = "users.json", "answer.json", "users.sqlite", "secret.key"
ROOT = "root"
COLUMNS = tuple(item.name for item in fields(User))
_HASH = "$2b$04$" + "x" * 53


def make_company(folder: Path, users: int) -> Path:
    """Write a store of so many users and the directory's answer; return their folder.

    One user in a hundred has another title in the answer, one is gone, with an empty archive,
    and one is new.
    """
    home = folder / str(users)
    home.mkdir()
    workspace = open_workspace(str(home / STORE), home / KEY)
    root = User(user_name=ROOT, privileges=[ADMIN], password_hash=_HASH)
    settings = Settings(
        directory_service="application_integration",
        url="http://127.0.0.1:1/",
        auto_delete=True,
        guard_max_deletes=users,
    )
    people = [_person(number) for number in range(users)]
    made = [Edit.create(_as_user(record)) for record in people]
    workspace.store.apply(Batch([Edit.create(root), *made], settings=settings))
    archives = workspace.archives(settings)
    for number in _gone(users):
        archives.create(people[number]["userName"])
    workspace.close()
    (home / ANSWER).write_bytes(orjson.dumps(list(_answer(people))))
    _make_database(home)
    return home


def fresh_copy(home: Path) -> Path:
    """Return a copy of the company for one job to change."""
    copy = home.with_name(f"{home.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(home, copy)
    return copy


def _person(number: int) -> dict[str, Any]:
    name = f"user{number:06}"
    return {
        "userName": name,
        "distinguishedName": f"CN=User Number {number},OU=People,DC=example,DC=com",
        "fullName": f"User Number {number}",
        "emailAddresses": [f"{name}@example.com", f"user.number.{number}@example.com"],
    }


def _gone(users: int) -> range:
    return range(1, users, 100)


def _answer(people: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    gone = _gone(len(people))
    for number, record in enumerate(people):
        if number in gone:
            yield _person(len(people) + number)
        elif number % 100 == 2:
            yield {**record, "fullName": f"Dr. {record['fullName']}"}
        else:
            yield record


def _as_user(record: dict[str, Any]) -> User:
    return User(
        user_name=record["userName"],
        full_name=record["fullName"],
        distinguished_name=record["distinguishedName"],
        email_addresses=record["emailAddresses"],
        authentication=DIRECTORY_SERVICES,
        privileges=["login"],
        folder_privileges={record["userName"]: ["read"]},
    )


def _make_database(home: Path) -> None:
    rows = orjson.loads((home / STORE).read_bytes())["_default"].values()
    with sqlite3.connect(home / DATABASE) as database:
        names = ", ".join(COLUMNS)
        database.execute(f"CREATE TABLE users ({names}, PRIMARY KEY (user_name))")
        database.executemany(
            f"INSERT INTO users VALUES ({', '.join('?' * len(COLUMNS))})",
            ([as_column(row[name]) for name in COLUMNS] for row in rows),
        )
    database.close()


def as_column(value: Any) -> Any:
    """Return lists and objects as the JSON text that the database holds."""
    return orjson.dumps(value).decode() if isinstance(value, (list, dict)) else value
