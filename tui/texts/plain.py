"""How text from outside reaches the screen: printable, and never read as markup."""

from __future__ import annotations

from rich.text import Text

from store.text import printable

LONGEST = 2000


def plain(text: object, style: str = "", limit: int = LONGEST) -> Text:
    """Return `text` with control and format characters made visible, as text without markup.

    It lays the style over the text: a colour in the text itself would be Textual's of that name,
    not one of `tui.colours`.
    """
    shown = Text(printable(text, limit))
    if style:
        shown.stylize(style)
    return shown


def lines(*parts: object) -> Text:
    """Return the parts, each on a line of its own, as text without markup."""
    return Text("\n").join(part if isinstance(part, Text) else plain(part) for part in parts)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which has its plural with an s."""
    return f"{grouped(number)} {noun}{'' if number == 1 else 's'}"


def grouped(number: int) -> str:
    """Return a number with its digits in groups of three."""
    return f"{number:,}".replace(",", " ")
