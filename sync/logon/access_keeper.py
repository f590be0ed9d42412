"""Sessions that are open at a mail server follow the store too, not only new ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from store.errors import StoreError
from store.interface import Snapshot
from store.text import printable
from sync.errors import SyncError
from sync.logon.login import current_users
from sync.logon.mail_access import has_access_file, write_access
from sync.workspace import Workspace

SECONDS = 1.0


class AccessKeeper(threading.Thread):
    """While it runs, writes the access files anew of those who have one and were changed.

    A change of the store, by whomever, is noticed within `SECONDS`. `log` gets one line per kind
    of failure; the next log-on of the user concerned writes the file in any case.
    """

    def __init__(self, workspace: Workspace, homes: Path, log: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self._workspace = workspace
        self._homes = homes
        self._log = log
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look at the store until `stop`."""
        seen: Snapshot | None = None
        told = ""
        while True:
            try:
                seen = self._follow(seen)
                told = ""
            except (StoreError, SyncError, OSError) as error:
                if str(error) != told:
                    told = str(error)
                    self._log(f"open sessions keep their rights for now: {printable(told)}")
            if self._stopping.wait(SECONDS):
                return

    def stop(self) -> None:
        """Let `run` return."""
        self._stopping.set()

    def _follow(self, seen: Snapshot | None) -> Snapshot:
        current = current_users(self._workspace)
        while seen is None or current.generation != seen.generation:
            for name in _changed(seen, current):
                if has_access_file(self._homes, name):
                    write_access(self._homes, name, current)
            seen, current = current, current_users(self._workspace)
        return current


def _changed(before: Snapshot | None, now: Snapshot) -> Iterator[str]:
    """Yield the names of users who were changed or deleted since `before`.

    All are, without it, and where an older state of the store was put back.
    """
    since = before.generation if before and before.generation < now.generation else 0
    for row in now.users.values():
        if row["rev"] > since:
            yield row["user_name"]
    for key, row in (before.users if before else {}).items():
        if key not in now.users:
            yield row["user_name"]
