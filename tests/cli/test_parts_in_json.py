"""JSON of what was found has the parts of a failure beside the text that tells of it."""

from __future__ import annotations

from typing import Any

from store.errors import Problem, StoreDamaged
from store.tinydb.backups import list_backups
from sync.errors import ConnectionFailed
from tests.support.command_line import CommandLine
from tests.support.ports import free_port

PASSWORD = "correct horse battery"


def check_parts(record: dict[str, Any], key: str, kind: type[Problem]) -> None:
    error = record["error"]
    assert error["kind"] == kind.kind
    assert error["message"] == f"{error['what']} {error['untouched']} {error['advice']}"
    assert error["message"] in record[key]


def test_of_the_store_and_its_backups(mailroster: CommandLine) -> None:
    for name in ("anna", "bert"):
        assert mailroster("users", "add", name, stdin=PASSWORD).code == 0
    assert mailroster("store", "restore", "--list", "--json").json[0]["error"] is None
    (backup,) = list_backups(mailroster.store)
    for file in (mailroster.store, backup):
        file.unlink()
        file.write_text("{")
    found = mailroster("store", "check", "--json").json["findings"]
    assert {item["path"] for item in found} >= {str(mailroster.store), str(backup)}
    for item in found[:2]:
        check_parts(item, "problem", StoreDamaged)
    (listed,) = mailroster("store", "restore", "--list", "--json").json
    check_parts(listed, "problem", StoreDamaged)


def test_of_a_directory_and_a_log_on(mailroster: CommandLine) -> None:
    for url in (
        f"http://127.0.0.1:{free_port()}/",
        f"ldap://127.0.0.1:{free_port()} ldap_base=dc=x",
    ):
        found = mailroster("directory-check", *url.split(), "--json").json["findings"]
        check_parts(found[-1], "found", ConnectionFailed)
    mailroster.set_up(f"http://127.0.0.1:{free_port()}/")
    steps = mailroster("login", "--explain", "nobody", "--json").json["steps"]
    assert [step["error"] for step in steps[:-1]] == [None] * (len(steps) - 1)
    check_parts(steps[-1], "text", ConnectionFailed)
