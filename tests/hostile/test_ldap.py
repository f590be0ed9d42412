"""LDAP servers that are silent, cut off, endless or wrong: an error in time, never a short list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from store.models import Settings
from sync.directory.types.ldap.ldap_type import LDAP
from sync.errors import DirectoryError
from tests.support import ldap_responder as says
from tests.support.command_line import CommandLine
from tests.support.ldap_responder import BIND, EXTENDED, Cut, Hang, Request, Responder
from tests.support.slapd import ldap_settings, require_python_ldap

SECONDS = 2  # the deadline in these tests
BASE = "dc=example,dc=com"


@pytest.fixture(autouse=True)
def library() -> None:
    require_python_ldap()


def settings(server: Responder, **more: object) -> Settings:
    usual = {"list_timeout": SECONDS, "login_timeout": SECONDS, "max_users": 1_000}
    return ldap_settings(**{"url": server.url, "ldap_base": BASE, **usual, **more})


def page(request: Request, first: int, count: int, cookie: bytes = b"") -> Iterator[bytes]:
    people = [says.person(request, number) for number in range(first, first + count)]
    yield b"".join([*people, says.done(request, cookie=cookie)])


def _sound(request: Request) -> Iterable[bytes]:
    if request.searches == 1:
        yield from page(request, 0, 3, b"more")
    else:
        yield from page(request, 3, 2)


def _mute(request: Request) -> Iterable[bytes]:
    raise Hang


def _silent_in_a_page(request: Request) -> Iterable[bytes]:
    yield says.person(request, 1)
    raise Hang


def _silent_in_an_entry(request: Request) -> Iterable[bytes]:
    yield says.person(request, 1)[:40]
    raise Hang


def _trickling(request: Request) -> Iterable[bytes]:
    yield from says.trickle(says.person(request, 1))


def _cut_after_a_page(request: Request) -> Iterable[bytes]:
    if request.searches > 1:
        raise Cut
    yield from page(request, 0, 3, b"more")


def _cut_in_a_page(request: Request) -> Iterable[bytes]:
    yield says.person(request, 1)
    raise Cut


def _cut_in_an_entry(request: Request) -> Iterable[bytes]:
    yield says.person(request, 1)
    yield says.person(request, 2)[:-7]
    raise Cut


def _endless(request: Request) -> Iterable[bytes]:
    yield from page(request, 100 * request.searches, 100, b"more")


def _same_page(request: Request) -> Iterable[bytes]:
    yield from page(request, 0, 100, b"more")


def _empty_pages(request: Request) -> Iterable[bytes]:
    yield says.done(request, cookie=b"more")


def _no_control(request: Request) -> Iterable[bytes]:
    yield says.person(request, 1)
    yield says.done(request, with_control=False)


def _ending_with(code: int) -> Callable[[Request], Iterable[bytes]]:
    def answer(request: Request) -> Iterable[bytes]:
        yield says.person(request, 1)
        yield says.done(request, code)

    return answer


def _reference(request: Request) -> Iterable[bytes]:
    yield says.person(request, 1)
    yield says.reference(request, f"ldap://other.example.com/ou=x,{BASE}")
    yield says.done(request)


def _garbage(request: Request) -> Iterable[bytes]:
    yield b"HTTP/1.1 400 Bad Request\r\n\r\n"
    raise Hang


def _immense_length(request: Request) -> Iterable[bytes]:
    yield b"\x30\x84\x7f\xff\xff\xff"
    while True:
        yield b"\x00" * 65_536


def _other_number(request: Request) -> Iterable[bytes]:
    other = request._replace(id=request.id + 7)
    yield says.person(other, 1)
    yield says.done(other)
    raise Hang


def _notice(request: Request) -> Iterable[bytes]:
    yield says.person(request, 1)
    yield says.disconnected()
    raise Cut


def _huge(request: Request) -> Iterable[bytes]:
    while True:
        yield says.entry(request, f"uid=x,{BASE}", uid=["x" * 1_000_000])


def _bad_name(request: Request) -> Iterable[bytes]:
    yield says.entry(request, b"uid=\xff," + BASE.encode(), uid=["x"])
    yield says.done(request)


def _nested(request: Request) -> Iterable[bytes]:
    yield b"\x30\x80" * 5_000
    raise Cut


CASES: dict[str, tuple[Callable[[Request], Iterable[bytes]], set[str]]] = {
    "mute": (_mute, {"timed_out"}),
    "silent in a page": (_silent_in_a_page, {"timed_out"}),
    "silent in an entry": (_silent_in_an_entry, {"timed_out"}),
    "trickling": (_trickling, {"timed_out"}),
    "cut after a page": (_cut_after_a_page, {"cut_off"}),
    "cut in a page": (_cut_in_a_page, {"cut_off"}),
    "cut in an entry": (_cut_in_an_entry, {"cut_off"}),
    "endless": (_endless, {"too_large"}),
    "the same page for ever": (_same_page, {"not_whole"}),
    "empty pages for ever": (_empty_pages, {"not_whole"}),
    "no control": (_no_control, {"not_whole"}),
    "size limit": (_ending_with(4), {"not_whole"}),
    "time limit": (_ending_with(3), {"not_whole"}),
    "administrative limit": (_ending_with(11), {"not_whole"}),
    "referral": (_ending_with(10), {"not_whole"}),
    "partial results": (_ending_with(9), {"answer", "not_whole"}),
    "busy": (_ending_with(51), {"server_failed"}),
    "no paging": (_ending_with(12), {"not_whole"}),
    "no such object, after an entry": (_ending_with(32), {"base_not_found"}),
    "no right": (_ending_with(50), {"service_credentials_refused"}),
    "an unknown code": (_ending_with(80), {"answer"}),
    "reference": (_reference, {"not_whole"}),
    "not LDAP": (_garbage, {"not_ldap", "cut_off", "timed_out"}),
    "immense length": (_immense_length, {"too_large", "timed_out", "cut_off", "not_ldap"}),
    "another message's number": (_other_number, {"timed_out"}),
    "notice of disconnection": (_notice, {"cut_off", "server_failed"}),
    "huge entries": (_huge, {"too_large"}),
    "a name that is not UTF-8": (_bad_name, {"not_whole"}),
    "deep nesting": (_nested, {"cut_off", "not_ldap"}),
}


def after_bind(answer: Callable[[Request], Iterable[bytes]]) -> says.Answer:
    def answering(request: Request) -> Iterable[bytes]:
        return [says.bound(request)] if request.tag == BIND else answer(request)

    return answering


async def failure(wanted: Settings) -> tuple[str, float]:
    start = time.monotonic()
    with pytest.raises(DirectoryError) as caught:
        await LDAP.open(wanted, "").list_users()
    return caught.value.kind, time.monotonic() - start


async def test_the_control_lists_two_pages() -> None:
    with Responder(after_bind(_sound)) as server:
        listing = await LDAP.open(settings(server), "").list_users()
    assert [user.user_name for user in listing.users] == [f"user{number}" for number in range(5)]


@pytest.mark.parametrize("case", CASES)
async def test_what_is_not_whole_is_an_error_in_time(case: str) -> None:
    answer, kinds = CASES[case]
    with Responder(after_bind(answer)) as server:
        kind, seconds = await failure(settings(server, max_answer_mib=4))
    assert kind in kinds
    assert seconds < SECONDS + 2


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (_mute, {"timed_out"}),
        (_garbage, {"not_ldap", "cut_off", "timed_out"}),
        (lambda request: [says.bound(request, 51)], {"server_failed"}),
        (lambda request: [says.bound(request, 52)], {"server_failed"}),
        (lambda request: [says.bound(request, 8)], {"service_credentials_refused"}),
        (lambda request: [says.bound(request, 49)], {"service_credentials_refused"}),
        (lambda request: [says.bound(request, 2)], {"answer", "not_ldap"}),
        (lambda request: [says.bound(request, 10)], {"answer", "not_whole"}),
    ],
)
async def test_a_bind_that_comes_to_nothing(answer: says.Answer, kinds: set[str]) -> None:
    with Responder(answer) as server:
        kind, seconds = await failure(settings(server))
    assert kind in kinds
    assert seconds < SECONDS + 2


async def test_what_comes_with_the_answer_to_start_tls_is_refused() -> None:
    """Whoever stands between could have put it there, to be taken for what is protected."""

    def injecting(request: Request) -> Iterable[bytes]:
        yield says.extended(request) + says.bound(request._replace(id=2))

    for answer, kind in (
        (injecting, "not_ldap"),
        (lambda request: [says.extended(request, 52)], "start_tls_refused"),
        (lambda request: [says.extended(request._replace(id=3))], "not_ldap"),
        (lambda request: [b"\x30\x84\xff\xff\xff\xff" + b"x" * 70_000], "not_ldap"),
        (lambda request: [b"\x30\x05\x02\x01\x01\x78\x00"], "not_ldap"),
        (lambda request: [b"\x31\x00"], "not_ldap"),
        (_mute, "timed_out"),
    ):
        with Responder(answer) as server:
            assert (await failure(settings(server, ldap_start_tls=True)))[0] == kind
            assert {request.tag for request in server.seen} == {EXTENDED}


async def test_entries_that_no_directory_has() -> None:
    def odd(request: Request) -> Iterable[bytes]:
        yield says.entry(request, "uid=many," + BASE, uid=["many"], mail=["a@b.c"] * 10_000)
        yield says.entry(request, "uid=c\x1b[2J\u202e," + BASE, uid=["c\x1b[2J"], cn=["\x1b]0;x"])
        yield says.entry(request, "uid=wrong," + BASE, uid=[b"\x80"], cn=[], mail=[""])
        yield says.entry(request, "uid=none," + BASE)
        yield says.entry(request, "", uid=["rootdse"])
        yield says.done(request)

    with Responder(after_bind(odd)) as server:
        listing = await LDAP.open(settings(server), "").list_users()
    assert [user.user_name for user in listing.users] == ["many", "rootdse"]
    assert listing.users[0].unreadable == ("email_addresses",)
    assert len(listing.invalid) == 3
    assert "\x1b" not in "".join(bad.problem for bad in listing.invalid)


@pytest.mark.parametrize("case", ["mute", "silent in a page", "trickling", "endless"])
async def test_a_list_can_be_cancelled_at_any_time(case: str) -> None:
    answer, _ = CASES[case]
    with Responder(after_bind(answer)) as server:
        wanted = settings(server, list_timeout=60, max_users=1_000_000)
        task = asyncio.create_task(LDAP.open(wanted, "").list_users())
        await asyncio.sleep(0.5)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - start < 1


def _log_on(user_bind: Callable[[Request], Iterable[bytes]]) -> says.Answer:
    binds = []

    def answer(request: Request) -> Iterable[bytes]:
        if request.tag != BIND:
            yield says.person(request, 1)
            yield says.done(request, with_control=False)
            return
        binds.append(request)
        yield from [says.bound(request)] if len(binds) == 1 else user_bind(request)

    return answer


@pytest.mark.parametrize(
    ("code", "right"), [(0, True), (49, False), (48, False), (32, False), (19, False)]
)
async def test_what_the_directory_says_of_a_password(code: int, right: bool) -> None:
    with Responder(_log_on(lambda request: [says.bound(request, code)])) as server:
        assert await LDAP.open(settings(server), "").check_password("user1", "x") is right


@pytest.mark.parametrize(
    ("user_bind", "kind"),
    [
        (_mute, "timed_out"),
        (_garbage, "timed_out"),
        (lambda request: [says.bound(request, 51)], "server_failed"),
        (lambda request: [says.bound(request, 52)], "server_failed"),
        (lambda request: [says.bound(request, 53)], "answer"),
        (lambda request: [says.bound(request, 10)], "answer"),
        (lambda request: [says.bound(request, 14)], "answer"),
        (lambda request: [says.bound(request, 8)], "service_credentials_refused"),
    ],
)
async def test_everything_else_at_a_log_on_is_an_outage(
    user_bind: Callable[[Request], Iterable[bytes]], kind: str
) -> None:
    start = time.monotonic()
    with Responder(_log_on(user_bind)) as server, pytest.raises(DirectoryError) as caught:
        await LDAP.open(settings(server), "").check_password("user1", "x")
    assert caught.value.kind == kind or (user_bind is _garbage and caught.value.kind == "not_ldap")
    assert time.monotonic() - start < SECONDS + 2


async def test_an_empty_password_and_an_entry_without_a_name_never_reach_a_bind() -> None:
    def nameless(request: Request) -> Iterable[bytes]:
        if request.tag == BIND:
            yield says.bound(request)
        else:
            yield says.entry(request, "", uid=["user1"])
            yield says.done(request, with_control=False)

    with Responder(nameless) as server:
        directory = LDAP.open(settings(server), "")
        assert not await directory.check_password("user1", "")
        assert server.seen == []
        assert not await directory.check_password("user1", "x")
        assert [request.tag for request in server.seen].count(BIND) == 1  # the service's own


def test_nothing_is_deleted_when_the_list_is_not_whole(tmp_path: Path) -> None:
    broken: list[Callable[[Request], Iterable[bytes]]] = [_sound]

    def answer(request: Request) -> Iterable[bytes]:
        return broken[-1](request)

    mailroster = CommandLine(tmp_path)
    with Responder(after_bind(answer)) as server:
        done = mailroster(
            "settings",
            "set",
            "directory_service=ldap",
            f"url={server.url}",
            f"ldap_base={BASE}",
            "auto_delete=true",
            f"list_timeout={SECONDS}",
        )
        assert done.code == 0, done.err
        assert mailroster("sync", "--yes").code == 0
        before = mailroster.users()
        assert len(before) == 5
        for case in ("cut after a page", "size limit", "reference", "mute", "no control"):
            broken.append(CASES[case][0])
            failed = mailroster("sync", "--yes", "--json")
            assert failed.code == 20
            assert failed.json["error"]["kind"] in CASES[case][1]
        assert mailroster.users() == before
