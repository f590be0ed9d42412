"""A directory whose answers a test gives, in the place of the one that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from sync.directory.listing import Listing, Progress
from sync.directory.types import TYPES

Answer = Callable[[Callable[[Progress], None] | None], Awaitable[Any]]


class _Client:
    def __init__(self, answer: Answer) -> None:
        self.list_users = answer

    async def check_password(self, user_name: str, password: str) -> bool:
        raise AssertionError


def answering_by(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Let `answer`, which is given the callback for the progress, answer for the directory."""
    for name, kind in TYPES.items():
        opened = replace(kind, open=lambda _settings, _password: _Client(answer))
        monkeypatch.setitem(TYPES, name, opened)


def answering(monkeypatch: pytest.MonkeyPatch, listing: Listing) -> None:
    """Let the directory answer this."""

    async def answer(_progress: Callable[[Progress], None] | None) -> Listing:
        return listing

    answering_by(monkeypatch, answer)


def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the directory take the question, and not answer within the time of any test."""

    async def never(_progress: Callable[[Progress], None] | None) -> None:
        await asyncio.sleep(60)

    answering_by(monkeypatch, never)
