"""Small documents beside the store, such as how the last sync ended; no user is in them."""

from __future__ import annotations

from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import Any

import orjson

from store.errors import StoreDamaged, write_failure
from store.files.durable import read_regular, replace_whole
from store.processes import is_running
from store.text import printable

OUTCOME, FIGURES, NOTICES = NOTES = ("outcome", "figures", "notices")
LARGEST = 1 << 20  # bytes


class Notes:
    """The files `<store>.NAME`, mode 0600, each written whole in the place of the one before."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def path(self, name: str) -> Path:
        """Return the file of the note of that name."""
        return self._store.with_name(f"{self._store.name}.{name}")

    def read(self, name: str) -> dict[str, Any]:
        """Return the note, empty if there is none; raises `StoreDamaged`."""
        path = self.path(name)
        try:
            found = orjson.loads(read_regular(path, LARGEST))
            if isinstance(found, dict):
                return found
            problem = "it holds other data than mailroster writes"
        except FileNotFoundError:
            return {}
        except OSError as error:
            problem = error.strerror or "the system refuses it"
        except ValueError:
            problem = "it is not whole"
        raise StoreDamaged(
            f"The file {printable(path)} cannot be read: {problem}.",
            "Check its owner and mode, or remove it; mailroster writes it anew.",
        )

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace the note, durably; without a store, write nothing.

        Raises `StoreFull` or `StoreUnwritable`; then the note is as it was.
        """
        if not self._store.exists():
            return
        path = self.path(name)
        try:
            self.sweep()
            replace_whole(path, [orjson.dumps(content)])
        except OSError as error:
            raise write_failure(
                error,
                f"The file {printable(path)} cannot be written: {error.strerror}.",
                untouched="Users and settings are not affected.",
            ) from None

    def sweep(self) -> None:
        """Remove what killed processes of this host left of writes of notes; needs no lock."""
        for stray in self._store.parent.glob(f".{escape(self._store.name)}.*.*.*.tmp"):
            name, process = stray.name.split(".")[-4:-2]
            if name in NOTES and process.isdecimal() and not is_running(int(process)):
                stray.unlink(missing_ok=True)
