"""The runs of a TinyDB store in full, one file each, and the pages of the list of older runs.

A record waits as `pending` until the store lists its run: so a write that is cut short leaves no
record that counts, and nothing has to be looked for.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from store.chain import digest
from store.errors import StoreDamaged, write_failure
from store.files.descriptors import let_go
from store.files.durable import read_regular, sync_folder, write_new
from store.files.ownership import make_folder
from store.history import (
    MIB,
    PAGE,
    History,
    Run,
    RunSummary,
    folded,
    is_recent,
    record_name,
    summary_from,
    with_run,
    without_page,
)
from store.progress import OnProgress, with_progress
from store.records import run_bytes, run_from
from store.text import printable

_PENDING = "pending.json"


def history_folder(store: Path) -> Path:
    """Return the folder of the runs of `store`."""
    return store.with_name(f"{store.name}.history")


class HistoryFiles:
    """The files below `<store>.history`."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._folder = history_folder(store)

    def path(self, run_id: str) -> Path:
        """Return the file of the run."""
        return self._folder / record_name(run_id)

    def page_path(self, number: int) -> Path:
        """Return the file of that page of the list."""
        return self._folder / f"page-{number:06}"

    def settle(self, history: History) -> None:
        """Give the record that waits its name if its run is listed, else remove it.

        Records of runs that were folded go as well. Raises `StoreFull` or `StoreUnwritable`.
        """
        pending = self._folder / _PENDING
        try:
            for name in history.dropped:
                (self._folder / name).unlink(missing_ok=True)
            if not pending.exists():
                return
            newest = self.path(history.runs[-1].id) if history.runs else None
            if newest and not newest.exists() and digest(read_regular(pending)) == history.head:
                os.rename(pending, newest)
            else:
                pending.unlink()
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, history: History, run: Run, limit: int) -> History:
        """Write the run's record and return the history that lists it; only that makes it count.

        Where the list gets long, its oldest runs become a page. Of records over `limit` MiB in
        all the oldest are folded into counts, but never those of the last day. Raises `StoreFull`
        or `StoreUnwritable`; then the store is as it was.
        """
        data = run_bytes(run, history.head)
        history = with_run(replace(history, dropped=()), run, len(data), digest(data))
        try:
            make_folder(self._folder, self._store.parent)
            let_go(write_new(self._folder / _PENDING, [data]))
            while len(history.runs) >= 2 * PAGE:
                history, page = without_page(history)
                self._write_page(history.pages[1] - 1, page)
            sync_folder(self._folder)
        except OSError as error:
            raise self._unwritable(error) from error
        return self._within(history, limit * MIB, run.summary.at)

    def read(self, run_id: str) -> Run:
        """Return the run; raises `StoreDamaged` if its file is gone or unusable."""
        path = self.path(run_id)
        try:
            return run_from(self.record(run_id))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise _lost(path, error) from None

    def stored(self, run_id: str) -> bytes:
        """Return the bytes of the run's file; raises `StoreDamaged` if it is gone or unreadable."""
        try:
            return self.record(run_id)
        except OSError as error:
            raise _lost(self.path(run_id), error) from None

    def has(self, run_id: str) -> bool:
        """Tell whether there is a record of this run, listed or from before a restore."""
        return self.path(run_id).exists()

    def page(self, number: int) -> list[RunSummary]:
        """Return the runs of that page of the list; raises `StoreDamaged`."""
        path = self.page_path(number)
        try:
            return [summary_from(record) for record in orjson.loads(read_regular(path))]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise StoreDamaged(
                f"A page of the list of runs, {printable(path)}, cannot be read ({error}).",
                "Bring the file back from a backup of the machine; users and newer runs are not "
                "affected.",
            ) from None

    def with_all_records(self, history: History) -> History:
        """Return the history with all later runs whose records are there, in their order.

        So the list of an older state of the store goes on where the records end.
        """
        last = max((run.generation for run in history.runs), default=0)
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        later = []
        for name in names:
            if name.endswith(".json") and name != _PENDING and history.find(name[:-5]) is None:
                with contextlib.suppress(StoreDamaged):
                    later.append(self.read(name[:-5]).summary)
        later = sorted(
            (run for run in later if run.generation > last), key=lambda run: run.generation
        )
        head = self._digest_of(later[-1]) if later else history.head
        size = history.size + self.size(later)
        return replace(history, runs=(*history.runs, *later), head=head, size=size)

    def record(self, run_id: str) -> bytes:
        """Return the record of a run as it is; raises `OSError`."""
        try:
            return read_regular(self.path(run_id))
        except FileNotFoundError:
            with contextlib.suppress(FileNotFoundError):
                record = read_regular(self._folder / _PENDING)
                if _id_in(record) == run_id:
                    return record
            raise

    def put(
        self,
        history: History,
        records: Sequence[tuple[RunSummary, bytes]],
        on_progress: OnProgress,
    ) -> None:
        """Write all records, and the pages of the runs that `history` does not list itself.

        Into a folder that is not there yet. Raises `OSError`.
        """
        if not records:
            return
        make_folder(self._folder, self._store.parent)
        for run, record in with_progress(records, "Runs written", on_progress):
            let_go(write_new(self.path(run.id), [record]))
        older = [run for run, _ in records][: len(records) - len(history.runs)]
        for place, number in enumerate(range(*history.pages)):
            self._write_page(number, older[PAGE * place : PAGE * (place + 1)])
        sync_folder(self._folder)

    def _write_page(self, number: int, runs: Sequence[RunSummary]) -> None:
        path = self.page_path(number)
        path.unlink(missing_ok=True)  # of a write that was cut short, or of a list from elsewhere
        let_go(write_new(path, [orjson.dumps([run.to_stored() for run in runs])]))

    def _within(self, history: History, limit: int, now: str) -> History:
        while history.size > limit and history.count > 1:
            first, end = history.pages
            try:
                oldest = self.page(first) if first < end else list(history.runs[:1])
            except StoreDamaged:  # its size is unknown; `store check` names it
                break
            if is_recent(oldest[-1], now):
                break
            history = folded(history, oldest, self.size(oldest), self._digest_of(oldest[-1]))
            if first < end:
                dropped = (*history.dropped, self.page_path(first).name)
                history = replace(history, pages=(first + 1, end), dropped=dropped)
            else:
                history = replace(history, runs=history.runs[1:])
        return history

    def size(self, runs: Iterable[RunSummary]) -> int:
        """Return how many bytes the records of these runs have."""
        total = 0
        for run in runs:
            with contextlib.suppress(OSError):
                total += self.path(run.id).stat().st_size
        return total

    def _digest_of(self, run: RunSummary) -> str:
        try:
            return digest(read_regular(self.path(run.id)))
        except OSError:
            return ""

    def _unwritable(self, error: OSError) -> Exception:
        return write_failure(
            error,
            f"The history {printable(self._folder)} could not be written: {error.strerror}.",
            untouched="No user was changed.",
        )


def _lost(path: Path, error: Exception) -> StoreDamaged:
    gone = isinstance(error, OSError) and error.errno == errno.ENOENT
    return StoreDamaged(
        f"The record of this run, {printable(path)}, {'is gone' if gone else 'cannot be read'}.",
        "Bring the file back from a backup of the machine; the other runs are not affected.",
    )


def _id_in(record: bytes) -> str:
    try:
        found: Any = orjson.loads(record)["summary"]["id"]
    except (ValueError, LookupError, TypeError):
        return ""
    return str(found)
