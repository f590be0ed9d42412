"""User names: matching and refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import InvalidValue
from store.names import check_user_name, is_reserved, match_key, name_problem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna", "aNNA"),
        ("straße", "STRASSE"),
        ("jos\u00e9", "JOSE\u0301"),
        ("\u0391\u0301", "\u03ac"),  # Greek alpha with tonos, capital and small
    ],
)
def test_equal_names(one: str, other: str) -> None:
    assert match_key(one) == match_key(other)


@given(st.text())
def test_the_key_of_a_key_is_itself(name: str) -> None:
    assert match_key(match_key(name)) == match_key(name)


@given(st.text(st.characters(codec="ascii")))
def test_the_short_way_for_ascii_gives_the_same(name: str) -> None:
    assert match_key(name) == name.casefold()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (None, "not a text"),
        (5, "not a text"),
        ("", "empty"),
        ("a/b", "contains “/”"),
        ("a\\b", "contains"),
        ("*", "contains “*”"),
        ("a?", "contains “?”"),
        ("a%n", "contains “%”"),
        ("a..b", "contains “..”"),
        (".a", "starts with “.”"),
        ("~a", "starts with “~”"),
        (" a", "starts or ends with a space"),
        ("a\u00a0", "starts or ends with a space"),
        ("a\nb", "a control character, U+000A"),
        ("a\x1bb", "a control character, U+001B"),
        ("a\u202eb", "an invisible format character, U+202E"),
        ("a\u200bb", "an invisible format character"),
        ("a\u0378b", "an unassigned character"),
        ("a\ud800b", "half of a surrogate pair"),
        ("a\u2028b", "a line separator"),
        *(
            (f"a{char}", "an invisible character")
            for char in "\u034f\ufe0f\u115f\u1160\u17b4\u2800\u3164\uffa0\U000e0100\U0001d159"
        ),
        ("\u3164", "an invisible character, U+3164"),
        ("a\u00a0b", "an invisible character, U+00A0"),
        ("a\u2003b", "an invisible character, U+2003"),
        ("\ue000", "a character for private use, U+E000"),
        ("a\U000f0000", "a character for private use"),
        ("a" * 257, "longer than 256 bytes"),
        ("ü" * 129, "longer than 256 bytes"),
    ],
)
def test_refused_names(name: object, problem: str) -> None:
    assert problem in (name_problem(name) or "")


@pytest.mark.parametrize(
    "name", ["anna", "a.b-c_d+e@x.org", "Jörg Müller", "李雷", "a" * 256, "ü" * 128, "a.", "#1&2'"]
)
def test_accepted_names(name: str) -> None:
    assert name_problem(name) is None
    check_user_name(name)


def test_a_refusal_shows_the_name_harmlessly() -> None:
    with pytest.raises(InvalidValue) as refusal:
        check_user_name("a\x1b]0;x")
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "reserved"), [("ADMIN", True), ("admin", True), ("admin2", False)]
)
def test_reserved(name: str, reserved: bool) -> None:
    assert is_reserved(name) is reserved
