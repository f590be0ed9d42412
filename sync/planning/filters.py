"""Filters: which of the directory's users are in scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from glob import escape
from typing import get_args, get_type_hints
from unicodedata import normalize

from store.addresses import domain_forms
from store.distinguished_names import normal_form, normal_pattern
from store.errors import InvalidValue
from store.models import REASON_MARK, FilterRule, UserRow
from store.names import match_key
from store.text import printable
from sync.directory.listing import DirectoryUser

Scope = Callable[[DirectoryUser], bool]

RULE_ACTIONS: tuple[str, ...] = get_args(get_type_hints(FilterRule)["action"])
RULE_FIELDS: tuple[str, ...] = get_args(get_type_hints(FilterRule)["field"])

# A rule up to the next semicolon, but for one in a quoted pattern.
_RULES = re.compile(r'(?:\s*\w+\s+\w+\s+"(?:[^"]|"")*")?[^;]*(?:;|$)')
_BARE = r'(?!["#\s])(?:(?!\s#|;).)+(?<!\s)'  # a pattern that needs no quotes
_TYPED = re.compile(rf'(?:"((?:[^"]|"")*)"|({_BARE}))(?:\s+#\s+(.*))?', re.DOTALL)


def scope_of(rules: Iterable[FilterRule]) -> Scope:
    """Return the test for users in scope.

    A user is in scope who matches an include rule, or any user if there are none, unless an
    exclude or skip rule matches too. Patterns are shell-style globs, case-insensitive, on the
    whole value.
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


def fields_of_skips(rules: Iterable[FilterRule]) -> set[str]:
    """Return the fields of a record that skip rules ask for."""
    return {_FIELDS[rule.field] for rule in rules if rule.action == "skip"}


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


def parse_rules(text: str) -> list[FilterRule]:
    """Read rules that are separated by semicolons; raises `InvalidValue`."""
    rules = (rule.strip().removesuffix(";") for rule in _RULES.findall(text))
    return [parse_rule(rule) for rule in rules if rule.strip()]


def parse_rule(text: str) -> FilterRule:
    """Read a rule as it is typed, such as `include user_name a*` or `skip user_name b # note`.

    A pattern may stand in quotes, and quotes in it twice. Raises `InvalidValue`.
    """
    words = text.split(None, 2)
    if len(words) < 3 or words[0] not in RULE_ACTIONS or words[1] not in RULE_FIELDS:
        raise InvalidValue(
            f"“{printable(text, 100)}” is not a filter rule.",
            f"Write {' or '.join(RULE_ACTIONS)}, then {', '.join(RULE_FIELDS)}, then a pattern, "
            "such as “exclude user_name svc-*”.",
        )
    typed = _TYPED.fullmatch(words[2].strip())
    pattern = (typed[2] or typed[1].replace('""', '"')) if typed else ""
    if not typed or not pattern.strip():
        raise InvalidValue(
            f"“{printable(text, 100)}” is not a filter rule: its pattern is missing, or it is not "
            "clear where the pattern ends.",
            "Type the pattern, in quotes if it has a quote, “#” or “;” in it, and a reason after "
            f'“{REASON_MARK}”: {words[0]} {words[1]} "a*"{REASON_MARK}on leave.',
        )
    return FilterRule(
        action=words[0],  # type: ignore[arg-type]
        field=words[1],  # type: ignore[arg-type]
        pattern=pattern,
        reason=(typed[3] or "").strip(),
    )


def rule_text(rule: FilterRule) -> str:
    """Return the rule as it is typed; `parse_rule` reads it back."""
    pattern = rule.pattern
    if not re.fullmatch(_BARE, pattern):
        pattern = '"{}"'.format(pattern.replace('"', '""'))
    text = f"{rule.action} {rule.field} {pattern}"
    return f"{text}{REASON_MARK}{rule.reason}" if rule.reason else text


def doubt_of(rules: Iterable[FilterRule]) -> Scope:
    """Return the test for records whose place these rules cannot tell, as they ask for a field
    that could not be read.
    """
    rules = list(rules)
    asking: dict[str, list[FilterRule]] = {
        field: [rule for rule in rules if _FIELDS[rule.field] == field]
        for field in _FIELDS.values()
    }
    includes = [rule for rule in rules if rule.action == "include"]
    out = [rule for rule in rules if rule.action != "include"]
    skips = [rule for rule in rules if rule.action == "skip"]
    is_in, is_out, is_skipped = map(_any_of, (includes, out, skips))

    def in_doubt(user: DirectoryUser) -> bool:
        asked = [rule.action for field in user.unreadable for rule in asking.get(field, ())]
        if not asked or is_skipped(user):
            return False
        if "skip" in asked:
            return True
        included = not includes or is_in(user)
        return not is_out(user) and (
            (included and "exclude" in asked) or (not included and "include" in asked)
        )

    return in_doubt


def _any_of(rules: Iterable[FilterRule]) -> Scope:
    """Return the test for users whom any of these rules matches: one expression for each field."""
    patterns: dict[str, list[str]] = {}
    for rule in rules:
        for kind, pattern in _PATTERNS[rule.field](rule.pattern):
            patterns.setdefault(kind, []).append(translate(pattern))
    tests = [(_VALUES[kind], re.compile("|".join(some)).match) for kind, some in patterns.items()]
    return lambda user: any(match(value) for values, match in tests for value in values(user))


def _domains(user: DirectoryUser) -> Iterable[str]:
    for address in user.email_addresses:
        yield from domain_forms(address.rpartition("@")[2])


def _texts(user: DirectoryUser) -> Iterable[str]:
    name = user.distinguished_name
    return () if name is None or normal_form(name) is not None else (match_key(name),)


def _normal_forms(user: DirectoryUser) -> Iterable[str]:
    name = user.distinguished_name
    return () if name is None or (normal := normal_form(name)) is None else (normal,)


_FIELDS = {
    "user_name": "user_name",
    "email_domain": "email_addresses",
    "distinguished_name": "distinguished_name",
}
_VALUES: dict[str, Callable[[DirectoryUser], Iterable[str]]] = {
    "user_name": lambda user: (match_key(user.user_name),),
    "domain": _domains,
    "normal_form": _normal_forms,
    "text": _texts,
}
# What a pattern is tried on: a distinguished name's normal form, or its text if it has none.
_PATTERNS: dict[str, Callable[[str], Iterable[tuple[str, str]]]] = {
    "user_name": lambda pattern: (("user_name", match_key(pattern)),),
    "email_domain": lambda pattern: (("domain", normalize("NFC", pattern).lower()),),
    "distinguished_name": lambda pattern: (
        ("normal_form", normal_pattern(pattern)),
        ("text", match_key(pattern)),
    ),
}
