"""Log-on: who is asked, and what each answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bcrypt
import pytest

from store.errors import StoreDamaged
from store.files.attempts import AttemptsUnreadable
from store.interface import Batch, Edit
from store.lockout import PAIR, SOURCE
from store.models import Settings, User
from store.passwords import hash_password
from sync.directory.connect import connect
from sync.errors import (
    DirectoryError,
    LogOnLocked,
    LogOnRefused,
    LogOnUnavailable,
    NotConfigured,
)
from sync.logon.login import check_log_on, log_on
from sync.workspace import Workspace
from tests.conftest import FAST
from tests.support.builders import managed
from tests.support.directory import Directory
from tests.support.slapd import PEOPLE, Slapd, person
from tests.support.times import told_apart
from tests.support.wrapped_store import with_attempts

pytestmark = pytest.mark.both_stores
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

    async def test_a_weak_hash_is_made_anew(self, fill: Fill) -> None:
        weak = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(FAST - 1)).decode()
        workspace = fill(local(password_hash=weak))
        await log_on(workspace, "anna", PASSWORD)
        stored = workspace.snapshot().users["anna"]["password_hash"]
        assert stored
        assert stored.startswith(f"$2b${FAST:02}$")
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

    @pytest.mark.parametrize(
        "user",
        [
            None,
            managed("anna", privileges=["none"]),
            managed("anna", directory_id="1", other_id="2"),
        ],
    )
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
        with pytest.raises(LogOnUnavailable, match="does not exist"):
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
        for number in range(5):
            with pytest.raises(LogOnRefused) as wrong:
                await log_on(workspace, "anna", f"wrong {number}")
        with pytest.raises(LogOnLocked) as locked:
            await log_on(workspace, "Anna", PASSWORD)
        assert str(locked.value) == str(wrong.value)
        assert locked.value.kind == wrong.value.kind
        assert workspace.lockout.unlock("anna")
        assert await log_on(workspace, "anna", PASSWORD)

    async def test_a_locked_source_is_refused_for_everybody(self, fill: Fill) -> None:
        workspace = fill(local())
        for number in range(SOURCE.limit):
            workspace.lockout.settle(f"{number}", "192.0.2.1", right=False, known=False)
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
        assert not workspace.lockout.failures("dora", None).pair.failed
        assert not workspace.lockout.failures("anna", None).pair.failed

    async def test_fifty_wrong_ones_at_once_lock_at_the_fifth(self, fill: Fill) -> None:
        workspace = fill(local())
        attempts = [log_on(workspace, "anna", f"guess {number}") for number in range(49)]
        outcomes = await asyncio.gather(
            *attempts, log_on(workspace, "anna", "guess 50"), return_exceptions=True
        )
        assert all(isinstance(outcome, LogOnRefused) for outcome in outcomes)
        assert workspace.lockout.failures("anna", None).pair.failed == PAIR.limit
        with pytest.raises(LogOnLocked):
            await log_on(workspace, "anna", PASSWORD)

    async def test_an_old_password_that_is_repeated_locks_nobody(self, fill: Fill) -> None:
        workspace = fill(local())
        for _ in range(20):
            with pytest.raises(LogOnRefused):
                await log_on(workspace, "anna", "the one of last year", "192.0.2.1")
        assert await log_on(workspace, "anna", PASSWORD, "192.0.2.1")

    @pytest.mark.parametrize("name", ["ANNA", "anna", "Anna"])
    async def test_every_spelling_of_a_name_is_one(self, fill: Fill, name: str) -> None:
        workspace = fill(local())
        for number, spelling in enumerate(("anna", "ANNA", "Anna", "aNNA", "annA")):
            with pytest.raises(LogOnRefused):
                await log_on(workspace, spelling, f"wrong {number}")
        with pytest.raises(LogOnLocked):
            await log_on(workspace, name, PASSWORD)

    @pytest.mark.parametrize("name", ["nobody", "anna"])
    async def test_names_that_nobody_has_lock_like_others(self, fill: Fill, name: str) -> None:
        workspace = fill(local())
        for number in range(5):
            with pytest.raises(LogOnRefused) as refusal:
                await log_on(workspace, name, f"wrong {number}")
            assert type(refusal.value) is LogOnRefused
        with pytest.raises(LogOnLocked):
            await log_on(workspace, name, "wrong again")

    @pytest.mark.file_store
    async def test_whom_nobody_can_tell_to_be_locked_is_an_outage(self, fill: Fill) -> None:
        workspace = fill(local())
        workspace.host_path.with_name("users.json.attempts").mkdir()
        with pytest.raises(AttemptsUnreadable):
            await log_on(workspace, "anna", PASSWORD)

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

    def test_a_bug_is_an_outage_and_shows_no_secret(self, fill: Fill) -> None:
        def broken(*_: object, password: str, **__: object) -> bool:
            raise RuntimeError(f"cannot check {password}")

        workspace = with_attempts(fill(local()), settle=broken)
        verdict = check_log_on(workspace, "anna", PASSWORD)
        assert verdict.outcome == "outage"
        assert PASSWORD not in repr(verdict) + str(verdict.error)


class TestTime:
    """Refusals take the same time; how that is judged says `tests.support.times`."""

    @pytest.fixture
    def workspace_of_five(self, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> Workspace:
        monkeypatch.setattr("store.passwords.COST", 8)
        cheap = bcrypt.gensalt(8)
        hashed = bcrypt.hashpw(PASSWORD.encode(), cheap).decode()
        return fill(
            local("wrong", password_hash=hashed),
            local("locked", password_hash=hashed),
            local("disabled", password_hash=hashed, privileges=["none"]),
            local("empty", password_hash=None),
        )

    KINDS = ("wrong", "locked", "disabled", "empty", "unknown")

    async def told(self, workspace: Workspace, *unchecked: str) -> list[str]:
        async def once(name: str) -> None:
            if name in unchecked:
                return
            with pytest.raises(LogOnRefused):
                await log_on(workspace, name, "wrong horse battery")

        for number in range(5):
            workspace.lockout.settle("locked", None, right=False, password=f"{number}")
        return await told_apart(self.KINDS, once)

    @pytest.mark.alone
    async def test_refusals_of_local_users_cannot_be_told_apart(
        self, workspace_of_five: Workspace
    ) -> None:
        assert await self.told(workspace_of_five) == []

    @pytest.mark.alone
    async def test_without_the_check_that_nobody_needs_they_can(
        self, workspace_of_five: Workspace
    ) -> None:
        """The control."""
        assert any("unknown" in pair for pair in await self.told(workspace_of_five, "unknown"))

    @pytest.mark.alone
    @pytest.mark.parametrize("decoy", [True, False])
    async def test_a_directory_users_refusal_takes_as_long_as_any(
        self, fill: Fill, directory: Directory, monkeypatch: pytest.MonkeyPatch, decoy: bool
    ) -> None:
        """With a directory that answers at once; if it alone is asked, the control, it is told."""
        monkeypatch.setattr("store.passwords.COST", 12)
        directory.put(dora="right")
        workspace = fill(managed("dora"), settings=using(directory))
        client = await connect(workspace, workspace.snapshot().settings)

        async def once(name: str) -> None:
            if name == "dora" and not decoy:
                assert not await client.check_password(name, name)
                return
            with pytest.raises(LogOnRefused):
                await log_on(workspace, name, name)

        found = await told_apart(["dora", "unknown"], once, 20, at_least=0.1 if decoy else 0.0)
        assert (found == []) is decoy

    @pytest.mark.alone
    @pytest.mark.file_store
    @pytest.mark.parametrize("decoy", [True, False])
    async def test_of_an_ldap_directory_too(
        self, fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoy: bool
    ) -> None:
        """Whether it says wrong, disabled or has no such entry; the control as above."""
        monkeypatch.setattr("store.passwords.COST", 12)
        kinds = ("wrong", "disabled", "gone", "unknown")
        people, policy = map(person, kinds[:2]), "overlay ppolicy\nppolicy_use_lockout\n"
        with Slapd(tmp_path, people, database=policy) as slapd:
            slapd.modify(
                f"dn: uid=disabled,{PEOPLE}\nchangetype: modify\n"
                "add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
            )
            workspace = fill(*map(managed, kinds[:3]), settings=slapd.settings())
            client = await connect(workspace, workspace.snapshot().settings)

            async def once(name: str) -> None:
                if name != "unknown" and not decoy:
                    assert not await client.check_password(name, "wrong horse battery")
                    return
                with pytest.raises(LogOnRefused):
                    await log_on(workspace, name, "wrong horse battery")

            found = await told_apart(kinds, once, 12, at_least=0.1 if decoy else 0.0)
        assert (found == []) is decoy
