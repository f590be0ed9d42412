"""`directory-check`'s judgement of servers that keep to the protocol, and of those that do not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from store.models import Settings
from sync.directory.conformance.findings import Finding, worst
from sync.directory.conformance.probes import check_directory
from sync.server.directory_file import hash_directory_password
from sync.server.directory_server import DirectoryServer
from tests.support.hostile_server import answer, hostile_server
from tests.support.php_server import PhpDirectory, php_hash
from tests.support.ports import free_port
from tests.support.scripted_directory import scripted_directory

SERVICE = ("archive", "secret")
LOG_ON = ("anna", "grün & +%41")


def check(
    url: str,
    credentials: tuple[str, str] | None = SERVICE,
    log_on: tuple[str, str] | None = None,
    **settings: Any,
) -> list[Finding]:
    """Return all findings."""
    user, password = credentials or ("", "")
    wanted = Settings(
        directory_service="application_integration",
        url=url,
        requires_authentication=bool(credentials),
        user_name=user,
        **settings,
    )

    async def collected() -> list[Finding]:
        return [finding async for finding in check_directory(wanted, password, log_on)]

    return asyncio.run(collected())


def level_of(findings: list[Finding], check_name: str) -> str:
    """Return the worst level among the findings of one check."""
    return worst(finding for finding in findings if finding.check.startswith(check_name))


def text_of(findings: list[Finding]) -> str:
    return "\n".join(f"{item.found} {item.why} {item.advice}" for item in findings)


def test_the_control_keeps_to_the_protocol() -> None:
    with scripted_directory() as directory:
        findings = check(directory.url, log_on=LOG_ON)
    assert [item for item in findings if item.level != "ok"] == []
    assert {item.check for item in findings} >= {
        "list",
        "commands",
        "access: list without credentials",
        "access: credential check with a wrong password",
        "credential check: made-up user",
        "credential check: right password",
        "credential check: wrong password",
        "credential check: empty password",
    }


@pytest.mark.parametrize(
    ("limited", "checked_before"),
    [
        ({"list_status": 429}, False),
        ({"unknown_user": (429, b"")}, True),
        ({"wrong_password": (429, b"")}, True),
        ({"unauthorized": 429}, True),
    ],
)
def test_a_limit_is_no_fault(limited: dict[str, Any], checked_before: bool) -> None:
    with scripted_directory(**limited) as directory:
        findings = check(directory.url, log_on=LOG_ON)
    assert worst(findings) == "unchecked"
    assert "too many requests (429)" in findings[-1].found
    assert (findings[0].check == "list") is checked_before


def test_our_own_server_keeps_to_the_protocol(tmp_path: Path) -> None:
    user = {"userName": "anna", "passwordHash": hash_directory_password("geheim", cost=4)}
    file = tmp_path / "users.json"
    file.write_text(json.dumps([user]))
    with DirectoryServer(file, credentials=SERVICE, log=lambda _: None) as server:
        findings = check(server.url, log_on=("anna", "geheim"))
    assert worst(findings) == "ok", text_of(findings)


def test_the_directory_in_php_keeps_to_the_protocol(tmp_path: Path) -> None:
    php = PhpDirectory(tmp_path, SERVICE)
    php.users = {"anna": {"userName": "anna", "passwordHash": php_hash("geheim")}}
    php.bom = True
    php.start()
    try:
        findings = check(php.url, log_on=("anna", "geheim"))
    finally:
        php.stop()
    assert {item.check for item in findings if item.level != "ok"} == {
        "content type",  # it says text/json
        "encoding",  # it sends a byte order mark
        "length",  # php -S closes the connection instead of counting
    }, text_of(findings)
    assert worst(findings) == "note"


@pytest.mark.parametrize(
    ("broken", "check_name", "level", "words"),
    [
        ({"users": []}, "users", "problem", "The list is empty"),
        ({"users": {"a": 1}}, "list", "broken", "not an array"),
        ({"users": b"<html>log on</html>"}, "list", "broken", "web page"),
        ({"users": b'[{"userName": "anna"}'}, "list", "broken", "not valid JSON"),
        ({"users": b'[{"userName": "\xe4nna"}]'}, "list", "broken", "invalid UTF-8"),
        ({"users": b'[{"userName": "a", "userName": "b"}]'}, "list", "broken", "duplicate key"),
        ({"users": [{"userName": "a/b"}]}, "user names", "problem", "contains “/”"),
        ({"users": [{"fullName": "x"}, 7]}, "user names", "problem", "2 records have no usable"),
        (
            {"users": [{"userName": "anna"}, {"userName": "ANNA"}]},
            "user names",
            "problem",
            "“anna” and “ANNA”",
        ),
        ({"users": [{"userName": "Admin"}]}, "user names", "note", "“admin”"),
        (
            {"users": [{"userName": "anna", "id": "7"}, {"userName": "bob", "id": "7"}]},
            "ids",
            "problem",
            "1 id is listed more than once: 7 (anna, bob)",
        ),
        (
            {"users": [{"userName": "anna", "id": "7"}, {"userName": "bob"}]},
            "ids",
            "note",
            "1 user has no id, and others have one: “bob”",
        ),
        ({"users": [{"userName": "anna", "id": 7}]}, "fields", "problem", "id was ignored"),
        (
            {
                "users": [
                    {"userName": "anna", "emailAddresses": ["x@example.com"]},
                    {"userName": "bob", "emailAddresses": ["X@example.com"]},
                ]
            },
            "e-mail addresses",
            "problem",
            "x@example.com (anna, bob)",
        ),
        (
            {"users": [{"userName": "anna", "emailAddresses": ["no address"]}]},
            "fields",
            "problem",
            "1 value is left out",
        ),
        ({"users": [{"userName": "anna", "fullName": 7}]}, "fields", "problem", "not a text"),
        (
            {
                "users": [
                    {"userName": "anna", "distinguishedName": "CN=x"},
                    {"userName": "bob", "distinguishedName": "cn=X"},
                ]
            },
            "distinguished names",
            "note",
            "(anna, bob)",
        ),
        ({"headers": {"Content-Type": "text/json; charset=utf8"}}, "content type", "note", "text/"),
        ({"without": ("Content-Type",)}, "content type", "note", "not given"),
        ({"without": ("Content-Length",)}, "length", "note", "neither its length"),
        ({"users": b'\xef\xbb\xbf[{"userName": "a"}]'}, "encoding", "note", "byte order mark"),
        ({"headers": {"Content-Encoding": "gzip"}}, "list", "broken", "compressed"),
        (
            {"list_status": 302, "headers": {"Location": "/log-on"}},
            "list",
            "broken",
            "/log-on (302); mailroster",
        ),
        ({"list_status": 500}, "list", "broken", "overloaded or broken"),
        ({"credentials": ("archive", "other")}, "list", "broken", "own credentials"),
        ({"credentials": None}, "access", "problem", "answers the list without credentials"),
        (
            {"unauthorized_commands": ("auth",)},
            "access: credential check",
            "problem",
            "answers the credential check",
        ),
        ({"unauthorized": 403}, "access", "note", "not with 401"),
        ({"lists_on_get": True}, "commands", "note", "answers GET with the list as well"),
        ({"lists_on_anything": True}, "commands", "note", "unknown command with the list as well"),
        ({"unknown_user": (401, b"")}, "credential check: made-up", "broken", "401 means"),
        ({"unknown_user": (404, b"")}, "credential check: made-up", "broken", "not a refusal"),
        ({"unknown_user": (200, b"no")}, "credential check: made-up", "broken", "not valid JSON"),
        ({"unknown_user": (200, "false")}, "credential check: made-up", "broken", "a text"),
        ({"unknown_user": (200, True)}, "credential check: made-up", "broken", "does not exist"),
        ({"passwords": {"anna": "grün & A"}}, "credential check: right", "problem", "refused"),
        ({"wrong_password": (200, True)}, "credential check: wrong", "broken", "wrong password"),
        ({"wrong_password": (401, b"")}, "credential check: password", "broken", "401 means"),
        ({"empty_password": (200, True)}, "credential check: empty", "problem", "LDAP"),
    ],
)
def test_each_broken_rule_is_named(
    broken: dict[str, Any], check_name: str, level: str, words: str
) -> None:
    with scripted_directory(**broken) as directory:
        findings = check(directory.url, log_on=LOG_ON)
    assert level_of(findings, check_name) == level, text_of(findings)
    assert words in text_of([item for item in findings if item.check.startswith(check_name)])
    others = [item for item in findings if not item.check.startswith(check_name)]
    assert {item.level for item in others} <= {"ok"} or "users" in broken


@pytest.mark.parametrize("refusal", [(200, False), (200, {"succeeded": False}), (403, b"")])
def test_each_way_to_refuse_a_password_is_right(refusal: Any) -> None:
    with scripted_directory(unknown_user=refusal, wrong_password=refusal) as directory:
        assert worst(check(directory.url, log_on=LOG_ON)) == "ok"


def test_the_names_of_the_credential_check_are_settings() -> None:
    with scripted_directory(unknown_user=(200, {"ok": False})) as directory:
        assert worst(check(directory.url)) == "broken"
        assert worst(check(directory.url, auth_success_field="ok")) == "ok"


def test_without_log_on_no_real_user_is_tried() -> None:
    with scripted_directory() as directory:
        check(directory.url)
        names = {form["userName"] for form in directory.asked if "userName" in form}
    assert names
    assert not names & {"anna", "bob"}


def test_a_server_without_credentials_is_noted() -> None:
    with scripted_directory(credentials=None) as directory:
        findings = check(directory.url, credentials=None)
    assert [item.check for item in findings if item.level != "ok"] == ["access"]


def test_nobody_there() -> None:
    findings = check(f"http://127.0.0.1:{free_port()}/")
    assert [item.level for item in findings] == ["broken"]
    assert "refused the connection" in findings[0].found


def test_plain_http_to_another_machine_is_noted() -> None:
    findings = check("http://directory.invalid/", list_timeout=5)
    assert [item.check for item in findings] == ["encryption", "list"]


def test_what_the_server_says_is_made_printable() -> None:
    users = json.dumps([{"userName": "a\x1b]52;c;x\x07b"}, {"userName": "x\u202ey"}])
    hostile = answer(users, Content_Type="text/\x1b[31mred")
    with hostile_server(hostile) as server:
        text = text_of(check(server.url, credentials=None))
    assert "usable user name" in text
    assert "red" in text
    assert all(char.isprintable() or char == "\n" for char in text)
