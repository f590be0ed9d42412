"""The question where a report goes, and writing it there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.text import Text

from store.text import printable
from sync.errors import ReportError
from sync.runs.report_file import check_report_name, write_report
from tui.screens.base import BaseScreen
from tui.screens.dialogs import Entry

_TEXT = (
    "The name's ending chooses the format: .json or .csv. A file that is there is never replaced. "
    "Only its owner can read the report; it holds no password and no hash."
)


async def ask_report(screen: BaseScreen, name: str, record: Callable[[], dict[str, Any]]) -> None:
    """Ask for a file name, proposing one with `name` in it, and write what `record` returns there.

    Only a worker may wait for it. Raises `ReportError` and what `record` raises.
    """
    proposed = f"mailroster-{name}.json"
    entered = await screen.ask(Entry("Write a report", _TEXT, proposed, _check))
    if entered is None:
        return
    path = _path(entered)
    await asyncio.to_thread(lambda: write_report(path, record(), replacing=False))
    screen.app.say(f"The report is in {path.resolve()}.")


def _path(entered: str) -> Path:
    return Path(os.path.expanduser(entered))


def _check(entered: str) -> Text:
    path = _path(entered)
    check_report_name(path)
    if os.path.lexists(path):
        raise ReportError(f"There is a file {printable(path, 200)} already. Choose another name.")
    return Text()
