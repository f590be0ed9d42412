"""Changes as text: sign, word and colour, field by field, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from sync.planning.plan import Change
from sync.runs.report import field_texts, sign_of, summary
from tui.colours import OF_CHANGES
from tui.texts.difference import by_parts, marked
from tui.texts.plain import counted, grouped, lines, plain

_LONG = 50  # characters of old and new together that one line holds beside the label
_LONG_IN_NARROW = 24
_SIGNED = {"-": "bold red", "+": "bold green"}
_DONE = {
    "create": "created",
    "return": "returned",
    "update": "updated",
    "leave": "leaving",
    "delete": "deleted",
    "rename": "renamed",
}


def change_word(change: Change, *, done: bool = False, skipped: bool = False) -> Text:
    """Return sign and word of a change: what it would do, or did, or that it is skipped."""
    word: str = change.action
    if (change.edit is not None or change.done) and (done or skipped):
        word = "skipped" if skipped else _DONE.get(word, word)
    style = "dim strike" if skipped else OF_CHANGES[change.action]
    return Text(f"{sign_of(change)} {word}", style)


def change_details(
    change: Change,
    *notes: Text,
    archive: Text | None = None,
    done: bool = False,
    narrow: bool = False,
) -> Group:
    """Return one change in full: the notes, what becomes of the archive, the reason, the fields.

    A field is old -> new, or where it is long one above the other, with what differs marked; in a
    `narrow` place distinguished names are taken apart. What a deletion that is still to be done
    drops is left out.
    """
    head = change_word(change, done=done)
    head.stylize("bold")
    head.append(" ").append_text(plain(change.user_name, "bold", limit=300))
    fields = Grid.grid(padding=(0, 1))
    for style in ("dim", "", "dim", ""):
        fields.add_column(style=style, overflow="fold")
    long = Grid.grid(padding=(0, 1))
    long.add_column()
    long.add_column(overflow="fold")
    most = _LONG_IN_NARROW if narrow else _LONG
    dropped = change.action == "delete" and not done
    for name, label, *texts in () if dropped else field_texts(change):
        old, new = marked(*texts)
        if len(old) + len(new) <= most:
            fields.add_row(Text(label), old, Text("->"), new)
            continue
        long.add_row("", Text(label, "dim"))
        values = change.fields[name]
        is_name = narrow and name == "distinguished_name" and values.old and values.new
        for sign, text in by_parts(*texts) if is_name else (("-", old), ("+", new)):
            long.add_row(Text(sign, _SIGNED.get(sign, "")), text)
    about = [*notes, *([archive] if archive else []), plain(change.reason)]
    parts: list[RenderableType] = [head, *about]
    if fields.row_count:
        parts.append(fields)
    if long.row_count:
        parts.append(long)
    parts += [
        plain(f"left out: {item.address} (see {item.holder})", limit=300)
        for item in change.left_out
    ]
    return Group(*parts)


def field_lines(change: Change) -> Text:
    """Return the fields of a change as one text, a line each."""
    return lines(*(_field_line(*texts) for _, *texts in field_texts(change)))


def _field_line(label: str, old: str, new: str) -> Text:
    return Text.assemble(
        (f"{label}: ", "bold"),
        plain(old, "red", limit=100),
        " -> ",
        plain(new, "green", limit=100),
    )


def archive_text(change: Change, messages: int | None, *, done: bool) -> Text:
    """Return what becomes of the archive folder; `messages` is None while they are counted."""
    if change.archive == "aside":
        return Text(f"archive folder from before {'was' if done else 'is'} set aside")
    if change.archive == "back":
        return Text(f"archive folder from before {'came' if done else 'comes'} back")
    if change.archive == "kept":
        count = "messages are being counted" if messages is None else counted(messages, "message")
        return Text(f"archive {'kept' if done else 'stays'}: {count}")
    return Text("archive removed: it was empty" if done else "archive is removed: it is empty")


def counts_text(changes: Iterable[Change]) -> Text:
    """Return how many changes there are of each action, open renames apart from answered ones."""
    return Text("  ").join(
        Text(f"{kind.sign} {grouped(kind.number)} {kind.word}", OF_CHANGES[kind.action])
        for kind in summary(changes)
    )
