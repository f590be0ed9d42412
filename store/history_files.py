"""The runs of a TinyDB store in full: one file each, beside the store."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import orjson

from store.collector import collector_paused
from store.durable import sync_folder, write_new
from store.errors import StoreDamaged, StoreUnwritable, write_advice, write_failure
from store.history import Run, RunChange, summary_from
from store.models import FilterRule
from store.ownership import make_folder
from store.text import printable


def history_folder(store: Path) -> Path:
    """Return the folder of the runs of `store`."""
    return store.with_name(f"{store.name}.history")


class HistoryFiles:
    """The files below `<store>.history`. A run counts only if the store itself lists its id."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._folder = history_folder(store)

    def sizes(self) -> dict[str, int]:
        """Return how many bytes each file has, by its run's id."""
        try:
            with os.scandir(self._folder) as found:
                files = [file for file in found if file.name.endswith(".json")]
            return {file.name.removesuffix(".json"): file.stat().st_size for file in files}
        except OSError:
            return {}

    def write(self, run: Run, data: bytes) -> None:
        """Write the run's `data` through to the disk, before the store that lists it is written.

        Raises `StoreFull` or `StoreUnwritable`; then the store is as it was.
        """
        try:
            make_folder(self._folder, self._store.parent)
            os.close(write_new(self.path(run.summary.id), [data]))
            sync_folder(self._folder)
        except OSError as error:
            raise self._unwritable(error) from None

    def sweep(self, kept: Collection[str]) -> None:
        """Remove the files of runs that the store does not list: folded, or never completed.

        Raises `StoreUnwritable`.
        """
        try:
            for run_id in self.sizes().keys() - set(kept):
                self.path(run_id).unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def read(self, run_id: str) -> Run:
        """Return the run; raises `StoreDamaged` if its file is gone or unusable."""
        path = self.path(run_id)
        try:
            with collector_paused():
                record = orjson.loads(path.read_bytes())
                return Run(
                    summary=summary_from(record["summary"]),
                    changes=[_checked(change) for change in record["changes"]],
                    filters=tuple(FilterRule(**rule) for rule in record["filters"]),
                    guard=tuple(record["guard"]),
                    warnings=tuple(record["warnings"]),
                )
        except (OSError, ValueError, LookupError, TypeError) as error:
            gone = isinstance(error, OSError) and error.errno == errno.ENOENT
            raise StoreDamaged(
                f"The record of this run, {printable(path)}, "
                f"{'is gone' if gone else 'cannot be read'}. Nothing was changed. Bring the file "
                "back from a backup of the machine; the other runs are not affected."
            ) from None

    def _unwritable(self, error: OSError) -> StoreUnwritable:
        kind = write_failure(error)
        return kind(
            f"The history {printable(self._folder)} could not be written: {error.strerror}. "
            f"No user was changed. {write_advice(kind)}"
        )

    def path(self, run_id: str) -> Path:
        """Return the file of the run."""
        return self._folder / f"{run_id}.json"


def _checked(change: Any) -> RunChange:
    """Return the change if it has the right shape; raises `LookupError` or `TypeError`."""
    for name in ("action", "user_name", "reason"):
        if type(change[name]) is not str:
            raise TypeError(name)
    for name, kind in (("archive", str), ("old", dict), ("new", dict)):
        if change[name] is not None and type(change[name]) is not kind:
            raise TypeError(name)
    return cast("RunChange", change)


def run_bytes(run: Run) -> bytes:
    """Return the run as its file spells it."""
    return orjson.dumps(
        {
            "summary": run.summary.to_stored(),
            "filters": [rule.to_stored() for rule in run.filters],
            "guard": run.guard,
            "warnings": run.warnings,
            "changes": run.changes,
        }
    )
