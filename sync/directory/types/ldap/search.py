"""Searching with libldap, in a thread: whole, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import ldap
from ldap.controls.libldap import SimplePagedResultsControl

from sync.directory.types.ldap.entries import Entry

PAGE = 1000  # entries; what Active Directory gives at most
_MOST_EMPTY_PAGES = 100  # one after the other

# What Active Directory refers to beside its users (MS-ADTS, 3.1.1.3.1.5.3, and its partitions).
_PARTITIONS = ("dc=domaindnszones,", "dc=forestdnszones,", "cn=configuration,", "cn=schema,")


class NotWhole(Exception):
    """The answer breaks a rule of paging; says which."""


class Referred(Exception):
    """Another server has a part of the answer; says which."""


class TooMany(Exception):
    """There are more entries than are allowed."""


class Question(NamedTuple):
    """Where to look, for what, and what to tell of it."""

    base: str
    filter: str
    attributes: list[str]


def connection(descriptor: int) -> Any:
    """Return libldap's handle over a connected socket, which it closes in the end.

    What the files and variables of libldap say on this machine does not count.
    """
    handle = ldap.initialize("ldap://directory", fileno=descriptor)
    handle.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
    handle.set_option(ldap.OPT_REFERRALS, 0)  # else it binds elsewhere, in clear
    handle.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
    handle.set_option(ldap.OPT_SIZELIMIT, ldap.NO_LIMIT)
    handle.set_option(ldap.OPT_TIMELIMIT, ldap.NO_LIMIT)
    handle.set_option(ldap.OPT_RESTART, 1)
    return handle


def pages(handle: Any, question: Question, most: int) -> Iterator[list[Entry]]:
    """Yield all entries, page by page; the server works on the next while one is used.

    Only when it has come to its end the list is whole. Raises `ldap.LDAPError`, `NotWhole`,
    `Referred` and, above `most` entries, `TooMany`.
    """
    seen: set[str] = set()
    count = empty = 0
    message = _ask(handle, question, "")
    while True:
        page, cookie = _page(handle, message)
        if cookie:
            message = _ask(handle, question, cookie)
        count += len(page)
        if count > most:
            raise TooMany
        seen.update([dn for dn, _ in page])
        if len(seen) != count:
            raise NotWhole("an entry came twice, so it changed meanwhile or repeats itself")
        yield page
        if not cookie:
            return
        empty = 0 if page else empty + 1
        if empty > _MOST_EMPTY_PAGES:
            raise NotWhole("it consists of pages without entries")


def few_entries(handle: Any, question: Question) -> list[Entry]:
    """Return what a search without pages finds; raises `ldap.LDAPError`."""
    found = handle.search_ext_s(
        question.base, ldap.SCOPE_SUBTREE, question.filter, question.attributes
    )
    return [(dn, attributes) for dn, attributes in found if dn is not None]


def _ask(handle: Any, question: Question, cookie: str | bytes) -> int:
    """Ask for a page and return the message's number."""
    control = SimplePagedResultsControl(True, size=PAGE, cookie=cookie)
    message: int = handle.search_ext(
        question.base,
        ldap.SCOPE_SUBTREE,
        question.filter,
        question.attributes,
        serverctrls=[control],
    )
    return message


def _page(handle: Any, message: int) -> tuple[list[Entry], bytes]:
    """Wait for a page; return it with the cookie that asks for the next, empty at the end."""
    _, found, _, controls = handle.result3(message)
    page = [item for item in found if item[0] is not None]
    if len(page) != len(found):
        _check_references(found)
    paged = SimplePagedResultsControl.controlType
    cookies = [control.cookie for control in controls if control.controlType == paged]
    if len(cookies) != 1:
        raise NotWhole("a page does not say whether there are more")
    return page, cookies[0]


def _check_references(found: list[Any]) -> None:
    for dn, urls in found:
        if dn is None and not any(_is_partition(url) for url in urls):
            raise Referred(urls[0] if urls else "another server")


def _is_partition(url: str | bytes) -> bool:
    text = url.decode(errors="replace") if isinstance(url, bytes) else url
    name = text.partition("://")[2].partition("/")[2].lower()
    return name.startswith(_PARTITIONS)
