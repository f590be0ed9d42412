"""The history: what each run did, who did it, and how much of it is kept.

The store itself holds the newest runs in a few words, and figures of the older ones. Before its
list gets long, the oldest of it become a page of their own, so that the store does not grow with
the number of runs. Each run's record in full carries the digest of the record before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict

from store.errors import NotFound
from store.models import FilterRule
from store.text import printable

RunKind = Literal[
    "sync",
    "undo",
    "administrator",
    "add",
    "edit",
    "rename",
    "privileges",
    "password",
    "authentication",
    "delete",
    "unlock",
    "pin",
    "release",
    "settings",
    "restore",
]

MIB = 1 << 20
PAGE = 100  # runs; the store's own list has fewer than twice as many
UNFOLDED = timedelta(days=1)  # what the delete guard looks back on


class RunChange(TypedDict):
    """One change of a run, complete enough to replay and to take back.

    `old` and `new` are whole rows where a user went or came, and the differing fields alone where
    one stayed. Conflicts and open questions have neither. `came_from` is the earlier name whose
    archive folder moved along with who came, or moved back to with who went.
    """

    action: str
    user_name: str
    reason: str
    archive: str | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    left_out: NotRequired[list[dict[str, str]]]
    came_from: NotRequired[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run in a few words.

    `at` is a UTC time in ISO 8601, `generation` the one that the run wrote. `subject` is the user
    whom the run concerned, if it was one, and `settings` are the names of those that it changed.
    `listed` counts the directory's records, `held` the deletions that were held back, `suspended`
    the users who were marked as leaving or whose log-on was suspended, which the guard takes for
    deletions; `announced` the deletions that it does not count, as it counted their marks.
    `confirmed` tells that the administrator opened the delete guard, `guarded` that the guard looks
    at this run: a sync, or the undo of one. `undoes` is the run that an undo took back; a `final`
    run cannot be taken back.
    """

    id: str
    kind: RunKind
    who: str
    at: str
    counts: Mapping[str, int]
    subject: str = ""
    settings: tuple[str, ...] = ()
    listed: int = 0
    held: int = 0
    suspended: int = 0
    announced: int = 0
    confirmed: bool = False
    guarded: bool = False
    undoes: str | None = None
    final: bool = False
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
    """One run in full. `guard` holds the sentences of the delete guard, opened or not.

    `settings` has the old and the new value of each setting that was changed, a secret as its
    token.
    """

    summary: RunSummary
    changes: Sequence[RunChange] = field(repr=False)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    filters: tuple[FilterRule, ...] = ()
    guard: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What the store itself holds of its runs.

    `runs` are the newest, oldest first; older ones stand in the pages from the first number of
    `pages` up to, without, the second. `size` adds up the bytes of all records that are kept,
    `head` is the digest of the newest. `filters` are those of the last sync, `listed` is how many
    users the directory had at the last sync that held nothing back. `deletions` are the times and
    numbers of those that the delete guard still adds up. Of runs that were dropped for want of
    room, `folded_runs` and `folded_counts` tell how many they were and what they changed,
    `folded_head` the digest of the last record, `folded_generation` what it wrote and
    `folded_until` when; the files named in `dropped` go with the next write.
    """

    runs: tuple[RunSummary, ...] = ()
    pages: tuple[int, int] = (0, 0)
    size: int = 0
    head: str = ""
    filters: tuple[FilterRule, ...] | None = None
    listed: int | None = None
    deletions: tuple[tuple[str, int], ...] = ()
    folded_runs: int = 0
    folded_counts: Mapping[str, int] = field(default_factory=dict)
    folded_head: str = ""
    folded_generation: int = 0
    folded_until: str = ""
    dropped: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many runs are kept."""
        return len(self.runs) + PAGE * (self.pages[1] - self.pages[0])

    def find(self, run_id: str) -> RunSummary | None:
        """Return the run of that id if it is among the newest, or None."""
        return next((run for run in reversed(self.runs) if run.id == run_id), None)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> History:
        """Build the history from the store's own record; what a newer version added is left out."""
        values = {name: stored[name] for name in _HISTORY_FIELDS if name in stored}
        filters = values["filters"]
        return cls(
            **{
                **values,
                "runs": tuple(map(summary_from, values["runs"])),
                "pages": tuple(values["pages"]),
                "filters": None if filters is None else tuple(FilterRule(**r) for r in filters),
                "deletions": tuple((at, count) for at, count in values["deletions"]),
                "dropped": tuple(values["dropped"]),
            }
        )

    def to_stored(self) -> dict[str, Any]:
        """Return the history as plain JSON values."""
        stored = {name: getattr(self, name) for name in _HISTORY_FIELDS}
        filters = self.filters
        return {
            **stored,
            "runs": [run.to_stored() for run in self.runs],
            "filters": None if filters is None else [rule.to_stored() for rule in filters],
            "folded_counts": dict(self.folded_counts),
        }


_SUMMARY_FIELDS = tuple(item.name for item in fields(RunSummary))
_HISTORY_FIELDS = tuple(item.name for item in fields(History))


def summary_from(record: Mapping[str, Any]) -> RunSummary:
    """Build a summary from its record.

    Before changes by hand were runs, all that there were had the delete guard look at them.
    """
    values = {name: record[name] for name in _SUMMARY_FIELDS if name in record}
    values.setdefault("guarded", record["kind"] in ("sync", "undo"))
    return RunSummary(**{**values, "settings": tuple(values.get("settings", ()))})


def undone(runs: Sequence[RunSummary]) -> set[str]:
    """Return the ids of the runs that an undo among them took back which itself still stands."""
    found: set[str] = set()
    for run in reversed(runs):
        if run.undoes and run.id not in found:
            found.add(run.undoes)
    return found


def with_run(history: History, run: Run, size: int, digest: str) -> History:
    """Return the history with `run` added, whose record has so many bytes and that digest."""
    summary = run.summary
    recent = datetime.fromisoformat(summary.at) - UNFOLDED
    deletions = [past for past in history.deletions if datetime.fromisoformat(past[0]) >= recent]
    count = summary.counts.get("delete", 0) + summary.suspended - summary.announced
    if summary.guarded and not summary.confirmed and count:
        deletions.append((summary.at, count))
    return replace(
        history,
        runs=(*history.runs, summary),
        size=history.size + size,
        head=digest,
        filters=run.filters if summary.kind == "sync" else history.filters,
        listed=summary.listed if summary.measures else history.listed,
        deletions=tuple(deletions),
    )


def without_page(history: History) -> tuple[History, tuple[RunSummary, ...]]:
    """Return the history with its oldest runs in one page more, and the runs of that page."""
    first, end = history.pages
    return replace(history, runs=history.runs[PAGE:], pages=(first, end + 1)), history.runs[:PAGE]


def folded(history: History, oldest: Sequence[RunSummary], size: int, digest: str) -> History:
    """Return the history with its `oldest` runs as counts alone, their files to be dropped.

    `size` is how many bytes their records have, `digest` that of the last one.
    """
    counts = dict(history.folded_counts)
    for run in oldest:
        for action, count in run.counts.items():
            counts[action] = counts.get(action, 0) + count
    return replace(
        history,
        size=history.size - size,
        folded_runs=history.folded_runs + len(oldest),
        folded_counts=counts,
        folded_head=digest,
        folded_generation=oldest[-1].generation,
        folded_until=oldest[-1].at,
        dropped=(*history.dropped, *(record_name(run.id) for run in oldest)),
    )


def record_name(run_id: str) -> str:
    """Return the name of the file with the record of that run."""
    return f"{run_id}.json"


def is_recent(run: RunSummary, now: str) -> bool:
    """Tell whether the run is of the last day before the time `now`, and so is never dropped."""
    return datetime.fromisoformat(run.at) >= datetime.fromisoformat(now) - UNFOLDED


def no_such_run(run_id: str) -> NotFound:
    """Return the error for a run that is not in the history."""
    return NotFound(
        f"The history has no run “{printable(run_id, 60)}”.",
        "List the runs with `mailroster history list`.",
    )
