"""How text reaches people: the one boundary to a terminal, a log or a message, and numbers."""

from __future__ import annotations

import re

# What shows nothing, or looks like a space: the default-ignorable code points of Unicode's
# DerivedCoreProperties, fillers and blanks beside them, and spaces other than the plain one.
INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    "\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\U00013441\U00013442\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def quantity(number: int, noun: str) -> str:
    """Return a number with its noun, which has its plural with an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def printable(text: object, limit: int | None = None) -> str:
    r"""Return `text` with everything that could steer a terminal made visible.

    Control characters (ESC among them), format characters (bidirectional overrides, zero
    width), line separators, surrogates, unassigned code points and what shows nothing become
    `\x1b`-like escapes. With `limit`, a longer text is cut to that many characters, the last one
    an ellipsis.
    """
    shown = str(text)
    if limit is not None and len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    if shown.isprintable() and (shown.isascii() or not INVISIBLE.search(shown)):
        return shown
    return "".join(
        char if char.isprintable() and not INVISIBLE.match(char) else escaped(char)
        for char in shown
    )


def escaped(text: str) -> str:
    r"""Return `text` with all that is not ASCII as escapes, so that equal looks are told apart."""
    return text.encode("unicode_escape").decode("ascii")


def is_encodable(text: str) -> bool:
    """Tell whether UTF-8 can carry the text; half of a surrogate pair it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown_time(stored: str) -> str:
    """Return a stored UTC time, ISO 8601, as people read it."""
    return stored.replace("T", " ").replace("+00:00", " UTC")
