"""The conversation with an LDAP directory: reached by asyncio, asked by libldap in a thread."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import ldap

from store.models import Settings
from store.text import is_encodable, printable
from sync.directory.certificate import Certificate, read_certificate, unverifying
from sync.directory.listing import Listing, Progress
from sync.directory.tls import ssl_context
from sync.directory.types.ldap import failures, search
from sync.directory.types.ldap.entries import EntryReader, wanted_attributes
from sync.directory.types.ldap.password import Ambiguous, bind_anonymously, bind_as, entry_name
from sync.directory.types.ldap.schema import BASE, schema_of
from sync.directory.types.ldap.servers import Server, servers_of
from sync.directory.types.ldap.transport import Meter, close, connected, reach
from sync.errors import (
    DirectoryError,
    DirectoryUnreachable,
    NotLDAP,
    ServerFailed,
)

T = TypeVar("T")

_MIB = 1 << 20
_LARGEST_VERDICT = 4 * _MIB  # a user's entry with all its addresses, and the answers to the binds


class _Session(NamedTuple):
    """A connection to one server that has taken the service's own credentials."""

    server: Server
    handle: Any
    meter: Meter


class LdapDirectory:
    """An LDAP directory as the settings describe it; it is only ever read.

    `password` is the one of the service's own bind, in clear; it is sent only if the settings say
    that the server requires authentication. `uses_start_tls` asks servers for TLS that do not
    begin with it. Cancel the task to give up.
    """

    def __init__(self, settings: Settings, password: str, *, uses_start_tls: bool) -> None:
        self._settings = settings
        self._password = password
        self._uses_start_tls = uses_start_tls
        self._schema = schema_of(settings)
        self.why_refused = ""

    def __repr__(self) -> str:
        return f"LdapDirectory({printable(self._settings.url, 200)})"

    def get_ready(self) -> None:
        """Do what comes before the first connection; raises a `DirectoryError`."""
        for server in servers_of(self._settings.url):
            self._tls(server)

    async def list_users(self, progress: Callable[[Progress], None] | None = None) -> Listing:
        """Return all that the directory lists; `progress` is called as the pages arrive.

        Raises a `DirectoryError`; there is no partial list.
        """
        settings, schema = self._settings, self._schema
        question = search.Question(BASE.value(settings), schema.filter, wanted_attributes(schema))
        meter = Meter(settings.max_answer_mib * _MIB)
        loop = asyncio.get_running_loop()

        def on_page(count: int) -> None:
            if progress:
                now = Progress(meter.received, None, count)
                loop.call_soon_threadsafe(progress, now)

        def read(handle: Any) -> Listing:
            pages = search.pages(handle, question, settings.max_users)
            return EntryReader(schema).listing(pages, on_page)

        async with self._session(settings.list_timeout, meter) as session:
            listing = await self._ask(session, read)
        if not listing.listed:
            raise failures.nobody(session.server, settings, schema)
        if not listing.records:
            raise failures.no_names(session.server, listing.listed, schema)
        return listing

    async def check_password(
        self, user_name: str, password: str, stable_id: str | None = None
    ) -> bool:
        """Return whether a bind as the user's entry succeeds with the password, as it was typed.

        The entry is found by its id, without one by its name. Everything that says nothing of the
        password is an outage and raises a `DirectoryError`; `why_refused` tells of the last
        refusal. An empty password, and a text that UTF-8 cannot carry, is wrong without a bind.
        """
        self.why_refused = ""
        if not (password and is_encodable(user_name) and is_encodable(password)):
            return False

        base = BASE.value(self._settings)
        find = partial(
            entry_name,
            base=base,
            schema=self._schema,
            user_name=user_name,
            stable_id=stable_id,
        )
        meter = Meter(_LARGEST_VERDICT)
        async with self._session(self._settings.login_timeout, meter) as session:
            try:
                name = await self._ask(session, find)
            except Ambiguous as several:
                count = several.args[0]
                raise failures.ambiguous(session.server, user_name, count) from None
            if name is None:
                self.why_refused = "the directory has no such entry"
                return False
            bind = partial(bind_as, name=name, password=password)
            verdict = await self._ask(session, bind, failures.password_failure)
        self.why_refused = verdict.reason
        return verdict.right

    async def fetch_certificate(self) -> Certificate:
        """Return the certificate of the first server that shows one, trusted or not."""
        seconds = self._settings.login_timeout
        context = unverifying(ssl.SSLContext)

        async def show(server: Server, stack: AsyncExitStack) -> Certificate:
            _, writer = await reach(server, context)
            stack.push_async_callback(close, writer)
            der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return read_certificate(der)

        async with AsyncExitStack() as stack:
            return await self._first(seconds, stack, show)

    @asynccontextmanager
    async def _session(self, seconds: int, meter: Meter) -> AsyncIterator[_Session]:
        """Open a session with the first server that answers; all of it ends after `seconds`."""
        server = servers_of(self._settings.url)[0]
        try:
            async with asyncio.timeout(seconds), AsyncExitStack() as stack:
                session = await self._first(seconds, stack, partial(self._open, meter=meter))
                server = session.server
                yield session
                return
        except TimeoutError:
            pass
        raise failures.timed_out(server, seconds)

    async def _first(
        self,
        seconds: float,
        stack: AsyncExitStack,
        attempt: Callable[[Server, AsyncExitStack], Awaitable[T]],
    ) -> T:
        """Return what the first server gives that can be used; each has its share of the time."""
        loop, found = asyncio.get_running_loop(), []
        end = loop.time() + seconds
        servers = servers_of(self._settings.url)
        for place, server in enumerate(servers):
            share = (end - loop.time()) / (len(servers) - place)
            attempted = AsyncExitStack()
            try:
                async with asyncio.timeout(share):
                    result = await attempt(server, attempted)
            except TimeoutError:
                failure: DirectoryError = failures.timed_out(server, share)
            except (DirectoryUnreachable, ServerFailed, NotLDAP) as error:
                failure = error
            except (OSError, ssl.SSLError, UnicodeError) as error:
                failure = failures.not_connected(server, self._settings, error)
            except BaseException:
                await attempted.aclose()
                raise
            else:
                stack.push_async_exit(attempted)
                return result
            await attempted.aclose()
            found.append(failure)
        raise failures.none_answers(found)

    async def _open(self, server: Server, stack: AsyncExitStack, *, meter: Meter) -> _Session:
        meter.received = 0
        meter.is_ended = meter.is_too_large = False
        end = await stack.enter_async_context(connected(server, self._tls(server), meter))
        session = _Session(server, search.connection(end.detach()), meter)
        name, secret = self._settings.user_name, self._password
        if not self._settings.requires_authentication:
            await self._ask(session, bind_anonymously, failures.bind_failure)
        elif not (name and secret):
            raise failures.no_credentials(server)
        else:
            bind = partial(bind_as, name=name, password=secret)
            verdict = await self._ask(session, bind, failures.bind_failure)
            if not verdict.right:
                raise failures.service_refused(server, verdict.reason)
        return session

    def _tls(self, server: Server) -> ssl.SSLContext | None:
        return ssl_context(self._settings) if server.is_tls or self._uses_start_tls else None

    async def _ask(
        self,
        session: _Session,
        work: Callable[[Any], T],
        failed: Callable[[Server, Settings, int], DirectoryError] | None = None,
    ) -> T:
        """Do `work` with libldap in a thread and say what its exceptions mean.

        The thread ends with the connection, so also if the task is cancelled. The exceptions hold
        what was sent, so they do not become the context of ours.
        """
        server, meter = session.server, session.meter
        failure: DirectoryError
        try:
            return await asyncio.to_thread(work, session.handle)
        except search.TooMany:
            failure = failures.too_many(server, self._settings.max_users)
        except search.Referred as referred:
            failure = failures.referred(server, referred.args[0])
        except search.NotWhole as problem:
            failure = failures.not_whole(server, problem.args[0])
        except UnicodeDecodeError:
            failure = failures.not_whole(server, "the name of an entry is not UTF-8")
        except ldap.LDAPError as error:
            code = _result(error)
            if meter.is_too_large:
                failure = failures.too_large(server, meter.most)
            elif meter.is_ended or isinstance(error, ldap.SERVER_DOWN):
                failure = failures.cut_off(server, meter.received)
            elif failed:
                failure = failed(server, self._settings, code)
            else:
                failure = failures.search_failure(server, self._settings, self._schema, code)
        raise failure


def _result(error: ldap.LDAPError) -> int:
    details = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code = details.get("result", getattr(error, "errnum", 0))
    return code if isinstance(code, int) else 0
