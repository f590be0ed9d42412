"""Local passwords."""

from __future__ import annotations

import time
from pathlib import Path

import bcrypt
import pytest

from store import passwords
from store.errors import InvalidValue, StoreDamaged
from store.passwords import hash_password, needs_rehash, password_problem, verify_password
from tests.support.command_line import CommandLine
from tests.support.replaced import in_place_of

GOOD = "correct horse battery"


def test_the_cost_is_twelve(tmp_path: Path) -> None:
    """In a process of its own, without the fixture that makes hashes fast."""
    mailroster = CommandLine(tmp_path, warm=False)
    assert mailroster("users", "add", "anna", stdin=GOOD).code == 0
    assert '"password_hash":"$2b$12$' in mailroster.store.read_text()


def test_right_and_wrong() -> None:
    stored = hash_password(GOOD, "anna")
    assert verify_password(GOOD, stored)
    assert not verify_password(GOOD + "x", stored)
    assert not verify_password("", stored)


def test_nobodys_hash_is_never_right_and_costs_as_much() -> None:
    checked: list[bytes] = []

    def everything_is_right(_password: bytes, hashed: bytes) -> bool:
        checked.append(hashed)
        return True

    assert not verify_password(GOOD, None)
    assert not verify_password("-", None)
    with in_place_of(bcrypt, "checkpw", everything_is_right):
        assert not verify_password(GOOD, None)
    assert [hashed[:7] for hashed in checked] == [b"$2b$%02d$" % passwords.COST]


def test_equal_texts_in_other_code_points_are_the_same_password() -> None:
    stored = hash_password("Gr\u00fc\u00dfe aus K\u00f6ln!", "anna")
    assert verify_password("Gru\u0308\u00dfe\u00a0aus Ko\u0308ln!", stored)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("fourteen chars", "fewer than 15"),
        ("x" * 73, "longer than 72 bytes"),
        ("ü" * 37, "longer than 72 bytes"),
        ("Anna.Bergmann-Kurz", "is the user name"),
        ("correct\nhorse battery", "control"),
        ("correct\0horse battery", "control"),
    ],
)
def test_refused_passwords(password: str, problem: str) -> None:
    assert problem in (password_problem(password, "anna.bergmann-kurz") or "")
    with pytest.raises(InvalidValue) as refusal:
        hash_password(password, "anna.bergmann-kurz")
    assert (
        f"The password was refused: it {password_problem(password, 'anna.bergmann-kurz')}."
        in str(refusal.value)
    )
    assert password not in str(refusal.value)


@pytest.mark.parametrize("password", ["x" * 72, "ü" * 36, "fifteen letters"])
def test_the_bounds_are_accepted(password: str) -> None:
    assert verify_password(password, hash_password(password, "anna"))


@pytest.mark.parametrize("tried", ["x" * 73, "x" * 5000, "\0" * 20, "\ud800" * 20])
def test_what_no_password_can_be_is_simply_wrong(tried: str) -> None:
    assert not verify_password(tried, hash_password("x" * 72, "anna"))


@pytest.mark.parametrize("broken", ["", "x", "$2b$12$short", "{SHA}abc"])
def test_a_broken_hash_is_damage_not_a_wrong_password(broken: str) -> None:
    with pytest.raises(StoreDamaged, match="not a bcrypt hash"):
        verify_password(GOOD, broken)


def test_a_cheaper_hash_is_to_be_made_anew() -> None:
    weak = bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(4)).decode()
    assert needs_rehash(weak) is (passwords.COST > 4)
    assert not needs_rehash("$2b$13$" + weak[7:])


@pytest.mark.alone
def test_a_wrong_password_takes_as_long_for_a_cheaper_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The shortest of seven times each, within a quarter; unmended it is a sixteenth."""
    monkeypatch.setattr(passwords, "COST", 10)
    hashes = [bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(cost)).decode() for cost in (6, 10)]
    shortest = [min(seconds(stored) for _ in range(7)) for stored in hashes]
    assert 0.75 < shortest[0] / shortest[1] < 1.25


def seconds(stored: str) -> float:
    started = time.perf_counter()
    assert not verify_password("wrong horse battery", stored)
    return time.perf_counter() - started
