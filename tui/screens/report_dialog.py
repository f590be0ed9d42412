"""The question where a report goes, and writing it there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sync.runs.report_file import check_report_name, write_report
from tui.screens.ask_file import ask_file
from tui.screens.base import BaseScreen

_TEXT = (
    "The name's ending chooses the format: .json or .csv. mailroster never replaces a file. "
    "Only its owner can read the report, and it holds no password and no hash."
)


async def ask_report(screen: BaseScreen, name: str, record: Callable[[], dict[str, Any]]) -> None:
    """Ask for a file name, proposing one with `name` in it, and write what `record` returns there.

    Only a worker may wait for it. Raises `ReportError` and what `record` raises.
    """
    proposed = f"mailroster-{name}.json"
    path = await ask_file(screen, "Write a report", _TEXT, proposed, check_report_name)
    if path is not None:
        await asyncio.to_thread(lambda: write_report(path, record(), replacing=False))
        screen.app.say(f"Wrote the report to {path.absolute()}.")
