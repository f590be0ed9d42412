"""Log-on: who is asked, and what each answer means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import bcrypt
import pytest

from store import passwords
from store.errors import StoreDamaged
from store.interface import Batch, Edit
from store.lockout import SOURCE_LIMIT
from store.models import Settings, User
from store.passwords import hash_password
from sync.errors import (
    DirectoryError,
    LogOnLocked,
    LogOnRefused,
    LogOnUnavailable,
    NotConfigured,
)
from sync.logon.login import check_log_on, log_on
from sync.workspace import Workspace
from tests.support.builders import managed
from tests.support.directory import Directory

Fill = Callable[..., Workspace]
PASSWORD = "correct horse battery"


def local(name: str = "anna", **fields: object) -> User:
    user = User(user_name=name, privileges=["login"], password_hash=hash_password(PASSWORD, name))
    return replace(user, **fields)  # type: ignore[arg-type]


def using(directory: Directory) -> Settings:
    return Settings(directory_service="application_integration", url=directory.url)


class TestLocal:
    async def test_the_right_password(self, fill: Fill) -> None:
        assert (await log_on(fill(local()), "ANNA", PASSWORD)).user_name == "anna"

    @pytest.mark.parametrize("password", ["wrong", "", PASSWORD.upper()])
    async def test_a_wrong_one(self, fill: Fill, password: str) -> None:
        with pytest.raises(LogOnRefused):
            await log_on(fill(local()), "anna", password)

    @pytest.mark.parametrize("privileges", [["none"], ["export"]])
    async def test_without_the_privilege(self, fill: Fill, privileges: list[str]) -> None:
        with pytest.raises(LogOnRefused):
            await log_on(fill(local(privileges=privileges)), "anna", PASSWORD)

    async def test_an_administrator_may(self, fill: Fill) -> None:
        assert await log_on(fill(local(privileges=["admin"])), "anna", PASSWORD)

    async def test_unknown_wrong_and_forbidden_read_the_same(self, fill: Fill) -> None:
        workspace = fill(local(), local("bert", privileges=["none"]))
        texts = set()
        for name, password in [("nobody", PASSWORD), ("anna", "wrong"), ("bert", PASSWORD)]:
            with pytest.raises(LogOnRefused) as refusal:
                await log_on(workspace, name, password)
            texts.add(str(refusal.value))
        assert len(texts) == 1

    async def test_the_directory_is_not_asked(self, fill: Fill, directory: Directory) -> None:
        directory.put(anna="the directory's")
        workspace = fill(local(), settings=using(directory))
        with pytest.raises(LogOnRefused):
            await log_on(workspace, "anna", "the directory's")
        assert directory.log == []

    async def test_a_weak_hash_is_made_anew(
        self, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        weak = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        workspace = fill(local(password_hash=weak))
        monkeypatch.setattr(passwords, "COST", 5)
        await log_on(workspace, "anna", PASSWORD)
        stored = workspace.snapshot().users["anna"]["password_hash"]
        assert stored
        assert stored.startswith("$2b$05$")
        await log_on(workspace, "anna", PASSWORD)
        assert workspace.snapshot().users["anna"]["password_hash"] == stored


class TestDirectory:
    async def test_its_password_counts(self, fill: Fill, directory: Directory) -> None:
        directory.put(Anna="Tom & Jerry = 100 %+ü")
        workspace = fill(managed("Anna"), settings=using(directory))
        assert await log_on(workspace, "anna", "Tom & Jerry = 100 %+ü")
        with pytest.raises(LogOnRefused):
            await log_on(workspace, "anna", "tom & jerry = 100 %+ü")
        assert "userName=Anna" in directory.log[0]

    async def test_an_empty_password_is_never_sent(self, fill: Fill, directory: Directory) -> None:
        workspace = fill(managed("anna"), settings=using(directory))
        with pytest.raises(LogOnRefused):
            await log_on(workspace, "anna", "")
        assert directory.log == []

    async def test_a_local_hash_does_not_count(self, fill: Fill, directory: Directory) -> None:
        directory.put(anna="the directory's")
        user = replace(managed("anna"), password_hash=hash_password(PASSWORD, "anna"))
        with pytest.raises(LogOnRefused):
            await log_on(fill(user, settings=using(directory)), "anna", PASSWORD)

    @pytest.mark.parametrize("user", [None, managed("anna", privileges=["none"])])
    async def test_it_is_asked_only_for_known_users_who_may(
        self, fill: Fill, directory: Directory, user: User | None
    ) -> None:
        directory.put(anna="right")
        workspace = fill(*([user] if user else []), settings=using(directory))
        with pytest.raises(LogOnRefused):
            await log_on(workspace, "anna", "right")
        assert directory.log == []


class TestOutage:
    async def test_no_store(self, workspace: Workspace) -> None:
        with pytest.raises(LogOnUnavailable, match="no user database"):
            await log_on(workspace, "anna", PASSWORD)

    async def test_no_directory_set_up(self, fill: Fill) -> None:
        with pytest.raises(NotConfigured):
            await log_on(fill(managed("anna"), settings=Settings()), "anna", PASSWORD)

    async def test_the_directory_is_down(self, fill: Fill) -> None:
        down = Settings(directory_service="application_integration", url="http://127.0.0.1:9/")
        with pytest.raises(DirectoryError):
            await log_on(fill(managed("anna"), settings=down), "anna", PASSWORD)

    async def test_a_damaged_hash(self, fill: Fill) -> None:
        with pytest.raises(StoreDamaged):
            await log_on(fill(local(password_hash="$2b$nonsense")), "anna", PASSWORD)

    async def test_a_local_user_logs_on_while_the_directory_is_down(self, fill: Fill) -> None:
        down = Settings(directory_service="application_integration", url="http://127.0.0.1:9/")
        assert await log_on(fill(local(), settings=down), "anna", PASSWORD)


class TestLockout:
    async def test_five_wrong_ones_lock_until_an_administrator_unlocks(self, fill: Fill) -> None:
        workspace = fill(local())
        for _ in range(5):
            with pytest.raises(LogOnRefused) as wrong:
                await log_on(workspace, "anna", "wrong")
        with pytest.raises(LogOnLocked) as locked:
            await log_on(workspace, "Anna", PASSWORD)
        assert str(locked.value) == str(wrong.value)
        assert locked.value.kind == wrong.value.kind
        assert workspace.lockout.unlock("anna")
        assert await log_on(workspace, "anna", PASSWORD)

    async def test_a_locked_source_is_refused_for_everybody(self, fill: Fill) -> None:
        workspace = fill(local())
        for _ in range(SOURCE_LIMIT):
            workspace.lockout.settle(None, "192.0.2.1", right=False)
        with pytest.raises(LogOnLocked):
            await log_on(workspace, "anna", PASSWORD, "192.0.2.1")
        assert await log_on(workspace, "anna", PASSWORD, "192.0.2.2")

    async def test_the_directory_is_not_asked_for_a_locked_user(
        self, fill: Fill, directory: Directory
    ) -> None:
        directory.put(anna="right")
        workspace = fill(managed("anna"), settings=using(directory))
        for _ in range(5):
            workspace.lockout.settle("anna", None, right=False)
        with pytest.raises(LogOnLocked):
            await log_on(workspace, "anna", "right")
        assert directory.log == []

    async def test_outages_and_damage_never_count(self, fill: Fill) -> None:
        down = Settings(directory_service="application_integration", url="http://127.0.0.1:9/")
        workspace = fill(managed("dora"), local(password_hash="$2b$nonsense"), settings=down)
        for _ in range(6):
            with pytest.raises(DirectoryError):
                await log_on(workspace, "dora", "right")
            with pytest.raises(StoreDamaged):
                await log_on(workspace, "anna", PASSWORD)
        assert not workspace.lockout.failures("dora", None)[0].failed
        assert not workspace.lockout.failures("anna", None)[0].failed

    async def test_fifty_wrong_ones_at_once_count_as_fifty(self, fill: Fill) -> None:
        workspace = fill(local())
        attempts = [log_on(workspace, "anna", f"guess {number}") for number in range(49)]
        outcomes = await asyncio.gather(
            *attempts, log_on(workspace, "anna", "guess 50"), return_exceptions=True
        )
        assert all(isinstance(outcome, LogOnRefused) for outcome in outcomes)
        assert workspace.lockout.failures("anna", None)[0].failed == 50

    async def test_twenty_right_ones_at_once_all_pass(self, fill: Fill) -> None:
        workspace = fill(local())
        users = await asyncio.gather(*(log_on(workspace, "anna", PASSWORD) for _ in range(20)))
        assert len(users) == 20


class TestVerdict:
    def test_each_outcome_and_what_is_told_of_it(self, fill: Fill) -> None:
        workspace = fill(local(), local("bad", password_hash="x"), managed("dora"))
        for _ in range(5):
            workspace.lockout.settle("lola", None, right=False)
        workspace.store.apply(Batch([Edit.create(local("lola"))]))
        told = {}
        for name, password in [
            ("anna", PASSWORD),
            ("anna", "wrong"),
            ("lola", PASSWORD),
            ("dora", PASSWORD),
            ("bad", PASSWORD),
        ]:
            verdict = check_log_on(workspace, name, password)
            told[verdict.outcome] = verdict.public
        assert told == {
            "accepted": "accepted",
            "refused": "refused",
            "locked": "refused",
            "outage": "unavailable",
            "damaged": "unavailable",
        }

    def test_a_bug_is_an_outage_and_shows_no_secret(
        self, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(password: str, _hash: str | None) -> bool:
            raise RuntimeError(f"cannot check {password}")

        monkeypatch.setattr("sync.logon.login.verify_password", broken)
        verdict = check_log_on(fill(local()), "anna", PASSWORD)
        assert verdict.outcome == "outage"
        assert PASSWORD not in repr(verdict) + str(verdict.error)


class TestTime:
    """The statistic is the probability that a refusal of one kind took longer than one of another.

    One half means that the time tells nothing; the bound is a quarter on either side, about four
    standard deviations of what chance does to 40 rounds.
    """

    ROUNDS = 40

    @pytest.mark.alone
    async def test_refusals_of_local_users_cannot_be_told_apart(
        self, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cheap = bcrypt.gensalt(8)
        monkeypatch.setattr(passwords, "_NOBODY", bcrypt.hashpw(b"nobody knows this one", cheap))
        hashed = bcrypt.hashpw(PASSWORD.encode(), cheap).decode()
        workspace = fill(
            local("wrong", password_hash=hashed),
            local("locked", password_hash=hashed),
            local("disabled", password_hash=hashed, privileges=["none"]),
            local("empty", password_hash=None),
        )
        for _ in range(5):
            workspace.lockout.settle("locked", None, right=False)
        kinds = ["wrong", "locked", "disabled", "empty", "unknown"]
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        for number in range(self.ROUNDS):
            for kind in kinds[number % 5 :] + kinds[: number % 5]:
                started = time.perf_counter()
                with pytest.raises(LogOnRefused):
                    await log_on(workspace, kind, "wrong horse battery")
                taken[kind].append(time.perf_counter() - started)
                for name in ("wrong", "disabled", "empty"):
                    workspace.lockout.unlock(name)
        for one, other in combinations(kinds, 2):
            longer = sum(a > b for a in taken[one] for b in taken[other]) / self.ROUNDS**2
            assert 0.25 < longer < 0.75, (one, other, longer)

    @pytest.mark.alone
    async def test_a_directory_users_refusal_takes_as_long_as_any(
        self, fill: Fill, directory: Directory
    ) -> None:
        directory.put(dora="right")
        workspace = fill(managed("dora"), settings=using(directory))
        shortest = {"dora": 60.0, "unknown": 60.0}
        for _ in range(12):
            for name in shortest:
                started = time.perf_counter()
                with pytest.raises(LogOnRefused):
                    await log_on(workspace, name, "wrong")
                shortest[name] = min(shortest[name], time.perf_counter() - started)
            workspace.lockout.unlock("dora")
            if min(shortest.values()) > 0.75 * max(shortest.values()):
                break
        assert min(shortest.values()) > 0.75 * max(shortest.values()) > 0.1
