"""The scope that filters leave."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import InvalidValue
from store.models import FilterRule
from store.names import match_key
from sync.directory.listing import DirectoryUser
from sync.planning.filters import doubt_of, parse_rule, parse_rules, rule_text, scope_of

ANNA = DirectoryUser("Anna.Berg", "CN=Anna,OU=Sales,DC=x", None, ["anna@x.org", "ab@Mail.X.org"])


def in_scope(*rules: str) -> bool:
    return scope_of([parse_rule(rule) for rule in rules])(ANNA)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((), True),
        (("include user_name anna*",), True),
        (("include user_name bert*",), False),
        (("include user_name bert*", "include user_name *berg"), True),
        (("exclude user_name ANNA.?ERG",), False),
        (("exclude user_name anna",), True),
        (("include user_name *", "exclude user_name *berg"), False),
        (("exclude user_name *berg", "include user_name *"), False),
        (("include email_domain x.org",), True),
        (("include email_domain *.x.org",), True),
        (("include email_domain org",), False),
        (("include distinguished_name *,ou=sales,*",), True),
        (("exclude distinguished_name *,OU=IT,*",), True),
        (("include user_name [ab]*",), True),
        (("include user_name [!a]*",), False),
    ],
)
def test_scope(rules: tuple[str, ...], expected: bool) -> None:
    assert in_scope(*rules) is expected


def test_a_user_without_the_field_matches_no_rule_on_it() -> None:
    nobody = DirectoryUser("x", None, None, [])
    assert scope_of([parse_rule("exclude distinguished_name *")])(nobody)
    assert scope_of([parse_rule("exclude email_domain *")])(nobody)


def test_a_rule_is_read_as_it_is_written() -> None:
    rule = FilterRule(action="exclude", field="distinguished_name", pattern="*OU=Old Staff*")
    assert parse_rule(rule_text(rule)) == rule


@pytest.mark.parametrize(
    "pattern", ["a;b", "a # b", 'say "x"', '"', '"a";', "a #", "a\\;[[]b*", "a"]
)
@pytest.mark.parametrize("reason", ["", "on leave"])
def test_every_pattern_is_read_back_alone_and_among_others(pattern: str, reason: str) -> None:
    rule = FilterRule(action="skip", field="user_name", pattern=pattern, reason=reason)
    other = FilterRule(action="include", field="email_domain", pattern="x.org", reason="why")
    assert parse_rule(rule_text(rule)) == rule
    assert parse_rules("; ".join(map(rule_text, (rule, other, rule)))) == [rule, other, rule]


@pytest.mark.parametrize(
    ("pattern", "domain", "matches"),
    [
        ("münchen.example", "xn--mnchen-3ya.example", True),
        ("xn--mnchen-3ya.example", "MÜNCHEN.example", True),
        ("*.example", "mu\u0308nchen.example", True),
        ("m?nchen.EXAMPLE", "xn--mnchen-3ya.example", True),
        ("strasse.example", "straße.example", False),
        ("xn--a.example", "xn--a.example", True),
    ],
)
def test_a_domain_in_any_spelling(pattern: str, domain: str, matches: bool) -> None:
    rule = parse_rule(f"include email_domain {pattern}")
    assert scope_of([rule])(DirectoryUser("a", None, None, [f"a@{domain}"])) is matches


def test_a_distinguished_name_in_any_spelling() -> None:
    for spelling in (r"CN=Vogt\, Anna,OU=Sales,DC=ex", r"CN=Vogt\2C Anna, OU=Sales, DC=ex"):
        user = DirectoryUser("a", spelling, None, [])
        assert scope_of([parse_rule("include distinguished_name *,ou=sales,dc=ex")])(user)
        assert not scope_of([parse_rule("exclude distinguished_name *, OU=Sales, *")])(user)


ADDRESSES = ["a@x.org", "b@y.org"]
UNKNOWN = ("email_addresses",)


@pytest.mark.parametrize(
    ("rules", "in_doubt"),
    [
        ("", False),
        ("include email_domain z.org", True),
        ("include email_domain x.org", False),
        ("exclude email_domain z.org", True),
        ("exclude email_domain x.org", False),
        ("skip email_domain z.org", True),
        ("skip email_domain z.org; exclude user_name anna", True),
        ("skip email_domain x.org", False),
        ("include user_name bert", False),
        ("include user_name bert; include email_domain z.org", True),
        ("include user_name anna; include email_domain z.org", False),
        ("include user_name bert; exclude email_domain z.org", False),
        ("exclude user_name anna; include email_domain z.org", False),
        ("exclude user_name a*; exclude email_domain z.org", False),
        ("include distinguished_name cn=1", False),
    ],
)
def test_a_field_that_could_not_be_read_leaves_a_doubt_where_a_rule_needs_it(
    rules: str, in_doubt: bool
) -> None:
    user = DirectoryUser("anna", None, None, ADDRESSES, UNKNOWN)
    assert doubt_of(parse_rules(rules))(user) is in_doubt
    assert not doubt_of(parse_rules(rules))(user._replace(unreadable=("full_name",)))


@pytest.mark.parametrize(
    "text", ["", "include", "include user_name", "drop user_name x", "include x y"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not a filter rule"):
        parse_rule(text)


TEXTS = st.text("aB|().[]*?\\^$", min_size=1, max_size=4)
RULES = st.builds(
    FilterRule,
    action=st.sampled_from(["include", "exclude", "skip"]),
    field=st.sampled_from(["user_name", "distinguished_name"]),
    pattern=TEXTS,
)


@given(st.lists(RULES, max_size=6), TEXTS, TEXTS)
def test_many_rules_are_each_of_them(rules: list[FilterRule], name: str, dn: str) -> None:
    def matching(*actions: str) -> bool:
        return any(
            fnmatchcase(
                match_key(name if rule.field == "user_name" else dn), match_key(rule.pattern)
            )
            for rule in rules
            if rule.action in actions
        )

    includes = any(rule.action == "include" for rule in rules)
    expected = (not includes or matching("include")) and not matching("exclude", "skip")
    assert scope_of(rules)(DirectoryUser(name, dn, None, [])) is expected
