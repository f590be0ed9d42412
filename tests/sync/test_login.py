"""Log-on: who is asked, and what each answer means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import bcrypt
import pytest

from store import passwords
from store.errors import StoreDamaged
from store.models import Settings, User
from store.passwords import hash_password
from sync.errors import DirectoryError, LogOnRefused, LogOnUnavailable, NotConfigured
from sync.login import log_on
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
