"""Which colour means what, in a dark and in a light theme; the values are computed in the tests."""

from __future__ import annotations

from rich.color import Color
from rich.terminal_theme import TerminalTheme

OF_CHANGES = {
    "create": "green",
    "return": "green",
    "update": "yellow",
    "leave": "red",
    "delete": "red",
    "conflict": "magenta",
    "rename": "cyan",
}
KEY = "bold bright_blue"
GONE, NEW = "bold on bright_red", "bold on bright_green"  # the part of a text that differs
CURRENT = "bold bright_white on blue"
CURRENT_WITHOUT_COLOURS = "bold reverse"

# By role: dark, light. A surface is less saturated than 0.15: among 256 colours it would turn blue.
ROLES = {
    "background": ("#15171a", "#fafafa"),
    "panel": ("#1f2226", "#eceef0"),
    "field": ("#2b2f35", "#e4e7ea"),
    "field-focus": ("#3a3f47", "#ffffff"),
    "edge": ("#8b949f", "#6f7780"),
    "line": ("#5f6670", "#90979f"),
    "focus": ("#5fafff", "#005faf"),
    "cursor": ("#1b66b8", "#005faf"),
    "cursor-text": ("#ffffff", "#ffffff"),
    "cursor-blurred": ("#343940", "#dadde1"),
    "selection": ("#005f87", "#afd7ff"),
    "text": ("#e4e7eb", "#16191d"),
    "text-muted": ("#b0b7c0", "#454b52"),
    "primary": ("#87c3ff", "#00338f"),
    "accent": ("#ffb962", "#6b3a00"),
    "success": ("#87d787", "#005a1e"),
    "warning": ("#f5d76e", "#5c4300"),
    "error": ("#ff9d94", "#960f0f"),
    "conflict": ("#d9b3ff", "#6b00a0"),
    "rename": ("#6fdbe6", "#004f5f"),
    "gone": ("#5f0000", "#ffd7d7"),
    "new": ("#005f00", "#d7ffd7"),
    "alarm": ("#8f1d1d", "#960f0f"),
    "alarm-text": ("#ffffff", "#ffffff"),
}


def _true_colours(place: int) -> TerminalTheme:
    """Return what the colours that texts name are, where the terminal's own are not used."""

    def value(role: str) -> tuple[int, int, int]:
        return tuple(Color.parse(ROLES[role][place]).triplet or ())  # type: ignore[return-value]

    normal = ("background", "error", "success", "warning", "cursor", "conflict", "rename", "text")
    bright = (normal[0], "gone", "new", normal[3], "primary", *normal[5:7], "cursor-text")
    return TerminalTheme(
        value("background"), value("text"), [*map(value, normal)], [*map(value, bright)]
    )


DARK, LIGHT = map(_true_colours, (0, 1))
