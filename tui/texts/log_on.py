"""Why a log-on is possible or not, step by step, as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from sync.logon.explain import CONCLUSIONS, Step, can_log_on
from tui.texts.plain import lines, plain

_WORDS = {True: ("ok", "green"), False: ("no", "red"), None: ("??", "yellow")}


def steps_text(steps: Iterable[Step]) -> Text:
    """Return the steps, a line each."""
    return lines(*map(_step_text, steps))


def explanation_text(steps: list[Step]) -> Text:
    """Return what the steps come to, and the steps."""
    allowed = can_log_on(steps)
    return lines(plain(CONCLUSIONS[allowed], f"bold {_WORDS[allowed][1]}"), steps_text(steps))


def _step_text(step: Step) -> Text:
    word, colour = _WORDS[step.found]
    return Text.assemble((f" {word}  ", f"bold {colour}"), plain(step.text, limit=300))
