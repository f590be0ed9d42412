"""The credential check: right, wrong, and everything else an outage; the secret never shows."""

from __future__ import annotations

import traceback
from typing import Any
from urllib.parse import parse_qsl

import pytest

from sync import errors
from sync.directory.client import DirectoryClient
from tests.support.hostile_server import (
    Behaviour,
    Connection,
    answer,
    hostile_server,
    raw,
    response,
)

PASSWORD = "hunter2-secret"
SERVICE_PASSWORD = "service-secret"


async def check(behave: Behaviour, password: str = PASSWORD, **changes: Any) -> bool:
    with hostile_server(behave) as server:
        client = DirectoryClient(server.settings(**changes), SERVICE_PASSWORD)
        return await client.check_password("Anna", password)


@pytest.mark.parametrize(
    "body", ["true", '{"succeeded": true}', '\ufeff{"name": "x", "succeeded": true, "n": {}}']
)
async def test_right(body: str) -> None:
    assert await check(answer(body))


@pytest.mark.parametrize(
    "behave", [answer("false"), answer('{"succeeded": false}'), answer("<html>", "403 Forbidden")]
)
async def test_wrong(behave: Behaviour) -> None:
    assert not await check(behave)


async def test_the_names_are_settings() -> None:
    settings = {
        "auth_command": "check",
        "auth_user_field": "login",
        "auth_password_field": "secret",
        "auth_success_field": "ok",
    }
    with hostile_server(answer('{"ok": true}')) as server:
        client = DirectoryClient(server.settings(**settings), "")
        assert await client.check_password("Anna", PASSWORD)
    assert server.requests[0].body == f"cmd=check&login=Anna&secret={PASSWORD}".encode()
    with pytest.raises(errors.WrongShape, match="“ok”"):
        await check(answer('{"succeeded": true}'), auth_success_field="ok")


OUTAGES: dict[str, tuple[Behaviour, type[errors.DirectoryError]]] = {
    "text": (answer('"true"'), errors.WrongShape),
    "one": (answer("1"), errors.WrongShape),
    "null": (answer("null"), errors.WrongShape),
    "array": (answer("[true]"), errors.WrongShape),
    "no field": (answer("{}"), errors.WrongShape),
    "field of text": (answer('{"succeeded": "true"}'), errors.WrongShape),
    "field of 1": (answer('{"succeeded": 1}'), errors.WrongShape),
    "field null": (answer('{"succeeded": null}'), errors.WrongShape),
    "field twice": (answer('{"succeeded": false, "succeeded": true}'), errors.NotJSON),
    "empty": (answer(""), errors.NotJSON),
    "no content": (raw(response(b"", "204 No Content")), errors.UnexpectedStatus),
    "web page": (answer("<html>Wrong password</html>"), errors.NotJSON),
    "twice": (answer("true true"), errors.NotJSON),
    "cut off": (raw(response(b"true", Content_Length="9")), errors.CutOff),
    "large": (answer("true" + " " * 65536), errors.TooLarge),
    "compressed": (answer("true", Content_Encoding="gzip"), errors.Compressed),
    "redirect": (answer("", "302 Found", Location="/"), errors.Redirected),
    "our credentials": (answer("false", "401 No"), errors.ServiceCredentialsRefused),
    "not found": (answer("false", "404 No"), errors.ServiceNotFound),
    "not allowed": (answer("false", "405 No"), errors.ServiceNotFound),
    "throttled": (answer("false", "429 No"), errors.ServerFailed),
    "broken": (answer("false", "500 No"), errors.ServerFailed),
    "unexpected": (answer("false", "400 No"), errors.UnexpectedStatus),
    "closed": (raw(b""), errors.NotHTTP),
    "garbage": (raw(b"garbage\r\n\r\n"), errors.NotHTTP),
    "silent": (Connection.hold, errors.TimedOut),
}


@pytest.mark.parametrize(("behave", "kind"), OUTAGES.values(), ids=OUTAGES.keys())
async def test_an_outage_is_never_a_wrong_password_and_shows_no_secret(
    behave: Behaviour, kind: type[errors.DirectoryError]
) -> None:
    with pytest.raises(errors.DirectoryError) as caught:
        await check(behave, login_timeout=1, requires_authentication=True, user_name="sync")
    error = caught.value
    assert type(error) is kind
    assert "Nothing was changed." in str(error)
    shown = f"{error} {error!r} {''.join(traceback.format_exception(error))}"
    assert PASSWORD not in shown
    assert SERVICE_PASSWORD not in shown
    # What stands behind an exception of httpx is the request with its form.
    assert not isinstance(error.__context__, Exception) or not hasattr(error.__context__, "request")


async def test_the_directory_that_is_away_shows_no_secret() -> None:
    with hostile_server(answer("true")) as server:
        settings = server.settings()
    with pytest.raises(errors.ConnectionFailed) as caught:
        await DirectoryClient(settings, SERVICE_PASSWORD).check_password("Anna", PASSWORD)
    assert caught.value.__context__ is None
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("password", ['&=+% ü "', " both ends ", "a\0b\r\n", "日本", "e\u0301"])
async def test_the_password_arrives_byte_for_byte(password: str) -> None:
    with hostile_server(answer("true")) as server:
        client = DirectoryClient(server.settings(), "")
        assert await client.check_password("Änna Berg", password)
    (request,) = server.requests
    assert parse_qsl(request.body.decode("ascii"), strict_parsing=True) == [
        ("cmd", "auth"),
        ("userName", "Änna Berg"),
        ("password", password),
    ]


@pytest.mark.parametrize("password", ["", "half a pair \ud800"])
async def test_what_cannot_be_a_password_is_wrong_without_a_request(password: str) -> None:
    with hostile_server(answer("true")) as server:
        client = DirectoryClient(server.settings(), "")
        assert not await client.check_password("Anna", password)
    assert server.requests == []


async def test_nothing_is_asked_twice() -> None:
    with hostile_server(raw(b"")) as server, pytest.raises(errors.NotHTTP):
        await DirectoryClient(server.settings(), "").check_password("Anna", PASSWORD)
    assert len(server.requests) == 1
