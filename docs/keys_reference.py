"""Writes docs/KEYS.md from the registry of actions: `python -m docs.keys_reference`."""

from __future__ import annotations

from pathlib import Path

from tui.actions import ACTIONS, key_text

PATH = Path(__file__).with_name("KEYS.md")
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
    "users": "Users: on the list",
    "user": "Users: on the list and on a user's page",
    "page": "A user's page",
    "history": "History",
    "run": "A run of the history",
    "undo": "Undo",
    "pinned": "Pinned users",
    "table": "Lists: filter and order",
    "filter": "Lists: the filter's field",
    "rows": "Lists: lines",
    "method": "Which authentication method",
    "return": "Who a name from before is",
    "ids": "Ids to take over",
    "dialog": "Dialogs",
    "message": "Messages",
    "palette": "Actions, users and settings",
    "confirm": "Questions",
    "entry": "A text to enter",
    "certificate": "The server's certificate",
    "trial": "Try a log-on",
    "number": "The delete guard's question",
}
_INTRODUCTION = """\
# Keys

Made from the registry of actions by `python -m docs.keys_reference`. F1 shows the keys of the
screen that is open; what cannot be done now is greyed and says why. ^P finds the actions of all
screens, users by name or address, settings by name or key, and themes.

In a dialog F1 shows its keys. Forms: Tab and Shift+Tab go from field to field,
Space ticks a box, Enter opens a choice. In a filter rule the arrows, Space or a first letter change
a word.

A filter of a list looks for a text in any column. `column:text` looks in that column alone, and
`>`, `<`, `>=` or `<=` before the text compares: `auth:integrated priv:export changed:>2026-11-01`.
The field names the columns of its list. With the mouse: a click on a tab or on an action in the key
line runs it, a click on a title sorts, a double click opens a line.

Keys of your own go into `tui.toml` in the config directory (`~/.config/mailroster`), by the ids
below, several keys with commas between them. ^Q always leaves. A theme can be named there too:
`mailroster-dark` (the default), `mailroster-light`, or one of Textual's such as `nord`. A terminal
of sixteen colours, `--low-bandwidth` and `NO_COLOR` have a theme of their own.

A fetch or a sync that took 10 seconds or longer says in the terminal's title, and by a bell, that
it has ended; `sign_after` names other seconds, and 0 turns it off, as `--low-bandwidth` does:

```toml
theme = "mailroster-light"
sign_after = 30

[keys]
"user.delete" = "ctrl+d"
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
