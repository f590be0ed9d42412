"""The question for a new file's name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from rich.text import Text

from store.errors import InvalidValue
from tui.screens.base import BaseScreen
from tui.screens.dialogs import Entry
from tui.texts.plain import plain


async def ask_file(
    screen: BaseScreen,
    title: str,
    text: Text | str,
    suggested: str,
    check_name: Callable[[Path], None] = lambda _: None,
) -> Path | None:
    """Ask for the name of a file that must be new; `check_name` raises if it does not fit.

    Only a worker may wait for it.
    """

    def check(entered: str) -> Text:
        path = _path(entered)
        if not entered.strip() or path.is_dir():
            raise InvalidValue("", "Enter the name of a new file.", untouched="")
        check_name(path)
        if os.path.lexists(path):
            raise InvalidValue(
                "A file of this name exists already.", "Choose another name.", untouched=""
            )
        if not path.parent.is_dir():
            raise InvalidValue("This folder does not exist.", "Choose another one.", untouched="")
        return plain(path.absolute(), "dim")

    entered = await screen.ask(Entry(title, text, suggested, check))
    return None if entered is None else _path(entered)


def _path(entered: str) -> Path:
    return Path(os.path.expanduser(entered))
