"""What becomes of a user's privileges when some are given and some taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import InvalidValue
from store.privileges import ADMIN, NONE, PRIVILEGES, check_privileges, with_changes

CASES = [
    ("login", "archive", "", "login archive"),
    ("login archive", "archive", "", "login archive"),
    ("login archive", "", "archive", "login"),
    ("login export", "archive", "export", "login archive"),
    ("archive", "archive", "archive", "archive"),  # what is given is given
    ("login", "", "login", "none"),
    ("none", "archive", "", "archive"),
    ("none", "", "none", "none"),
    ("none", "", "", "none"),
    ("admin", "archive", "", "admin"),
    ("admin", "", "archive", "admin"),
    ("admin", "login", "admin", "login"),
    ("admin", "", "admin", "none"),
    ("login archive", "admin", "", "admin"),
    ("login archive", "none", "", "none"),
    ("admin", "none", "", "none"),
    ("export login", "", "", "login export"),
]


@pytest.mark.parametrize(("held", "given_", "taken", "left"), CASES)
def test_cases(held: str, given_: str, taken: str, left: str) -> None:
    assert with_changes(held.split(), given_.split(), taken.split()) == left.split()


@pytest.mark.parametrize("given_", [["none", "login"], ["admin", "none"], ["fly"]])
def test_what_does_not_go_together_is_refused(given_: list[str]) -> None:
    with pytest.raises(InvalidValue):
        with_changes(["login"], given_, ())


_OTHERS = [name for name in PRIVILEGES if name not in (NONE, ADMIN)]
_SOME = st.sets(st.sampled_from(_OTHERS))


@given(held=_SOME.map(lambda some: some or {NONE}), gives=_SOME, takes=_SOME)
def test_what_is_left_is_what_was_held_and_given_without_what_was_taken(
    held: set[str], gives: set[str], takes: set[str]
) -> None:
    left = with_changes(held, gives, takes)
    assert left == check_privileges(left)
    assert set(left) - {NONE} == (held - takes | gives) - {NONE}
    assert with_changes(left, gives, takes) == left
