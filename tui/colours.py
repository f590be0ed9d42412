"""The true colours behind the colour names of texts, where the terminal's own are not used."""

from __future__ import annotations

from rich.color import Color
from rich.terminal_theme import TerminalTheme


def _theme(background: str, foreground: str, *colours: str) -> TerminalTheme:
    """Return black, red, green, yellow, blue, magenta, cyan and white on a background."""
    values = [tuple(Color.parse(name).triplet or ()) for name in (background, foreground, *colours)]
    return TerminalTheme(values[0], values[1], values[2:])  # type: ignore[arg-type]


# Each colour is legible (4.5:1 or more) on every dark or light theme's backgrounds.
DARK = _theme(
    "#121212",
    "#e0e0e0",
    *("#121212", "#ffa8a0", "#8fe39b", "#f2d56b", "#a9c7ff", "#e9b3ff", "#83e0ec", "#e0e0e0"),
)
LIGHT = _theme(
    "#e0e0e0",
    "#121212",
    *("#121212", "#960000", "#004d14", "#574000", "#003a8c", "#6c0078", "#004a57", "#e0e0e0"),
)
