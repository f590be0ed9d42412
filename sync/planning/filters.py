"""Filters: which of the directory's users are in scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from glob import escape
from typing import Any, get_args, get_type_hints

from store.errors import InvalidValue
from store.models import REASON_MARK, FilterRule, UserRow
from store.names import match_key
from store.text import printable
from sync.directory.listing import DirectoryUser

Scope = Callable[[DirectoryUser], bool]

RULE_ACTIONS: tuple[str, ...] = get_args(get_type_hints(FilterRule)["action"])
RULE_FIELDS: tuple[str, ...] = get_args(get_type_hints(FilterRule)["field"])


def scope_of(rules: Iterable[FilterRule]) -> Scope:
    """Return the test for users in scope.

    In scope is who is matched by an include rule, or there is none, and by no exclude or skip
    rule. Patterns are shell-style globs, case-insensitive, on the whole value.
    """
    rules = list(rules)
    includes = [rule for rule in rules if rule.action == "include"]
    included = _any_of(includes)
    excluded = _any_of(rule for rule in rules if rule.action != "include")
    return lambda user: (not includes or included(user)) and not excluded(user)


def skipped_by(rules: Iterable[FilterRule]) -> Scope | None:
    """Return the test for users whom a skip rule leaves alone, or None if there is no such rule."""
    skips = [rule for rule in rules if rule.action == "skip"]
    return _any_of(skips) if skips else None


def skip_rule(user_name: str, reason: str) -> FilterRule:
    """Return the rule that leaves this one user alone."""
    return FilterRule(
        action="skip", field="user_name", pattern=escape(match_key(user_name)), reason=reason
    )


def as_listed(row: UserRow) -> DirectoryUser:
    """Return a stored user as the directory would list it, for the rules to be tried on."""
    return DirectoryUser(
        row["user_name"], row["distinguished_name"], row["full_name"], row["email_addresses"]
    )


def parse_rule(text: str) -> FilterRule:
    """Read a rule as it is typed, such as `include user_name a*` or `skip user_name b # note`.

    Raises `InvalidValue`.
    """
    rule, _, reason = text.partition(REASON_MARK)
    words = rule.split(None, 2)
    if len(words) == 3 and words[0] in RULE_ACTIONS and words[1] in RULE_FIELDS:
        return FilterRule(
            action=words[0],  # type: ignore[arg-type]
            field=words[1],  # type: ignore[arg-type]
            pattern=words[2].strip(),
            reason=reason.strip(),
        )
    raise InvalidValue(
        f"“{printable(text, 100)}” is no filter rule. Nothing was written. Write "
        f"{' or '.join(RULE_ACTIONS)}, then {', '.join(RULE_FIELDS)}, then a pattern, such as "
        "“exclude user_name svc-*”."
    )


def rule_text(rule: FilterRule) -> str:
    """Return the rule as it is typed; `parse_rule` reads it back."""
    text = f"{rule.action} {rule.field} {rule.pattern}"
    return f"{text}{REASON_MARK}{rule.reason}" if rule.reason else text


def _any_of(rules: Iterable[FilterRule]) -> Scope:
    """Return the test for users whom any of these rules matches: one expression for each field."""
    patterns: dict[str, list[str]] = {}
    for rule in rules:
        patterns.setdefault(rule.field, []).append(translate(match_key(rule.pattern)))
    tests = [(_VALUES[field], re.compile("|".join(some)).match) for field, some in patterns.items()]
    return lambda user: any(
        match(match_key(value)) for values, match in tests for value in values(user)
    )


_VALUES: dict[str, Callable[[DirectoryUser], Iterable[Any]]] = {
    "user_name": lambda user: (user.user_name,),
    "email_domain": lambda user: (address.rpartition("@")[2] for address in user.email_addresses),
    "distinguished_name": lambda user: (
        () if user.distinguished_name is None else (user.distinguished_name,)
    ),
}
