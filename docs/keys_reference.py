"""Writes docs/KEYS.md from the registry of actions: `python -m docs.keys_reference`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tui.actions import ACTIONS, key_text

PATH = Path(__file__).with_name("KEYS.md")
PLACES = {
    "Use keys on every screen": {"app": "everywhere"},
    "Use keys on a screen": {
        "logon": "Log on",
        "quick": "Quick Access",
        "first": "The first administrator",
        "form": "Forms",
        "connection": "Connection",
        "options": "Options",
        "synchronize": "Synchronize",
        "demo": "Synchronize, in the demo",
        "users": "Users, the list",
        "user": "Users, the list and a user's page",
        "page": "A user's page",
        "history": "History",
        "run": "A run of the history",
        "undo": "Undo",
        "pinned": "Pinned users",
    },
    "Use keys in a list": {"table": "Filter and order", "filter": "The filter", "rows": "Lines"},
    "Use keys in a dialog": {
        "dialog": "Dialogs",
        "message": "Messages",
        "confirm": "Questions",
        "entry": "A text to enter",
        "palette": "Actions, users and settings",
        "method": "Authentication method",
        "question": "Rename",
        "return": "A name from before",
        "link": "Link a local user",
        "ids": "Ids to take over",
        "certificate": "The server's certificate",
        "trial": "Try a log-on",
        "number": "Delete guard",
    },
}
KEYS = {
    "QUESTION_MARK": "?",
    "UP": "Up",
    "DOWN": "Down",
    "PAGEUP": "Page Up",
    "PAGEDOWN": "Page Down",
    "HOME": "Home",
    "END": "End",
    "DELETE": "Delete",
}
_INTRODUCTION = """\
# Keys

Made from the registry of actions by `python -m docs.keys_reference`.

## Find out which key does what

- Press F1. mailroster shows the keys of the open screen or dialog. An action that you cannot do now
  is grey and says why.
- Press ^P and type. mailroster finds actions of all screens, users by name or address, settings by
  name or key, and themes.
- In a form, press Tab and Shift+Tab to go from field to field, Space to tick a box and Enter to
  open a choice. In a filter rule, the arrows, Space or a first letter change a word.
- With the mouse, click a tab, an action in the key line, or a title to sort by it. A double click
  opens a line.

## Filter a list

A filter looks for a text in any column. `column:text` looks in that column alone, and the field
names the columns of its list. `>`, `<`, `>=` or `<=` before the text compares:
`auth:integrated priv:export changed:>2026-11-01`.

## Choose your own keys, theme and bell

Write `tui.toml` in the config directory (`~/.config/mailroster`):

```toml
theme = "mailroster-light"
sign_after = 30

[keys]
"user.delete" = "ctrl+d"
```

- `[keys]` takes the ids below; commas separate several keys. ^Q always quits.
- `theme` is `mailroster-dark` (the default), `mailroster-light`, or one of Textual's such as
  `nord`. Terminals of sixteen colours, `--low-bandwidth` and `NO_COLOR` have a theme of their own.
- `sign_after` is a number of seconds. A fetch or a sync that took that long (10 by default) ends
  with a bell and a title. 0 turns this off, as `--low-bandwidth` does.
"""


def keys_reference() -> str:
    """Return the whole document."""
    parts = [_INTRODUCTION]
    for heading, scopes in PLACES.items():
        parts.append(f"## {heading}\n\n| where | key | action | what it does | id |")
        parts.append("|---|---|---|---|---|")
        parts += (row for scope, where in scopes.items() for row in _rows(scope, where))
        parts.append("")
    return "\n".join(parts)


def _rows(scope: str, where: str) -> Iterator[str]:
    """Return the rows of the actions of a scope; the first one names the place."""
    for action in ACTIONS:
        if action.scope == scope:
            keys = (key_text(key) for key in action.key.split(","))
            shown = " or ".join(KEYS.get(key, key) for key in keys)
            yield f"| {where} | {shown} | {action.label} | {action.tooltip} | `{action.id}` |"
            where = ""


if __name__ == "__main__":
    PATH.write_text(keys_reference(), "utf-8")
