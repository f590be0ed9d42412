"""What a log-on asks and counts, how it ends, and whose hash is made strong after it."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

import bcrypt
import pytest

from store.errors import Problem, StoreDamaged, StoreUnwritable
from store.interface import Batch, Snapshot
from store.locations import NAME_OR_MAKE
from store.models import DIRECTORY_SERVICES, INTEGRATED, Settings, User
from store.passwords import decoy_hash
from sync.directory.types import TYPES
from sync.errors import LogOnLocked, LogOnRefused, LogOnUnavailable, NotConfigured
from sync.logon.login import check_log_on, current_users, log_on, need_of
from sync.workspace import Workspace
from tests.conftest import FAST
from tests.support.builders import managed
from tests.support.directory import Directory
from tests.support.replaced import in_place_of
from tests.support.wrapped_store import with_attempts, with_store

PASSWORD = "correct horse battery"


def hashed(cost: int) -> str:
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode()


@pytest.mark.parametrize(
    ("authentication", "stored_cost", "cost_after"),
    [
        (INTEGRATED, FAST - 1, FAST),
        (INTEGRATED, FAST, FAST),
        (INTEGRATED, FAST + 1, FAST + 1),
        (DIRECTORY_SERVICES, FAST - 1, FAST - 1),  # the password that came is the directory's
        (DIRECTORY_SERVICES, None, None),
    ],
)
async def test_only_a_local_users_hash_is_made_strong(
    fill: Callable[..., Workspace],
    directory: Directory,
    authentication: str,
    stored_cost: int | None,
    cost_after: int | None,
) -> None:
    stored = hashed(stored_cost) if stored_cost else None
    anna = User(
        user_name="anna",
        full_name="Anna",
        authentication=authentication,  # type: ignore[arg-type]
        privileges=["login"],
        password_hash=stored,
    )
    directory.put(anna=PASSWORD)
    settings = Settings(directory_service="application_integration", url=directory.url)
    workspace = fill(anna, settings=settings)
    rev = workspace.snapshot().users["anna"]["rev"]
    user = await log_on(workspace, "ANNA", PASSWORD)
    after = workspace.snapshot().find("anna")
    assert (user, user.full_name, user.rev) == (after, "Anna", rev)
    cost = int(user.password_hash[4:6]) if user.password_hash else None
    assert cost == cost_after
    assert (user.password_hash == stored) is (stored_cost == cost_after)


def test_a_strong_hash_makes_no_write(fill: Callable[..., Workspace]) -> None:
    workspace = fill(User(user_name="anna", privileges=["login"], password_hash=hashed(FAST)))
    before = workspace.host_path.read_bytes()
    verdict = check_log_on(workspace, "anna", PASSWORD)
    assert (verdict.outcome, verdict.public) == ("accepted", "accepted")
    assert verdict.user
    assert verdict.user.user_name == "anna"
    assert workspace.host_path.read_bytes() == before


LOGIN = ["login"]
HASH = hashed(FAST)
Fill = Callable[..., Workspace]


def local(name: str = "anna", **fields: Any) -> User:
    return User(**{"user_name": name, "privileges": LOGIN, "password_hash": HASH, **fields})


def lock(workspace: Workspace, user: str, source: str) -> None:
    for number in range(5):
        workspace.lockout.settle(user, source, right=False, password=f"wrong {number}")


@pytest.mark.parametrize(
    ("name", "password", "source", "outcome", "error"),
    [
        ("anna", PASSWORD, "192.0.2.2", "accepted", None),
        ("anna", PASSWORD, None, "accepted", None),
        ("anna", "wrong", "192.0.2.2", "refused", LogOnRefused),
        ("anna", PASSWORD, "192.0.2.1", "locked", LogOnLocked),
        ("Anna", "wrong", "192.0.2.1", "locked", LogOnLocked),
        ("bad", PASSWORD, None, "damaged", StoreDamaged),
        ("dora", PASSWORD, None, "outage", NotConfigured),
    ],
)
def test_a_verdict_has_the_user_or_the_error(
    fill: Fill,
    name: str,
    password: str,
    source: str | None,
    outcome: str,
    error: type[Problem] | None,
) -> None:
    workspace = fill(local(), local("bad", password_hash="x"), managed("dora"))
    lock(workspace, "anna", "192.0.2.1")
    verdict = check_log_on(workspace, name, password, source)
    assert verdict.outcome == outcome
    assert type(verdict.error) is (error or type(None))
    assert (verdict.user is not None) is (error is None)


@pytest.mark.parametrize(
    ("bug", "why"),
    [
        (RuntimeError(f"cannot check {PASSWORD}"), "RuntimeError"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("no number"), "OSError"),
    ],
)
def test_what_is_unexpected_is_said_without_its_text(fill: Fill, bug: Exception, why: str) -> None:
    def broken(*_: object, **__: object) -> bool:
        raise bug

    verdict = check_log_on(with_attempts(fill(local()), settle=broken), "anna", PASSWORD)
    assert verdict.outcome == "outage"
    assert isinstance(verdict.error, LogOnUnavailable)
    assert verdict.error.what == f"Something unexpected went wrong ({why})."
    assert verdict.error.advice == ""


@pytest.mark.parametrize(
    ("name", "source", "need"),
    [
        ("anna", None, "check"),
        ("nobody", None, "check"),
        ("dora", None, "directory"),
        ("DORA", None, "directory"),
        ("none", None, "check"),  # has not the privilege
        ("dora", "192.0.2.1", "nothing"),
        ("dora", "192.0.2.2", "directory"),
    ],
)
def test_what_it_takes_to_decide(fill: Fill, name: str, source: str | None, need: str) -> None:
    workspace = fill(local(), managed("dora"), managed("none", privileges=["none"]))
    lock(workspace, "dora", "192.0.2.1")
    assert need_of(workspace, name, source) == need


def test_the_current_users_are_all_or_one(fill: Fill) -> None:
    workspace = fill(local(), local("bert"))
    assert {*current_users(workspace).users} == {"anna", "bert"}
    assert {*current_users(workspace, "BERT").users} == {"bert"}


def test_without_a_store_nobody_can_log_on(workspace: Workspace) -> None:
    uses: list[Callable[[], object]] = [
        lambda: current_users(workspace),
        lambda: current_users(workspace, "anna"),
        lambda: need_of(workspace, "anna", None),
    ]
    for use in uses:
        with pytest.raises(LogOnUnavailable) as refused:
            use()
        where = workspace.store.where
        assert refused.value.what == f"The user database {where} does not exist. Nobody can log on."
        assert refused.value.advice == NAME_OR_MAKE


class Asked(NamedTuple):
    """A directory that accepts everybody, and notes what it was asked."""

    questions: list[tuple[str, str, str | None]]

    async def check_password(self, name: str, password: str, stable_id: str | None) -> bool:
        self.questions.append((name, password, stable_id))
        return True


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked([])
    kind = TYPES["application_integration"]
    here = replace(kind, name="other", where=lambda _: "here", open=lambda *_: found)  # type: ignore[arg-type,return-value]
    monkeypatch.setitem(TYPES, "other", here)
    return found


OTHER = Settings(directory_service="other", url="x")


@pytest.mark.parametrize(
    ("user", "password", "question"),
    [
        (managed("Dora"), PASSWORD, ("Dora", PASSWORD, None)),
        (managed("Dora", directory_id="1", directory="other here"), PASSWORD,
         ("Dora", PASSWORD, "1")),
        (managed("Dora", directory_id="1", directory="elsewhere"), PASSWORD,
         ("Dora", PASSWORD, None)),
        (managed("Dora", password_hash="x"), PASSWORD, ("Dora", PASSWORD, None)),
        (managed("Dora"), "", None),
        (managed("Dora", privileges=["none"]), PASSWORD, None),
        (local("Dora"), PASSWORD, None),
    ],
)  # fmt: skip
async def test_what_the_directory_is_asked(
    fill: Fill, asked: Asked, user: User, password: str, question: tuple[str, ...] | None
) -> None:
    """A hash that was left from before a user was the directory's does not matter, even damaged."""
    workspace = fill(user, settings=OTHER)
    refused = question is None and user.authentication == DIRECTORY_SERVICES
    with pytest.raises(LogOnRefused) if refused else nullcontext():
        assert (await log_on(workspace, "dora", password)).user_name == "Dora"
    assert asked.questions == ([question] if question else [])


async def test_a_lock_that_came_meanwhile_is_told_as_one(fill: Fill, asked: Asked) -> None:
    """The password is right, but while it was checked others locked the user."""
    workspace = fill(managed("dora"), local(), settings=OTHER)
    late = with_attempts(workspace, settle=lambda *_, **__: False)
    for name in ("dora", "anna"):
        with pytest.raises(LogOnLocked):
            await log_on(late, name, PASSWORD)
        with pytest.raises(LogOnRefused) as refused:
            await log_on(late, "nobody", PASSWORD)
        assert not isinstance(refused.value, LogOnLocked)


async def test_what_is_counted(fill: Fill) -> None:
    counted: list[tuple[object, ...]] = []

    def settle(*who: object, **how: object) -> bool:
        counted.append((*who, *how.values()))
        return False

    workspace = with_attempts(fill(local("Anna")), settle=settle)
    for name in ("ANNA", "Nobody"):
        with pytest.raises(LogOnRefused):
            await log_on(workspace, name, "wrong", "192.0.2.1")
    assert counted == [
        ("anna", "192.0.2.1", False, True, "wrong"),
        ("nobody", "192.0.2.1", False, False, "wrong"),
    ]


async def test_no_password_is_checked_while_a_user_is_locked(fill: Fill) -> None:
    """It takes as long as the last check of a wrong one did, which has to be known."""
    workspace = fill(local())
    checks: list[bytes] = []

    def check(password: bytes, _hash: bytes) -> bool:
        checks.append(password)
        return False

    with in_place_of(bcrypt, "checkpw", check):
        with pytest.raises(LogOnRefused):
            await log_on(workspace, "anna", "wrong")
        assert checks
        checks.clear()
        lock(workspace, "anna", "192.0.2.1")
        with pytest.raises(LogOnLocked):
            await log_on(workspace, "anna", PASSWORD, "192.0.2.1")
    assert checks == []


SHORT = bcrypt.hashpw(b"short", bcrypt.gensalt(FAST - 1)).decode()


def refuse(_batch: Batch) -> Snapshot:
    raise StoreUnwritable("The disk said no.", "")


def forget(_batch: Batch) -> Snapshot:
    return Snapshot("id", 2, Settings(), {})


@pytest.mark.parametrize(
    ("stored", "password", "apply"),
    [
        (SHORT, "short", None),
        (hashed(FAST - 1), PASSWORD, refuse),
        (hashed(FAST - 1), PASSWORD, forget),
    ],
    ids=["the policy refuses it today", "refused", "somebody deleted the user meanwhile"],
)
async def test_a_hash_that_cannot_be_made_strong_keeps_nobody_out(
    fill: Fill, stored: str, password: str, apply: Callable[[Batch], Snapshot] | None
) -> None:
    workspace = fill(local(password_hash=stored))
    wrapped = with_store(workspace, apply=apply) if apply else workspace
    user = await log_on(wrapped, "anna", password)
    assert (user.user_name, user.password_hash) == ("anna", stored)
    assert workspace.snapshot().users["anna"]["password_hash"] == stored


LOCAL_HASH = hashed(FAST)


def asking(directory: Directory) -> Settings:
    return Settings(directory_service="application_integration", url=directory.url)


@pytest.mark.parametrize(
    ("before", "made"),
    [("unknown", 0), ("dora", 1), ("anna", 1)],
    ids=["a check tells", "a request is no check", "a right password's hash may be cheaper"],
)
async def test_a_refused_directory_user_waits_without_a_check_once_a_check_told_how_long(
    fill: Callable[..., Workspace], directory: Directory, before: str, made: int
) -> None:
    """`anna` enters the right password, and is locked by the time that it is checked."""
    directory.put(dora="the directory's")
    anna = User(user_name="anna", privileges=["login"], password_hash=LOCAL_HASH)
    workspace = fill(anna, managed("dora"), settings=asking(directory))
    workspace = with_attempts(workspace, settle=lambda *_, **__: False)
    checks: list[bytes] = []

    def counted(password: bytes, stored: bytes) -> bool:
        checks.append(stored)
        return real(password, stored)

    with pytest.raises(LogOnRefused):
        await log_on(workspace, before, PASSWORD)
    with in_place_of(bcrypt, "checkpw", counted) as real, pytest.raises(LogOnRefused):
        await log_on(workspace, "dora", PASSWORD)
    assert checks.count(decoy_hash(FAST).encode()) == made  # the other one is the directory's


async def test_who_waits_waits_as_long_as_the_last_refusal_took(
    fill: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put(dora="the directory's")
    workspace = fill(managed("dora"), settings=asking(directory))

    def slow(password: bytes, stored: bytes) -> bool:
        time.sleep(0.3)
        return real(password, stored)

    with in_place_of(bcrypt, "checkpw", slow) as real, pytest.raises(LogOnRefused):
        await log_on(workspace, "unknown", PASSWORD)
    started = time.perf_counter()
    with pytest.raises(LogOnRefused):
        await log_on(workspace, "dora", PASSWORD)
    assert time.perf_counter() - started >= 0.3
