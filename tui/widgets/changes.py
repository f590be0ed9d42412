"""Changes as text: sign, word and colour, field by field, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from store.models import AUTHENTICATION_LABELS
from store.privileges import PRIVILEGES
from sync.planning.plan import ACTIONS, Change, FieldValue
from sync.runs.report import sign_of, value_text
from tui.widgets.plain import counted, grouped, lines, plain

COLOURS = {
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "conflict": "magenta",
    "rename": "cyan",
}
_WORDS = {"authentication": AUTHENTICATION_LABELS, "privileges": PRIVILEGES}
_DONE = {"create": "created", "update": "updated", "delete": "deleted", "rename": "renamed"}


def change_word(change: Change, *, done: bool = False, skipped: bool = False) -> Text:
    """Return sign and word of a change: what it would do, or did, or that it is skipped."""
    word: str = change.action
    if (change.edit is not None or change.done) and (done or skipped):
        word = "skipped" if skipped else _DONE.get(word, word)
    style = "dim strike" if skipped else COLOURS[change.action]
    return Text(f"{sign_of(change)} {word}", style)


def change_details(change: Change, *notes: Text, done: bool = False) -> Group:
    """Return one change in full: the fields old -> new below each other, then notes."""
    head = change_word(change, done=done)
    head.stylize("bold")
    head.append(" ").append_text(plain(change.user_name, "bold", limit=300))
    fields = Grid.grid(padding=(0, 1))
    for style in ("bold", "red", "", "green"):
        fields.add_column(style=style, overflow="fold")
    for name, values in change.fields.items():
        old, new = (plain(_shown(name, value)) for value in (values.old, values.new))
        fields.add_row(Text(_label(name)), old, Text("->"), new)
    parts: list[RenderableType] = [head, plain(change.reason)]
    if change.fields:
        parts.append(fields)
    return Group(*parts, *notes)


def field_lines(change: Change) -> Text:
    """Return the fields of a change as one text, a line each."""
    return lines(
        *(
            Text.assemble(
                (f"{_label(name)}: ", "bold"),
                plain(_shown(name, values.old), "red", limit=100),
                " -> ",
                plain(_shown(name, values.new), "green", limit=100),
            )
            for name, values in change.fields.items()
        )
    )


def _label(field: str) -> str:
    return "e-mail addresses" if field == "email_addresses" else field.replace("_", " ")


def _shown(field: str, value: FieldValue) -> str:
    """Return a field's value in the words of the screens."""
    words = _WORDS.get(field, {})
    if isinstance(value, list):
        return value_text([words.get(item, item) for item in value])
    return value_text(words.get(value, value) if value else value)


def archive_text(change: Change, messages: int | None, *, done: bool) -> Text:
    """Return what becomes of a deleted user's archive; `messages` is None while it is counted."""
    if change.archive == "kept":
        count = "messages are being counted" if messages is None else counted(messages, "message")
        return Text(f"archive {'kept' if done else 'stays'}: {count}")
    return Text("archive removed: it was empty" if done else "archive is removed: it is empty")


def counts_text(changes: Iterable[Change]) -> Text:
    """Return how many changes there are of each action, open renames apart from answered ones."""
    found = Counter((ACTIONS.index(change.action), sign_of(change)) for change in changes)
    return Text("  ").join(
        Text(f"{sign} {grouped(count)} {ACTIONS[place]}", COLOURS[ACTIONS[place]])
        for (place, sign), count in sorted(found.items())
    )
