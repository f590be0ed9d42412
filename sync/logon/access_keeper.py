"""Sessions that are open at a mail server follow the store too, not only new ones."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from store.errors import Problem
from store.files.archives import folder_name
from store.interface import Snapshot
from store.text import printable, quantity
from sync.logon.login import current_users
from sync.logon.mail_access import has_access_file, write_access
from sync.workspace import Workspace

SECONDS = 1.0


class AccessKeeper(threading.Thread):
    """While it runs, writes the access files anew of those who have one and were changed.

    A change of the store, by any program, is noticed within `seconds`. Users are compared as they
    are stored, because a restore and a hand edit may keep a `rev`. At the start every file is
    written, also of users who were deleted before. A file that cannot be written is tried again
    each time, and does not stop the others. `log` gets a line when the failure changes; the next
    log-on of the user concerned writes the file in any case.
    """

    def __init__(
        self,
        workspace: Workspace,
        homes: Path,
        log: Callable[[str], None],
        seconds: float = SECONDS,
    ) -> None:
        super().__init__(daemon=True)
        self._workspace = workspace
        self._homes = homes
        self._log = log
        self._seconds = seconds
        self._stopping = threading.Event()
        self._failed: dict[str, str] = {}  # user names by home

    def run(self) -> None:
        """Look at the store until `stop`."""
        seen: Snapshot | None = None
        told = ""
        while True:
            problem = ""
            try:
                current = current_users(self._workspace)
                if self._failed or current is not seen:
                    problem = self._write({**self._failed, **self._changed(seen, current)}, current)
                seen = current
            except (Problem, OSError) as error:
                problem = str(error)
            if problem and problem != told:
                self._log(f"open sessions keep their rights for now: {printable(problem, 600)}")
            told = problem
            if self._stopping.wait(self._seconds):
                return

    def stop(self) -> None:
        """Let `run` return."""
        self._stopping.set()

    def _changed(self, seen: Snapshot | None, now: Snapshot) -> dict[str, str]:
        """Return the users who are not as they were, or are gone: their names by home."""
        if seen is None:
            names = {folder_name(row["user_name"]): row["user_name"] for row in now.users.values()}
            homes = os.listdir(self._homes) if self._homes.exists() else []
            return {home: names.get(home, "") for home in homes}
        return {folder_name(name): name for name in _changed_names(seen, now)}

    def _write(self, names: dict[str, str], current: Snapshot) -> str:
        """Write the files of these homes; return which could not be written, and why."""
        self._failed, problem = {}, ""
        for home, name in names.items():
            folder = self._homes / home
            try:
                if has_access_file(folder):
                    write_access(folder, current.find(name))
            except OSError as error:
                self._failed[home] = name
                problem = problem or f"{error.filename or folder}: {error.strerror}."
        others = len(self._failed) - 1
        return (
            f"{problem} The same holds for {quantity(others, 'more home')}."
            if others > 0
            else problem
        )


def _changed_names(before: Snapshot, now: Snapshot) -> Iterator[str]:
    for key, row in now.users.items():
        if row != before.users.get(key):
            yield row["user_name"]
    for key in before.users.keys() - now.users.keys():
        yield before.users[key]["user_name"]
