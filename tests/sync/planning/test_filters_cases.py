"""Filter rules: whom they match, and how they are written and read back, as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import InvalidValue
from store.models import FilterRule, Settings
from store.text import printable
from store.validation import valid_settings
from sync.directory.listing import DirectoryUser
from sync.planning.filters import (
    as_listed,
    doubt_of,
    fields_of_skips,
    parse_rule,
    parse_rules,
    rule_text,
    scope_of,
    skip_rule,
    skipped_by,
)
from tests.support.builders import managed

ANNA = DirectoryUser("Anna.Berg", "CN=Anna,OU=Sales,DC=x", "Anna B", ["a@x.org", "b@Y.org"])
NO_DN = ANNA._replace(distinguished_name=None)
TEXT_DN = ANNA._replace(distinguished_name="Anna of Sales")


@pytest.mark.parametrize(
    ("rule", "user", "matches"),
    [
        ("user_name anna.berg", ANNA, True),
        ("user_name ANNA*", ANNA, True),
        ("user_name nna*", ANNA, False),
        ("user_name *ber", ANNA, False),
        ("email_domain y.org", ANNA, True),
        ("email_domain X.ORG", ANNA, True),
        ("email_domain .org", ANNA, False),
        ("email_domain *", ANNA._replace(email_addresses=[]), False),
        ("email_domain a@x.org", ANNA, False),
        ("email_domain y.org", ANNA._replace(email_addresses=["a@b@y.org"]), True),
        ("distinguished_name *,ou=sales,dc=X", ANNA, True),
        ("distinguished_name *", NO_DN, False),
        ("distinguished_name ANNA OF*", TEXT_DN, True),
        ("distinguished_name *sales", TEXT_DN, True),
        ("distinguished_name *sales", NO_DN, False),
        ("distinguished_name * ou=x", NO_DN._replace(distinguished_name="CN=A, OU=X"), False),
        ("distinguished_name *,ou=x", NO_DN._replace(distinguished_name="CN=A, OU=X"), True),
    ],
)
def test_whom_a_rule_matches(rule: str, user: DirectoryUser, matches: bool) -> None:
    assert scope_of(parse_rules(f"include {rule}"))(user) is matches
    assert scope_of(parse_rules(f"exclude {rule}"))(user) is not matches
    assert scope_of(parse_rules(f"skip {rule}"))(user) is not matches
    test = skipped_by(parse_rules(f"include user_name x; skip {rule}; exclude user_name y"))
    assert test
    assert test(user) is matches


@pytest.mark.parametrize(
    ("rules", "fields"),
    [
        ("", set()),
        ("include user_name a; exclude email_domain b", set()),
        ("skip user_name a", {"user_name"}),
        ("skip email_domain a; skip distinguished_name b",
         {"email_addresses", "distinguished_name"}),
    ],
)  # fmt: skip
def test_what_skip_rules_ask_for(rules: str, fields: set[str]) -> None:
    assert fields_of_skips(parse_rules(rules)) == fields
    assert (skipped_by(parse_rules(rules)) is None) == (not fields)


@pytest.mark.parametrize(
    ("rules", "in_doubt"),
    [
        ("include user_name anna*; exclude email_domain z.org", True),
        ("include user_name anna*; exclude email_domain x.org", False),
        ("include user_name b*; exclude email_domain z.org", False),
        ("include user_name anna*; exclude user_name *berg; exclude email_domain z.org", False),
        ("include user_name anna*; skip email_domain z.org", True),
    ],
)
def test_who_is_included_may_be_excluded_by_what_is_unknown(rules: str, in_doubt: bool) -> None:
    user = ANNA._replace(unreadable=("email_addresses",))
    assert doubt_of(parse_rules(rules))(user) is in_doubt


def rule(pattern: str, reason: str = "", action: Any = "skip") -> FilterRule:
    return FilterRule(action=action, field="user_name", pattern=pattern, reason=reason)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("skip user_name a", rule("a")),
        ("  skip   user_name   a b  ", rule("a b")),
        ("skip user_name a # why", rule("a", "why")),
        ("skip user_name a # why # not", rule("a", "why # not")),
        ("skip user_name a#b", rule("a#b")),
        ('skip user_name "a"', rule("a")),
        ('skip user_name "a""b"', rule('a"b')),
        ('skip user_name " a "', rule(" a ")),
        ('skip user_name "a # b" # why', rule("a # b", "why")),
        ("skip user_name a   #\twhy ", rule("a", "why")),
        ("skip user_name a # # why", rule("a", "# why")),
        ('skip user_name a"', rule('a"')),
        ('skip user_name a "b"', rule('a "b"')),
        ('skip user_name "#a"', rule("#a")),
        ('skip user_name "b #4711"', rule("b #4711")),
        ("include user_name a", rule("a", action="include")),
    ],
)
def test_how_a_rule_is_read(text: str, read: FilterRule) -> None:
    assert parse_rule(text) == read
    assert parse_rules(f"{text}; {text};") == [read, read]


@pytest.mark.parametrize(
    "typed",
    [
        '""', '"  "', '"', '""""" # why', '"a', '"a" b', '"a"b', '"a"#why', '"b" #4711', '"a" #',
        "# why", "#", "#a", "b #4711", "b #", "b\t#why", "b #4711 # why", "a;b", '"a" ; b',
    ],
)  # fmt: skip
def test_a_pattern_whose_end_is_not_clear_says_what_to_type(typed: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_rule(f"exclude user_name {typed}")
    assert refused.value.what.startswith(f"“{printable(f'exclude user_name {typed}')}” is not a ")
    assert refused.value.untouched == "Nothing was written."
    example = refused.value.advice.rpartition(": ")[2].removesuffix(".")
    assert parse_rule(example) == rule("a*", "on leave", "exclude")


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (rule("a"), "skip user_name a"),
        (rule("a", "why"), "skip user_name a # why"),
        (rule("a;b"), 'skip user_name "a;b"'),
        (rule("a # b"), 'skip user_name "a # b"'),
        (rule("a #"), 'skip user_name "a #"'),
        (rule("a#b"), "skip user_name a#b"),
        (rule("#a"), 'skip user_name "#a"'),
        (rule("a #b"), 'skip user_name "a #b"'),
        (rule('"a'), 'skip user_name """a"'),
        (rule('a"'), 'skip user_name a"'),
        (rule(" a"), 'skip user_name " a"'),
        (rule("a "), 'skip user_name "a "'),
    ],
)
def test_how_a_rule_is_written(one: FilterRule, text: str) -> None:
    assert rule_text(one) == text
    assert parse_rule(text) == one


@pytest.mark.parametrize(
    "text", ["skip user_name", "skip", "Skip user_name a", "skip name a", "skip user_name  "],
)  # fmt: skip
def test_what_is_none_says_what_to_write(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_rule(text)
    assert f"“{text}” is not a filter rule" in refused.value.what
    assert (
        "Write include or exclude or skip, then user_name, email_domain, distinguished_name, "
        in (refused.value.advice)
    )


PIECES = st.text('ab"#; \t\n\u00a0\u2028\x1f*[', max_size=8) | st.text(max_size=5)
RULES = st.builds(
    FilterRule,
    action=st.sampled_from(["include", "exclude", "skip"]),
    field=st.sampled_from(["user_name", "email_domain", "distinguished_name"]),
    pattern=PIECES,
    reason=PIECES,
)


@given(st.lists(RULES, min_size=1, max_size=4))
def test_what_can_be_stored_is_read_back_as_it_was(rules: list[FilterRule]) -> None:
    stored = []
    for one in rules:
        try:
            stored += valid_settings(Settings(), {"filters": [one]}).filters
        except InvalidValue:
            continue
        assert stored[-1] == replace(one, reason=one.reason.strip())
        assert parse_rule(rule_text(stored[-1])) == stored[-1]
    assert parse_rules("; ".join(map(rule_text, stored))) == stored


@given(PIECES)
def test_what_is_typed_is_refused_or_written_so_that_it_says_the_same(typed: str) -> None:
    try:
        read = parse_rules(f"skip user_name {typed}")
    except InvalidValue:
        return
    assert parse_rules("; ".join(map(rule_text, read))) == read
    assert all(one.pattern.strip() for one in read)


def test_several_rules_are_read_apart() -> None:
    text = 'include user_name a;; exclude email_domain "b;c" # why ;\nskip user_name d;'
    assert [rule_text(each) for each in parse_rules(text)] == [
        "include user_name a",
        'exclude email_domain "b;c" # why',
        "skip user_name d",
    ]
    assert parse_rules(" ; ") == []


def test_a_rule_for_one_user_matches_nobody_else() -> None:
    one = skip_rule("An*[a]", "why")
    assert (one.action, one.field, one.reason) == ("skip", "user_name", "why")
    test = skipped_by([one])
    assert test
    assert test(ANNA._replace(user_name="AN*[A]"))
    assert not test(ANNA._replace(user_name="anna"))


def test_a_stored_user_is_tried_as_it_would_be_listed() -> None:
    anna = managed("anna", full_name="A", distinguished_name="CN=A", email_addresses=["a@x.org"])
    row: Any = anna.to_row()
    assert as_listed(row) == DirectoryUser("anna", "CN=A", "A", ["a@x.org"])
