"""Distinguished names in one form for each, so that two spellings of one are equal (RFC 4514)."""

from __future__ import annotations

import re

from store.names import match_key

_WORDS = r"[a-zA-Z]+=[\w@.-]++(?: [\w@.-]++)*+"
_PLAIN = re.compile(f"{_WORDS}(?:,{_WORDS})*+")
_TYPE = re.compile(r"[a-z][a-z0-9-]*|\d+(?:\.\d+)+")
_TYPES_BY_NUMBER = {  # RFC 4514, section 3, and what directories add to it
    "2.5.4.3": "cn",
    "2.5.4.7": "l",
    "2.5.4.8": "st",
    "2.5.4.10": "o",
    "2.5.4.11": "ou",
    "2.5.4.6": "c",
    "2.5.4.9": "street",
    "0.9.2342.19200300.100.1.25": "dc",
    "0.9.2342.19200300.100.1.1": "uid",
    "1.2.840.113549.1.9.1": "emailaddress",
}
_ESCAPED = ',+"\\<>;'
_SPACES = re.compile(" {2,}")
_PIECE = re.compile(r"""(?:\\.|"(?:\\.|[^"\\])*+"|[^\\",;+]|["\\])*+""", re.DOTALL)
_PART = re.compile(r'((?:\\[0-9a-fA-F]{2})+)|\\(.)|("(?:\\.|[^"\\])*")', re.DOTALL)


def dn_key(text: str) -> str:
    """Return the form under which distinguished names are equal; other texts stay as they are.

    Types are in lower case and by name, values without case and unneeded escapes and spaces.
    """
    return normal_form(text) or match_key(text)


def normal_form(text: str) -> str | None:
    """Return the distinguished name in its normal form, or None if `text` is not one."""
    if _PLAIN.fullmatch(text):
        return match_key(text)
    parts = [[_attribute(item) for item in rdn] for rdn in _split(text)]
    if any(kind is None or not value for rdn in parts for kind, value in rdn):
        return None
    return ",".join("+".join(sorted(f"{kind}={value}" for kind, value in rdn)) for rdn in parts)


def normal_pattern(pattern: str) -> str:
    """Return a glob over distinguished names as one over their normal form."""
    rdns = []
    for rdn in _split(pattern):
        items = [_attribute(item) for item in rdn]
        texts = [value if kind is None else f"{kind}={value}" for kind, value in items]
        rdns.append("+".join(texts if None in [kind for kind, _ in items] else sorted(texts)))
    return ",".join(rdns)


def _split(text: str) -> list[list[str]]:
    """Return the attributes of each relative name, as they are spelled."""
    rdns: list[list[str]] = [[]]
    at = 0
    while True:
        found = _PIECE.match(text, at)
        assert found  # noqa: S101 - it matches the empty text
        rdns[-1].append(found[0])
        at = found.end()
        if at == len(text):
            return rdns
        if text[at] != "+":
            rdns.append([])
        at += 1


def _attribute(text: str) -> tuple[str | None, str]:
    """Return type and value of an attribute; the type is None where it is not valid."""
    before, equals, after = text.partition("=")
    kind = before.strip().lower().removeprefix("oid.")
    if equals and "\\" not in before and '"' not in before:
        if _TYPE.fullmatch(kind):
            return _TYPES_BY_NUMBER.get(kind, kind), _value(after)
        if any(char in kind for char in "*?["):
            return None, f"{kind}={_value(after)}"
    return None, _value(text)


def _value(text: str) -> str:
    """Return a value without case, with the spaces and escapes that it needs (RFC 4518)."""
    spelled = text.strip(" ")
    if spelled.startswith("#"):  # a value in hexadecimal digits
        return spelled.lower()
    plain = match_key(_SPACES.sub(" ", _unescaped(text).strip(" ")))
    escaped = "".join(f"\\{char}" if char in _ESCAPED else char for char in plain)
    return f"\\{escaped}" if escaped.startswith("#") else escaped


def _unescaped(text: str) -> str:
    return _PART.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    pairs, char, quoted = found.groups()
    if pairs:
        return bytes.fromhex(pairs.replace("\\", "")).decode(errors="surrogateescape")
    return str(char) if char else _unescaped(quoted[1:-1])
