"""Warnings of one kind as one line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tui.texts.plain import grouped

_QUOTED = re.compile("“[^”]*”")
_MOST_NAMES = 5


def one_a_kind(warnings: Iterable[str]) -> list[str]:
    """Return a line for each kind: its first warning, and how many more it has, with names.

    Warnings that differ only in what stands in quotation marks are of one kind; the first of these
    texts is taken for the name.
    """
    kinds: dict[str, list[str]] = {}
    for warning in warnings:
        kinds.setdefault(_QUOTED.sub("“”", warning), []).append(warning)
    return [_line(same) for same in kinds.values()]


def _line(same: list[str]) -> str:
    first, *others = same
    if not others:
        return first
    names = [found[0] for warning in others if (found := _QUOTED.search(warning))]
    line = f"{first} {grouped(len(others))} more like this"
    if names:
        more = " and others" if len(names) > _MOST_NAMES else ""
        line += f": {', '.join(names[:_MOST_NAMES])}{more}"
    return f"{line}."
