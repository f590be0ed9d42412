"""How text reaches people: the one boundary to a terminal, a log or a message, and numbers."""

from __future__ import annotations


def quantity(number: int, noun: str) -> str:
    """Return a number with its noun, which has its plural with an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def printable(text: object, limit: int | None = None) -> str:
    r"""Return `text` with everything that could steer a terminal made visible.

    Control characters (ESC among them), format characters (bidirectional overrides, zero
    width), line separators, surrogates and unassigned code points become `\x1b`-like escapes.
    With `limit`, a longer text is cut to that many characters, the last one an ellipsis.
    """
    shown = str(text)
    if limit is not None and len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in shown
    )


def shown_time(stored: str) -> str:
    """Return a stored UTC time, ISO 8601, as people read it."""
    return stored.replace("T", " ").replace("+00:00", " UTC")
