"""Does an Application Integration server keep to the protocol? Asked from outside, in words."""

from __future__ import annotations

import codecs
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
from httpx import codes

from store.models import Settings
from store.text import printable, quantity
from sync.directory.client import DirectoryClient
from sync.directory.conformance.findings import Finding, list_findings
from sync.directory.insecurity import is_loopback, uses_tls
from sync.directory.listing import Listing
from sync.errors import (
    DirectoryError,
    ServiceCredentialsRefused,
)

_NOT_ENCRYPTED = Finding(
    "encryption",
    "note",
    "The URL is plain http.",
    "Everybody between this machine and the server can read the users and their passwords.",
    "Offer https.",
)
_NO_CREDENTIALS = Finding(
    "access",
    "note",
    "The server answers without credentials.",
    "A server that requires none lets everybody read all users and try passwords.",
    "Require HTTP Basic credentials, and check with --user.",
)
_RIGHT_ACCEPTED = Finding(
    "credential check: right password", "ok", "The right password is accepted."
)
_RIGHT_REFUSED = Finding(
    "credential check: right password",
    "problem",
    "The given password is refused.",
    "This user could not log on.",
    "If it was typed right: read the form as UTF-8, decode “+” and %XX once, and compare the "
    "password byte for byte.",
)
_WRONG_REFUSED = Finding("credential check: wrong password", "ok", "A wrong password is refused.")
_WRONG_ACCEPTED = Finding(
    "credential check: wrong password",
    "broken",
    "It accepts a wrong password.",
    "Everybody could log on as this user.",
    "Compare the whole password.",
)
_TOO_OFTEN = Finding(
    "limit",
    "unchecked",
    "The server got too many requests (429), so the rest was not checked.",
    "A limit is not a fault; syncs and log-ons ask one thing at a time.",
    "Check again later, or raise that server's limit for this machine.",
)
_REFUSAL = (
    "To refuse a password, answer 200 with false, with an object whose field {field} is false, or "
    "403."
)


class _AskedTooOften(Exception):
    """429: nothing more can be learned now."""


class _Probe(DirectoryClient):
    """The client that syncs and log-ons use, which may be made to ask for something else.

    After each question, `headers` and `body` are what came back, also of an answer that cannot be
    used; `body` is None if there was none.
    """

    def __init__(
        self,
        settings: Settings,
        password: str,
        *,
        form: dict[str, str] | None = None,
        method: str = "POST",
    ) -> None:
        super().__init__(settings, password)
        self._form = form
        self._method = method
        self.headers = httpx.Headers()
        self.body: bytes | None = None

    async def _ask(self, form: dict[str, str], *limits: Any, **more: Any) -> bytes:
        self.body = None
        self.body = await super()._ask(form if self._form is None else self._form, *limits, **more)
        return self.body

    def _open(self) -> httpx.AsyncClient:
        client = super()._open()
        client.event_hooks["request"].append(self._set_method)
        return client

    async def _set_method(self, request: httpx.Request) -> None:
        request.method = self._method

    async def _check_head(self, response: httpx.Response) -> None:
        self.headers = response.headers
        if response.status_code == codes.TOO_MANY_REQUESTS:
            raise _AskedTooOften
        await super()._check_head(response)


async def check_directory(
    settings: Settings, password: str, log_on: tuple[str, str] | None = None
) -> AsyncIterator[Finding]:
    """Yield what is found at the URL of `settings`, check by check, as the answers come.

    `password` is the service's own. With `log_on`, a user name and the right password, that user's
    log-on is checked too; this costs a wrong attempt and one with an empty password. Nothing is
    ever written there. Ends early at a server that was asked too often.
    """
    try:
        async for finding in _checks(settings, password, log_on):
            yield finding
    except _AskedTooOften:
        yield _TOO_OFTEN


async def _checks(
    settings: Settings, password: str, log_on: tuple[str, str] | None
) -> AsyncIterator[Finding]:
    client = _Probe(settings, password)
    if not (uses_tls(settings) or is_loopback(settings.url)):
        yield _NOT_ENCRYPTED
    started = time.monotonic()
    try:
        listing = await client.list_users()
    except DirectoryError as error:
        why = "A sync needs the list. Nothing else was checked."
        yield Finding("list", "broken", str(error), why, error=error.to_record())
        return
    body = client.body or b""
    yield Finding("list", "ok", _size(listing, body, time.monotonic() - started))
    for finding in (*_form_of_answer(client.headers, body), *list_findings(listing)):
        yield finding
    if settings.requires_authentication:
        async for finding in _strangers(settings, password):
            yield finding
    else:
        yield _NO_CREDENTIALS
    getter = replace(settings, url=f"{settings.url}{'&' if '?' in settings.url else '?'}cmd=list")
    yield await _listed_anyway("GET", _Probe(getter, password, form={}, method="GET"))
    unknown = {"cmd": f"check-{secrets.token_hex(4)}"}
    yield await _listed_anyway("an unknown command", _Probe(settings, password, form=unknown))
    yield await _made_up_user(client, settings)
    if log_on:
        async for finding in _log_on(client, settings, password, *log_on):
            yield finding


def _size(listing: Listing, body: bytes, seconds: float) -> str:
    users, size = quantity(listing.listed, "user"), quantity(len(body), "byte")
    return f"The list: {users} in {size}, within {seconds:.2f} s."


def _form_of_answer(headers: httpx.Headers, body: bytes) -> list[Finding]:
    found = []
    content_type = headers.get("Content-Type", "")
    if content_type.split(";")[0].strip().lower() != "application/json":
        found.append(
            Finding(
                "content type",
                "note",
                f"The content type is {printable(content_type, 60) or 'not given'}.",
                "mailroster does not trust it and reads the answer as JSON in UTF-8; other "
                "programs may not.",
                "Answer with application/json.",
            )
        )
    if body.startswith(codecs.BOM_UTF8):
        found.append(
            Finding(
                "encoding",
                "note",
                "The answer starts with a byte order mark.",
                "mailroster skips it; RFC 8259 forbids it, and other programs stumble over it.",
                "Send UTF-8 without one.",
            )
        )
    if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
        found.append(
            Finding(
                "length",
                "note",
                "The answer tells neither its length nor its end.",
                "A connection that breaks looks like the end of the answer; only the missing "
                "bracket then shows that users are missing.",
                "Send Content-Length.",
            )
        )
    return found


async def _strangers(settings: Settings, password: str) -> AsyncIterator[Finding]:
    """See whether anybody but us may ask."""
    strangers = {
        "without credentials": (replace(settings, requires_authentication=False), ""),
        "with a wrong password": (settings, f"{password}-{secrets.token_hex(4)}"),
    }
    attempt = _auth_form(settings, _made_up_name(), secrets.token_urlsafe())
    for who, (theirs, wrong) in strangers.items():
        for what, form in (("list", {"cmd": "list"}), ("credential check", attempt)):
            yield await _refusal_of(_Probe(theirs, wrong, form=form), who, what)


async def _refusal_of(stranger: _Probe, who: str, what: str) -> Finding:
    check = f"access: {what} {who}"
    try:
        await stranger.list_users()
    except ServiceCredentialsRefused:
        return Finding(check, "ok", f"The {what} {who} is refused with 401.")
    except DirectoryError as error:
        if stranger.body is None:
            return Finding(
                check,
                "note",
                f"The {what} {who} is refused, but not with 401: {error}",
                "401 is how the administrator learns that the service's credentials are wrong.",
                "Answer 401 with WWW-Authenticate: Basic.",
                error.to_record(),
            )
    return Finding(
        check,
        "problem",
        f"The server answers the {what} {who}.",
        "Everybody on the network can read all users or try passwords.",
        "Check the service's credentials before the command; otherwise answer 401.",
    )


async def _listed_anyway(what: str, probe: _Probe) -> Finding:
    """See whether the list comes where it was not asked for."""
    try:
        await probe.list_users()
    except DirectoryError:
        return Finding("commands", "ok", f"The server does not answer {what} with the list.")
    return Finding(
        "commands",
        "note",
        f"The server answers {what} with the list as well.",
        "A request outside the protocol should fail; answers to GET also end up in caches, logs "
        "and histories.",
        "Answer 405 to GET, and 400 to an unknown command.",
    )


async def _made_up_user(client: _Probe, settings: Settings) -> Finding:
    check = "credential check: made-up user"
    try:
        accepted = await client.check_password(_made_up_name(), secrets.token_urlsafe())
    except DirectoryError as error:
        return _outage(check, settings, "a user who does not exist", error)
    if accepted:
        return Finding(
            check,
            "broken",
            "It accepts a user who does not exist, with a random password.",
            "Everybody could log on.",
            "Answer true only after the password was checked.",
        )
    return Finding(check, "ok", "A user who does not exist is refused.")


async def _log_on(
    client: _Probe, settings: Settings, service_password: str, user_name: str, password: str
) -> AsyncIterator[Finding]:
    """Try the right password, a wrong one and an empty one, as long as they get a verdict."""
    try:
        right = await client.check_password(user_name, password)
        yield _RIGHT_ACCEPTED if right else _RIGHT_REFUSED
        wrong = await client.check_password(user_name, f"{password}-{secrets.token_hex(4)}")
        yield _WRONG_ACCEPTED if wrong else _WRONG_REFUSED
    except DirectoryError as error:
        yield _outage("credential check: password", settings, "a user's password", error)
        return
    empty = _Probe(settings, service_password, form=_auth_form(settings, user_name, ""))
    yield await _empty_password(empty)


async def _empty_password(client: _Probe) -> Finding:
    check = "credential check: empty password"
    try:
        # `form` is what is sent; the client by itself would refuse an empty password unasked.
        accepted = await client.check_password("-", "-")
    except DirectoryError:
        accepted = False  # mailroster never sends one, so how it is refused does not matter
    if not accepted:
        return Finding(check, "ok", "An empty password is refused.")
    return Finding(
        check,
        "problem",
        "It accepts an empty password.",
        "mailroster never sends one, but other programs may.",
        "Refuse it before the directory is asked: an LDAP bind without a password always succeeds.",
    )


def _outage(check: str, settings: Settings, what: str, error: DirectoryError) -> Finding:
    advice = _REFUSAL.format(field=settings.auth_success_field)
    if isinstance(error, ServiceCredentialsRefused):
        advice += " 401 means that the service's own credentials are wrong."
    return Finding(
        check,
        "broken",
        f"The answer to {what} is not a refusal: {error}",
        "mailroster takes it for an outage and tells the user to try later; the user does not "
        "learn that the password is wrong.",
        advice,
        error.to_record(),
    )


def _auth_form(settings: Settings, user_name: str, password: str) -> dict[str, str]:
    return {
        "cmd": settings.auth_command,
        settings.auth_user_field: user_name,
        settings.auth_password_field: password,
    }


def _made_up_name() -> str:
    return f"nobody-{secrets.token_hex(8)}"
