"""Hosts that share a store: processes with homes, keys and archives of their own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.command_line import CommandLine


class Host(CommandLine):
    """`mailroster` on a host of its own, on the store at that address."""

    def __init__(self, folder: Path, url: str, **environment: str) -> None:
        super().__init__(folder)
        self.url = url
        self.home = folder
        self.archive = folder / "data" / "mailroster" / "archive"
        self.key = folder / "config" / "mailroster" / "secret.key"
        folder.mkdir(exist_ok=True)
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            **environment,
        }

    @property
    def store_argument(self) -> str:
        return self.url
