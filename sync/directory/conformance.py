"""Does an Application Integration server keep to the protocol? Asked from outside, in words."""

from __future__ import annotations

import codecs
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from store.models import Settings
from store.text import printable, quantity
from sync.directory.answer import parse_listing
from sync.directory.client import DirectoryClient
from sync.directory.findings import Finding, list_findings
from sync.directory.listing import Listing
from sync.directory.tls import uses_tls
from sync.errors import (
    DirectoryError,
    ServiceCredentialsRefused,
)

_LIST = {"cmd": "list"}
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
    "It was asked without credentials.",
    "Whoever reaches a server that requires none can read all users and try passwords.",
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
_REFUSAL = (
    "To refuse a password, answer 200 with false, with an object whose field {field} is false, or "
    "403."
)


class _Probe(DirectoryClient):
    """The client that syncs and log-ons use, with a look at what it discards."""

    def __init__(self, settings: Settings, password: str) -> None:
        super().__init__(settings, password)
        self.headers = httpx.Headers()

    async def body(self, form: dict[str, str]) -> bytes:
        """Return the answer's body, the headers in `headers`; raises a `DirectoryError`."""
        settings = self._settings
        return await self._ask(form, settings.list_timeout, settings.max_answer_mib << 20)

    async def list(self, form: dict[str, str]) -> Listing:
        """Return the users in the answer to `form`; raises a `DirectoryError`."""
        return parse_listing(await self.body(form), self._settings)

    async def _check_head(self, response: httpx.Response) -> None:
        self.headers = response.headers
        await super()._check_head(response)


class _Getter(_Probe):
    """Asks by GET, with the form in the URL."""

    method = "GET"

    def __init__(self, settings: Settings, password: str) -> None:
        mark = "&" if "?" in settings.url else "?"
        super().__init__(replace(settings, url=f"{settings.url}{mark}cmd=list"), password)


async def check_directory(
    settings: Settings, password: str, log_on: tuple[str, str] | None = None
) -> AsyncIterator[Finding]:
    """Yield what is found at the URL of `settings`, check by check, as the answers come.

    `password` is the service's own. With `log_on`, a user name and the right password, that user's
    log-on is checked too; this costs one wrong attempt. Nothing is ever written there.
    """
    client = _Probe(settings, password)
    if not (uses_tls(settings) or _is_loopback(settings.url)):
        yield _NOT_ENCRYPTED
    started = time.monotonic()
    try:
        body = await client.body(_LIST)
        seconds = time.monotonic() - started
        listing = parse_listing(body, settings)
    except DirectoryError as error:
        why = "Without the list there is no sync. Nothing else was checked."
        yield Finding("list", "broken", str(error), why)
        return
    yield Finding("list", "ok", _size(listing, body, seconds))
    for finding in (*_form_of_answer(client.headers, body), *list_findings(listing)):
        yield finding
    if settings.requires_authentication:
        async for finding in _strangers(settings, password):
            yield finding
    else:
        yield _NO_CREDENTIALS
    yield await _listed_anyway("GET", _Getter(settings, password), {})
    unknown = {"cmd": f"check-{secrets.token_hex(4)}"}
    yield await _listed_anyway("an unknown command", client, unknown)
    yield await _made_up_user(client, settings)
    if log_on:
        async for finding in _log_on(client, settings, *log_on):
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
        "without credentials": _Probe(replace(settings, requires_authentication=False), ""),
        "with a wrong password": _Probe(settings, f"{password}-{secrets.token_hex(4)}"),
    }
    attempt = {
        "cmd": settings.auth_command,
        settings.auth_user_field: _made_up_name(),
        settings.auth_password_field: secrets.token_urlsafe(),
    }
    for who, stranger in strangers.items():
        for what, form in (("list", _LIST), ("credential check", attempt)):
            yield await _refusal_of(stranger, who, what, form)


async def _refusal_of(stranger: _Probe, who: str, what: str, form: dict[str, str]) -> Finding:
    check = f"access: {what} {who}"
    try:
        await stranger.body(form)
    except ServiceCredentialsRefused:
        return Finding(check, "ok", f"The {what} {who} is refused with 401.")
    except DirectoryError as error:
        return Finding(
            check,
            "note",
            f"The {what} {who} is refused, but not with 401: {error}",
            "401 is how the administrator learns that the service's credentials are wrong.",
            "Answer 401 with WWW-Authenticate: Basic.",
        )
    return Finding(
        check,
        "problem",
        f"The {what} is answered {who}.",
        "Whoever reaches the server can read all users or try passwords.",
        "Check the service's credentials before the command; otherwise answer 401.",
    )


async def _listed_anyway(what: str, probe: _Probe, form: dict[str, str]) -> Finding:
    """See whether the list comes where it was not asked for."""
    try:
        await probe.list(form)
    except DirectoryError:
        return Finding("commands", "ok", f"No list is the answer to {what}.")
    return Finding(
        "commands",
        "note",
        f"The list is the answer to {what} as well.",
        "What is not the protocol should fail aloud; answers to GET also end up in caches, logs "
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
    client: _Probe, settings: Settings, user_name: str, password: str
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
    yield await _empty_password(client, user_name)


async def _empty_password(client: _Probe, user_name: str) -> Finding:
    check = "credential check: empty password"
    try:
        accepted = await client.verdict(user_name, "")
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
        f"The answer to {what} is no refusal: {error}",
        "mailroster takes it for an outage and tells the user to try later; nobody is told that "
        "the password is wrong.",
        advice,
    )


def _made_up_name() -> str:
    return f"nobody-{secrets.token_hex(8)}"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
