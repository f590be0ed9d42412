"""The history: what each sync, undo and rename by hand did, and how much of it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from store.models import FilterRule

RunKind = Literal["sync", "undo", "rename"]

MOST_RUNS = 500
UNFOLDED = timedelta(days=1)  # what the delete guard looks back on


class RunChange(TypedDict):
    """One change of a run, complete enough to replay and to take back.

    `old` and `new` are whole rows where a user went or came, and the differing fields alone where
    one stayed. Conflicts and open questions have neither.
    """

    action: str
    user_name: str
    reason: str
    archive: str | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run in a few words.

    `at` is a UTC time in ISO 8601, `generation` the one that the run wrote. `listed` counts the
    directory's records, `held` the deletions that were held back. `confirmed` tells that the
    administrator opened the delete guard. `undoes` is the run that an undo took back.
    """

    id: str
    kind: RunKind
    who: str
    at: str
    counts: Mapping[str, int]
    listed: int = 0
    held: int = 0
    confirmed: bool = False
    undoes: str | None = None
    generation: int = 0

    @property
    def measures(self) -> bool:
        """Whether the delete guard compares later syncs with what the directory listed then."""
        return self.kind == "sync" and not self.held

    def to_stored(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        return {name: getattr(self, name) for name in _SUMMARY_FIELDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run in full. `guard` holds the sentences of the delete guard, opened or not."""

    summary: RunSummary
    changes: Sequence[RunChange] = field(repr=False)
    filters: tuple[FilterRule, ...] = ()
    guard: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The runs that are kept, oldest first.

    `filters` are those of the last sync. Of runs that were dropped for want of room, `folded_runs`
    and `folded_counts` tell how many they were and what they changed, `folded_listed` how many
    users the directory had at the last sync among them that held nothing back.
    """

    runs: tuple[RunSummary, ...] = ()
    filters: tuple[FilterRule, ...] | None = None
    folded_runs: int = 0
    folded_counts: Mapping[str, int] = field(default_factory=dict)
    folded_listed: int | None = None

    @property
    def undone(self) -> set[str]:
        """The ids of the runs that an undo took back which itself still stands."""
        found: set[str] = set()
        for run in reversed(self.runs):
            if run.undoes and run.id not in found:
                found.add(run.undoes)
        return found

    def find(self, run_id: str) -> RunSummary | None:
        """Return the run of that id, or None."""
        return next((run for run in self.runs if run.id == run_id), None)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> History:
        """Build the history from the store's own record; what a newer version added is left out."""
        filters = stored["filters"]
        return cls(
            tuple(summary_from(record) for record in stored["runs"]),
            None if filters is None else tuple(FilterRule(**rule) for rule in filters),
            stored["folded_runs"],
            stored["folded_counts"],
            stored.get("folded_listed"),
        )

    def to_stored(self) -> dict[str, Any]:
        """Return the history as plain JSON values."""
        filters = self.filters
        return {
            "runs": [run.to_stored() for run in self.runs],
            "filters": None if filters is None else [rule.to_stored() for rule in filters],
            "folded_runs": self.folded_runs,
            "folded_counts": dict(self.folded_counts),
            "folded_listed": self.folded_listed,
        }


_SUMMARY_FIELDS = tuple(item.name for item in fields(RunSummary))


def summary_from(record: Mapping[str, Any]) -> RunSummary:
    """Build a summary from its record."""
    return RunSummary(**{name: record[name] for name in _SUMMARY_FIELDS if name in record})


def with_run(history: History, run: Run, sizes: Mapping[str, int], limit: int) -> History:
    """Return the history with `run` added, the oldest runs folded into counts where need be.

    `sizes` maps the ids of the runs, the new one included, to their bytes; `limit` is how many
    bytes may be kept. The last day's runs always stay, as the delete guard adds up their
    deletions.
    """
    runs = [*history.runs, run.summary]
    total = sum(sizes.get(kept.id, 0) for kept in runs)
    folded, counts = history.folded_runs, dict(history.folded_counts)
    listed = history.folded_listed
    recent = datetime.fromisoformat(run.summary.at) - UNFOLDED
    while total > limit or len(runs) > MOST_RUNS:
        if datetime.fromisoformat(runs[0].at) >= recent:
            break
        oldest = runs.pop(0)
        total -= sizes.get(oldest.id, 0)
        folded += 1
        listed = oldest.listed if oldest.measures else listed
        for action, count in oldest.counts.items():
            counts[action] = counts.get(action, 0) + count
    filters = run.filters if run.summary.kind == "sync" else history.filters
    return History(tuple(runs), filters, folded, counts, listed)
