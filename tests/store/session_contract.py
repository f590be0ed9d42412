"""What the sessions of every `Store` must do beside reading and writing; part of its contract."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from typing import Any, cast

import pytest

from store.errors import StoreBusy
from store.interface import Batch, Edit, Store
from store.models import User
from store.text import printable

ANNA = User(user_name="anna", privileges=["login"])
BERT = User(user_name="Bert", privileges=["login"])


class SessionContract:
    """Run with fixtures `store` (empty) and `other` (a second session on the same data)."""

    def test_where_it_is_is_a_text_for_messages(self, store: Store, other: Store) -> None:
        assert store.where == other.where == printable(store.where) != ""
        assert store.short_name == other.short_name == printable(store.short_name) != ""

    def test_a_lock_keeps_others_from_the_same_name_alone(self, store: Store, other: Store) -> None:
        with store.lock("sync", "Another sync is running,"):
            with (
                pytest.raises(StoreBusy, match="Another sync is running,"),
                other.lock("sync", "Another sync is running,", 0.0),
            ):
                pass
            with other.lock("change", "Users are being changed by", 0.0):
                other.apply(Batch([Edit.create(ANNA)]))
        with other.lock("sync", "Another sync is running,", 0.0):
            assert store.snapshot().find("anna")

    def test_a_failure_frees_the_lock(self, store: Store, other: Store) -> None:
        with pytest.raises(KeyError), store.lock("sync", "Another sync is running,"):
            raise KeyError
        with other.lock("sync", "Another sync is running,", 0.0):
            pass

    def test_who_waits_for_a_lock_is_told_for_whom(self, store: Store, other: Store) -> None:
        told: list[str] = []
        other.on_wait = told.append
        with (
            store.lock("sync", "Another sync is running,"),
            pytest.raises(StoreBusy),
            other.lock("sync", "Another sync is running,", 1.5),
        ):
            pass
        (text,) = told
        assert text.startswith("Another sync is running, ")
        assert text.endswith(". Waiting for it.")
        with other.lock("sync", "Another sync is running,"):
            assert told == [text]

    async def test_a_watcher_sees_what_others_write(self, store: Store, other: Store) -> None:
        store.apply(Batch([Edit.create(ANNA)]))
        async with aclosing(cast("Any", store.watch())) as states:
            for user in (BERT, User(user_name="carla")):
                seen = asyncio.ensure_future(anext(states))
                await asyncio.sleep(0.1)
                assert not seen.done()
                written = await asyncio.to_thread(other.apply, Batch([Edit.create(user)]))
                assert await asyncio.wait_for(seen, 5) == written
                assert store.generation == written.generation

    def test_a_closed_session_holds_nothing(self, store: Store, other: Store) -> None:
        before = set(os.listdir("/proc/self/fd"))
        store.apply(Batch([Edit.create(ANNA)]))
        assert store.find("anna") == store.snapshot()
        store.attempts.settle("anna", None, right=False)
        store.close()
        assert set(os.listdir("/proc/self/fd")) == before
        other.apply(Batch([Edit.create(BERT)]))
        assert set(other.snapshot().users) == {"anna", "bert"}
        store.close()  # once more is no failure
