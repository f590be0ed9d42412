"""User names: how they are compared, which are refused, which are reserved."""

from __future__ import annotations

import re
import unicodedata

from store.errors import InvalidValue
from store.text import INVISIBLE, printable

MAX_NAME_BYTES = 256
RESERVED_NAME = "admin"

_PLAIN = re.compile(r"[\w@+-]+(?:\.[\w@+-]+)*", re.ASCII)
_REFUSED_CHARACTERS = frozenset("/\\*?%")
_REFUSED_CATEGORIES = {
    "Cc": "a control character",
    "Cf": "an invisible format character",
    "Cn": "an unassigned character",
    "Co": "a character for private use",
    "Cs": "half of a surrogate pair",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


def match_key(name: str) -> str:
    """Return the form under which user names are equal: NFC, casefold, NFC (Unicode D145)."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_reserved(name: str) -> bool:
    """Tell whether a sync must never create, change or delete this name (`admin`, any case)."""
    return match_key(name) == RESERVED_NAME


def name_problem(name: object) -> str | None:
    """Return why `name` cannot be a user name, or None if it can.

    A name ends up in folder names, IMAP mailbox names and access lists, so a name with a
    special meaning there is refused, never repaired.
    """
    if not isinstance(name, str):
        return "the user name is not a text"
    if len(name) <= MAX_NAME_BYTES and _PLAIN.fullmatch(name):
        return None
    if not name:
        return "the user name is empty"
    if len(name) > MAX_NAME_BYTES:  # before what looks at every character
        return f"the user name is longer than {MAX_NAME_BYTES} bytes"
    if name != name.strip():
        return "the user name starts or ends with a space"
    if unicodedata.category(name[0]).startswith("M"):  # RFC 5891, section 4.2.3.2
        return f"the user name starts with a combining mark, U+{ord(name[0]):04X}"
    if name[0] in ".~":
        return f"the user name starts with “{name[0]}”"
    if ".." in name:
        return "the user name contains “..”"
    for char in name:
        if char in _REFUSED_CHARACTERS:
            return f"the user name contains “{char}”"
        if not char.isascii() or not char.isprintable():
            category = unicodedata.category(char)
            if category in _REFUSED_CATEGORIES:
                return f"the user name contains {_REFUSED_CATEGORIES[category]}, U+{ord(char):04X}"
            if INVISIBLE.match(char):
                return f"the user name contains an invisible character, U+{ord(char):04X}"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"the user name is longer than {MAX_NAME_BYTES} bytes"
    return None


def check_user_name(name: str) -> None:
    """Raise `InvalidValue` if `name` cannot be a user name."""
    if problem := name_problem(name):
        raise InvalidValue(
            f"“{printable(name, 60)}” was refused: {problem}.",
            "Choose another name.",
        )
