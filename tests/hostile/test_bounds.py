"""What a hostile answer may cost is bounded: memory, time, and what is said of it."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from benchmarks.hostile import LARGE, cost_of
from store.models import Settings
from store.names import name_problem
from sync.directory.answer import parse_listing
from sync.directory.client import DirectoryClient
from sync.errors import TooLarge
from tests.support.hostile_server import answer, hostile_server

SETTINGS = Settings(url="https://directory.example/ai")
MIB = 1 << 20


class TestMemory:
    """What is refused is refused while it arrives; before, this took more than 3 GiB."""

    @pytest.mark.parametrize("name", ["64 MiB of arrays 1000 deep", "64 MiB of empty objects"])
    def test_of_many_values(self, name: str) -> None:
        cost = cost_of(answer(LARGE[name]()), seconds=60)
        assert cost.outcome == "too_large"
        assert cost.mib < 150

    async def test_the_control_as_many_as_are_allowed(self) -> None:
        body = b'[{"x":[' + b"{}," * 499_000 + b"{}]}]"
        with hostile_server(answer(body)) as server:
            few, more = server.settings(), replace(server.settings(), max_users=10_000)
            assert (await DirectoryClient(few, "").list_users()).listed == 1
            assert (await DirectoryClient(more, "").list_users()).listed == 1
        body = body.replace(b"{},", b"{}," * 3, 10_000)
        with hostile_server(answer(body)) as server:
            few, more = replace(server.settings(), max_users=10_000), server.settings()
            with pytest.raises(TooLarge, match="more than 1000000 values"):
                await DirectoryClient(few, "").list_users()
            assert (await DirectoryClient(more, "").list_users()).listed == 1


def users(count: int, addresses: list[str]) -> bytes:
    return json.dumps(
        [{"userName": f"u{number}", "emailAddresses": addresses} for number in range(count)]
    ).encode()


class TestWarnings:
    def test_of_one_user(self) -> None:
        listing = parse_listing(users(1, ["@"] * 25 + ["a@x.org"]), SETTINGS)
        assert listing.users[0].email_addresses == ["a@x.org"]
        assert len(listing.warnings) == 11
        assert listing.warnings[10] == "“u0”: 15 more addresses were dropped."

    def test_of_all(self) -> None:
        listing = parse_listing(users(1500, ["@"]), SETTINGS)
        assert len(listing.warnings) == 1001
        assert listing.warnings[999].startswith("“u999”")
        assert listing.warnings[1000] == "There are 500 more warnings like these."

    def test_the_control_as_many_as_are_kept(self) -> None:
        listing = parse_listing(users(100, ["@"] * 10), SETTINGS)
        assert len(listing.warnings) == 1000
        assert "more" not in " ".join(listing.warnings)


def test_a_long_name_is_not_looked_at_letter_by_letter() -> None:
    start = time.perf_counter()
    assert name_problem("x/" * 10 * MIB) == "the user name is longer than 256 bytes"
    assert time.perf_counter() - start < 0.5
