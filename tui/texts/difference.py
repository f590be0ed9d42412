"""Old and new text with the words that differ marked inside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from rich.text import Text

from tui.colours import GONE, NEW
from tui.texts.plain import plain

_WORD = re.compile(r"\w+|\W")
_PART = re.compile(r"(?:\\.|[^,\\])+")  # of a distinguished name; RFC 4514 escapes by a backslash
_MOST_WORDS = 400  # of longer texts the comparison would be felt at each move of the cursor


def marked(old: str, new: str) -> tuple[Text, Text]:
    """Return both as text without markup; words that only one has are marked, unless all differ."""
    texts = plain(old), plain(new)
    words = [_WORD.findall(text.plain) for text in texts]
    if sum(map(len, words)) > _MOST_WORDS:
        return texts
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(a=words[0], b=words[1], autojunk=False)
    steps = matcher.get_opcodes()
    if not any(_has_word(words[0][i:j]) for tag, i, j, _, _ in steps if tag == "equal"):
        return texts
    for tag, *ends in steps:
        if tag != "equal":
            for text, mark, parts, (first, last) in zip(
                texts, (GONE, NEW), words, (ends[:2], ends[2:]), strict=True
            ):
                start = len("".join(parts[:first]))
                text.stylize(mark, start, start + len("".join(parts[first:last])))
    return texts


def by_parts(old: str, new: str) -> Iterator[tuple[str, Text]]:
    """Yield the parts of two distinguished names, signed `-` and `+` where they differ."""
    from difflib import SequenceMatcher

    olds, news = _PART.findall(old), _PART.findall(new)
    steps = SequenceMatcher(a=olds, b=news, autojunk=False).get_opcodes()
    for tag, start, end, other_start, other_end in steps:
        if tag == "equal":
            yield from ((" ", plain(part)) for part in olds[start:end])
            continue
        pairs = zip_longest(olds[start:end], news[other_start:other_end])
        for before, after in pairs:
            gone, come = marked(before or "", after or "")
            if before:
                yield "-", gone
            if after:
                yield "+", come


def _has_word(parts: list[str]) -> bool:
    return any(part[0].isalnum() for part in parts)
