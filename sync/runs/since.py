"""Whether a user is still as a run left it, where later runs were taken back again."""

from __future__ import annotations

from functools import cache, cached_property

from store.errors import StoreDamaged
from store.history import Run, RunSummary
from store.interface import Store
from store.names import match_key


class Since:
    """The runs after `run`, of which some took others back."""

    def __init__(self, store: Store, run: RunSummary) -> None:
        self._store, self._run = store, run
        self._touched = cache(self._keys_touched)

    def still_as_left(self, key: str, rev: int) -> bool:
        """Tell whether the user, whom generation `rev` wrote, is as the run left it.

        If `rev` was the undo of a later run, the user is as before that run, and so on.
        """
        if rev == self._run.generation:
            return True
        later = self._later
        by_generation = {run.generation: run for run in later}
        by_id = {run.id: run for run in later}
        while (undo := by_generation.get(rev)) and (undone := by_id.get(undo.undoes or "")):
            between = (run for run in reversed(later) if run.generation < undone.generation)
            rev = next(
                (run.generation for run in between if self._has_touched(run.id, key)),
                self._run.generation,
            )
        return rev == self._run.generation

    def run_of(self, rev: int) -> RunSummary | None:
        """Return the later run that wrote this generation, if the history lists it."""
        return next((run for run in self._later if run.generation == rev), None)

    @cached_property
    def _later(self) -> list[RunSummary]:
        return [run for run in self._store.runs() if run.generation > self._run.generation]

    def _has_touched(self, run_id: str, key: str) -> bool:
        touched = self._touched(run_id)
        return touched is None or key in touched

    def _keys_touched(self, run_id: str) -> set[str] | None:
        """Return whom the run concerned, or None if its record is lost."""
        try:
            return keys_of(self._store.run(run_id))
        except StoreDamaged:
            return None


def keys_of(run: Run) -> set[str]:
    """Return the keys of all users whom the run changed, as they were before and after it."""
    names = {
        values.get("user_name") or change["user_name"]
        for change in run.changes
        for values in (change["old"], change["new"])
        if values
    }
    return set(map(match_key, names))
