"""The rules of failed log-ons as values: counts, bounds, clocks and digests."""

from __future__ import annotations

from typing import Any

import pytest

from store.errors import InvalidValue
from store.lockout import (
    LOCK_SECONDS,
    MOST,
    PAIR,
    SOURCE,
    USER,
    Attempts,
    Bound,
    Count,
    Failures,
    Standing,
    source_key,
)
from store.text import printable

NOW = 1_000_000.0
KEY = bytes(16)
ONCE, RENEWED = Bound(3, 100), Bound(3, 100, renewed=True)


@pytest.mark.parametrize(
    ("count", "bound", "tried", "expected"),
    [
        (Count(), ONCE, None, Count(1, NOW + 100, 0.0, ())),
        (Count(1, NOW + 40), ONCE, None, Count(2, NOW + 40, 0.0, ())),
        (Count(1, NOW + 40), RENEWED, None, Count(2, NOW + 100, 0.0, ())),
        (Count(2, NOW + 40), ONCE, None, Count(3, NOW + 900, NOW + 900, ())),
        (Count(3, NOW + 4000), ONCE, None, Count(4, NOW + 4000, NOW + 900, ())),
        (Count(0, 0.0, 0.0, ("a",)), ONCE, "b", Count(1, NOW + 100, 0.0, ("a", "b"))),
        (Count(0, 0.0, 0.0, ("a",)), ONCE, None, Count(1, NOW + 100, 0.0, ("a",))),
        (Count(0, 0.0, 0.0, ("a", "b", "c", "d")), ONCE, "e",
         Count(1, NOW + 100, 0.0, ("b", "c", "d", "e"))),
    ],
)  # fmt: skip
def test_one_failure_more(count: Count, bound: Bound, tried: str | None, expected: Count) -> None:
    assert count.plus(bound, NOW, tried) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (Count(1, NOW + 50, 0.0), Failures(1, 50.0, False, 3)),
        (Count(1, NOW - 50, 0.0), Failures(1, 0.0, False, 3)),
        (Count(3, NOW + 50, NOW + 20), Failures(3, 20.0, True, 3)),
        (Count(3, NOW + 50, NOW), Failures(3, 50.0, False, 3)),
    ],
)
def test_what_is_told_of_a_count(count: Count, expected: Failures) -> None:
    assert count.shown(ONCE, NOW) == expected


@pytest.mark.parametrize(
    ("until", "locked_until", "expected"),
    [
        (NOW + 100, NOW + 900, (NOW + 100, NOW + 900)),
        (NOW + 101, NOW + 901, (NOW + 100, NOW + 900)),
        (NOW + 50, NOW + 20, (NOW + 50, NOW + 20)),
    ],
)
def test_a_count_of_the_future_is_clamped(
    until: float, locked_until: float, expected: tuple[float, float]
) -> None:
    found = Count(3, until, locked_until, ("a",)).clamped(ONCE, NOW)
    assert found == Count(3, *expected, ("a",))


def stored(name: str = "users", who: str = "anna", *count: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"key": KEY.hex(), "pairs": {}, "users": {}, "sources": {}}
    return {**empty, name: {who: list(count)}} if count else empty


@pytest.mark.parametrize(("name", "bound"), [("pairs", PAIR), ("users", USER), ("sources", SOURCE)])
def test_what_is_stored_is_read_with_its_own_bound(name: str, bound: Bound) -> None:
    whole = stored(name, "x", 2, NOW + bound.seconds, 0.0, ("ab",))
    read = Attempts.from_stored(whole, NOW)
    assert read.to_stored() == {**stored(), name: {"x": (2, NOW + bound.seconds, 0.0, ("ab",))}}
    assert not read.clamped
    later = stored(name, "x", 2, NOW + bound.seconds + 1, 0.0, ())
    assert Attempts.from_stored(later, NOW).clamped
    kept = getattr(Attempts.from_stored(later, NOW), name)
    assert kept["x"].until == NOW + bound.seconds
    over = stored(name, "x", 2, NOW, 0.0, ())
    assert getattr(Attempts.from_stored(over, NOW), name) == {}


def test_one_clamped_count_is_enough_to_be_written() -> None:
    whole = stored("users", "a", 1, NOW + USER.seconds + 1, 0.0, ())
    whole["users"]["b"] = [1, NOW + 5, 0.0, []]
    assert Attempts.from_stored(whole, NOW).clamped
    assert LOCK_SECONDS == 900


@pytest.mark.parametrize("key", ["", "00", "00" * 15, "00" * 17, "zz" * 16])
def test_a_key_of_another_length_is_none(key: str) -> None:
    with pytest.raises(ValueError, match=r"no key of ours|non-hexadecimal"):
        Attempts.from_stored({**stored(), "key": key}, NOW)


def fresh() -> Attempts:
    return Attempts(NOW, KEY)


def counts(attempts: Attempts) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    pairs, users, sources = (
        {who: count.failed for who, count in table.items()}
        for table in (attempts.pairs, attempts.users, attempts.sources)
    )
    return pairs, users, sources


def test_a_failure_counts_three_times() -> None:
    attempts = fresh()
    assert attempts.fail("anna", "s", "wrong", known=True)
    assert attempts.fail("anna", "t", "wrong", known=True)
    assert not attempts.fail("anna", "s", "wrong", known=True)  # the same again
    assert attempts.fail("anna", "s", "other", known=True)
    assert attempts.fail("bert", "s", None, known=True)
    assert attempts.fail("bert", "s", None, known=True)
    pairs = {"anna/s": 2, "anna/t": 1, "bert/s": 2}
    assert counts(attempts) == (pairs, {"anna": 3, "bert": 2}, {"s": 4, "t": 1})
    standing = attempts.standing("anna", "s", known=True)
    assert [each.failed for each in standing] == [2, 3, 4]
    assert [each.limit for each in standing] == [5, 100, 100]
    assert {key: each.failed for key, each in attempts.of_user("anna").items()} == {"s": 2, "t": 1}
    assert [each.limit for each in attempts.of_user("anna").values()] == [5, 5]


def test_names_that_nobody_has_are_kept_apart() -> None:
    attempts = fresh()
    attempts.fail("anna", "s", "wrong", known=False)
    assert attempts.standing("anna", "s", known=True).user.failed == 0
    assert attempts.standing("anna", "s", known=False).user.failed == 1
    assert attempts.standing("bert", "s", known=False).user.failed == 0
    (name,) = attempts.users
    assert (name[0], len(name)) == ("?", 5)


def test_forgetting() -> None:
    attempts = fresh()
    for user, source in (("anna", "s"), ("anna", "t"), ("bert", "s")):
        attempts.fail(user, source, None, known=True)
    assert attempts.succeed("anna", "s")
    assert not attempts.succeed("anna", "s")
    assert counts(attempts)[0] == {"anna/t": 1, "bert/s": 1}
    assert attempts.forget_user("anna") == 2
    assert attempts.forget_user("anna") == 0
    assert counts(attempts) == ({"bert/s": 1}, {"bert": 1}, {"s": 2, "t": 1})
    assert attempts.forget_source("s") == 2
    assert counts(attempts) == ({}, {"bert": 1}, {"t": 1})
    attempts.users.clear()
    attempts.fail("bert", "t", "a", known=True)
    attempts.users.clear()
    assert attempts.forget_user("bert") == 1  # by the pair, where the user's count is over


def test_digests_depend_on_the_key_and_hide_it() -> None:
    one, other = Attempts(NOW), Attempts(NOW)
    assert len(one.key) == 16
    assert one.key != other.key
    assert one.key.hex() not in repr(one)
    assert repr(one.key) not in repr(one)
    assert Attempts.from_stored(one.to_stored(), NOW).key == one.key


BAD: Any = ["x", 0, 0, []]
DAMAGED: dict[str, Any] = {
    "key": KEY.hex(),
    "pairs": {"anna/s": BAD, "anna/t": BAD, "bert/s": BAD},
    "users": {"anna": BAD, "dora": [1, NOW + 5, 0.0, []]},
    "sources": {"s": BAD},
}


@pytest.mark.parametrize(
    ("user", "source", "readable"),
    [
        ("anna", "s", False), ("anna", "t", False), ("anna", "u", False), ("anna", None, False),
        ("bert", "s", False), ("bert", "t", True), ("bert", None, False),
        ("carla", "s", False), ("carla", "t", True), ("carla", None, True),
        ("dora", "u", True), ("dora", None, True),
    ],
)  # fmt: skip
def test_whose_counts_can_be_read(user: str, source: str | None, readable: bool) -> None:
    attempts = Attempts.from_stored(DAMAGED, NOW)
    assert attempts.is_readable(user, source, known=True) is readable
    if source != "s":
        assert attempts.is_readable(user, source, known=False)


def test_a_damaged_count_of_a_name_that_nobody_has() -> None:
    name = fresh().name("anna", known=False)
    attempts = Attempts.from_stored({**stored(), "users": {name: BAD}}, NOW)
    assert attempts.is_readable("anna", "s", known=True)
    assert not attempts.is_readable("anna", "s", known=False)


def test_damaged_counts_stay_until_they_are_forgotten() -> None:
    attempts = Attempts.from_stored(DAMAGED, NOW)
    kept = attempts.to_stored()
    assert (kept["pairs"], kept["sources"]) == (DAMAGED["pairs"], DAMAGED["sources"])
    assert kept["users"] == {"anna": BAD, "dora": (1, NOW + 5, 0.0, ())}
    assert attempts.forget_user("anna") == 3
    assert attempts.is_readable("anna", "t", known=True)
    assert attempts.forget_user("anna") == 0
    assert attempts.forget_source("s") == 2
    assert attempts.forget_source("s") == 0
    assert attempts.to_stored() == {**stored(), "users": {"dora": (1, NOW + 5, 0.0, ())}}


@pytest.mark.parametrize(
    "count", [None, 1, "abcd", [], [1, 2, 3], [1, 2, 3, [], 5], ["a", 1, 1, []], [1, None, 1, []]]
)
def test_what_is_no_count(count: Any) -> None:
    attempts = Attempts.from_stored({**stored(), "users": {"a": count}}, NOW)
    assert attempts.users == {}
    assert attempts.to_stored()["users"] == {"a": count}


@pytest.mark.parametrize(
    ("pairs", "users", "locked"),
    [
        ({}, {}, set()),
        ({"a/s": NOW + 1}, {}, {"a"}),
        ({"a/s": NOW}, {"b": NOW}, set()),
        ({"a/s": NOW + 1, "b/s": NOW - 1}, {"c": NOW + 1}, {"a", "c"}),
        ({"a/s": NOW + 1, "a/t": NOW + 1}, {"a": NOW + 1}, {"a"}),
        ({"?1234/s": NOW + 1}, {"?4321": NOW + 1}, set()),
        ({"1a/2001:db8:1:2::/64": NOW + 1}, {"2b": NOW + 1}, {"1a", "2b"}),
    ],
)
def test_who_is_locked(pairs: dict[str, float], users: dict[str, float], locked: set[str]) -> None:
    attempts = fresh()
    attempts.pairs.update({who: Count(5, NOW + 9, until) for who, until in pairs.items()})
    attempts.users.update({who: Count(100, NOW + 9, until) for who, until in users.items()})
    assert attempts.locked() == locked


OPEN = Failures(1, 1.0, False, 5)
SHUT = Failures(9, 1.0, True, 5)


@pytest.mark.parametrize(
    ("pair", "user", "source", "exempt", "locks"),
    [
        (OPEN, OPEN, OPEN, False, False), (SHUT, OPEN, OPEN, True, True),
        (OPEN, SHUT, OPEN, True, False), (OPEN, SHUT, OPEN, False, True),
        (OPEN, OPEN, SHUT, True, True), (OPEN, OPEN, OPEN, True, False),
    ],
)  # fmt: skip
def test_what_locks(
    pair: Failures, user: Failures, source: Failures, exempt: bool, locks: bool
) -> None:
    assert Standing(pair, user, source).locks(lambda: exempt) is locks


def test_the_lowest_counts_go_first_and_of_them_the_oldest() -> None:
    attempts = fresh()
    attempts.users.update({f"u{number}": Count(2, NOW + number) for number in range(MOST - 1)})
    attempts.users["once"] = Count(1, NOW + 5)
    attempts.fail("new", "s", None, known=True)
    assert len(attempts.users) == MOST
    assert "once" not in attempts.users
    attempts.users["new"] = Count(3, NOW)
    attempts.fail("newer", "s", None, known=True)
    assert "newer" not in attempts.users
    attempts.users["newer"] = Count(3, NOW)
    attempts.fail("newer", "s", None, known=True)
    assert "u0" not in attempts.users
    assert len(attempts.users) == MOST


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (None, "local"), ("", "local"), ("127.0.0.1", "local"), ("127.9.9.9", "local"),
        ("::1", "local"), ("::ffff:127.0.0.1", "local"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("::2", "::/64"), ("192.0.2.1%eth0", "192.0.2.1"),
    ],
)  # fmt: skip
def test_the_key_of_a_source(source: str | None, key: str) -> None:
    assert source_key(source) == key


@pytest.mark.parametrize("source", ["x", "192.0.2.1:80", "192.0.2.256", "a%b\x1b"])
def test_what_is_no_source(source: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        source_key(source)
    assert refused.value.what == f"“{printable(source, 60)}” is not an IP address."
    assert refused.value.untouched == "Nothing was checked or counted."
    assert refused.value.advice.startswith("Give the address that the log-on comes from")


def test_every_count_of_every_table_is_read() -> None:
    tables = ("pairs", "users", "sources")
    whole = {name: {who: [1, NOW + 5, 0.0, []] for who in "abc"} for name in tables}
    read = Attempts.from_stored({**stored(), **whole}, NOW)
    assert counts(read) == ({"a": 1, "b": 1, "c": 1},) * 3


@pytest.mark.parametrize(
    ("user", "source", "readable"),
    [("eva", "v", False), ("eva", None, False), ("eva", "w", True), ("anna", "v", True)],
)
def test_one_damaged_pair_is_that_pair_alone(user: str, source: str | None, readable: bool) -> None:
    attempts = Attempts.from_stored({**stored(), "pairs": {"eva/v": BAD}}, NOW)
    assert attempts.is_readable(user, source, known=True) is readable


def test_networks_are_sources_with_a_slash() -> None:
    attempts, network = fresh(), "2001:db8:1:2::/64"
    attempts.fail("anna", network, None, known=True)
    assert [*attempts.of_user("anna")] == [network]
    assert attempts.forget_source(network) == 1
    assert attempts.of_user("anna") == {}


def test_whatever_is_over_the_bound_goes_at_once() -> None:
    attempts = fresh()
    attempts.sources.update({f"s{number}": Count(2, NOW + number) for number in range(MOST + 5)})
    attempts.fail("anna", f"s{MOST}", None, known=True)
    assert len(attempts.sources) == MOST
    assert not {f"s{number}" for number in range(5)} & attempts.sources.keys()


def test_a_damaged_pair_of_a_network_goes_with_its_user_and_with_its_source() -> None:
    network = "2001:db8:1:2::/64"
    damaged = {**stored(), "pairs": {f"anna/{network}": BAD}}
    assert not Attempts.from_stored(damaged, NOW).is_readable("anna", None, known=True)
    assert Attempts.from_stored(damaged, NOW).forget_user("anna") == 1
    assert Attempts.from_stored(damaged, NOW).forget_source(network) == 1


def test_names_that_nobody_has_are_digests_by_the_key_whatever_they_hold() -> None:
    names = ["anna", "a\udcff", "", "é"]
    one, other = Attempts(NOW, KEY), Attempts(NOW, bytes(range(16)))
    assert len({one.name(name, known=False) for name in names}) == len(names)
    assert [one.name(name, known=False) for name in names] != [
        other.name(name, known=False) for name in names
    ]
