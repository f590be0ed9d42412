"""What looks like nothing, or like something else, is shown for what it is, and names no user."""

from __future__ import annotations

import pytest

from store.addresses import address_problem
from store.names import name_problem
from store.text import INVISIBLE, escaped, printable

INVISIBLES = "\u034f\ufe0f\u3164\u115f\u2800\uffa0\u180b\U000e0100\u00a0\u200b\u00ad\U00016fe4"
MARKS = ["\u0301", "\u0301\u0301", "\u0301x", "\u0903a", "\u20dda"]


@pytest.mark.parametrize("char", INVISIBLES)
def test_what_shows_nothing_is_shown_as_an_escape(char: str) -> None:
    shown = printable(f"a{char}b")
    assert shown == f"a{escaped(char)}b"
    assert shown.isascii()
    assert not INVISIBLE.search(shown)
    assert name_problem(f"a{char}b")
    assert address_problem(f"a{char}b@x.org")


@pytest.mark.parametrize("text", ["Müller", "Mu\u0308ller", "李", "한글", "Łukasz Nowák-Ødegård"])
def test_the_control_letters_of_people(text: str) -> None:
    assert (printable(text), name_problem("a" + text.replace(" ", ""))) == (text, None)


@pytest.mark.parametrize("name", MARKS)
def test_a_combining_mark_begins_no_name_and_no_address(name: str) -> None:
    assert "starts with a combining mark, U+" in (name_problem(name) or "")
    assert address_problem(f"{name}@x.org") == "it starts with a combining mark"
    assert name_problem(f"a{name}") is None
    assert address_problem(f"a{name}@x.org") is None
