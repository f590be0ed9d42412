"""Changes as text: sign, word and colour, field by field, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from sync.plan import ACTIONS, Change
from sync.report import SIGNS, value_text
from tui.widgets.plain import plain

COLOURS = {
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "conflict": "magenta",
    "rename": "cyan",
}


def change_text(change: Change) -> Text:
    """Return one change in full."""
    text = Text(f"{SIGNS[change.action]} {change.action} ", f"bold {COLOURS[change.action]}")
    text.append_text(plain(change.user_name, "bold", limit=300)).append("\n")
    text.append_text(plain(change.reason)).append("\n")
    for name, values in change.fields.items():
        text.append(f"{name.replace('_', ' ')}: ", "bold")
        text.append_text(plain(value_text(values.old), "red"))
        text.append(" -> ")
        text.append_text(plain(value_text(values.new), "green")).append("\n")
    if change.archive:
        text.append("archive: ", "bold").append(change.archive)
    return text


def counts_text(changes: Sequence[Change]) -> Text:
    """Return how many changes there are of each action."""
    parts = []
    for action in ACTIONS:
        if count := sum(change.action == action for change in changes):
            parts.append(Text(f"{SIGNS[action]} {count} {action}", COLOURS[action]))
    return Text("  ").join(parts)
