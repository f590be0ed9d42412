"""The conversation with the directory: one form, one answer, nothing trusted."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, NamedTuple

import httpx

from store.models import Settings
from store.text import is_encodable, printable
from sync.directory import failures
from sync.directory.answer import parse_listing, parse_verdict
from sync.directory.insecurity import uses_tls
from sync.directory.listing import Listing, Progress
from sync.directory.name_lookup import abandon_slow_lookups
from sync.directory.tls import ssl_context
from sync.errors import DirectoryError, Forbidden

_MIB = 1 << 20
_LARGEST_VERDICT = 64 << 10
_BEGINNING = 4 << 10
_USER_MARK = b'"userName"'

# Each value of a JSON text but the first follows one of these. A user has about a dozen of them,
# those in texts included; a hostile answer of nothing else would fill 50 times its size in memory.
_VALUE_MARKS = (b",", b"[", b"{")
_VALUES_PER_USER = 30
_VALUES_OF_FEW_USERS = 1_000_000

ProgressCallback = Callable[[Progress], None]
Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class _Limits(NamedTuple):
    """What one answer may take: seconds in all, bytes, and JSON values."""

    seconds: int
    size: int
    values: int


class DirectoryClient:
    """An Application Integration server as the settings describe it; it is only ever read.

    `password` is the one of the service's own Basic credentials (RFC 7617), in clear; it is sent
    only if the settings say that the server requires authentication. A request is never repeated,
    a redirect never followed. Cancel the task to give up.
    """

    why_refused = ""  # the protocol has no reasons

    def __init__(self, settings: Settings, password: str) -> None:
        self._settings = settings
        self._password = password

    def __repr__(self) -> str:
        return f"DirectoryClient({printable(self._settings.url, 200)})"

    def get_ready(self) -> None:
        """Do what comes before the first request; raises a `DirectoryError`."""
        self._open()

    async def list_users(self, progress: ProgressCallback | None = None) -> Listing:
        """Return all that the directory lists; `progress` is called as the answer arrives.

        Raises a `DirectoryError`; there is no partial list.
        """
        settings = self._settings
        limits = _Limits(
            settings.list_timeout,
            settings.max_answer_mib * _MIB,
            max(_VALUES_PER_USER * settings.max_users, _VALUES_OF_FEW_USERS),
        )
        with failures.hiding(settings, self._password):
            body = await self._ask({"cmd": "list"}, limits, progress)
            return await asyncio.to_thread(parse_listing, body, settings)

    async def check_password(
        self, user_name: str, password: str, stable_id: str | None = None
    ) -> bool:
        """Return whether the directory accepts the password, sent byte for byte as typed.

        403 and a plain `false` are its two ways to say no. Everything unclear is an outage and
        raises a `DirectoryError`. An empty password, and a text that UTF-8 cannot carry, is wrong
        without a request. The protocol has no place for `stable_id`.
        """
        settings = self._settings
        if not (password and is_encodable(user_name) and is_encodable(password)):
            return False
        form = {
            "cmd": settings.auth_command,
            settings.auth_user_field: user_name,
            settings.auth_password_field: password,
        }
        limits = _Limits(settings.login_timeout, _LARGEST_VERDICT, _LARGEST_VERDICT)
        with failures.hiding(settings, self._password, password):
            try:
                body = await self._ask(form, limits)
            except Forbidden:
                return False
            return parse_verdict(body, settings)

    async def _ask(
        self,
        form: dict[str, str],
        limits: _Limits,
        progress: ProgressCallback | None = None,
    ) -> bytes:
        """Post `form` and return the answer's body, within its time from name look-up to end."""
        failure: DirectoryError
        abandon_slow_lookups()
        # httpx's exceptions hold the request, passwords included. They must not become the
        # context of ours, so ours is raised after they are gone.
        try:
            async with asyncio.timeout(limits.seconds), AsyncExitStack() as stack:
                client = await stack.enter_async_context(self._open())
                return await self._exchange(client, form, limits, progress, _closing(stack))
        except TimeoutError:
            failure = failures.timed_out(self._settings, limits.seconds)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, UnicodeError) as error:
            failure = failures.network_failure(self._settings, error)
        raise failure

    def _open(self) -> httpx.AsyncClient:
        settings = self._settings
        return httpx.AsyncClient(
            auth=(settings.user_name, self._password) if settings.requires_authentication else None,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            verify=ssl_context(settings) if uses_tls(settings) else False,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - httpx's are per read; ours is for the whole
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            event_hooks={"response": [self._check_head]},
        )

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        form: dict[str, str],
        limits: _Limits,
        progress: ProgressCallback | None,
        trace: Trace,
    ) -> bytes:
        async with client.stream(
            "POST", self._settings.url, data=form, extensions={"trace": trace}
        ) as response:
            total = _announced_size(response)
            if total is not None and total > limits.size:
                raise failures.too_large(self._settings, limits.size)
            body = bytearray()
            users = values = 0
            with suppress(httpx.TransportError, ssl.SSLError):
                async for chunk in response.aiter_raw():
                    if len(body) + len(chunk) > limits.size:
                        raise failures.too_large(self._settings, limits.size)
                    values += sum(map(chunk.count, _VALUE_MARKS))
                    if values > limits.values:
                        raise failures.too_many_values(self._settings, limits.values)
                    overlap = max(0, len(body) - len(_USER_MARK) + 1)
                    body += chunk
                    if progress:
                        users += body.count(_USER_MARK, overlap)
                        progress(Progress(len(body), total, users))
                return bytes(body)
            raise failures.cut_off(self._settings, len(body), total)

    async def _check_head(self, response: httpx.Response) -> None:
        """Refuse an answer by its head; as a hook, before httpx looks where a redirect leads."""
        if response.status_code != 200:
            beginning = await _beginning(response) if response.status_code == 400 else b""
            raise failures.status_failure(self._settings, response, beginning)
        if mark := _mark_of_a_part(response):
            raise failures.not_whole(self._settings, mark)
        encoding = response.headers.get("Content-Encoding", "")
        if encoding.lower() not in ("", "identity"):
            raise failures.compressed(self._settings, encoding)


def _closing(stack: AsyncExitStack) -> Trace:
    """Return a trace hook that has the connection closed by `stack`.

    httpx does not close one whose TLS handshake is cancelled, as our deadline does.
    """

    async def trace(event: str, details: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            stack.push_async_callback(details["return_value"].aclose)

    return trace


async def _beginning(response: httpx.Response) -> bytes:
    """Return the first few kilobytes of a body, in which a server may say what it wants."""
    read = b""
    with suppress(httpx.TransportError, ssl.SSLError):
        async for chunk in response.aiter_raw(_BEGINNING):
            read += chunk
            if len(read) >= _BEGINNING:
                break
    return read[:_BEGINNING]


def _mark_of_a_part(response: httpx.Response) -> str:
    """Return the name of the header that says that there is more than this answer, or nothing.

    200 with a range has no meaning (RFC 9110, section 14.4), so it is not believed to be the
    whole; a next page is RFC 8288's.
    """
    if "Content-Range" in response.headers:
        return "Content-Range"
    relations = " ".join(filter(None, response.links)).lower().split()
    return "Link: next" if "next" in relations else ""


def _announced_size(response: httpx.Response) -> int | None:
    """Return the body's size in bytes if the head tells it (RFC 9112, section 6.3)."""
    if "Transfer-Encoding" in response.headers or "Content-Length" not in response.headers:
        return None
    return int(response.headers["Content-Length"])
