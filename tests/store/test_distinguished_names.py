"""Distinguished names: which spellings are one, and patterns over them."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.distinguished_names import dn_key, normal_form, normal_pattern
from store.names import match_key

VOGT = r"CN=Vogt\, Anna,OU=Sales,DC=ex"


@pytest.mark.parametrize(
    "spelling",
    [
        VOGT,
        r"CN=Vogt\2C Anna, OU=Sales, DC=ex",
        r"cn = Vogt\,  Anna , ou=SALES,dc=EX",
        'cn="Vogt, Anna";ou=Sales;dc=ex',
        r"2.5.4.3=Vogt\2c\20Anna,OID.2.5.4.11=Sales,0.9.2342.19200300.100.1.25=ex",
    ],
)
def test_spellings_of_one(spelling: str) -> None:
    assert normal_form(spelling) == r"cn=vogt\, anna,ou=sales,dc=ex"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a+uid=1", "UID=1 + CN=A"),
        (r"cn=J\C3\B6rg", "CN=Jörg"),
        ("cn=Jo\u0308rg", "CN=Jörg"),
        (r"cn=a\ ", "cn=a"),
        ("cn=#0402AB", "cn=#0402ab"),
        (r"cn=a\=b", "cn=a=b"),
    ],
)
def test_pairs_of_one(one: str, other: str) -> None:
    assert dn_key(one) == dn_key(other)
    assert normal_form(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"cn=a\,ou=b", "cn=a,ou=b"),
        ("cn=a,ou=b", "ou=b,cn=a"),
        (r"cn=\ff", r"cn=\fe"),
        (r"cn=\#04", "cn=#04"),
        ("cn=ab", "cn=a b"),
    ],
)
def test_pairs_of_two(one: str, other: str) -> None:
    assert dn_key(one) != dn_key(other)


@pytest.mark.parametrize("text", ["", "Anna", "cn=", "=a", "cn=a,b", ",", "+", '"', "\\", "c n=a"])
def test_what_is_none_is_compared_as_text(text: str) -> None:
    assert normal_form(text) is None
    assert dn_key(text.upper()) == match_key(text)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*,ou=sales,dc=ex", True),
        ("*, OU = Sales, DC=ex", True),
        (r"cn=vogt\2C*,*", True),
        (r"cn=vogt\, anna,*", True),
        ("*sales*", True),
        ("*", True),
        ("??=vogt*", True),
        ("*,ou=sale,dc=ex", False),
        ("ou=sales,*", False),
    ],
)
def test_patterns(pattern: str, matches: bool) -> None:
    for spelling in (VOGT, r"CN=Vogt\2C Anna, OU=Sales, DC=ex"):
        assert fnmatchcase(normal_form(spelling) or "", normal_pattern(pattern)) is matches


@given(st.text('aA=,+;\\" #<>2Cé1.', max_size=20))
def test_the_normal_form_is_its_own(text: str) -> None:
    found = normal_form(f"cn={text}")
    if found is not None:
        assert normal_form(found) == found
        assert dn_key(f"cn={text}") == found
    assert dn_key(dn_key(text)) == dn_key(text)
    normal_pattern(text)
