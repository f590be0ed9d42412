"""E-mail addresses at their bounds, each with why it is refused."""

from __future__ import annotations

import pytest

from store.addresses import Typed, address_key, address_problem, domain_forms, without_type

LONG = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}."  # 245 bytes


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        (f"{LONG}{'e' * (254 - len(LONG))}", None),
        (f"{LONG}{'e' * (255 - len(LONG))}", "it is longer than 254 bytes"),
        (f"ü{LONG[2:]}{'e' * (254 - len(LONG))}", None),  # an umlaut has two bytes
        (f"ü{LONG[1:]}{'e' * (254 - len(LONG))}", "it is longer than 254 bytes"),
        (f'"{"a" * 58}"{LONG[60:]}{"e" * (254 - len(LONG))}', None),
        (f'"{"a" * 59}"{LONG[60:]}{"e" * (254 - len(LONG))}', "it is longer than 254 bytes"),
        ("a@x.org.", "its domain has an empty part"),
        ("a@.x.org", "its domain has an empty part"),
        ("a@x..org", "its domain has an empty part"),
        ('"a@x.org', "the part before the “@” needs quotes (RFC 5321)"),
        ('a"@x.org', "the part before the “@” needs quotes (RFC 5321)"),
        ('"a"b@x.org', "the part before the “@” needs quotes (RFC 5321)"),
        ('"a b"@x.org', "it contains a space or an unprintable character"),
        ('"a,b"@x.org', None),
        ('"a@b"@x.org', None),
        ('"a\\"b"@x.org', None),
        ('"a"b"@x.org', "the part before the “@” needs quotes (RFC 5321)"),
        ("a,b@x.org", "the part before the “@” needs quotes (RFC 5321)"),
        ("a..b@x.org", "the part before the “@” needs quotes (RFC 5321)"),
        (".a@x.org", "the part before the “@” needs quotes (RFC 5321)"),
        ("a@b@x.org", "it contains more than one “@”"),
        ("a", "it is not of the form name@domain"),
        ("@x.org", "it is not of the form name@domain"),
        ("a@", "it is not of the form name@domain"),
        ("", "it is not of the form name@domain"),
        ("a\x7f@x.org", "it contains a space or an unprintable character"),
        ("a\u034f@x.org", "it contains an invisible character"),
        ("\u0301a@x.org", "it starts with a combining mark"),
        ("e\u0301@x.org", None),
        ("a@-x.org", "its domain is not a valid name (RFC 5321, IDNA 2008)"),
        ("a@x_y.org", "its domain is not a valid name (RFC 5321, IDNA 2008)"),
        ("a@\u2603\u0301-.org", "its domain is not a valid name (RFC 5321, IDNA 2008)"),
        ("a@[192.0.2.1]", None),
        ("a@[192.0.2.1", "its domain is not a valid name (RFC 5321, IDNA 2008)"),
        ("a@[a\\b]", "its domain is not a valid name (RFC 5321, IDNA 2008)"),
        ("a@x", None),
        ("ü@x.org", None),
        ("a@ü.org", None),
    ],
)
def test_what_is_wrong_with_an_address(address: str, problem: str | None) -> None:
    assert address_problem(address) == problem


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("SMTP:A@x", Typed("A@x", True)),
        ("smtp:A@x", Typed("A@x", False)),
        ("Smtp:a@x", Typed("a@x", False)),
        ("sip:a@x", Typed(None)),
        ("X500:/o=x", Typed(None)),
        ("x400:c=x", Typed(None)),
        ("eum:a", Typed(None)),
        ("SPO:a", Typed(None)),
        ("mailto:a@x", Typed("mailto:a@x")),
        ("a@x", Typed("a@x", False)),
        ("smtp:", Typed("", False)),
        ("smtp:a\nb", Typed("a\nb", False)),
    ],
)
def test_the_type_before_an_address(text: str, read: Typed) -> None:
    assert without_type(text) == read


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("A@X.ORG", "a@x.org"),
        ("Ü@X.org", "ü@x.org"),
        ("u\u0308@X.org", "ü@x.org"),
        ("a@Bücher.org", "a@xn--bcher-kva.org"),
        ("ß@x.org", "ss@x.org"),
        ("a@b@Ü.org", "a@b@xn--tda.org"),
        ("Ü", "xn--tda"),
        ("a@-Ü.org", "a@-ü.org"),  # no domain by IDNA 2008: compared as text
        ("a@-U\u0308.org", "a@-ü.org"),
    ],
)
def test_the_form_under_which_addresses_are_equal(address: str, key: str) -> None:
    assert address_key(address) == key


@pytest.mark.parametrize(
    ("domain", "forms"),
    [
        ("X.org", ("x.org",)),
        ("bücher.org", ("xn--bcher-kva.org", "bücher.org")),
        ("XN--BCHER-KVA.org", ("xn--bcher-kva.org", "bücher.org")),
        ("xn--a.org", ("xn--a.org",)),  # no label that IDNA can read
    ],
)
def test_how_a_pattern_may_spell_a_domain(domain: str, forms: tuple[str, ...]) -> None:
    assert domain_forms(domain) == forms
