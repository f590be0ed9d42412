"""What a hostile answer may cost is bounded: memory, time, and what is said of it."""

from __future__ import annotations

import json
import time

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
        allowed = b'[{"x":[' + b"{}," * 499_990 + b"{}]}]"  # two marks each
        too_many = allowed.replace(b"{},", b"{},{},", 10)
        assert await listed(allowed, max_users=10) == 1
        with pytest.raises(TooLarge, match="more than 1000000 values"):
            await listed(too_many, max_users=10)
        assert await listed(too_many) == 1


async def listed(body: bytes, **limits: int) -> int:
    with hostile_server(answer(body)) as server:
        client = DirectoryClient(server.settings(**limits), "")
        return (await client.list_users()).listed


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
        assert listing.warnings[1000] == "500 more warnings like these."

    def test_the_control_as_many_as_are_kept(self) -> None:
        listing = parse_listing(users(100, ["@"] * 10), SETTINGS)
        assert len(listing.warnings) == 1000
        assert "more" not in " ".join(listing.warnings)


def test_a_long_name_is_not_looked_at_letter_by_letter() -> None:
    start = time.perf_counter()
    assert name_problem("x/" * 10 * MIB) == "the user name is longer than 256 bytes"
    assert time.perf_counter() - start < 0.5
