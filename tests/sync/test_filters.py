"""The scope that filters leave."""

from __future__ import annotations

import pytest

from store.errors import InvalidValue
from store.models import FilterRule
from sync.directory.listing import DirectoryUser
from sync.planning.filters import parse_rule, rule_text, scope_of

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
    "text", ["", "include", "include user_name", "drop user_name x", "include x y"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is no filter rule"):
        parse_rule(text)
