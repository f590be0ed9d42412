"""The delete guard: when deletions need a confirmation by their exact number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from store.history import UNFOLDED, History
from store.models import Settings
from store.text import quantity

_PAGE_LIMITS = frozenset({500, 1_000, 2_000, 5_000, 10_000})  # what servers cut lists at
_SHRINK_FROM = 20  # users; below that a fifth is next to nobody


@dataclass(frozen=True, slots=True)
class Past:
    """What the guard knows of earlier runs.

    `listed` is how many users the directory had at the last sync that held nothing back; a sync
    that changed nothing does not count, so that an outage seen twice does not become the measure.
    `deleted` adds up the deletions of the last 24 hours that nobody confirmed by their number.
    """

    listed: int | None = None
    deleted: int = 0


def past_of(history: History, now: datetime | None = None) -> Past:
    """Return what the guard needs of the history: of syncs and their undos, nothing else."""
    since = (now or datetime.now(UTC)) - UNFOLDED
    deleted = sum(count for at, count in history.deletions if datetime.fromisoformat(at) > since)
    return Past(history.listed, deleted)


def guard_sentences(
    settings: Settings, *, listed: int, managed: int, deletes: int, past: Past | None = None
) -> list[str]:
    """Return a sentence for each condition that blocks, with its figures.

    `listed` counts the directory's records, `managed` the users here that a sync may delete,
    `deletes` those that it would delete.
    """
    if not listed:
        return [
            "The directory listed no users at all, which looks like an outage; mailroster never "
            "deletes users on such an answer."
        ]
    if not deletes:
        return []
    past = past or Past()
    total = deletes + past.deleted
    shown = quantity(deletes, "deletion")
    if past.deleted:
        shown += f", {total} with those of the last 24 hours,"
    sentences = []
    if deletes == managed:
        everybody = f"All {managed} managed users" if managed > 1 else "The only managed user"
        sentences.append(f"{everybody} would be deleted.")
    if total > settings.guard_max_deletes:
        sentences.append(
            f"{shown} {'exceeds' if total == 1 else 'exceed'} the limit of "
            f"{settings.guard_max_deletes} (guard_max_deletes)."
        )
    percent, base = settings.guard_max_delete_percent, managed + past.deleted
    if total > settings.guard_small_deletes and total * 100 > percent * base:
        sentences.append(
            f"{shown} {'is' if total == 1 else 'are'} more than {percent} % of the "
            f"{quantity(base, 'managed user')} (guard_max_delete_percent)."
        )
    percent = settings.guard_max_shrink_percent
    if (
        past.listed is not None
        and past.listed >= _SHRINK_FROM
        and (past.listed - listed) * 100 >= percent * past.listed
        and listed < past.listed
    ):
        sentences.append(
            f"The directory lists {quantity(listed, 'user')}, at least {percent} % fewer than the "
            f"{past.listed} at the last sync (guard_max_shrink_percent)."
        )
    if past.listed is not None and listed < past.listed and listed in _PAGE_LIMITS:
        sentences.append(
            f"The directory lists exactly {listed} users, fewer than the {past.listed} at the last "
            "sync; that number is a usual page limit, so the list may have been cut off there."
        )
    return sentences
