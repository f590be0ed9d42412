"""Writes docs/KEYS.md from the registry of actions: `python -m tui.keys_reference`."""

from __future__ import annotations

from pathlib import Path

from tui.actions import ACTIONS, key_text

PATH = Path(__file__).parent.parent / "docs" / "KEYS.md"
HEADINGS = {
    "app": "Everywhere",
    "logon": "Log on",
    "quick": "Quick Access",
    "first": "The first administrator",
    "form": "Forms",
    "connection": "Connection",
    "options": "Options: filter rules",
    "synchronize": "Synchronize",
    "demo": "Synchronize, in the demo",
    "users": "Users",
    "user": "User",
    "history": "History",
    "run": "A run of the history",
    "undo": "Undo",
    "pinned": "Pinned users",
    "table": "Lists",
    "method": "Which authentication method",
    "dialog": "Dialogs",
    "message": "Messages",
    "confirm": "Questions",
    "entry": "A text to enter",
    "certificate": "The server's certificate",
    "trial": "Try a log-on",
    "number": "The delete guard's question",
}
_INTRODUCTION = """\
# Keys

Made from the registry of actions by `python -m tui.keys_reference`. F1 shows the keys of the screen
that is open, ^P finds actions by name; what cannot be done now is greyed and says why.

Lists: arrows, Page Up, Page Down, Home and End. Forms: Tab and Shift+Tab go from field to field,
Space ticks a box, Enter opens a choice. In a filter rule the arrows, Space or a first letter change
a word.

Keys of your own go into `tui.toml` in the config directory (`~/.config/mailroster`), by the ids
below, several keys with commas between them. ^Q always leaves. A theme can be named there too:

```toml
theme = "nord"

[keys]
"users.delete" = "ctrl+d"
```
"""


def keys_reference() -> str:
    """Return the whole document."""
    parts = [_INTRODUCTION]
    scopes = {action.scope for action in ACTIONS}
    for scope in [*HEADINGS, *sorted(scopes - HEADINGS.keys())]:
        parts.append(
            f"## {HEADINGS.get(scope, scope.capitalize())}\n\n"
            "| key | action | what it does | id |\n|---|---|---|---|"
        )
        for action in ACTIONS:
            if action.scope == scope:
                keys = " or ".join(map(key_text, action.key.split(",")))
                parts.append(f"| {keys} | {action.label} | {action.tooltip} | `{action.id}` |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    PATH.write_text(keys_reference(), "utf-8")
