"""User names at their bounds, and what is said of those that are refused."""

from __future__ import annotations

import pytest

from store.errors import InvalidValue
from store.names import check_user_name, match_key, name_problem

TOO_LONG = "the user name is longer than 256 bytes"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a" * 256, None),
        ("a" * 257, TOO_LONG),
        ("a b" + "c" * 253, None),
        ("a b" + "c" * 254, TOO_LONG),
        ("ü" * 128, None),
        ("ü" * 128 + "a", TOO_LONG),
        ("*" * 257, TOO_LONG),
        ("", "the user name is empty"),
        (None, "the user name is not a text"),
        (" a", "the user name starts or ends with a space"),
        ("a ", "the user name starts or ends with a space"),
        ("~a", "the user name starts with “~”"),
        (".a", "the user name starts with “.”"),
        ("\u0301a", "the user name starts with a combining mark, U+0301"),
        ("e\u0301", None),
        ("a~.", None),
        ("a..b", "the user name contains “..”"),
        ("a.b.c", None),
        ("a b/c", "the user name contains “/”"),
        ("ü?", "the user name contains “?”"),
        ("a\x7f", "the user name contains a control character, U+007F"),
        ("a\u200b", "the user name contains an invisible format character, U+200B"),
        ("a\u2028b", "the user name contains a line separator, U+2028"),
        ("a\u2029b", "the user name contains a paragraph separator, U+2029"),
        ("a\ue000", "the user name contains a character for private use, U+E000"),
        ("a\u034f", "the user name contains an invisible character, U+034F"),
        ("Ü b", None),
        ("Xaver B", None),
    ],
)
def test_what_is_wrong_with_a_name(name: object, problem: str | None) -> None:
    assert name_problem(name) == problem


@pytest.mark.parametrize(("name", "shown"), [("a*", "a*"), ("a\x1b", "a\\x1b")])
def test_a_refusal_in_parts(name: str, shown: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        check_user_name(name)
    assert refused.value.what == f"“{shown}” was refused: {name_problem(name)}."
    assert refused.value.advice == "Choose another name."


@pytest.mark.parametrize(
    ("name", "key"),
    [("ANNA", "anna"), ("STRAßE", "strasse"), ("E\u0301", "é"), ("\u1e9b\u0323", "\u1e69")],
)
def test_the_form_under_which_names_are_equal(name: str, key: str) -> None:
    assert match_key(name) == key
